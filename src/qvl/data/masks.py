"""Masks of single things: run lengths, polygons, pixels.

Owns: the three forms of a mask in COCO's format and their conversions. Does not own: files of them
(``interchange.coco``).

    polygons | RunLengths -> rasterised() -> bool[H, W] -> run_lengths() -> RunLengths

Run lengths go down the columns, from the top left, and begin with the pixels outside.
Source: cocoapi, common/maskApi.c.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw

from qvl.errors import DataError
from qvl.geometry import ImageSize

Mask = npt.NDArray[np.bool_]

Polygons = tuple[tuple[float, ...], ...]
"""Outlines x1 y1 x2 y2 ... in pixels; what lies in any of them is inside."""

MAX_MASK_PIXELS = 2**27
"""Largest picture of a mask: as many pixels as a photograph of 134 megapixels."""

MAX_OUTLINE_NUMBERS = 1_000_000
"""Most numbers in the outlines of one thing."""

# Polygons are drawn so much larger and averaged, since Pillow widens them by half a pixel.
_FINER = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLengths:
    """A mask as COCO stores it.

    Attributes:
        size: of the picture.
        counts: lengths of runs in the compressed form.
    """

    size: ImageSize
    counts: str


Segmentation = Polygons | RunLengths


def rasterised(segmentation: Segmentation, size: ImageSize, target: ImageSize) -> Mask:
    """Returns the mask at a size: bool[H, W] of ``target``.

    Args:
        segmentation: in pixels of ``size``.
        size: of the picture it was made for.
        target: of the picture it is wanted for.

    Raises:
        DataError: the runs do not fill the picture, an outline is damaged, or it is too large.
    """
    for checked in (size, target):
        if checked.area > MAX_MASK_PIXELS:
            raise DataError(f"mask of {checked}, expected at most {MAX_MASK_PIXELS:,} pixels")
    if isinstance(segmentation, RunLengths):
        if segmentation.size != size:
            raise DataError(f"mask is {segmentation.size}, its picture {size}")
        mask = _decoded(read_counts(segmentation.counts), size)
        if size == target:
            return mask
        picture = PILImage.fromarray(mask.astype(np.uint8) * 255)
        picture = picture.resize((target.width, target.height), PILImage.Resampling.BOX)
        return np.asarray(picture) >= 128
    return _filled(segmentation, size, target)


def run_lengths(mask: Mask) -> RunLengths:
    """Returns a mask as run lengths.

    >>> run_lengths(np.array([[False, True], [True, True]])).counts
    '13'
    """
    column = mask.ravel(order="F")
    changes = np.flatnonzero(column[1:] != column[:-1]) + 1
    counts = np.diff(np.concatenate([[0], changes, [len(column)]])).tolist()
    if len(column) and column[0]:
        counts = [0, *counts]
    return RunLengths(size=ImageSize(*mask.shape), counts=written_counts(counts))


def written_counts(counts: Sequence[int]) -> str:
    """Returns lengths of runs in the compressed form: from the third on as differences to the one
    two before, in digits of five bits and a sign.

    >>> read_counts(written_counts([6, 1, 40, 4, 5, 4, 5, 4, 21]))
    [6, 1, 40, 4, 5, 4, 5, 4, 21]
    """
    text = []
    for place, count in enumerate(counts):
        value = count - (counts[place - 2] if place > 2 else 0)
        more = True
        while more:
            digit = value & 0x1F
            value >>= 5
            more = value != -1 if digit & 0x10 else value != 0
            text.append(chr((digit | 0x20 if more else digit) + 48))
    return "".join(text)


def read_counts(text: str) -> list[int]:
    """Returns the lengths of runs that a compressed text holds.

    Raises:
        DataError: it holds other characters, ends in the middle, or a run is negative.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise DataError(f"mask holds {character!r}, which no run length has here")
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        if value < 0:
            raise DataError(f"mask has a run of {value} pixels")
        counts.append(value)
        value = shift = 0
    if shift:
        raise DataError("mask ends in the middle of a run length")
    return counts


def _decoded(counts: Sequence[int], size: ImageSize) -> Mask:
    if sum(counts) != size.area:
        raise DataError(f"runs of a mask have {sum(counts):,} pixels, its picture {size.area:,}")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(size.width, size.height).T


def _filled(polygons: Polygons, size: ImageSize, target: ImageSize) -> Mask:
    mask = np.zeros(target, bool)
    if sum(map(len, polygons)) > MAX_OUTLINE_NUMBERS:
        raise DataError(f"outline has more than {MAX_OUTLINE_NUMBERS:,} numbers")
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2 or not all(map(math.isfinite, polygon)):
            raise DataError(
                f"outline has {len(polygon)} numbers, expected pairs of finite ones, 3 or more"
            )
        scale = (target.width / size.width, target.height / size.height)
        points = np.array(polygon, float).reshape(-1, 2) * scale
        low = np.floor(points.min(0)).astype(int).clip(0, (target.width, target.height))
        high = np.ceil(points.max(0)).astype(int).clip(0, (target.width, target.height))
        width, height = (int(v) for v in high - low)
        if width < 1 or height < 1:
            continue
        # Half a fine pixel is what Pillow's own rounding adds.
        fine = [(float(x), float(y)) for x, y in (points - low) * _FINER - 0.5]
        picture = PILImage.new("L", (width * _FINER, height * _FINER))
        ImageDraw.Draw(picture).polygon(fine, fill=255)
        inside = np.asarray(picture.reduce(_FINER)) >= 128
        mask[low[1] : high[1], low[0] : high[0]] |= inside
    return mask
