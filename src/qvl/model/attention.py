"""Attention over packed sequences: one entry, :func:`attend`, and its back ends.

Owns: the back ends of every device. Does not own: kernels for CUDA that take segments as they are
(``varlen``), how segments become batches (``segments``), projections, rotary positions, or the KV
cache (``kv_cache``).

    q, k, v of all tokens in a row + Segments -> groups of like lengths -> batched attention
        -> one row in the order of the tokens

Nothing here builds a mask over the whole row, and nothing loops over single segments.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from qvl.model.branches import Branches, attend_branches
from qvl.model.segments import Group, Plan, Segments, restore_rows, take_rows
from qvl.model.varlen import choose_backend, flex, varlen

__all__ = ["BACKENDS", "Backend", "Segments", "attend"]

# (q [T, H, C], k [T, K, C], v [T, K, C], segments, causal=...) -> [T, H, C]
Backend = Callable[..., Tensor]

# Segments are padded together while the shortest is at least this share of the longest (matmul back
# end). Bounds the waste; on packs of short conversations a training step took the same time for 0.3
# to 1.0, to within 5 % (float32, one core).
_PADDED_SHARE = 0.75

# From here on the CPU's fused kernel reads 16-bit keys and values faster from one place per head:
# 0.8 to 0.9 of the time at 2500 to 5500 tokens. In float32 there is no difference.
_LONG_SEGMENT = 2048


def _attend_groups(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    plan: Plan,
    batched: Callable[[Tensor, Tensor, Tensor, Group], Tensor],
) -> Tensor:
    """Run ``batched`` on every group and put the rows back in order."""
    if plan.gather is not None and plan.restore is not None:
        q, k, v = (take_rows(x, plan.gather, plan.restore) for x in (q, k, v))
    # `split`, not slices: its gradient is one concatenation.
    sizes = [g.count * g.length for g in plan.groups]
    results = []
    for group, *parts in zip(plan.groups, *(x.split(sizes) for x in (q, k, v)), strict=True):
        group_q, group_k, group_v = (x.unflatten(0, (group.count, group.length)) for x in parts)
        results.append(batched(group_q, group_k, group_v, group).flatten(0, 1))
    result = results[0] if len(results) == 1 else torch.cat(results)
    return result if plan.restore is None else restore_rows(result, plan.restore)


def _sdpa(
    q_THC: Tensor, k_TKC: Tensor, v_TKC: Tensor, segments: Segments, *, causal: bool
) -> Tensor:
    """Torch's fused attention; memory linear in the length of a segment."""

    def batched(q: Tensor, k: Tensor, v: Tensor, group: Group) -> Tensor:
        num_kv, groups = k.shape[2], q.shape[2] // k.shape[2]
        if groups == 1:
            q, k, v = (x.transpose(1, 2) for x in (q, k, v))
            if q.device.type == "cpu" and q.itemsize == 2 and group.length >= _LONG_SEGMENT:
                k, v = k.contiguous(), v.contiguous()
            return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2)
        # One key/value head of one sequence is a batch entry, which its query heads see without a
        # copy for each; `enable_gqa` would make those copies.
        q = q.unflatten(2, (num_kv, groups)).permute(0, 2, 3, 1, 4).flatten(0, 1)
        k, v = (x.transpose(1, 2).flatten(0, 1)[:, None].expand(-1, groups, -1, -1) for x in (k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return out.unflatten(0, (group.count, num_kv)).permute(0, 3, 1, 2, 4).flatten(2, 3)

    return _attend_groups(q_THC, k_TKC, v_TKC, segments.plan(1.0, q_THC.device), batched)


def _matmul(
    q_THC: Tensor, k_TKC: Tensor, v_TKC: Tensor, segments: Segments, *, causal: bool
) -> Tensor:
    """Scores written out, by batched matrix products; memory grows with the square of the length.

    For training small models on a CPU: in bfloat16 (AVX-512) a step took 0.58 s against 0.84 s with
    the fused kernel, whose backward pass is slow; in float32 they are level.
    """

    def batched(q: Tensor, k: Tensor, v: Tensor, group: Group) -> Tensor:
        count, length, num_heads, width = q.shape
        num_kv = k.shape[2]
        groups = num_heads // num_kv
        # All query heads of a key/value head are rows of one product.
        q = (
            q.unflatten(2, (num_kv, groups))
            .permute(0, 2, 3, 1, 4)
            .reshape(count * num_kv, -1, width)
        )
        k, v = (x.transpose(1, 2).reshape(count * num_kv, length, width) for x in (k, v))
        scores = torch.bmm(q * width**-0.5, k.transpose(1, 2))
        scores = scores.view(count, num_heads, length, length)
        # Padding stands behind the real tokens, so the triangle hides it too.
        mask = segments.triangle(length, q.device) if causal else group.padding
        if mask is not None:
            scores = scores.add_(mask)
        weights = scores.softmax(-1).view(count * num_kv, groups * length, length)
        out = torch.bmm(weights.to(v.dtype), v)
        return out.view(count, num_heads, length, width).transpose(1, 2)

    return _attend_groups(q_THC, k_TKC, v_TKC, segments.plan(_PADDED_SHARE, q_THC.device), batched)


def _auto(
    q_THC: Tensor, k_TKC: Tensor, v_TKC: Tensor, segments: Segments, *, causal: bool
) -> Tensor:
    """Whatever is fastest for these tensors."""
    run = BACKENDS[choose_backend(q_THC.device, q_THC.dtype)]
    return run(q_THC, k_TKC, v_TKC, segments, causal=causal)


BACKENDS: dict[str, Backend] = {
    "auto": _auto,
    "sdpa": _sdpa,
    "matmul": _matmul,
    "varlen": varlen,
    "flex": flex,
}


def attend(
    q_THC: Tensor,
    k_TKC: Tensor,
    v_TKC: Tensor,
    segments: Segments,
    *,
    causal: bool,
    backend: str | Backend = "sdpa",
) -> Tensor:
    """Scaled dot-product attention of every token with the tokens of its own segment.

    Args:
        q_THC: queries, float[T, H, C].
        k_TKC: keys, float[T, K, C]; query head i uses key head i // (H / K).
        v_TKC: values, float[T, K, C].
        segments: how the T tokens are cut; their total must be T.
        causal: a token sees itself and what stands before it.
        backend: a key of :data:`BACKENDS`, or a back end itself: one that splits tokens over
            devices knows of groups of processes, which this layer does not.

    Returns:
        float[T, H, C]; the scale is C ** -0.5.
    """
    run = BACKENDS[backend] if isinstance(backend, str) else backend
    if isinstance(segments, Branches):
        return attend_branches(partial(run, causal=causal), q_THC, k_TKC, v_TKC, segments)
    return run(q_THC, k_TKC, v_TKC, segments, causal=causal)
