"""Attention over packed sequences: one entry, :func:`attend`, and its back ends.

Owns: which tokens see which (:class:`Segments`) and how the segments are put into batches. Does not own: projections,
rotary positions, or the KV cache (``kv_cache``).

    q, k, v of all tokens in a row + Segments -> groups of segments of one length -> batched attention -> same row order

Nothing here builds a mask over the whole row, and nothing loops over single segments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

# Segments are padded together while the shortest is at least this share of the longest (matmul back end). Measured on
# packs of short conversations: fewer, larger batched products win until about a quarter of the rows is padding.
_PADDED_SHARE = 0.75


class Segments:
    """How a row of packed tokens is cut into sequences that do not see each other.

    Lives on the host; holds the index tensors derived from the lengths, so one object should be reused for all layers.

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
    def _plans(self) -> dict[tuple[float, torch.device], _Plan]:
        return {}

    def plan(self, share: float, device: torch.device) -> _Plan:
        """The batches for back ends that pad segments down to ``share`` of the longest (1.0: equal lengths only)."""
        key = (share, device)
        if key not in self._plans:
            with torch.inference_mode(False):  # made once, used by training and inference alike
                self._plans[key] = _make_plan(self, share, device)
        return self._plans[key]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """``count`` segments that run as one batch, each taking ``length`` rows of the gathered row."""

    count: int
    length: int
    # True = a real token; bool[count, length], None when nothing is padded.
    is_token: Tensor | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """Groups, and how to get from the packed row to the gathered (grouped, padded) row and back."""

    groups: tuple[_Group, ...]
    # int64[rows]: packed token of each gathered row (padding repeats a token); None when the rows are the tokens.
    gather: Tensor | None
    # int64[T]: gathered row of each packed token; None together with `gather`.
    restore: Tensor | None


def _make_plan(segments: Segments, share: float, device: torch.device) -> _Plan:
    lengths, offsets = segments.lengths, segments.offsets
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    batches: list[list[int]] = []
    for i in order:
        if batches and lengths[i] >= share * lengths[batches[-1][0]]:
            batches[-1].append(i)
        else:
            batches.append([i])

    groups: list[_Group] = []
    gathers: list[Tensor] = []
    row = 0
    for batch in batches:
        batch.sort()
        size, length = torch.tensor([lengths[i] for i in batch]), max(lengths[i] for i in batch)
        start = torch.tensor([offsets[i] for i in batch])
        step = torch.arange(length)
        padded = min(lengths[i] for i in batch) < length
        # Padding repeats the segment's own last token, so that every value in the batch is finite.
        gathers.append((start[:, None] + torch.minimum(step, size[:, None] - 1)).flatten())
        groups.append(
            _Group(
                count=len(batch),
                length=length,
                is_token=(step < size[:, None]).to(device) if padded else None,
            )
        )
        row += len(batch) * length

    gather = torch.cat(gathers)
    if row == segments.total and torch.equal(gather, torch.arange(row)):
        return _Plan(groups=tuple(groups), gather=None, restore=None)
    real = torch.cat(
        [
            torch.ones(g.count * g.length, dtype=torch.bool)
            if g.is_token is None
            else g.is_token.cpu().flatten()
            for g in groups
        ]
    )
    restore = torch.empty(segments.total, dtype=torch.int64)
    restore[gather[real]] = torch.arange(row)[real]
    return _Plan(groups=tuple(groups), gather=gather.to(device), restore=restore.to(device))


class _TakeRows(torch.autograd.Function):
    """``x[index]`` where ``restore`` finds each row of x again; rows of the result that it skips carry no gradient.

    Plain indexing would add gradients row by row; every row of x has exactly one place, so its gradient is a copy.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, restore: Tensor) -> Tensor:
        ctx.save_for_backward(restore)
        return x.index_select(0, index)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (restore,) = ctx.saved_tensors
        return grad.index_select(0, restore), None, None


class _RestoreRows(torch.autograd.Function):
    """The inverse of :class:`_TakeRows`: ``x[restore]``; rows of x that are padding get a gradient of zero."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, restore: Tensor) -> Tensor:
        ctx.save_for_backward(restore)
        ctx.num_rows = x.shape[0]
        return x.index_select(0, restore)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (restore,) = ctx.saved_tensors
        rows = grad.new_zeros(ctx.num_rows, *grad.shape[1:])
        return rows.index_copy_(0, restore, grad), None


def take_rows(x: Tensor, index: Tensor, restore: Tensor) -> Tensor:
    """Reorder the rows of ``x`` by ``index``, whose inverse is ``restore`` (cheap in backward, unlike ``x[index]``)."""
    return _TakeRows.apply(x, index, restore)  # type: ignore[no-any-return]


def _attend_groups(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    plan: _Plan,
    batched: Callable[[Tensor, Tensor, Tensor, _Group], Tensor],
) -> Tensor:
    """Run ``batched`` on every group and put the rows back in order."""
    if plan.gather is not None and plan.restore is not None:
        q, k, v = (take_rows(x, plan.gather, plan.restore) for x in (q, k, v))
    # `split`, not slices: its gradient is one concatenation.
    sizes = [g.count * g.length for g in plan.groups]
    parts = zip(*(x.split(sizes) for x in (q, k, v)), plan.groups, strict=True)
    results = [
        batched(*(x.unflatten(0, (g.count, g.length)) for x in qkv), g).flatten(0, 1)
        for *qkv, g in parts
    ]
    result = results[0] if len(results) == 1 else torch.cat(results)
    if plan.restore is None:
        return result
    return _RestoreRows.apply(result, plan.restore)  # type: ignore[no-any-return]


def _sdpa(
    q_THC: Tensor, k_TKC: Tensor, v_TKC: Tensor, segments: Segments, *, causal: bool
) -> Tensor:
    """Torch's fused attention; memory linear in the length of a segment."""

    def batched(q: Tensor, k: Tensor, v: Tensor, group: _Group) -> Tensor:
        num_kv, groups = k.shape[2], q.shape[2] // k.shape[2]
        if groups == 1:
            out = F.scaled_dot_product_attention(
                q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=causal
            )
            return out.transpose(1, 2)
        # One key/value head of one sequence is a batch entry, seen by its query heads without being copied for each:
        # `enable_gqa` repeats it and is many times slower on the CPU.
        q = q.unflatten(2, (num_kv, groups)).permute(0, 2, 3, 1, 4).flatten(0, 1)
        k, v = (x.transpose(1, 2).flatten(0, 1)[:, None].expand(-1, groups, -1, -1) for x in (k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return out.unflatten(0, (group.count, num_kv)).permute(0, 3, 1, 2, 4).flatten(2, 3)

    return _attend_groups(q_THC, k_TKC, v_TKC, segments.plan(1.0, q_THC.device), batched)


def _matmul(
    q_THC: Tensor, k_TKC: Tensor, v_TKC: Tensor, segments: Segments, *, causal: bool
) -> Tensor:
    """Scores written out, by batched matrix products: fastest for training small models on a CPU.

    Memory grows with the square of a segment's length.
    """

    def batched(q: Tensor, k: Tensor, v: Tensor, group: _Group) -> Tensor:
        count, length, num_heads, width = q.shape
        num_kv = k.shape[2]
        groups = num_heads // num_kv
        # All query heads of a key/value head are rows of one product: [count * K, groups * length, C].
        q = (
            q.unflatten(2, (num_kv, groups))
            .permute(0, 2, 3, 1, 4)
            .reshape(count * num_kv, -1, width)
        )
        k, v = (x.transpose(1, 2).reshape(count * num_kv, length, width) for x in (k, v))
        scores = torch.bmm(q * width**-0.5, k.transpose(1, 2))
        scores = scores.view(count, num_kv * groups, length, length)
        if causal:
            # Padding stands behind the real tokens, so the triangle hides it too.
            scores = scores + _triangle(length, scores)
        elif group.is_token is not None:
            hidden = torch.zeros_like(group.is_token, dtype=scores.dtype)
            scores = scores + hidden.masked_fill_(~group.is_token, -torch.inf)[:, None, None]
        weights = scores.softmax(-1).view(count * num_kv, groups * length, length)
        out = torch.bmm(weights.to(v.dtype), v)
        return out.view(count, num_heads, length, width).transpose(1, 2)

    return _attend_groups(q_THC, k_TKC, v_TKC, segments.plan(_PADDED_SHARE, q_THC.device), batched)


def _triangle(length: int, like: Tensor) -> Tensor:
    """float[length, length]: 0 where the column may be seen, -inf behind the diagonal."""
    return like.new_full((length, length), -torch.inf).triu_(1)


BACKENDS: dict[str, Callable[..., Tensor]] = {"sdpa": _sdpa, "matmul": _matmul}


def attend(
    q_THC: Tensor,
    k_TKC: Tensor,
    v_TKC: Tensor,
    segments: Segments,
    *,
    causal: bool,
    backend: str = "sdpa",
) -> Tensor:
    """Scaled dot-product attention of every token with the tokens of its own segment.

    Args:
        q_THC: queries, float[T, H, C].
        k_TKC: keys, float[T, K, C]; H is a multiple of K, and query head i uses key head i // (H / K).
        v_TKC: values, float[T, K, C].
        segments: how the T tokens are cut; their total must be T.
        causal: a token sees itself and what stands before it.
        backend: a key of :data:`BACKENDS`.

    Returns:
        float[T, H, C]; the scale is C ** -0.5.
    """
    return BACKENDS[backend](q_THC, k_TKC, v_TKC, segments, causal=causal)
