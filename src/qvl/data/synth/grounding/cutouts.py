"""A thing without its surroundings: pixels with transparency, its name, its parts.

Owns: the record, turning and scaling it, the colour it would be called by. Does not own: where
cut-outs come from (``drawings``, ``emoji``, ``copy_paste``), putting them together (``scene``).

    source -> Cutout -> resized(), turned() -> scene.Layer
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from qvl.data.synth.palette import COLOUR_NAMES, NAMED

_SOLID = 128
"""Least opacity of a pixel that counts as part of a thing."""

_CLEAR_SHARE = 0.6
"""A thing is called red when so much of it is; less, and people would argue."""

_ARGUABLE_SHARE = 0.08
"""A thing of which so much is red could be called red."""

# In CIELAB: 2.3 is just noticeable, black to white is 100. Chosen by looking at the emoji.
_CLEAR_DISTANCE = 40.0
_CLEAR_MARGIN = 1.3
_GREY_CHROMA = 9.0

_SAMPLED_PIXELS = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Noun:
    """What a thing is called.

    Attributes:
        name: of one, without article.
        plural: of several.
        group: a wider word with clear borders, such as "animal"; empty when there is none.
        also: words that somebody could say of it too. Whether it is one of those is left open.
    """

    name: str
    plural: str
    group: str = ""
    also: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cutout:
    """A thing without its surroundings.

    Attributes:
        pixels: uint8[H, W, 4], red, green, blue, opacity; not multiplied.
        noun: what it is called.
        colour: one of `COLOUR_NAMES`, or empty when it has no single one.
        colours: all that somebody could call it.
        parts: names of its parts.
        part_map: uint8[H, W], at each pixel 1 + the index of the part seen there, else 0; None when
            there are no parts.
        is_flat: True for things that others stand or lie on.
        licence: SPDX name of its terms.
        source: where it was found; empty for drawn ones.
    """

    pixels: npt.NDArray[np.uint8]
    noun: Noun
    colour: str = ""
    colours: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ()
    part_map: npt.NDArray[np.uint8] | None = field(default=None, repr=False)
    is_flat: bool = False
    licence: str = "CC0-1.0"
    source: str = ""


def solid(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Returns which pixels of uint8[H, W, 4] belong to the thing: bool[H, W]."""
    return pixels[:, :, 3] >= _SOLID


def trimmed(cutout: Cutout) -> Cutout:
    """Returns the cut-out without empty rows and columns around it."""
    rows, columns = (np.flatnonzero(solid(cutout.pixels).any(axis)) for axis in (1, 0))
    if not len(rows):
        return cutout
    inside = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part_map = None if cutout.part_map is None else cutout.part_map[inside]
    return replace(cutout, pixels=cutout.pixels[inside], part_map=part_map)


def resized(cutout: Cutout, height_px: int, width_px: int) -> Cutout:
    """Returns the cut-out at another size."""
    size = (max(1, width_px), max(1, height_px))
    # Pillow multiplies by the opacity while it resamples RGBA, so edges keep their colour.
    picture = PILImage.fromarray(cutout.pixels).resize(size, PILImage.Resampling.LANCZOS)
    part_map = cutout.part_map
    if part_map is not None:
        nearest = PILImage.Resampling.NEAREST
        part_map = np.asarray(PILImage.fromarray(part_map).resize(size, nearest))
    return replace(cutout, pixels=np.asarray(picture), part_map=part_map)


def turned(cutout: Cutout, degrees: float, *, mirrored: bool = False) -> Cutout:
    """Returns the cut-out turned against the clock, mirrored left to right before."""
    pixels, part_map, parts = cutout.pixels, cutout.part_map, cutout.parts
    if mirrored:
        pixels = pixels[:, ::-1]
        part_map = None if part_map is None else part_map[:, ::-1]
        parts = tuple(_mirrored_name(part) for part in parts)
    if degrees:
        picture = PILImage.fromarray(np.ascontiguousarray(pixels)).convert("RGBa")
        picture = picture.rotate(degrees, PILImage.Resampling.BICUBIC, expand=True)
        pixels = np.asarray(picture.convert("RGBA"))
        if part_map is not None:
            numbers = PILImage.fromarray(np.ascontiguousarray(part_map))
            part_map = np.asarray(numbers.rotate(degrees, expand=True))
    pixels = np.ascontiguousarray(pixels)
    return trimmed(replace(cutout, pixels=pixels, part_map=part_map, parts=parts))


def _mirrored_name(part: str) -> str:
    """What is the left leg of a picture is its right leg in a mirror."""
    side, space, rest = part.partition(" ")
    return {"left": "right", "right": "left"}.get(side, side) + space + rest


def colours_of(pixels: npt.NDArray[np.uint8]) -> tuple[str, frozenset[str]]:
    """Returns the name of the colour that most of a thing has, or "" when none has most of it, and
    all colours that somebody could call it.

    Args:
        pixels: uint8[H, W, 4].
    """
    seen = pixels[solid(pixels)][:, :3]
    if not len(seen):
        return "", frozenset()
    seen = seen[:: max(1, len(seen) // _SAMPLED_PIXELS)]
    places = tuple((seen >> 3).T)
    nearest, is_clear = (table[places] for table in _tables())
    shares = np.bincount(nearest, minlength=len(COLOUR_NAMES)) / len(seen)
    clear = np.bincount(nearest[is_clear], minlength=len(COLOUR_NAMES)) / len(seen)
    best = int(clear.argmax())
    name = COLOUR_NAMES[best] if clear[best] >= _CLEAR_SHARE else ""
    possible = (shares >= _ARGUABLE_SHARE).nonzero()[0]
    return name, frozenset(COLOUR_NAMES[i] for i in possible)


def tinted(pixels: npt.NDArray[np.uint8], turn: int) -> npt.NDArray[np.uint8]:
    """Returns uint8[H, W, 4] with its hues turned, in 256ths of the circle; greys stay."""
    hsv = np.array(PILImage.fromarray(pixels[:, :, :3]).convert("HSV"))
    hsv[:, :, 0] += np.uint8(turn % 256)
    colours = np.asarray(PILImage.fromarray(hsv, "HSV").convert("RGB"))
    return np.dstack([colours, pixels[:, :, 3]])


@lru_cache(maxsize=1)
def _tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """For the upper five bits of each channel: the index of the nearest named colour, and whether
    it is clearly that one; both [32, 32, 32]."""
    steps = np.arange(32) * 8 + 4
    every = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    lab = perceptual(every.astype(float))
    named = perceptual(np.array([NAMED[name] for name in COLOUR_NAMES], float))
    distance = np.sqrt(((lab[:, None] - named[None]) ** 2).sum(-1))
    order = np.sort(distance, 1)
    nearest = distance.argmin(1)
    # Pale pink is no white, and navy no black: greys are only clear without a hue.
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    is_grey = np.isin(nearest, [COLOUR_NAMES.index(name) for name in ("black", "white", "gray")])
    is_clear = (order[:, 0] < _CLEAR_DISTANCE) & (order[:, 1] > _CLEAR_MARGIN * order[:, 0])
    is_clear &= ~is_grey | (chroma < _GREY_CHROMA)
    shape = (32, 32, 32)
    return nearest.astype(np.uint8).reshape(shape), is_clear.reshape(shape)


def perceptual(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns colours float64[N, 3] of sRGB, 0 to 255, in CIELAB, where equal distances look about
    equal.

    Source: IEC 61966-2-1 (sRGB, white D65) and CIE 15 (L*a*b*).
    """
    value = rgb / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    cube = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    lightness = 116 * cube[:, 1] - 16
    red_green, yellow_blue = 500 * (cube[:, 0] - cube[:, 1]), 200 * (cube[:, 1] - cube[:, 2])
    return np.stack([lightness, red_green, yellow_blue], 1)
