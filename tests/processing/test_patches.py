"""The order of rows and columns, against the permutation written out, and the arithmetic."""

import numpy as np
import pytest

from qvl.errors import InputError
from qvl.processing.patches import CLIP_MEAN, CLIP_STD, PATCH_DIM, patchify


def reference(frames: np.ndarray) -> np.ndarray:
    """The permutation of transformers' image processor, with its names for the axes."""
    if len(frames) % 2:
        frames = np.concatenate([frames, frames[-1:]])
    mean, std = np.float32(CLIP_MEAN), np.float32(CLIP_STD)
    values = (frames.astype(np.float32) / np.float32(255) - mean) / std
    num_frames, height, width, _ = values.shape
    cut = values.transpose(0, 3, 1, 2).reshape(
        num_frames // 2, 2, 3, height // 28, 2, 14, width // 28, 2, 14
    )
    return cut.transpose(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(-1, PATCH_DIM)


@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (1, 56, 84), (2, 84, 56), (3, 28, 140), (6, 56, 56)]
)
def test_patches_equal_the_reference(shape: tuple[int, int, int]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    patches = patchify(frames)
    assert patches.grid == (-(-shape[0] // 2), shape[1] // 14, shape[2] // 14)
    assert patches.pixel_values.dtype == np.float32
    np.testing.assert_allclose(patches.pixel_values, reference(frames), rtol=0, atol=1e-6)


def test_every_grey_level_is_normalised_as_by_the_reference() -> None:
    levels = np.resize(np.arange(256, dtype=np.uint8), (1, 28, 28, 1)).repeat(3, axis=3)
    np.testing.assert_allclose(patchify(levels).pixel_values, reference(levels), rtol=0, atol=1e-6)
    black, white = (patchify(np.full((1, 28, 28, 3), grey, np.uint8)) for grey in (0, 255))
    assert black.pixel_values[0, ::392] == pytest.approx([-1.7923, -1.7521, -1.4802], abs=1e-4)
    assert white.pixel_values[0, ::392] == pytest.approx([1.9303, 2.0749, 2.1459], abs=1e-4)


def test_rows_go_through_blocks_of_four() -> None:
    frames = np.zeros((1, 56, 56, 3), np.uint8)
    for row in range(4):
        for column in range(4):
            frames[0, row * 14 : row * 14 + 14, column * 14 : column * 14 + 14] = row * 4 + column
    shown = patchify(frames).pixel_values[:, 0]
    order = np.round((shown * CLIP_STD[0] + CLIP_MEAN[0]) * 255).astype(int)
    assert order.tolist() == [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]


def test_columns_go_through_channel_time_y_x() -> None:
    frames = np.zeros((2, 28, 28, 3), np.uint8)
    frames[1, 3, 5, 2] = 255  # second frame, row 3, column 5, blue
    values = patchify(frames).pixel_values[0].reshape(3, 2, 14, 14)
    assert np.argwhere(values > 1).tolist() == [[2, 1, 3, 5]]


def test_a_picture_is_seen_twice_and_an_odd_frame_is_repeated() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (3, 28, 28, 3), np.uint8)
    values = patchify(frames).pixel_values.reshape(2, 4, 3, 2, 196)
    np.testing.assert_array_equal(values[1, :, :, 0], values[1, :, :, 1])
    assert (values[0, :, :, 0] != values[0, :, :, 1]).any()


def test_views_are_accepted() -> None:
    frames = np.random.default_rng(2).integers(0, 256, (2, 56, 56, 3), np.uint8)
    turned = np.rot90(frames, axes=(1, 2))
    np.testing.assert_array_equal(
        patchify(turned).pixel_values, patchify(np.ascontiguousarray(turned)).pixel_values
    )


def test_wrong_frames_are_refused() -> None:
    for shape in ((28, 28, 3), (1, 28, 28, 4), (0, 28, 28, 3)):
        with pytest.raises(InputError, match="expected F x H x W x 3"):
            patchify(np.zeros(shape, np.uint8))
    with pytest.raises(InputError, match="divisible by 28"):
        patchify(np.zeros((1, 42, 28, 3), np.uint8))
    with pytest.raises(InputError, match="type float32, expected uint8"):
        patchify(np.zeros((1, 28, 28, 3), np.float32))
