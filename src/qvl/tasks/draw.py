"""Draws boxes, points and their labels on a picture, legible at any size.

Owns: how an annotated picture looks. Does not own: reading answers (``grounding``).

    picture + grounded items in its pixels -> draw() -> a new picture (larger when it was tiny)

One colour per label, every line on a dark edge so it shows on any background, and label tags that
keep out of one another's way where there is room.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from qvl.geometry import Box, Point
from qvl.tasks.grounding import Grounded, GroundedBox

COLOURS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
"""Told apart by colour-blind readers too. Source: Okabe and Ito, Color Universal Design (2008)."""
DARK = (20, 20, 20)
LIGHT = (255, 255, 255)

SMALLEST_SIDE_PX = 480
"""A picture whose longer side is below this is enlarged, so that labels can be read."""
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

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class _Tag(NamedTuple):
    """A label to place: what it says and the shape it belongs to, in pixels of the canvas."""

    label: str
    anchor: Box
    colour: tuple[int, int, int]


def draw(picture: Image.Image, items: Sequence[Grounded]) -> Image.Image:
    """Returns a copy of the picture with the items drawn on it.

    Args:
        picture: any mode; transparent parts become white.
        items: in pixels of this picture, as `parse` gives them with transforms.
    """
    scale = max(1, math.ceil(SMALLEST_SIDE_PX / max(picture.size)))
    canvas = _on_white(picture)
    if scale > 1:
        canvas = canvas.resize((canvas.width * scale, canvas.height * scale))
    pen = ImageDraw.Draw(canvas)
    line = max(2, round(max(canvas.size) / 400))
    labels = list(dict.fromkeys(item.label for item in items))
    tags = []
    for item in items:
        colour = COLOURS[labels.index(item.label) % len(COLOURS)]
        if isinstance(item, GroundedBox):
            box = Box(*(value * scale for value in item.box))
            _draw_box(pen, box, colour, line)
        else:
            point = Point(*(value * scale for value in item.point))
            box = _draw_point(pen, point, colour, line)
        if item.label.strip():
            tags.append(_Tag(_one_line(item.label), box, colour))
    _draw_tags(pen, tags, canvas.size)
    return canvas


def _on_white(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    canvas = Image.new("RGB", picture.size, LIGHT)
    layer = picture.convert("RGBA")
    canvas.paste(layer, mask=layer.getchannel("A"))
    return canvas


def _draw_box(pen: ImageDraw.ImageDraw, box: Box, colour: tuple[int, int, int], line: int) -> None:
    right, bottom = max(box.x1, box.x2 - 1), max(box.y1, box.y2 - 1)  # the last pixel inside
    edge = max(1, line // 2)
    outer = (box.x1 - edge, box.y1 - edge, right + edge, bottom + edge)
    pen.rectangle(outer, outline=DARK, width=line + 2 * edge)
    pen.rectangle((box.x1, box.y1, right, bottom), outline=colour, width=line)


def _draw_point(
    pen: ImageDraw.ImageDraw, point: Point, colour: tuple[int, int, int], line: int
) -> Box:
    for radius, fill in ((3.0 * line, DARK), (2.5 * line, LIGHT), (2.0 * line, colour)):
        pen.circle(point, radius, fill=fill)
    reach = 3.0 * line
    return Box(point.x - reach, point.y - reach, point.x + reach, point.y + reach)


def _one_line(label: str) -> str:
    text = " ".join(label.split())
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 3] + "..."


def _draw_tags(pen: ImageDraw.ImageDraw, tags: Sequence[_Tag], size: tuple[int, int]) -> None:
    height = max(SMALLEST_FONT_PX, round(max(size) * FONT_SHARE))
    placed: list[Box] = []
    for tag in tags:
        font = _font(tag.label, height)
        left, top, right, bottom = font.getbbox(tag.label)
        margin = max(2, height // 5)
        tag_width, tag_height = right - left + 2 * margin, bottom - top + 2 * margin
        place = _place(tag.anchor, (tag_width, tag_height), size, placed)
        placed.append(place)
        pen.rectangle(place, fill=tag.colour, outline=DARK)
        dark = sum(tag.colour) < 3 * 110
        where = (place.x1 + margin - left, place.y1 + margin - top)
        pen.text(where, tag.label, font=font, fill=LIGHT if dark else DARK)


def _place(
    anchor: Box, tag: tuple[float, float], size: tuple[int, int], placed: Sequence[Box]
) -> Box:
    """The first free place near the shape; above its corner when all are taken."""
    candidates = [_inside(corner, tag, size) for corner in _corners(anchor, tag)]
    for candidate in candidates:
        if not any(_overlap(candidate, other) for other in placed):
            return candidate
    return candidates[0]


def _corners(anchor: Box, tag: tuple[float, float]) -> Iterator[Point]:
    width, height = tag
    yield Point(anchor.x1, anchor.y1 - height)
    yield Point(anchor.x1, anchor.y2)
    yield Point(anchor.x2 - width, anchor.y1 - height)
    yield Point(anchor.x2 - width, anchor.y2)
    yield Point(anchor.x2, anchor.y1)
    yield Point(anchor.x1 - width, anchor.y1)
    yield Point(anchor.x1, anchor.y1)


def _inside(corner: Point, tag: tuple[float, float], size: tuple[int, int]) -> Box:
    x = max(0.0, min(corner.x, size[0] - 1 - tag[0]))
    y = max(0.0, min(corner.y, size[1] - 1 - tag[1]))
    return Box(x, y, x + tag[0], y + tag[1])


def _overlap(one: Box, other: Box) -> bool:
    return one.x1 < other.x2 and other.x1 < one.x2 and one.y1 < other.y2 and other.y1 < one.y2


def _font(label: str, height: int) -> Font:
    if not label.isascii():
        for name in _WIDE_FONTS:
            try:
                return ImageFont.truetype(name, height)
            except OSError:  # not installed here
                continue
    return ImageFont.load_default(height)
