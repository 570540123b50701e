"""Window order and boundaries, against recorded ones and by their definition."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import torch

from qvl.model.presets import PRESETS
from qvl.model.rotary import patch_positions
from qvl.model.windows import frame_windows, tower_plan
from tests.material import MATERIAL, requires_material

CPU = torch.device("cpu")


def _golden() -> list[dict[str, Any]]:
    if MATERIAL is None:
        return []
    return json.loads((MATERIAL / "golden" / "windows.json").read_text())["cases"]  # type: ignore[no-any-return]


@requires_material
@pytest.mark.parametrize("case", _golden(), ids=lambda case: case["name"])
def test_recorded_windows(case: dict[str, Any]) -> None:
    config = dataclasses.replace(
        PRESETS["3b"].vision,
        window_size=case["window_size"],
        patch_size=case["patch_size"],
        spatial_merge_size=case["spatial_merge_size"],
    )
    grids = tuple(tuple(grid) for grid in case["grid_thw"])
    plan = tower_plan(grids, config, CPU)
    assert plan.order.tolist() == case["window_index"]
    assert list(plan.windows.offsets) == case["cu_window_seqlens"]
    assert list(plan.frames.offsets) == case["cu_seqlens"]

    positions = torch.cat(
        [patch_positions(h, w, config.spatial_merge_size).repeat(t, 1) for t, h, w in grids]
    )
    assert positions[:24].tolist() == case["patch_positions_head"]
    assert positions.sum(0).tolist() == case["patch_positions_sum"]


# Source: transformers 5.23, get_vision_window_index: (grid, window lengths, first units)
@pytest.mark.parametrize(
    ("grid", "lengths", "first"),
    [
        ((1, 16, 16), (64, 64, 64, 64), [0, 1, 2, 3, 8, 9, 10, 11, 16]),
        ((1, 18, 10), (64, 16, 64, 16, 16, 4), [0, 1, 2, 3, 5, 6, 7, 8, 10]),
        ((1, 4, 4), (16,), [0, 1, 2, 3]),
        ((2, 10, 10), (64, 16, 16, 4, 64, 16, 16, 4), [0, 1, 2, 3, 5, 6, 7, 8, 10]),
    ],
)
def test_windows_of_the_released_models(
    grid: tuple[int, int, int], lengths: tuple[int, ...], first: list[int]
) -> None:
    plan = tower_plan((grid,), PRESETS["3b"].vision, CPU)
    assert plan.windows.lengths == lengths
    assert plan.order[: len(first)].tolist() == first
    assert plan.frames.lengths == (grid[1] * grid[2],) * grid[0]


@pytest.mark.parametrize(("height", "width", "side"), [(4, 4, 4), (5, 9, 4), (1, 13, 4), (3, 3, 2)])
def test_window_members_share_a_cell(height: int, width: int, side: int) -> None:
    order, lengths = frame_windows(height, width, side)
    assert order.sort().values.tolist() == list(range(height * width))
    cells = [
        {(int(u) // width // side, int(u) % width // side) for u in part}
        for part in order.split(lengths)
    ]
    assert all(len(cell) == 1 for cell in cells)
    assert len(set.union(*cells)) == len(cells)


def test_rotary_tables_stand_in_window_order() -> None:
    """The angles of a patch depend on its own row and column, wherever the order put it."""
    plan = tower_plan(((2, 18, 10),), PRESETS["3b"].vision, CPU)
    positions = patch_positions(18, 10, 2).repeat(2, 1).view(-1, 4, 2)[plan.order].view(-1, 2)
    # The first frequency of each axis is 1 radian a patch.
    torch.testing.assert_close(plan.cos[:, 0], positions[:, 0].float().cos())
    torch.testing.assert_close(plan.sin[:, 20], positions[:, 1].float().sin())


def test_plans_are_made_once() -> None:
    config = PRESETS["3b"].vision
    assert tower_plan(((1, 8, 8),), config, CPU) is tower_plan(((1, 8, 8),), config, CPU)


def test_plan_made_in_inference_mode_serves_training() -> None:
    grids = ((1, 6, 22),)
    with torch.inference_mode():
        plan = tower_plan(grids, PRESETS["tiny"].vision, CPU)
        plan.frames.plan(1.0, CPU)
        plan.windows.plan(1.0, CPU)
    tensors = (plan.order, plan.inverse, plan.cos, plan.windows.plan(1.0, CPU).gather)
    assert not any(tensor.is_inference() for tensor in tensors if tensor is not None)
