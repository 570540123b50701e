"""smart_resize against three references; the four spaces against each other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import ConfigError, InputError
from qvl.geometry import (
    Box,
    Grid,
    ImageSize,
    PixelLimits,
    Point,
    ResizeTransform,
    box_iou,
    merged_grid,
    num_merged_tokens,
    patch_grid,
    size_of_merged_grid,
    size_of_patch_grid,
    smart_resize,
)
from tests.material import material, requires_material

RELEASED = {"min_pixels": 3136, "max_pixels": 12_845_056}

sides = st.integers(1, 20_000)


@requires_material
def test_smart_resize_equals_qwen_vl_utils_on_every_golden_case() -> None:
    cases = json.loads(material("golden", "smart_resize.json").read_text())["cases"]
    assert len(cases) == 150
    for case in cases:
        size = ImageSize(case["height"], case["width"])
        limits = {name: case[name] for name in ("factor", "min_pixels", "max_pixels")}
        expected = case["qwen_vl_utils_0_0_14"]
        if isinstance(expected, dict):
            with pytest.raises(InputError, match="aspect ratio"):
                smart_resize(size, **limits)
        else:
            assert list(smart_resize(size, **limits)) == expected, case


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2400, 1080), (2408, 1092)),
        ((1280, 720), (1288, 728)),
        ((1398, 870), (1400, 868)),
        ((428, 640), (420, 644)),
        ((10, 10), (56, 56)),
        ((13, 2000), (28, 1988)),
        ((8000, 6000), (4116, 3080)),
        ((70, 42), (56, 56)),  # halves go to the even multiple: 2.5 -> 2, 1.5 -> 2
    ],
)
def test_smart_resize_at_the_released_limits(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert smart_resize(ImageSize(*size), **RELEASED) == expected


def test_a_side_is_never_rounded_down_to_nothing() -> None:
    assert smart_resize(ImageSize(10, 2000), min_pixels=784, max_pixels=3136) == (28, 784)


def test_smart_resize_says_what_is_wrong() -> None:
    with pytest.raises(InputError, match="size is 10000 x 1 px: aspect ratio 10000 exceeds 200"):
        smart_resize(ImageSize(1, 10_000), **RELEASED)
    assert smart_resize(ImageSize(1, 200), **RELEASED).height > 0
    with pytest.raises(InputError, match="at least 1 x 1"):
        smart_resize(ImageSize(0, 5), **RELEASED)
    with pytest.raises(InputError, match="min_pixels 3136 and max_pixels 100 leave no size"):
        smart_resize(ImageSize(50, 50), min_pixels=3136, max_pixels=100)


@given(height=sides, width=sides)
def test_smart_resize_keeps_its_promises(height: int, width: int) -> None:
    if max(height, width) > 200 * min(height, width):
        return
    resized = smart_resize(ImageSize(height, width), **RELEASED)
    assert resized.height % 28 == resized.width % 28 == 0
    assert resized.height >= 28 <= resized.width
    if max(height, width) <= 20 * min(height, width):
        assert RELEASED["min_pixels"] <= resized.area <= RELEASED["max_pixels"]


@given(
    original=st.builds(ImageSize, sides, sides),
    grid=st.builds(Grid, st.integers(1, 200), st.integers(1, 200)),
    place=st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_coordinates_return_to_where_they_were(
    original: ImageSize, grid: Grid, place: list[float]
) -> None:
    transform = ResizeTransform(original, size_of_merged_grid(grid))
    x1, y1, x2, y2 = place
    box = Box(x1 * original.width, y1 * original.height, x2 * original.width, y2 * original.height)
    back = transform.to_original(transform.to_resized(box))
    assert isinstance(back, Box)
    assert back == pytest.approx(box, abs=1e-6)
    # An answer names whole pixels: half a resized pixel, in pixels of the original.
    rounded = transform.to_original(Box(*(round(value) for value in transform.to_resized(box))))
    for value, near, scale in zip(
        box,
        rounded,
        (original.width / transform.resized.width, original.height / transform.resized.height) * 2,
        strict=True,
    ):
        assert abs(value - near) <= 0.5 * scale + 1e-6


def test_the_corners_of_a_picture_stay_its_corners() -> None:
    transform = ResizeTransform(ImageSize(1080, 1920), ImageSize(1092, 1932))
    assert transform.to_resized(Box(0, 0, 1920, 1080)) == Box(0, 0, 1932, 1092)
    assert transform.to_original(Point(966, 546)) == Point(960, 540)


def test_clipping_moves_coordinates_onto_the_edge() -> None:
    transform = ResizeTransform(ImageSize(100, 200), ImageSize(112, 196))
    assert transform.clip_original(Box(-5, 10, 250, 101)) == Box(0, 10, 200, 100)
    assert transform.clip_resized(Point(197, -1)) == Point(196, 0)


def test_grids_and_sizes_convert_both_ways() -> None:
    size = ImageSize(364, 644)
    assert patch_grid(size) == Grid(26, 46)
    assert merged_grid(size) == Grid(13, 23)
    assert size_of_patch_grid(patch_grid(size)) == size_of_merged_grid(merged_grid(size)) == size
    assert num_merged_tokens(size) == 299
    assert num_merged_tokens(size, num_frames=3) == 598
    with pytest.raises(InputError, match="divisible by 28"):
        patch_grid(ImageSize(42, 28))


def test_limits_that_leave_no_size_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_pixels 10 and max_pixels 5"):
        PixelLimits(min_pixels=10, max_pixels=5)


def test_iou_of_box_with_itself_apart_and_empty() -> None:
    box = Box(1, 2, 5, 8)
    assert box_iou(box, box) == 1.0
    assert box_iou(box, Box(10, 10, 12, 12)) == 0.0
    assert box_iou(Box(1, 1, 1, 1), Box(1, 1, 1, 1)) == 0.0
