"""Gradients of a step after the backward passes: their sum over ranks, and their common norm.

Owns both for parameters that are whole on every rank and for sharded ones, on meshes of different
shapes. Sharded gradients were summed by the backward pass already.

    gradients -> summed (whole ones, in one message) -> norm over ranks -> scaled
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor


def sum_gradients(trained: Iterable[nn.Parameter]) -> list[Tensor]:
    """Adds gradients over ranks, never averages them, and returns all.

    A parameter that got none counts as zero, on every rank.
    """
    grads: list[Tensor] = []
    for parameter in trained:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        grads.append(parameter.grad)
    whole = [grad for grad in grads if not isinstance(grad, DTensor)]
    if whole and dist.is_initialized() and dist.get_world_size() > 1:
        flat = torch.cat([grad.flatten() for grad in whole])
        dist.all_reduce(flat)
        for grad, part in zip(whole, flat.split([g.numel() for g in whole]), strict=True):
            grad.copy_(part.view_as(grad))
    return grads


def clip_gradients(grads: Sequence[Tensor], most: float) -> float:
    """Scales gradients in place so that their common norm is at most ``most``; returns the norm
    before, the same on every rank."""
    norm = gradient_norm(grads)
    scale = torch.clamp(most / (norm + 1e-6), max=1.0)
    torch._foreach_mul_([_local(grad) for grad in grads], scale)
    return float(norm)


def gradient_norm(grads: Sequence[Tensor]) -> Tensor:
    """Returns float32[], the norm of all gradients as if one rank held them."""
    by_groups: dict[tuple[dist.ProcessGroup, ...], list[Tensor]] = defaultdict(list)
    for grad in grads:
        by_groups[_sharing(grad)].append(_local(grad))
    squares = []
    for groups, parts in by_groups.items():
        square = torch.nn.utils.get_total_norm(parts).float().square()
        for group in groups:
            dist.all_reduce(square, group=group)
        squares.append(square)
    return torch.stack(squares).sum().sqrt() if squares else torch.zeros(())


def _sharing(grad: Tensor) -> tuple[dist.ProcessGroup, ...]:
    """The groups whose ranks hold different parts of a gradient."""
    if not isinstance(grad, DTensor):
        return ()
    return tuple(
        grad.device_mesh.get_group(axis)
        for axis, placement in enumerate(grad.placements)
        if not placement.is_replicate()
    )


def _local(grad: Tensor) -> Tensor:
    return grad.to_local() if isinstance(grad, DTensor) else grad


def shared_by(parameter: Tensor) -> object:
    """Returns what tells apart parameters that one call of an optimiser's kernel cannot take
    together: whole ones, and those of each mesh."""
    return parameter.device_mesh if isinstance(parameter, DTensor) else None
