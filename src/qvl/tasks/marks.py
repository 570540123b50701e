"""Lays out marks on a picture: boxes, points, outlines, labels, reading order.

Owns: where every line and label goes and in which colour. Does not own: pixels (``draw``),
SVG text (``draw_svg``), reading answers (``grounding``).

    items -> marks_of() -> layout() -> Scene -> draw.paint() -> picture
                                             -> draw_svg.write() -> SVG

One colour per group, every line on a dark edge so it shows on any background, and label tags that
keep out of one another's way where there is room. A small picture is enlarged, so that labels can
be read.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import ImageFont

from qvl.geometry import Box, ImageSize, Point
from qvl.tasks.grounding import Grounded, GroundedBox

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

COLOURS: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""Told apart by colour-blind readers too. Source: Okabe and Ito, Color Universal Design (2008)."""
DARK: Colour = (20, 20, 20)
LIGHT: Colour = (255, 255, 255)

SMALLEST_SIDE_PX = 480
"""A picture whose longer side is below this is enlarged."""
FONT_SHARE = 0.018
"""Height of the letters over the longer side."""
SMALLEST_FONT_PX = 14
LONGEST_LABEL = 36
"""Characters of a label that are drawn."""

_WIDE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
    "DejaVuSans.ttf",
)
"""Tried in this order for labels beyond ASCII; Pillow looks in the system's font folders."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One thing to show.

    Attributes:
        shape: a box, a point, or the corners of an outline, in pixels of the picture.
        label: written on a tag beside it; none when blank.
        group: marks of one group have one colour.
    """

    shape: Box | Point | tuple[Point, ...]
    label: str = ""
    group: str = ""

    @property
    def bounds(self) -> Box:
        """The smallest box around the shape."""
        if isinstance(self.shape, Box):
            return self.shape
        points = (self.shape,) if isinstance(self.shape, Point) else self.shape
        xs, ys = [point.x for point in points], [point.y for point in points]
        return Box(min(xs), min(ys), max(xs), max(ys))


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A mark on the canvas; a box has two corners, a point one."""

    kind: str
    """"box", "point" or "polygon"."""
    points: tuple[Point, ...]
    colour: Colour
    line_px: int
    fill: float
    """Opacity of its inside, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """A label in its frame."""

    label: str
    frame: Box
    text_at: Point
    """Where Pillow anchors the text: its left, at the ascender."""
    font_px: int
    fill: Colour

    @property
    def ink(self) -> Colour:
        """Light letters on dark tags."""
        return LIGHT if sum(self.fill) < 3 * 110 else DARK


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrow:
    """From one mark to the next in reading order."""

    start: Point
    end: Point
    line_px: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """All that is drawn, in pixels of a canvas ``scale`` times the picture."""

    size: ImageSize
    scale: int
    outlines: tuple[Outline, ...]
    arrows: tuple[Arrow, ...]
    tags: tuple[Tag, ...]


def marks_of(items: Sequence[Grounded]) -> list[Mark]:
    """The marks of what was found: one colour per label."""
    return [
        Mark(
            shape=item.box if isinstance(item, GroundedBox) else item.point,
            label=item.label,
            group=item.label,
        )
        for item in items
    ]


def layout(
    size: ImageSize, marks: Sequence[Mark], *, order: bool = False, fill: float = 0.0
) -> Scene:
    """Decides where everything goes.

    Args:
        size: of the picture.
        marks: in pixels of the picture; later ones lie on top.
        order: number the marks and join them by arrows, in the order given.
        fill: opacity of the insides of boxes and outlines, 0 to 1.
    """
    scale = max(1, math.ceil(SMALLEST_SIDE_PX / max(size)))
    canvas = ImageSize(size.height * scale, size.width * scale)
    line = max(2, round(max(canvas) / 400))
    groups = list(dict.fromkeys(mark.group for mark in marks))
    outlines, labels = [], []
    for number, mark in enumerate(marks, start=1):
        colour = COLOURS[groups.index(mark.group) % len(COLOURS)]
        outline = _outline(mark, scale, colour, line, fill)
        outlines.append(outline)
        text = _one_line(mark.label)
        if order:
            text = f"{number} {text}".rstrip()
        if text:
            labels.append((text, _anchor(mark, scale, outline), colour))
    centres = [_centre(mark.bounds, scale) for mark in marks] if order else []
    arrows = [Arrow(start=start, end=end, line_px=line) for start, end in pairwise(centres)]
    return Scene(
        size=canvas,
        scale=scale,
        outlines=tuple(outlines),
        arrows=tuple(arrows),
        tags=tuple(_tags(labels, canvas)),
    )


def _outline(mark: Mark, scale: int, colour: Colour, line: int, fill: float) -> Outline:
    shape = mark.shape
    points: tuple[Point, ...]
    if isinstance(shape, Box):
        kind, points = "box", (Point(shape.x1, shape.y1), Point(shape.x2, shape.y2))
    elif isinstance(shape, Point):
        kind, points = "point", (shape,)
    else:
        kind, points = "polygon", shape
    scaled = tuple(Point(x * scale, y * scale) for x, y in points)
    return Outline(kind=kind, points=scaled, colour=colour, line_px=line, fill=fill)


def _anchor(mark: Mark, scale: int, outline: Outline) -> Box:
    """What a tag should stand beside."""
    reach = 3.0 * outline.line_px if outline.kind == "point" else 0.0
    x1, y1, x2, y2 = (value * scale for value in mark.bounds)
    return Box(x1 - reach, y1 - reach, x2 + reach, y2 + reach)


def _centre(box: Box, scale: int) -> Point:
    return Point((box.x1 + box.x2) / 2 * scale, (box.y1 + box.y2) / 2 * scale)


def _one_line(label: str) -> str:
    text = " ".join(label.split())
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 3] + "..."


def _tags(labels: Sequence[tuple[str, Box, Colour]], canvas: ImageSize) -> Iterator[Tag]:
    height = max(SMALLEST_FONT_PX, round(max(canvas) * FONT_SHARE))
    placed: list[Box] = []
    for label, anchor, colour in labels:
        left, top, right, bottom = label_font(label, height).getbbox(label)
        margin = max(2, height // 5)
        room = (right - left + 2 * margin, bottom - top + 2 * margin)
        frame = _place(anchor, room, canvas, placed)
        placed.append(frame)
        yield Tag(
            label=label,
            frame=frame,
            text_at=Point(frame.x1 + margin - left, frame.y1 + margin - top),
            font_px=height,
            fill=colour,
        )


def _place(anchor: Box, room: tuple[float, float], canvas: ImageSize, placed: Sequence[Box]) -> Box:
    """The first free place near the shape; above its corner when all are taken."""
    candidates = [_inside(corner, room, canvas) for corner in _corners(anchor, room)]
    for candidate in candidates:
        if not any(_overlap(candidate, other) for other in placed):
            return candidate
    return candidates[0]


def _corners(anchor: Box, room: tuple[float, float]) -> Iterator[Point]:
    width, height = room
    yield Point(anchor.x1, anchor.y1 - height)
    yield Point(anchor.x1, anchor.y2)
    yield Point(anchor.x2 - width, anchor.y1 - height)
    yield Point(anchor.x2 - width, anchor.y2)
    yield Point(anchor.x2, anchor.y1)
    yield Point(anchor.x1 - width, anchor.y1)
    yield Point(anchor.x1, anchor.y1)


def _inside(corner: Point, room: tuple[float, float], canvas: ImageSize) -> Box:
    x = max(0.0, min(corner.x, canvas.width - 1 - room[0]))
    y = max(0.0, min(corner.y, canvas.height - 1 - room[1]))
    return Box(x, y, x + room[0], y + room[1])


def _overlap(one: Box, other: Box) -> bool:
    return one.x1 < other.x2 and other.x1 < one.x2 and one.y1 < other.y2 and other.y1 < one.y2


def label_font(label: str, height: int) -> Font:
    """A font that has the label's letters, if one is installed; ``height`` in pixels."""
    if not label.isascii():
        for name in _WIDE_FONTS:
            try:
                return ImageFont.truetype(name, height)
            except OSError:  # not installed here
                continue
    return ImageFont.load_default(height)
