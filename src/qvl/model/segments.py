"""How a row of packed tokens is cut into sequences, and how those become batches.

Owns: the lengths and every index tensor that follows from them. Does not own: what is done with the
batches (``attention``).

    lengths -> Segments -> plan(share) -> groups of like lengths + gather, restore indices
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Segments:
    """How a row of packed tokens is cut into sequences that do not see each other.

    Lives on the host and keeps what is derived from the lengths: use one object for all layers.

    >>> Segments([3, 2]).offsets
    (0, 3, 5)
    """

    __slots__ = ("__dict__", "lengths")

    lengths: tuple[int, ...]

    def __init__(self, lengths: Sequence[int]) -> None:
        self.lengths = tuple(lengths)
        if not self.lengths or min(self.lengths) <= 0:
            raise ValueError(f"lengths of segments must be positive, got {self.lengths[:8]}")

    def __repr__(self) -> str:
        return f"Segments({list(self.lengths)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segments) and self.lengths == other.lengths

    def __hash__(self) -> int:
        return hash(self.lengths)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Cumulative lengths with a leading 0 (``cu_seqlens``)."""
        total, offsets = 0, [0]
        for length in self.lengths:
            total += length
            offsets.append(total)
        return tuple(offsets)

    @property
    def total(self) -> int:
        """Tokens in the row."""
        return self.offsets[-1]

    @cached_property
    def longest(self) -> int:
        """Tokens of the longest segment."""
        return max(self.lengths)

    def cu_seqlens(self, device: torch.device) -> Tensor:
        """int32[segments + 1], the offsets as a kernel reads them."""
        if device not in self._offsets:
            with torch.inference_mode(False):
                self._offsets[device] = torch.tensor(self.offsets, dtype=torch.int32).to(device)
        return self._offsets[device]

    @cached_property
    def _offsets(self) -> dict[torch.device, Tensor]:
        return {}

    def triangle(self, length: int, device: torch.device) -> Tensor:
        """float32[length, length]: 0 where a causal row may look, -inf behind the diagonal."""
        key = (length, device)
        if key not in self._triangles:
            with torch.inference_mode(False):
                ones = torch.ones(length, length, dtype=torch.bool)
                self._triangles[key] = _additive(ones.triu_(1)).to(device)
        return self._triangles[key]

    @cached_property
    def _triangles(self) -> dict[tuple[int, torch.device], Tensor]:
        return {}

    @cached_property
    def _plans(self) -> dict[tuple[float, torch.device], Plan]:
        return {}

    def plan(self, share: float, device: torch.device) -> Plan:
        """Batches in which no segment is shorter than ``share`` of the longest; 1.0 never pads."""
        key = (share, device)
        if key not in self._plans:
            with torch.inference_mode(False):  # made once, used by training and inference alike
                self._plans[key] = _make_plan(self, share, device)
        return self._plans[key]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """``count`` segments that run as one batch, each taking ``length`` rows of the gathered row."""

    count: int
    length: int
    # float32[count, 1, 1, length]: 0 for a token, -inf for padding; None when nothing is padded.
    padding: Tensor | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Groups, and how to get from the packed row to the gathered (grouped, padded) row and back."""

    groups: tuple[Group, ...]
    # int64[rows]: packed token of each gathered row (padding repeats a token); None when the rows
    # are the tokens as they stand.
    gather: Tensor | None
    # int64[T]: gathered row of each packed token; None together with `gather`.
    restore: Tensor | None


def _make_plan(segments: Segments, share: float, device: torch.device) -> Plan:
    lengths, offsets = segments.lengths, segments.offsets
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    batches: list[list[int]] = []
    for i in order:
        if batches and lengths[i] >= share * lengths[batches[-1][0]]:
            batches[-1].append(i)
        else:
            batches.append([i])

    groups: list[Group] = []
    gathers: list[Tensor] = []
    row = 0
    for batch in batches:
        batch.sort()
        size, length = torch.tensor([lengths[i] for i in batch]), max(lengths[i] for i in batch)
        start = torch.tensor([offsets[i] for i in batch])
        step = torch.arange(length)
        padded = int(size.min()) < length
        # Padding repeats the segment's last token: a nan of another sequence must not come in.
        gathers.append((start[:, None] + torch.minimum(step, size[:, None] - 1)).flatten())
        groups.append(
            Group(
                count=len(batch),
                length=length,
                padding=_additive(step >= size[:, None])[:, None, None].to(device)
                if padded
                else None,
            )
        )
        row += len(batch) * length

    gather = torch.cat(gathers)
    if row == segments.total and torch.equal(gather, torch.arange(row)):
        return Plan(groups=tuple(groups), gather=None, restore=None)
    real = torch.cat(
        [
            torch.ones(g.count * g.length, dtype=torch.bool)
            if g.padding is None
            else g.padding.cpu().flatten() == 0
            for g in groups
        ]
    )
    restore = torch.empty(segments.total, dtype=torch.int64)
    restore[gather[real]] = torch.arange(row)[real]
    return Plan(groups=tuple(groups), gather=gather.to(device), restore=restore.to(device))


def _additive(is_hidden: Tensor) -> Tensor:
    return torch.zeros(is_hidden.shape).masked_fill_(is_hidden, -torch.inf)


class _TakeRows(torch.autograd.Function):
    """``x[index]`` where ``restore`` finds each row of x again.

    Plain indexing adds gradients row by row. Here every row of x has exactly one place in the
    result (what is there more than once is padding, and carries no gradient), so its gradient is a
    copy.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, restore: Tensor) -> Tensor:
        ctx.save_for_backward(restore)
        return x.index_select(0, index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (restore,) = ctx.saved_tensors
        return grad.index_select(0, restore), None, None


class _RestoreRows(torch.autograd.Function):
    """The inverse of :class:`_TakeRows`: ``x[restore]``; padding gets a gradient of zero."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, restore: Tensor) -> Tensor:
        ctx.save_for_backward(restore)
        ctx.num_rows = x.shape[0]
        return x.index_select(0, restore)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (restore,) = ctx.saved_tensors
        rows = grad.new_zeros(ctx.num_rows, *grad.shape[1:])
        return rows.index_copy_(0, restore, grad), None


def take_rows(x: Tensor, index: Tensor, restore: Tensor) -> Tensor:
    """``x[index]``, whose rows ``restore`` puts back; fast to differentiate, unlike
    ``x[index]``."""
    return _TakeRows.apply(x, index, restore)


def restore_rows(x: Tensor, restore: Tensor) -> Tensor:
    """``x[restore]``, after :func:`take_rows` and something done to each row."""
    return _RestoreRows.apply(x, restore)
