"""M-RoPE position ids: a temporal, a row and a column id for every token.

Owns the published training rule; knows nothing of token ids but how to find the runs in them. Pure
numpy. ``runs -> mrope_positions -> position_ids int64[3, T]`` and the id that decoding starts at.

Source: Qwen2.5-VL technical report section 2.1.2; QwenLM/Qwen2.5-VL
qwen-vl-finetune/qwenvl/data/rope2d.py, get_rope_index_25.
Shapes: T tokens, N images or videos.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qvl.errors import InputError


class TextRun(NamedTuple):
    """``length`` consecutive text tokens; vision_start and vision_end are text."""

    length: int


class VisionRun(NamedTuple):
    """The pad tokens of one image or video.

    Attributes:
        grid: (t, h, w) in patches.
        second_per_grid: seconds between two temporal positions; None for an image.
    """

    grid: tuple[int, int, int]
    second_per_grid: float | None = None


class Positions(NamedTuple):
    """Position ids of one sequence.

    Attributes:
        position_ids: int64[3, T], rows temporal, height, width.
        next_position: the id, on all three axes, of the token that follows.
    """

    position_ids: npt.NDArray[np.int64]
    next_position: int


def mrope_positions(
    runs: Sequence[TextRun | VisionRun],
    *,
    tokens_per_second: float,
    merge: int = 2,
    start: int = 0,
) -> Positions:
    """Returns the position ids of one sequence of text, images and videos.

    Text advances all three axes together. An item starts where the text before it stopped; its rows
    and columns count up from there, and its temporal id is
    ``start + floor((t * second_per_grid) * tokens_per_second)``. What follows an item continues at
    the largest id used so far plus one, whichever axis that was.

    >>> runs = [TextRun(3), VisionRun((1, 4, 6)), TextRun(2)]
    >>> position_ids, next_position = mrope_positions(runs, tokens_per_second=2)
    >>> print(position_ids)
    [[0 1 2 3 3 3 3 3 3 6 7]
     [0 1 2 3 3 3 4 4 4 6 7]
     [0 1 2 3 4 5 3 4 5 6 7]]
    >>> next_position
    8

    A video of three frame pairs, one second apart; after it the temporal axis leads:

    >>> runs = [VisionRun((3, 4, 4), second_per_grid=1.0), TextRun(5)]
    >>> print(mrope_positions(runs, tokens_per_second=2).position_ids)
    [[0 0 0 0 2 2 2 2 4 4 4 4 5 6 7 8 9]
     [0 0 1 1 0 0 1 1 0 0 1 1 5 6 7 8 9]
     [0 1 0 1 0 1 0 1 0 1 0 1 5 6 7 8 9]]

    Args:
        runs: what the sequence consists of, in order.
        tokens_per_second: temporal ids per second (``vision_config.tokens_per_second``; 2 in the
            published files).
        merge: patches merged per side into one token (``spatial_merge_size``).
        start: id of the first token; ``next_position`` of what is already cached.

    Raises:
        InputError: a grid that the merge size does not divide or that is empty.
    """
    lengths = [
        run.length if isinstance(run, TextRun) else num_tokens(run.grid, merge=merge)
        for run in runs
    ]
    position_ids = np.empty((3, sum(lengths)), dtype=np.int64)
    offset, next_position = 0, start
    for run, length in zip(runs, lengths, strict=True):
        out = position_ids[:, offset : offset + length]
        if isinstance(run, TextRun):
            out[:] = np.arange(next_position, next_position + length)
            next_position += length
        else:
            t, h, w = run.grid
            rows, cols = h // merge, w // merge
            times = _temporal_offsets(t, run.second_per_grid, tokens_per_second)
            cube = out.reshape(3, t, rows, cols)
            cube[0] = (next_position + times)[:, None, None]
            cube[1] = (next_position + np.arange(rows))[:, None]
            cube[2] = next_position + np.arange(cols)
            next_position += max(int(times[-1]), rows - 1, cols - 1) + 1
        offset += length
    return Positions(position_ids, next_position)


def _temporal_offsets(
    t: int, second_per_grid: float | None, tokens_per_second: float
) -> npt.NDArray[np.int64]:
    """Returns int64[t], the temporal ids relative to the item's start.

    Float32 and this order of products are part of the rule: 5 * 0.04 s * 25 per second truncates
    to 4, not 5, in the code that the published weights were trained with.
    Source: get_rope_index_25 (int64 range * float * int, then ``.long()``; torch default float32).
    """
    if second_per_grid is None:
        return np.zeros(t, dtype=np.int64)
    seconds = np.arange(t, dtype=np.float32) * np.float32(second_per_grid)
    return (seconds * np.float32(tokens_per_second)).astype(np.int64)


def num_tokens(grid: tuple[int, int, int], *, merge: int = 2) -> int:
    """Returns how many language-model tokens an item with this patch grid takes.

    >>> num_tokens((1, 8, 10))
    20
    """
    t, h, w = grid
    if min(grid) < 1 or h % merge or w % merge:
        raise InputError(
            f"patch grid {t} x {h} x {w} is not made of whole {merge} x {merge} blocks"
        )
    return t * (h // merge) * (w // merge)


def decode_positions(next_position: int, count: int = 1) -> npt.NDArray[np.int64]:
    """Returns int64[3, count], the ids of ``count`` text tokens after a sequence.

    >>> print(decode_positions(8, 2))
    [[8 9]
     [8 9]
     [8 9]]
    """
    return np.broadcast_to(np.arange(next_position, next_position + count), (3, count)).astype(
        np.int64
    )


def pack_positions(samples: Sequence[Positions]) -> npt.NDArray[np.int64]:
    """Returns int64[3, T] of several samples in one row; each sample keeps its own ids from 0.

    Source: QwenLM/Qwen2.5-VL qwen-vl-finetune/qwenvl/data/data_qwen.py,
    FlattenedDataCollatorForSupervisedDataset.

    >>> text = mrope_positions([TextRun(2)], tokens_per_second=2)
    >>> print(pack_positions([text, text]))
    [[0 1 0 1]
     [0 1 0 1]
     [0 1 0 1]]
    """
    if not samples:
        return np.empty((3, 0), dtype=np.int64)
    return np.concatenate([sample.position_ids for sample in samples], axis=1)


def runs_of(
    input_ids: npt.NDArray[np.int64],
    *,
    grids: Sequence[tuple[int, int, int]],
    second_per_grid_ts: Sequence[float | None],
    image_token_id: int,
    video_token_id: int,
    merge: int = 2,
) -> list[TextRun | VisionRun]:
    """Splits token ids into text runs and the pad runs of the given items.

    Items are taken in order of appearance; two may touch, since each one's length is known.

    >>> ids = np.array([7, 7, 255, 255, 7])
    >>> one_image = dict(grids=[(1, 2, 4)], second_per_grid_ts=[None])
    >>> runs_of(ids, **one_image, image_token_id=255, video_token_id=256)
    [TextRun(length=2), VisionRun(grid=(1, 2, 4), second_per_grid=None), TextRun(length=1)]

    Args:
        input_ids: int64[T] of one sequence, without padding.
        grids: N patch grids, images and videos together, in order of appearance.
        second_per_grid_ts: N values, None for an image.

    Raises:
        InputError: the pad tokens are not those of the grids.
    """
    is_pad = (input_ids == image_token_id) | (input_ids == video_token_id)
    expected = sum(num_tokens(grid, merge=merge) for grid in grids)
    if int(is_pad.sum()) != expected:
        raise InputError(
            f"{int(is_pad.sum())} image and video tokens do not fit {len(grids)} items "
            f"that need {expected}"
        )
    pad_indices = np.flatnonzero(is_pad)
    runs: list[TextRun | VisionRun] = []
    position, taken = 0, 0
    for grid, second_per_grid in zip(grids, second_per_grid_ts, strict=True):
        length = num_tokens(grid, merge=merge)
        first, last = int(pad_indices[taken]), int(pad_indices[taken + length - 1])
        wanted = image_token_id if second_per_grid is None else video_token_id
        if (input_ids[first : last + 1] != wanted).any():
            raise InputError(
                f"the item with grid {grid} is not one run of {length} tokens with id {wanted}"
            )
        if first > position:
            runs.append(TextRun(first - position))
        runs.append(VisionRun(grid, second_per_grid))
        position, taken = last + 1, taken + length
    if position < len(input_ids):
        runs.append(TextRun(len(input_ids) - position))
    return runs
