"""Masks: the forms are one another's inverse, and agree with COCO's own code."""

import contextlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qvl.data.masks import (
    RunLengths,
    rasterised,
    read_counts,
    run_lengths,
    written_counts,
)
from qvl.errors import DataError
from qvl.geometry import ImageSize


def blobs(seed: int, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.random((height, width))
    return noise < rng.choice([0.0, 0.05, 0.5, 1.0])


@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_run_lengths_are_those_of_coco(seed: int, height: int, width: int) -> None:
    oracle = pytest.importorskip("pycocotools.mask")
    mask = blobs(seed, height, width)
    runs = run_lengths(mask)
    expected = oracle.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert runs.counts == expected["counts"].decode()
    assert np.array_equal(rasterised(runs, runs.size, runs.size), mask)


@given(st.lists(st.integers(0, 2**40), max_size=30))
def test_counts_round_trip(counts: list[int]) -> None:
    assert read_counts(written_counts(counts)) == counts


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DataError):
        assert all(count >= 0 for count in read_counts(text))


@given(st.integers(0, 10**6))
@example(310)
@settings(max_examples=40, deadline=None)
def test_outlines_cover_what_coco_says_they_cover(seed: int) -> None:
    oracle = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    size = ImageSize(int(rng.integers(60, 200)), int(rng.integers(60, 200)))
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 15))))
    radius = rng.uniform(20, 55, len(angles))
    middle = np.array([size.width, size.height]) / 2
    points = middle + np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, None]
    outline = tuple(points.ravel().tolist())
    mine = rasterised((outline,), size, size)
    runs = oracle.frPyObjects([list(outline)], size.height, size.width)
    theirs = oracle.decode(oracle.merge(runs)).astype(bool)
    # COCO rounds corners to fifths of a pixel: the two may differ along the outline, nowhere else.
    assert (_distances(points, size)[mine != theirs] < 1.5).all()


def _distances(corners: np.ndarray, size: ImageSize) -> np.ndarray:
    """Distance of the middle of every pixel from an outline: float[H, W]."""
    rows, columns = np.mgrid[: size.height, : size.width] + 0.5
    nearest = np.full((size.height, size.width), np.inf)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = end - start
        along = (columns - start[0]) * side[0] + (rows - start[1]) * side[1]
        share = np.clip(along / (side @ side), 0, 1)
        away = np.hypot(columns - start[0] - share * side[0], rows - start[1] - share * side[1])
        nearest = np.minimum(nearest, away)
    return nearest


def test_masks_are_made_at_the_size_wanted() -> None:
    square = ((10.0, 20.0, 30.0, 20.0, 30.0, 40.0, 10.0, 40.0),)
    size, double = ImageSize(50, 60), ImageSize(100, 120)
    small, large = rasterised(square, size, size), rasterised(square, size, double)
    assert small.sum() == 400
    assert large.sum() == 1600
    assert large[40:80, 20:60].all()
    again = rasterised(run_lengths(small), size, double)
    assert np.array_equal(again, large)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (RunLengths(size=ImageSize(5, 5), counts=written_counts([3, 4])), "runs of a mask have 7"),
        (RunLengths(size=ImageSize(6, 5), counts=written_counts([30])), "mask is 5 x 6 px"),
        (RunLengths(size=ImageSize(5, 5), counts="~"), "no run length"),
        (RunLengths(size=ImageSize(5, 5), counts="P"), "ends in the middle"),
        (((1.0, 2.0, 3.0, 4.0),), "outline has 4 numbers"),
        (((1.0, 2.0, 3.0, float("nan"), 4.0, 5.0),), "pairs of finite ones"),
    ],
)
def test_damaged_masks_are_refused(segmentation: object, message: str) -> None:
    size = ImageSize(5, 5)
    with pytest.raises(DataError, match=message):
        rasterised(segmentation, size, size)  # type: ignore[arg-type]


def test_huge_masks_are_refused_before_they_are_made() -> None:
    size = ImageSize(2**16, 2**16)
    with pytest.raises(DataError, match="expected at most"):
        rasterised(((0.0, 0.0, 9.0, 0.0, 9.0, 9.0),), size, size)


def test_outlines_outside_their_picture_are_cut() -> None:
    outline = ((-20.0, -20.0, 200.0, -20.0, 200.0, 5.0, -20.0, 5.0),)
    mask = rasterised(outline, ImageSize(10, 12), ImageSize(10, 12))
    assert mask[:5].all()
    assert not mask[5:].any()
