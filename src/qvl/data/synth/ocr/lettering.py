"""Lines of text as layers of ink, with the box of the ink of every word.

Owns: shaping, drawing flat, colours, outlines and shadows of letters. Does not own: which typeface
(``typefaces``), where a line goes (``sheet``), bends (``warps``).

    words, face -> lettered() -> Lettering: mask and word boxes
        -> painted(Lettering, Paint) -> RGBA layer of the same size

Words are shaped one by one by HarfBuzz (Pillow with raqm): letters are joined, marks placed, forms
of the language chosen. They are set in the direction of the line, so a line of Arabic begins at
the right and each of its words is where a reader looks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image as PILImage
from PIL import ImageChops, ImageDraw, ImageFilter, ImageFont, features

from qvl.data.synth.canvas import Colour
from qvl.data.synth.ocr.languages import Language
from qvl.data.synth.ocr.typefaces import Typeface
from qvl.errors import InputError, MissingDependencyError
from qvl.geometry import Box

Direction = Literal["ltr", "rtl", "ttb"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Face:
    """A typeface at a size, for text of one language."""

    font: ImageFont.FreeTypeFont
    typeface: Typeface
    language: Language
    size_px: int

    @property
    def line_px(self) -> int:
        """Height of a line: ascent and descent."""
        ascent, descent = self.font.getmetrics()
        return ascent + descent

    @property
    def space_px(self) -> float:
        """Width of what stands between two words."""
        return float(self.font.getlength(" ")) if self.language.spaced else 0.0

    @property
    def direction(self) -> Direction:
        """In which letters of a horizontal line follow one another."""
        return "rtl" if self.language.right_to_left else "ltr"

    def length(self, word: str, *, vertical: bool = False) -> float:
        """Returns how far a word takes the pen."""
        direction = "ttb" if vertical else self.direction
        return float(self.font.getlength(word, direction=direction, language=self.language.code))


@lru_cache(maxsize=256)
def face(typeface: Typeface, language: Language, size_px: int) -> Face:
    """Returns a typeface opened at a size.

    Raises:
        MissingDependencyError: Pillow cannot shape text here.
    """
    if not features.check("raqm") or not features.check("fribidi"):
        raise MissingDependencyError(
            "text of many languages is shaped by Pillow with raqm and FriBiDi, which are not here",
            hint="on Debian: apt-get install libfribidi0",
        )
    font = ImageFont.truetype(
        str(typeface.path), size_px, index=typeface.index, layout_engine=ImageFont.Layout.RAQM
    )
    return Face(font=font, typeface=typeface, language=language, size_px=size_px)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lettering:
    """A drawn line: the ink of its letters, and of an outline around them.

    Attributes:
        mask: L, 255 where letters are.
        outline: L, the letters grown by the outline; the same as ``mask`` without one.
        words: each with the box of its ink, outline included, in pixels of the mask.
        start: of the pen in the mask, the top left of its first line height.
        advance_px: how far the line takes the pen.
    """

    mask: PILImage.Image
    outline: PILImage.Image
    words: tuple[tuple[str, Box], ...]
    start: tuple[int, int]
    advance_px: float

    @property
    def ink(self) -> Box:
        """The box around all words."""
        boxes = np.array([box for _, box in self.words])
        (x1, y1), (x2, y2) = boxes[:, :2].min(0), boxes[:, 2:].max(0)
        return Box(float(x1), float(y1), float(x2), float(y2))


def drawable(face: Face, words: Sequence[str]) -> list[str]:
    """Returns the words that the face has all characters of, in their order."""
    return [word for word in words if face.typeface.covers(word)]


def fitting(face: Face, words: Sequence[str], room_px: float, *, vertical: bool = False) -> int:
    """Returns how many of the words fit into a line of this length."""
    at = 0.0
    for count, word in enumerate(words):
        at += face.length(word, vertical=vertical)
        if at > room_px:
            return count
        at += face.space_px
    return len(words)


def length(face: Face, words: Sequence[str], *, vertical: bool = False) -> float:
    """Returns how far a line takes the pen."""
    return sum(face.length(word, vertical=vertical) for word in words) + face.space_px * (
        len(words) - 1
    )


def lettered(
    face: Face,
    words: Sequence[str],
    *,
    vertical: bool = False,
    outline_px: int = 0,
    gap_px: float | None = None,
) -> Lettering:
    """Returns a line of words as ink.

    Args:
        face: to draw with; it has all characters.
        words: in the order of speech.
        vertical: letters follow one another downwards.
        outline_px: width of an outline around letters.
        gap_px: between words, when it is not a space.

    Raises:
        InputError: there is nothing to draw, or a word has no ink.
    """
    if not words or not all(word.strip() for word in words):
        raise InputError(f"a line is {list(words)!r}, expected words")
    gap = face.space_px if gap_px is None else gap_px
    lengths = [face.length(word, vertical=vertical) for word in words]
    advance = sum(lengths) + gap * (len(words) - 1)
    pad = outline_px + face.size_px // 2 + 2
    across = face.size_px if vertical else face.line_px
    along = int(np.ceil(advance))
    size = (across, along) if vertical else (along, across)
    mask = PILImage.new("L", (size[0] + 2 * pad, size[1] + 2 * pad))
    outline = mask if outline_px == 0 else mask.copy()
    placed = []
    at = 0.0
    for word, step in zip(words, lengths, strict=True):
        if vertical:
            place = (pad + across // 2, pad + round(at))
        elif face.language.right_to_left:
            place = (pad + round(advance - at - step), pad)
        else:
            place = (pad + round(at), pad)
        letters = _word(mask.size, face, word, place, vertical=vertical)
        mask = ImageChops.lighter(mask, letters)
        grown = letters
        if outline_px:
            grown = _word(mask.size, face, word, place, vertical=vertical, stroke=outline_px)
            outline = ImageChops.lighter(outline, grown)
        box = grown.getbbox()
        if box is None:
            raise InputError(f"{word!r} has no ink in {face.font.getname()}")
        placed.append((word, Box(*map(float, box))))
        at += step + gap
    return Lettering(
        mask=mask,
        outline=outline if outline_px else mask,
        words=tuple(placed),
        start=(pad, pad),
        advance_px=advance,
    )


def _word(
    size: tuple[int, int],
    face: Face,
    word: str,
    place: tuple[int, int],
    *,
    vertical: bool,
    stroke: int = 0,
) -> PILImage.Image:
    layer = PILImage.new("L", size)
    ImageDraw.Draw(layer).text(
        place,
        word,
        fill=255,
        font=face.font,
        anchor="mt" if vertical else "la",
        direction="ttb" if vertical else face.direction,
        language=face.language.code,
        stroke_width=stroke,
    )
    return layer


@dataclass(frozen=True, kw_only=True, slots=True)
class Paint:
    """How letters are coloured.

    Attributes:
        ink: colour of the letters.
        ink_below: colour at their lower end; the same as ``ink`` for one colour.
        outline: colour of the outline; None draws none.
        shadow: offset in pixels, softness in pixels, and weight of 0 to 1 of a shadow.
        weight: how much of the ground letters cover, 0 to 1.
    """

    ink: Colour
    ink_below: Colour | None = None
    outline: Colour | None = None
    shadow: tuple[int, int, float, float] | None = None
    weight: float = 1.0


def painted(lettering: Lettering, paint: Paint) -> PILImage.Image:
    """Returns an RGBA layer of the size of the lettering's mask."""
    size = lettering.mask.size
    layer = PILImage.new("RGBA", size, (*paint.ink, 0))
    if paint.shadow is not None:
        dx, dy, softness, weight = paint.shadow
        shade = ImageChops.offset(lettering.outline, dx, dy)
        shade = shade.filter(ImageFilter.GaussianBlur(softness)).point(lambda v: int(v * weight))
        layer.putalpha(shade)
        layer = PILImage.merge("RGBA", (*PILImage.new("RGB", size).split(), shade))
    if paint.outline is not None:
        layer = _over(layer, PILImage.new("RGB", size, paint.outline), lettering.outline)
    ink = PILImage.new("RGB", size, paint.ink)
    if paint.ink_below is not None:
        top, bottom = lettering.ink.y1, lettering.ink.y2
        share = np.clip((np.arange(size[1]) - top) / max(bottom - top, 1), 0, 1)
        ramp = PILImage.fromarray((share * 255).astype(np.uint8)[:, None]).resize(size)
        ink = PILImage.composite(PILImage.new("RGB", size, paint.ink_below), ink, ramp)
    mask = lettering.mask
    if paint.weight < 1:
        mask = mask.point(lambda value: int(value * paint.weight))
    return _over(layer, ink, mask)


def _over(below: PILImage.Image, colour: PILImage.Image, mask: PILImage.Image) -> PILImage.Image:
    above = colour.convert("RGBA")
    above.putalpha(mask)
    return PILImage.alpha_composite(below, above)
