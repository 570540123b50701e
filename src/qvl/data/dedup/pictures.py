"""Whether two pictures look the same, whatever their size and their compression.

Owns: the signature of a picture, comparing signatures, finding all pairs within a distance. Does
not own: groups (``clusters``), reading pictures (``processing``).

    picture -> 64 bits of its coarse structure, a thumbnail of 4 x 4 colours -> PictureSignature
    uint64[N] -> pairs with at most ``radius`` different bits -> thumbnails alike -> same pictures

The bits are the signs of the 8 x 8 lowest frequencies of the grey picture of 32 x 32 pixels against
their median. They know no colour, and flat areas give them nothing but noise; the thumbnail does.
Source: Zauner, Implementation and benchmarking of perceptual image hash functions (2010), 3.2.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import PIL.Image

from qvl.data.dedup.clusters import Numbers
from qvl.errors import ConfigError

Bits = npt.NDArray[np.uint64]
Thumbnails = npt.NDArray[np.uint8]

THUMBNAIL_BYTES = 4 * 4 * 3
MOST_RADIUS = 7

_SIDE, _LOW = 32, 8
_CHUNKS, _CHUNK_BITS = 4, 16
_PAIRS_AT_ONCE = 2**20
# Above the median by no more than this is rounding and compression of flat areas, in grey levels.
_NOISE = 2.0


class PictureSignature(NamedTuple):
    """What stands for a picture."""

    bits: int
    """64 of them."""
    thumbnail: Thumbnails
    """uint8[48]: 4 rows of 4 colours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamePicture:
    """From when on two pictures are the same.

    Attributes:
        radius: most bits that differ, of 64. Resizing and JPEG change few; other pictures differ
            in 32 on average.
        levels: most that two thumbnails differ on average, of 255.
    """

    radius: int = 6
    levels: float = 8.0

    def __post_init__(self) -> None:
        if not 0 <= self.radius <= MOST_RADIUS or self.levels < 0:
            raise ConfigError(
                f"a radius of {self.radius} bits and {self.levels:g} levels, expected 0 to "
                f"{MOST_RADIUS} bits and at least 0 levels"
            )


def picture_signature(picture: PIL.Image.Image) -> PictureSignature:
    """Returns what stands for a picture, of any size above 0."""
    colours = picture.convert("RGB")
    grey = colours.convert("L").resize((_SIDE, _SIDE), PIL.Image.Resampling.BOX)
    basis = _cosines()
    frequencies = (basis @ np.asarray(grey, np.float64) @ basis.T).ravel()
    # The first frequency is the brightness; it would shift the median alone.
    bits = np.packbits(frequencies > np.median(frequencies[1:]) + _NOISE)
    thumbnail = np.asarray(colours.resize((4, 4), PIL.Image.Resampling.BOX), np.uint8)
    return PictureSignature(int.from_bytes(bits.tobytes(), "big"), thumbnail.ravel())


@lru_cache
def _cosines() -> npt.NDArray[np.float64]:
    """float64[8, 32]: the lowest rows of the discrete cosine transform, type II."""
    k, n = np.arange(_LOW)[:, None], np.arange(_SIDE)[None, :]
    basis = np.cos(np.pi * k * (2 * n + 1) / (2 * _SIDE)) * np.sqrt(2 / _SIDE)
    basis[0] /= np.sqrt(2)
    return basis


def same_pictures(
    bits: Bits, thumbnails: Thumbnails, rule: SamePicture
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yields the pairs of places with pictures that are the same, a bounded number at once.

    Args:
        bits: uint64[N].
        thumbnails: uint8[N, 48].
        rule: from when on they are the same.
    """
    for left, right in near_pairs(bits, rule.radius):
        gap = np.abs(thumbnails[left].astype(np.int16) - thumbnails[right])
        close = gap.mean(axis=1) <= rule.levels
        yield left[close], right[close]


def near_pairs(bits: Bits, radius: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Yields all pairs of places whose bits differ in at most ``radius``, none twice.

    Two numbers of 64 bits that differ in at most r <= 7 places differ in at most r // 4 <= 1 places
    in one of their four quarters, so only those are compared that are found by a quarter, with one
    bit of it flipped when r > 3. The time grows with N + N^2 / 65,536 where bits are spread evenly.

    Source: Norouzi, Punjani and Fleet, Fast search in Hamming space with multi-index hashing
    (2012), section 3.
    """
    masks = [1 << bit for bit in range(_CHUNK_BITS)] if radius >= _CHUNKS else []
    quarters = [
        (bits >> np.uint64(_CHUNK_BITS * i) & np.uint64(0xFFFF)).astype(np.int64)
        for i in range(_CHUNKS)
    ]
    for number, quarter in enumerate(quarters):
        order = np.argsort(quarter, kind="stable").astype(np.int64)
        ordered, own = bits[order], quarter[order]  # neighbours lie together in memory
        starts = np.searchsorted(own, np.arange(2**_CHUNK_BITS + 1))
        after = np.arange(1, len(bits) + 1)
        runs = [(after, starts[own + 1] - after)]
        for mask in masks:  # of the two quarters of a pair only the smaller one looks for the other
            other = own | mask
            runs.append(
                (starts[other], np.where(own == other, 0, starts[other + 1] - starts[other]))
            )
        for firsts, counts in runs:
            for one, place in _expanded(firsts, counts):
                close = np.bitwise_count(ordered[one] ^ ordered[place]) <= radius
                left, right = order[one[close]], order[place[close]]
                # An earlier quarter found the pair already if it is near enough there.
                seen = np.zeros(len(left), bool)
                for earlier in quarters[:number]:
                    gap = np.bitwise_count(earlier[left] ^ earlier[right])
                    seen |= gap <= radius // _CHUNKS
                yield np.minimum(left, right)[~seen], np.maximum(left, right)[~seen]


def _expanded(starts: Numbers, counts: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Each place with every place of its run, a bounded number at once.

    >>> [[a.tolist(), b.tolist()] for a, b in _expanded(np.array([4, 9]), np.array([2, 1]))]
    [[[0, 0, 1], [4, 5, 9]]]
    """
    ends = np.cumsum(counts)
    shifts = starts + counts - ends
    total = int(ends[-1]) if len(ends) else 0
    for first in range(0, total, _PAIRS_AT_ONCE):
        stop = min(first + _PAIRS_AT_ONCE, total)
        low, high = np.searchsorted(ends, [first, stop - 1], side="right")
        # So many pairs of each place from low to high are among these.
        here = np.minimum(ends[low : high + 1], stop) - np.maximum(
            ends[low : high + 1] - counts[low : high + 1], first
        )
        left = np.repeat(np.arange(low, high + 1), here)
        yield left, shifts[left] + np.arange(first, stop)
