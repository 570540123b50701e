"""Differentiable exchanges between the ranks of a group.

Owns the exchanges and their gradients. Every backward pass is the adjoint of its forward pass for a
loss that is the sum of all ranks' losses, so nothing has to know what is computed twice.

    gather_rows: each rank's rows -> all rows; backward: each rank's share of the summed gradients
    add_up:      a number of each rank -> their sum; backward: the sum of their gradients
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

# Renamed in torch 2.13; with the old names it warns.
_all_gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
_reduce_scatter = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor


def gather_rows(x: Tensor, counts: Sequence[int], group: dist.ProcessGroup) -> Tensor:
    """Rows of all ranks in the order of ranks.

    Args:
        x: [n, ...], this rank's rows; n may be 0.
        counts: rows of each rank, known to all.
        group: the ranks.

    Returns:
        [sum(counts), ...].
    """
    return _GatherRows.apply(x, tuple(counts), group)


def add_up(x: Tensor, group: dist.ProcessGroup) -> Tensor:
    """The sum of a tensor over the ranks of a group."""
    return _AddUp.apply(x, group)


def enter_copies(x: Tensor, group: dist.ProcessGroup) -> Tensor:
    """x, before ranks compute on it together as tensor parallelism does: inside, each rank has the
    whole gradient, of which it passes back its share."""
    return _EnterCopies.apply(x, dist.get_world_size(group))


def leave_copies(x: Tensor, group: dist.ProcessGroup) -> Tensor:
    """x, after ranks computed it together: each has a gradient of its own, and inside all work on
    the sum of them."""
    return _LeaveCopies.apply(x, group)


def _padded(parts: Sequence[Tensor], rows: int) -> Tensor:
    """Parts one after the other, each filled up to ``rows`` rows: messages are of one size."""
    result = parts[0].new_zeros(len(parts) * rows, *parts[0].shape[1:])
    for place, part in zip(result.split(rows), parts, strict=True):
        place[: len(part)] = part
    return result


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, counts: tuple[int, ...], group: dist.ProcessGroup) -> Tensor:
        ctx.counts, ctx.group = counts, group
        most = max(counts)
        if most == 0:
            return x.new_empty(0, *x.shape[1:])
        everything = x.new_empty(most * len(counts), *x.shape[1:])
        _all_gather(everything, _padded([x], most), group=group)
        if min(counts) == most:
            return everything
        return torch.cat(
            [rows[:count] for rows, count in zip(everything.split(most), counts, strict=True)]
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        counts, group = ctx.counts, ctx.group
        most = max(counts)
        own = grad.new_empty(most, *grad.shape[1:])
        if most:
            _reduce_scatter(own, _padded(grad.split(counts), most), group=group)
        return own[: counts[dist.get_rank(group)]], None, None


class _AddUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, group: dist.ProcessGroup) -> Tensor:
        ctx.group = group
        return _sum(x, group)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _sum(grad, ctx.group), None


class _EnterCopies(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, copies: int) -> Tensor:
        ctx.copies = copies
        return x.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad / ctx.copies, None


class _LeaveCopies(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, group: dist.ProcessGroup) -> Tensor:
        ctx.group = group
        return x.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _sum(grad, ctx.group), None


def _sum(x: Tensor, group: dist.ProcessGroup) -> Tensor:
    total = x.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total, group=group)
    return total
