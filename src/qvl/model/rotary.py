"""Rotary positions: two axes for patches, three for tokens.

Owns: the angles and the rotation. Does not own: which position a token has
(``processing.positions``).

    vision: grid -> (row, column) of each patch -> cos, sin  float32[P, head_dim / 2]
    text:   position_ids int64[3, T]            -> cos, sin    float[T, head_dim / 2]

Both rotate the pairs (j, j + head_dim / 2), so cos and sin are kept at half width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Source: transformers models/qwen2_5_vl/modeling_qwen2_5_vl.py, Qwen2_5_VisionRotaryEmbedding
# (theta=10000.0)
VISION_THETA = 10000.0


def inverse_frequencies(width: int, theta: float, device: torch.device | None = None) -> Tensor:
    """theta ** (-2 i / width) for i in 0 .. width / 2 - 1, float32[width / 2]."""
    return theta ** -(torch.arange(0, width, 2, dtype=torch.float32, device=device) / width)


def patch_positions(height: int, width: int, merge: int) -> Tensor:
    """(row, column) of every patch of one frame, int64[h * w, 2].

    In the order of the rows of ``pixel_values``: patches that become one token follow each other.

    >>> patch_positions(2, 4, 2)[:5].tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1], [0, 2]]
    """
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    cut = (height // merge, merge, width // merge, merge)
    return torch.stack([x.reshape(cut).transpose(1, 2).flatten() for x in (row, column)], dim=-1)


def vision_angles(height: int, width: int, merge: int, head_dim: int) -> Tensor:
    """Angles of the patches of one frame, float32[h * w, head_dim / 2]: the row's, the column's.

    Source: transformers models/qwen2_5_vl/modeling_qwen2_5_vl.py, rot_pos_emb. Time has no angle.
    """
    frequencies = inverse_frequencies(head_dim // 2, VISION_THETA)
    positions = patch_positions(height, width, merge)
    return (positions[..., None] * frequencies).flatten(1)


def text_rotary(
    position_ids: Tensor, *, head_dim: int, theta: float, sections: tuple[int, int, int]
) -> tuple[Tensor, Tensor]:
    """cos and sin of tokens at int64[3, T] (time, height, width): float32[T, head_dim / 2] each.

    The first ``sections[0]`` frequencies turn with time, the next ``sections[1]`` with height, the
    rest with width.
    Source: transformers modeling_qwen2_5_vl.py, apply_multimodal_rotary_pos_emb; contiguous, not
    interleaved.
    """
    frequencies = inverse_frequencies(head_dim, theta, position_ids.device)
    axes = zip(position_ids, frequencies.split(sections), strict=True)
    angles = torch.cat([ids[:, None] * part for ids, part in axes], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (j, j + C / 2) of each head by the angles of its token.

    Args:
        x: float[T, H, C].
        cos: float[T, C / 2], like ``sin`` of the dtype of x.
        sin: float[T, C / 2].
    """
    return _Rotate.apply(x, cos[:, None], sin[:, None])


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    turned = torch.empty_like(x)
    (left, right), (new_left, new_right) = x.chunk(2, dim=-1), turned.chunk(2, dim=-1)
    torch.mul(left, cos, out=new_left).addcmul_(right, sin, value=-1)
    torch.mul(right, cos, out=new_right).addcmul_(left, sin)
    return turned


class _Rotate(torch.autograd.Function):
    """A rotation's gradient is the rotation back, so nothing but the angles is kept for it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turn(grad, cos, -sin), None, None
