"""Resized frames -> rows of `pixel_values`, in the order the vision tower expects.

Owns: pairing frames, normalising, the patch order. Does not own: resizing.

    uint8[F, H, W, 3] -> pairs of frames -> merge-ordered patches -> float32[P, 1176]
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qvl.errors import InputError
from qvl.geometry import MERGE, PATCH, TEMPORAL_PATCH, ImageSize, patch_grid

CHANNELS = 3
PATCH_DIM = CHANNELS * TEMPORAL_PATCH * PATCH * PATCH
"""Numbers in one row of `pixel_values`."""

# Source: OpenAI CLIP's published normalisation, as in the released preprocessor_config.json.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

# (x / 255 - mean) / std as one multiplication and one addition.
_SCALE = np.array([1 / (255 * std) for std in CLIP_STD], np.float32)[:, None]
_SHIFT = np.array([-m / s for m, s in zip(CLIP_MEAN, CLIP_STD, strict=True)], np.float32)[:, None]


class GridTHW(NamedTuple):
    """Pairs of frames, rows and columns of 14 px patches: one row of `grid_thw`."""

    t: int
    h: int
    w: int


class Patches(NamedTuple):
    """A picture or video as the vision tower takes it."""

    pixel_values: NDArray[np.float32]
    """float32[P, 1176]; rows in merge order, columns channel, time, y, x."""
    grid: GridTHW
    """P = t * h * w."""


def patchify(frames: NDArray[np.uint8]) -> Patches:
    """Normalises frames and cuts them into patches.

    Rows go through pairs of frames, then through blocks of 2 x 2 patches row by row, then through
    the four patches of a block, so four rows in a row make one token. A row holds its patch as
    (channel, time, y, x). An odd number of frames is filled by repeating the last; a picture is
    one frame, seen twice.

    >>> frames = np.zeros((3, 28, 56, 3), np.uint8)
    >>> patchify(frames).pixel_values.shape, patchify(frames).grid
    ((16, 1176), GridTHW(t=2, h=2, w=4))

    Args:
        frames: uint8[F, H, W, 3], RGB, H and W multiples of 28.

    Source: transformers 5.23 models/qwen2_vl/image_processing_qwen2_vl.py, _preprocess.
    """
    if frames.ndim != 4 or frames.shape[3] != CHANNELS or not frames.size:
        raise InputError(f"frames have the shape {frames.shape}, expected F x H x W x 3")
    if frames.dtype != np.uint8:
        raise InputError(f"frames have the type {frames.dtype}, expected uint8")
    num_frames, height, width, _ = frames.shape
    rows, columns = patch_grid(ImageSize(height, width))
    grid = GridTHW(-(-num_frames // TEMPORAL_PATCH), rows, columns)
    bands, blocks = rows // MERGE, columns // MERGE
    pixel_values = np.empty(
        (grid.t, bands, blocks * MERGE * MERGE, CHANNELS, TEMPORAL_PATCH, PATCH * PATCH),
        np.float32,
    )
    # One band of blocks at a time stays in the processor's cache.
    cut = frames.reshape(num_frames, bands, MERGE, PATCH, blocks, MERGE, PATCH, CHANNELS)
    for t in range(grid.t):
        for time in range(TEMPORAL_PATCH):
            frame = t * TEMPORAL_PATCH + time
            if frame == num_frames:
                pixel_values[t, :, :, :, time] = pixel_values[t, :, :, :, time - 1]
                continue
            for band in range(bands):
                # (row, y, block, column, x, channel) -> (block, row, column, channel, y, x)
                patches = cut[frame, band].transpose(2, 0, 3, 5, 1, 4)
                patches = patches.reshape(-1, CHANNELS, PATCH * PATCH)
                target = pixel_values[t, band, :, :, time]
                np.multiply(patches, _SCALE, out=target)
                target += _SHIFT
    return Patches(pixel_values.reshape(-1, PATCH_DIM), grid)
