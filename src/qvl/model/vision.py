"""The vision tower: flattened patches of pictures and videos in, one vector per merged token out.

Owns: patch embedding, the blocks, the merger, and running many items in bounded chunks. Does not
own: making patches (``processing.patches``) or the window order (``windows``).

    pixel_values float[P, 1176], grid_thw -> patch_embed -> window order -> blocks
        -> merger -> original order [M, D]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.errors import InputError
from qvl.model.attention import attend
from qvl.model.config import VisionConfig
from qvl.model.layers import GatedMLP, RMSNorm, add, add_branch, row_blocks
from qvl.model.rotary import rotate
from qvl.model.segments import Segments, take_rows
from qvl.model.windows import Grid, TowerPlan, tower_plan

# Source: transformers models/qwen2_5_vl/modeling_qwen2_5_vl.py (Qwen2_5_VLVisionBlock,
# Qwen2_5_VLPatchMerger)
_NORM_EPS = 1e-6


class PatchProjection(nn.Module):
    """The published convolution, as the matrix product that it is (stride = kernel)."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        side = config.patch_size
        shape = (config.hidden_size, config.in_channels, config.temporal_patch_size, side, side)
        self.weight = nn.Parameter(torch.empty(shape))

    def forward(self, pixel_values: Tensor) -> Tensor:
        return F.linear(pixel_values.to(self.weight.dtype), self.weight.flatten(1))


class PatchEmbed(nn.Module):
    """Holds the projection under its published name."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.proj = PatchProjection(config)

    def forward(self, pixel_values: Tensor) -> Tensor:
        return self.proj(pixel_values)


class VisionAttention(nn.Module):
    """Bidirectional attention with one fused, biased projection; rotation in float32."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.qkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, segments: Segments, backend: str
    ) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        q, k = _rotate_in_float32(qkv[:, :2].flatten(1, 2), cos, sin).chunk(2, dim=1)
        out = attend(q, k, qkv[:, 2], segments, causal=False, backend=backend)
        return self.proj(out.flatten(1))


def _rotate_in_float32(qk: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotated queries and keys in their own dtype; in inference mode ``qk`` itself is changed."""
    if not torch.is_inference_mode_enabled():
        return rotate(qk.float(), cos, sin).to(qk.dtype)
    for rows, row_cos, row_sin in row_blocks(qk, cos, sin):
        rows.copy_(rotate(rows.float(), row_cos, row_sin))
    return qk


class VisionBlock(nn.Module):
    """Pre-norm residual block."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = RMSNorm(config.hidden_size, _NORM_EPS)
        self.norm2 = RMSNorm(config.hidden_size, _NORM_EPS)
        self.attn = VisionAttention(config)
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size, bias=True)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, segments: Segments, backend: str
    ) -> Tensor:
        x = add(x, self.attn(self.norm1(x), cos, sin, segments, backend))
        return add_branch(x, lambda rows: self.mlp(self.norm2(rows)))


class PatchMerger(nn.Module):
    """Norm per patch, then a 2-layer perceptron on the 2 x 2 patches of a token."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.merged_size = config.hidden_size * config.merge_unit
        self.ln_q = RMSNorm(config.hidden_size, _NORM_EPS)
        self.mlp = nn.Sequential(
            nn.Linear(self.merged_size, self.merged_size),
            nn.GELU(),
            nn.Linear(self.merged_size, config.out_hidden_size),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(self.ln_q(x).view(-1, self.merged_size))


class VisionTransformer(nn.Module):
    """The tower. ``attention_backend`` is a key of :data:`qvl.model.attention.BACKENDS`."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.attention_backend = "auto"
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(VisionBlock(config) for _ in range(config.depth))
        self.merger = PatchMerger(config)

    def forward(
        self,
        pixel_values: Tensor,
        grid_thw: Sequence[Grid],
        *,
        max_patches_per_chunk: int | None = None,
    ) -> Tensor:
        """Features of all items in a row.

        Args:
            pixel_values: float[P, 1176], the patches of all items in order of appearance.
            grid_thw: (time, height, width) of each item in patches, as host integers. There may
                be none: then a blank token runs, so that every weight is used and gets a gradient
                of zero. Ranks that share weights have to run the same modules.
            max_patches_per_chunk: at most this many patches are in work at a time. A frame pair is
                never cut, so one larger than that is a chunk of its own. None runs everything at
                once.

        Returns:
            float[M, out_hidden_size], M = P / 4: in order of item, time, row, column.
        """
        grids = tuple((int(t), int(h), int(w)) for t, h, w in grid_thw)
        self._check(pixel_values, grids)
        if not grids:
            blank = pixel_values.new_zeros(self.config.merge_unit, self.config.patch_dim)
            side = self.config.spatial_merge_size
            return self._run(blank, tower_plan(((1, side, side),), self.config, blank.device))[:0]
        results = []
        start = 0
        for chunk in _chunks(grids, max_patches_per_chunk):
            stop = start + sum(t * h * w for t, h, w in chunk)
            plan = tower_plan(chunk, self.config, pixel_values.device)
            results.append(self._run(pixel_values[start:stop], plan))
            start = stop
        return results[0] if len(results) == 1 else torch.cat(results)

    def _run(self, pixel_values: Tensor, plan: TowerPlan) -> Tensor:
        units = self.patch_embed(pixel_values).view(len(plan.order), -1)
        x = take_rows(units, plan.order, plan.inverse).view(len(pixel_values), -1)
        for i, block in enumerate(self.blocks):
            full = i in self.config.fullatt_block_indexes
            segments = plan.frames if full else plan.windows
            x = block(x, plan.cos, plan.sin, segments, self.attention_backend)
        return take_rows(self.merger(x), plan.inverse, plan.order)

    def _check(self, pixel_values: Tensor, grids: tuple[Grid, ...]) -> None:
        merge = self.config.spatial_merge_size
        for grid in grids:
            if min(grid) < 1 or grid[1] % merge or grid[2] % merge:
                raise InputError(
                    f"grid_thw has {grid}; expected positive (time, height, width) with height and "
                    f"width divisible by {merge}"
                )
        expected = (sum(t * h * w for t, h, w in grids), self.config.patch_dim)
        if tuple(pixel_values.shape) != expected:
            raise InputError(
                f"pixel_values has shape {tuple(pixel_values.shape)}; expected {expected} "
                f"for {len(grids)} grids"
            )


def _chunks(grids: Sequence[Grid], max_patches: int | None) -> Iterator[tuple[Grid, ...]]:
    """Cut a list of grids into runs of at most ``max_patches``, between frame pairs only.

    >>> list(_chunks([(3, 2, 2), (1, 2, 2)], 8))
    [((2, 2, 2),), ((1, 2, 2), (1, 2, 2))]
    """
    if max_patches is None:
        yield tuple(grids)
        return
    chunk: list[Grid] = []
    room = max_patches
    for time, height, width in grids:
        frame = height * width
        while time:
            if chunk and frame > room:
                yield tuple(chunk)
                chunk, room = [], max_patches
            take = min(time, max(1, room // frame))
            chunk.append((take, height, width))
            room -= take * frame
            time -= take
    yield tuple(chunk)
