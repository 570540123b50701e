"""Rows in which a question stands once and several answers follow it.

Owns: which rows make the whole sequences, and attention over them. Does not own: the back ends
(``attention``), what the answers are.

    row [question | answer | answer] -> sequences [question answer, question answer] -> attention
        -> back to the row

An answer sees the question and itself. Attention needs whole sequences, so the question's rows are
taken once for each answer; projections and perceptrons, which are most of the work, run once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from qvl.model.segments import Segments


class Branches(Segments):
    """How a row is cut into questions with their answers; see :class:`Segments`.

    >>> branches = Branches([(2, 1, 3)])
    >>> branches.sequences, branches.rows(torch.device("cpu")).tolist()
    (Segments([3, 5]), [0, 1, 2, 0, 1, 3, 4, 5])
    >>> branches.firsts(torch.device("cpu")).tolist()
    [0, 1, 2, 5, 6, 7]

    Args:
        branches: for each question its tokens, then those of each answer.
    """

    __slots__ = ()

    def __init__(self, branches: Sequence[Sequence[int]]) -> None:
        super().__init__([sum(lengths) for lengths in branches])
        self._branches = tuple(map(tuple, branches))

    @cached_property
    def sequences(self) -> Segments:
        """The whole sequences: a question with one answer each."""
        return Segments(
            [
                question + answer
                for question, *answers in self._branches
                for answer in answers or [0]
            ]
        )

    def rows(self, device: torch.device) -> Tensor:
        """int64[S], the row of each token of the whole sequences."""
        return self._on(device)[0]

    def firsts(self, device: torch.device) -> Tensor:
        """int64[T], where each row first stands among the tokens of the whole sequences."""
        return self._on(device)[1]

    def _on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        if device not in self._indices:
            with torch.inference_mode(False):  # serves training and inference alike
                rows, firsts = self._rows_and_firsts()
                self._indices[device] = rows.to(device), firsts.to(device)
        return self._indices[device]

    def _rows_and_firsts(self) -> tuple[Tensor, Tensor]:
        rows, firsts, row, place = [], [], 0, 0
        for question, *answers in self._branches:
            head = torch.arange(row, row + question)
            firsts.append(torch.arange(place, place + question))
            row += question
            for answer in answers or [0]:
                rows += [head, torch.arange(row, row + answer)]
                firsts.append(torch.arange(place + question, place + question + answer))
                row, place = row + answer, place + question + answer
        return torch.cat(rows), torch.cat(firsts)

    @cached_property
    def _indices(self) -> dict[torch.device, tuple[Tensor, Tensor]]:
        return {}


def attend_branches(
    attend: Callable[[Tensor, Tensor, Tensor, Segments], Tensor],
    q_THC: Tensor,
    k_TKC: Tensor,
    v_TKC: Tensor,
    branches: Branches,
) -> Tensor:
    """Causal attention of every token with its question and its own answer.

    A question's tokens see no answer, so what comes out for them is the same with each; the first
    is taken.

    Args:
        attend: causal attention over whole sequences in a row.
        q_THC: float[T, H, C].
        k_TKC: float[T, K, C].
        v_TKC: float[T, K, C].
        branches: of the row.

    Returns:
        float[T, H, C].
    """
    rows = branches.rows(q_THC.device)
    q, k, v = (x.index_select(0, rows) for x in (q_THC, k_TKC, v_TKC))
    out = attend(q, k, v, branches.sequences)
    return out.index_select(0, branches.firsts(q_THC.device))
