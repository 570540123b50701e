"""Which patches see each other in the tower's window layers, and in which order they stand.

Owns: window order, boundaries and rotary angles of a list of grids, computed on the host and
cached. Does not own: the attention itself.

    grids (t, h, w) in patches -> TowerPlan: order of merged units, segments, cos and sin
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from qvl.model.config import VisionConfig
from qvl.model.rotary import vision_angles
from qvl.model.segments import Segments

Grid = tuple[int, int, int]


@lru_cache(maxsize=512)
def frame_windows(height: int, width: int, side: int) -> tuple[Tensor, tuple[int, ...]]:
    """Window order of one frame of ``height`` x ``width`` merged units.

    Returns:
        int64[height * width], the units in window order, and the number of units in each window.
        Windows are ``side`` units square, smaller at the right and lower edge, and never empty.
        Source: transformers models/qwen2_5_vl/modeling_qwen2_5_vl.py, get_window_index, which pads
        with a sentinel and then drops it; the same order comes out.

    >>> order, lengths = frame_windows(2, 3, 2)
    >>> order.tolist(), lengths
    ([0, 1, 3, 4, 2, 5], (4, 2))
    """
    units = torch.arange(height * width).view(height, width)
    windows = [
        column.flatten() for row in units.split(side, dim=0) for column in row.split(side, dim=1)
    ]
    return torch.cat(windows), tuple(len(window) for window in windows)


@dataclass(frozen=True, kw_only=True, slots=True)
class TowerPlan:
    """Everything about a list of grids that does not depend on the pixels."""

    # int64[units]: window order of the merged units, and its inverse.
    order: Tensor
    inverse: Tensor
    # Lengths in patches, in window order.
    windows: Segments
    frames: Segments
    # float32[P, head_dim / 2], in window order.
    cos: Tensor
    sin: Tensor


@lru_cache(maxsize=512)
def _frame_angles(height: int, width: int, merge: int, head_dim: int, side: int) -> Tensor:
    """Angles of one frame's patches in window order, float32[h * w, head_dim / 2]."""
    order, _ = frame_windows(height // merge, width // merge, side)
    angles = vision_angles(height, width, merge, head_dim)
    return angles.view(len(order), -1)[order].view(height * width, -1)


@lru_cache(maxsize=32)
def tower_plan(grids: tuple[Grid, ...], config: VisionConfig, device: torch.device) -> TowerPlan:
    """The plan of several pictures and videos in one row."""
    merge, side = config.spatial_merge_size, config.window_units
    orders: list[Tensor] = []
    angles: list[Tensor] = []
    windows: list[int] = []
    frames: list[int] = []
    start = 0
    with torch.inference_mode(False):  # cached, so it must serve training and inference alike
        for time, height, width in grids:
            order, lengths = frame_windows(height // merge, width // merge, side)
            steps = torch.arange(time)[:, None] * len(order) + start
            orders.append((steps + order).flatten())
            angles.append(
                _frame_angles(height, width, merge, config.head_dim, side).repeat(time, 1)
            )
            windows += [units * config.merge_unit for units in lengths] * time
            frames += [height * width] * time
            start += time * len(order)
        row, angle = torch.cat(orders), torch.cat(angles)
        return TowerPlan(
            order=row.to(device),
            inverse=row.argsort().to(device),
            windows=Segments(windows),
            frames=Segments(frames),
            cos=angle.cos().to(device),
            sin=angle.sin().to(device),
        )
