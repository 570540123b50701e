"""Preferences become tensors.

Owns: the batch that objectives over pairs of answers read. Does not own: the row of one question
(``branches``), what is made of pairs (``training.objectives``).

    preferences with their model inputs -> branch() each -> one row, without padding -> PairBatch

Shapes: T tokens, P patches, Q questions, A answers, R pairs, n predictions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from qvl.data.branches import branch
from qvl.data.collate import collate_grids, collate_pixels, tensors_on
from qvl.data.encoding import content_id
from qvl.data.packing import Packed
from qvl.processing.patches import PATCH_DIM
from qvl.processing.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class PairBatch:
    """One pack of preferences.

    Attributes:
        input_ids: int64[T], each question once, followed by its answers.
        position_ids: int64[3, T].
        branches: for each question its tokens, then those of each answer.
        places: int64[n], tokens after which an answer's token is predicted.
        targets: int64[n], the predicted tokens.
        answers: int64[n], the answer that a prediction belongs to.
        ends: int64[A], the last token of each answer.
        chosen: int64[R], the better answer of each pair.
        rejected: int64[R], the worse one.
        margins: float32[R], by how much it is worse; 0 when nobody said.
        ids: of each question, see `encoding.content_id`.
        faults: what is wrong with the worse answer of each pair; "" when nobody said.
        pixel_values: float32[P, 1176], each picture once.
        grid_thw: patch grids of all pictures.
    """

    input_ids: Tensor
    position_ids: Tensor
    branches: tuple[tuple[int, ...], ...]
    places: Tensor
    targets: Tensor
    answers: Tensor
    ends: Tensor
    chosen: Tensor
    rejected: Tensor
    margins: Tensor
    ids: tuple[str, ...]
    faults: tuple[str, ...]
    pixel_values: Tensor
    grid_thw: tuple[tuple[int, int, int], ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each question with its answers."""
        return tuple(map(sum, self.branches))

    @property
    def num_answers(self) -> int:
        """Answers of the pack."""
        return len(self.ends)

    def to(self, device: torch.device) -> Self:
        """Returns the batch with its tensors on a device."""
        return replace(self, **tensors_on(self, device))


def collate_pairs(pack: Sequence[Packed], tokenizer: Tokenizer) -> PairBatch:
    """Returns the tensors of a pack.

    Args:
        pack: preferences; an empty one becomes a question without words and answers.
        tokenizer: that made the model inputs.

    Raises:
        DataError: a sample is no preference.
    """
    if not pack:
        return _empty()
    rows = [branch(item.sample, item.inputs, tokenizer) for item in pack]
    starts = np.cumsum([0, *(len(row.input_ids) for row in rows)])
    firsts = np.cumsum([0, *(len(row.lengths) - 1 for row in rows)])
    worse = [len(item.sample.rejected) for item in pack]
    pairs = [answer for item in pack for answer in item.sample.rejected]
    return PairBatch(
        input_ids=_row([row.input_ids for row in rows]),
        position_ids=torch.from_numpy(np.concatenate([row.position_ids for row in rows], 1)),
        branches=tuple(row.lengths for row in rows),
        places=_row([row.places + start for row, start in zip(rows, starts, strict=False)]),
        targets=_row([row.targets for row in rows]),
        answers=_row([row.answers + first for row, first in zip(rows, firsts, strict=False)]),
        ends=_row(
            [
                start + np.cumsum(row.lengths)[1:] - 1
                for row, start in zip(rows, starts, strict=False)
            ]
        ),
        chosen=_row([np.repeat(firsts[:-1], worse)]),
        rejected=_row([first + 1 + np.arange(n) for first, n in zip(firsts, worse, strict=False)]),
        margins=torch.tensor([answer.margin for answer in pairs], dtype=torch.float32),
        ids=tuple(content_id(item.sample) for item in pack),
        faults=tuple(answer.fault for answer in pairs),
        pixel_values=collate_pixels(pack),
        grid_thw=collate_grids(pack),
    )


def _row(parts: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.int64))


def _empty() -> PairBatch:
    none = torch.zeros(0, dtype=torch.int64)
    return PairBatch(
        input_ids=torch.zeros(1, dtype=torch.int64),
        position_ids=torch.zeros(3, 1, dtype=torch.int64),
        branches=((1,),),
        places=none,
        targets=none,
        answers=none,
        ends=none,
        chosen=none,
        rejected=none,
        margins=torch.zeros(0),
        ids=(),
        faults=(),
        pixel_values=torch.zeros(0, PATCH_DIM),
        grid_thw=(),
    )
