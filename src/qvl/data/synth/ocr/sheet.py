"""A flat picture under construction that knows every line and word on it.

Owns: putting lines on a picture, bent ones too; carrying them along when the whole is warped. Does
not own: what is written and where.

    Sheet.write(words, x, y, ...) -> Line with its words as polygons of the sheet
    Sheet -> hung(sheet, picture, warp) -> the same lines in pixels of the picture
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image as PILImage
from PIL import ImageChops, ImageDraw

from qvl.data.synth.ocr.lettering import Face, Lettering, Paint, lettered, painted
from qvl.data.synth.warps import Points, Warp, box_of, carried, moved, rectangle, warped
from qvl.geometry import Box, ImageSize

PER_SIDE = 8
"""Points on each side of a word, so that its sides bend with the picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word and the polygon around its ink, float64[N, 2] in pixels of its picture."""

    text: str
    polygon: Points


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of text.

    Attributes:
        text: as one reads it, words in the order of speech.
        words: as they stand in the text.
        polygon: around all ink, beginning with the corner at the upper left of the letters.
        row: lines of the same number stand beside one another and are read as one.
        size_px: of the letters, when drawn.
        vertical: whether letters follow one another downwards.
    """

    text: str
    words: tuple[Word, ...]
    polygon: Points
    row: int
    size_px: float
    vertical: bool = False


class Sheet:
    """An RGB picture with lines of text.

    Attributes:
        image: RGB.
        shape: L of the same size, 255 where the sheet is; None for all of it.
        lines: in the order of reading, as far as the one who writes them keeps it.
        row: of what is written next.
    """

    def __init__(self, image: PILImage.Image) -> None:
        self.image = image.convert("RGB")
        self.shape: PILImage.Image | None = None
        self.lines: list[Line] = []
        self.row = 0

    @property
    def size(self) -> ImageSize:
        """Of the picture."""
        return ImageSize(self.image.height, self.image.width)

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        """Draws shapes on the picture."""
        return ImageDraw.Draw(self.image)

    def next_row(self) -> None:
        """What is written from here on is no longer beside what was written before."""
        self.row += 1

    def write(
        self,
        words: Sequence[str],
        x: float,
        y: float,
        face: Face,
        paint: Paint,
        *,
        vertical: bool = False,
        outline_px: int = 0,
        gap_px: float | None = None,
    ) -> Line:
        """Draws a line flat; (x, y) is the top left of its line height."""
        drawn = lettered(face, words, vertical=vertical, outline_px=outline_px, gap_px=gap_px)
        left, top = round(x) - drawn.start[0], round(y) - drawn.start[1]
        layer = painted(drawn, paint)
        self.image.paste(layer, (left, top), layer)
        line = _line(drawn, face, self.row, vertical=vertical)
        self.lines.append(carried_line(moved(left, top), line))
        return self.lines[-1]

    def write_bent(
        self,
        words: Sequence[str],
        warp: Warp,
        face: Face,
        paint: Paint,
        *,
        vertical: bool = False,
        outline_px: int = 0,
    ) -> Line | None:
        """Draws a line whose layer a warp puts on the sheet; None, and nothing drawn, when not all
        of it would be on the sheet.

        Args:
            words: in the order of speech.
            warp: from the ink's own box, its left top at (0, 0), to the sheet.
            face: to draw with.
            paint: colours.
            vertical: letters follow one another downwards.
            outline_px: width of an outline around letters.
        """
        drawn = lettered(face, words, vertical=vertical, outline_px=outline_px)
        ink = drawn.ink
        whole = moved(-ink.x1, -ink.y1).then(warp)
        line = carried_line(whole, _line(drawn, face, self.row, vertical=vertical))
        box = box_of(line.polygon)
        if min(box.x1, box.y1) < 1 or box.x2 > self.size.width - 1 or box.y2 > self.size.height - 1:
            return None
        paste_warped(self.image, painted(drawn, paint), whole)
        self.lines.append(line)
        return line


def ink_size(face: Face, words: Sequence[str], *, outline_px: int = 0) -> ImageSize:
    """Returns the size of the ink of a horizontal line, for making a warp of it."""
    ink = lettered(face, words, outline_px=outline_px).ink
    return ImageSize(round(ink.y2 - ink.y1), round(ink.x2 - ink.x1))


def _line(drawn: Lettering, face: Face, row: int, *, vertical: bool) -> Line:
    words = tuple(
        Word(text=text, polygon=rectangle(box, per_side=PER_SIDE)) for text, box in drawn.words
    )
    return Line(
        text=face.language.separator.join(word.text for word in words),
        words=words,
        polygon=rectangle(drawn.ink, per_side=4 * PER_SIDE),
        row=row,
        size_px=face.size_px,
        vertical=vertical,
    )


def polygons_of(lines: Sequence[Line]) -> list[Points]:
    """Returns the polygons of lines and their words, for effects that carry them along."""
    return [
        polygon
        for line in lines
        for polygon in (line.polygon, *(word.polygon for word in line.words))
    ]


def with_polygons(lines: Sequence[Line], polygons: Sequence[Points]) -> list[Line]:
    """Returns the lines with polygons in the order of `polygons_of`; sizes change with them."""
    left = iter(polygons)
    found = []
    for line in lines:
        polygon = next(left)
        words = tuple(replace(word, polygon=next(left)) for word in line.words)
        scale = float(np.sqrt(area(polygon) / max(area(line.polygon), 1e-6)))
        found.append(replace(line, polygon=polygon, words=words, size_px=line.size_px * scale))
    return found


def carried_line(warp: Warp, line: Line) -> Line:
    """Returns the line where a warp puts it."""
    return with_polygons([line], carried(warp, polygons_of([line])))[0]


def area(polygon: Points) -> float:
    """Returns the area of a polygon. Source: the shoelace formula.

    >>> area(np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]]))
    8.0
    """
    x, y = polygon.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def paste_warped(
    image: PILImage.Image,
    layer: PILImage.Image,
    warp: Warp,
    shape: PILImage.Image | None = None,
) -> None:
    """Puts a layer on a picture through a warp; works on no more of the picture than it covers.

    Args:
        image: to change.
        layer: RGB or RGBA.
        warp: from the layer to the picture.
        shape: L of the layer's size, 255 where the layer is; None for all of it.
    """
    border = rectangle(Box(0, 0, layer.width, layer.height), per_side=16)
    box = box_of(warp.forward(border), ImageSize(image.height, image.width))
    left, top = int(box.x1), int(box.y1)
    tile = ImageSize(int(np.ceil(box.y2)) - top, int(np.ceil(box.x2)) - left)
    if min(tile) < 1:
        return
    here = warp.then(moved(-left, -top))
    bent = warped(layer, here, tile)
    if shape is not None:
        cover = warped(shape.convert("RGB"), here, tile).getchannel("R")
        bent.putalpha(ImageChops.multiply(cover, bent.getchannel("A")))
    image.paste(bent, (left, top), bent)


def hung(sheet: Sheet, picture: Sheet, warp: Warp) -> None:
    """Puts a sheet on a picture through a warp, with its lines."""
    paste_warped(picture.image, sheet.image, warp, sheet.shape)
    for line in sheet.lines:
        moved_line = carried_line(warp, line)
        picture.lines.append(replace(moved_line, row=picture.row + line.row))
    picture.row += sheet.row + 1
