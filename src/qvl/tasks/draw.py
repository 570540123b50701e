"""Draws what was found on the picture.

Owns: pixels. Does not own: where things go (``marks``), SVG (``draw_svg``).

    picture + items in its pixels -> draw() -> a new picture (larger when it was tiny)
"""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from qvl.geometry import Box, ImageSize, Point
from qvl.tasks.grounding import Grounded
from qvl.tasks.marks import (
    DARK,
    LIGHT,
    Arrow,
    Mark,
    Outline,
    Scene,
    label_font,
    layout,
    marks_of,
)


def draw(picture: Image.Image, items: Sequence[Grounded], *, order: bool = False) -> Image.Image:
    """Returns a copy of the picture with what was found drawn on it.

    Args:
        picture: any mode; transparent parts become white.
        items: in pixels of this picture, as `grounding.parse` gives them with transforms.
        order: number the items and join them by arrows.
    """
    size = ImageSize(picture.height, picture.width)
    return paint(picture, layout(size, marks_of(items), order=order))


def paint(picture: Image.Image, scene: Scene) -> Image.Image:
    """Returns a copy of the picture, ``scene.scale`` times as large, with the scene on it.

    Args:
        picture: any mode; transparent parts become white.
        scene: laid out for the size of this picture.
    """
    canvas = on_white(picture)
    if scene.scale > 1:
        canvas = canvas.resize((scene.size.width, scene.size.height))
    canvas = _filled(canvas, scene)
    pen = ImageDraw.Draw(canvas)
    for outline in scene.outlines:
        _stroke(pen, outline)
    for arrow in scene.arrows:
        _arrow(pen, arrow)
    for tag in scene.tags:
        pen.rectangle(tag.frame, fill=tag.fill, outline=DARK)
        pen.text(tag.text_at, tag.label, font=label_font(tag.label, tag.font_px), fill=tag.ink)
    return canvas


def mask(size: ImageSize, marks: Sequence[Mark]) -> Image.Image:
    """Returns which mark covers each pixel: mode "I;16", 0 for none, else its number from 1.

    Later marks cover earlier ones; points cover the pixel they are in.
    """
    numbers = Image.new("I;16", (size.width, size.height))
    pen = ImageDraw.Draw(numbers)
    for number, mark in enumerate(marks, start=1):
        shape = mark.shape
        if isinstance(shape, Box):
            if shape.x2 > shape.x1 and shape.y2 > shape.y1:
                last = (math.ceil(shape.x2) - 1, math.ceil(shape.y2) - 1)
                pen.rectangle((math.floor(shape.x1), math.floor(shape.y1), *last), fill=number)
        elif isinstance(shape, Point):
            pen.point((math.floor(shape.x), math.floor(shape.y)), fill=number)
        else:
            pen.polygon([tuple(point) for point in shape], fill=number)
    return numbers


def on_white(picture: Image.Image) -> Image.Image:
    """Returns a copy in RGB; transparent parts become white."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    canvas = Image.new("RGB", picture.size, LIGHT)
    layer = picture.convert("RGBA")
    canvas.paste(layer, mask=layer.getchannel("A"))
    return canvas


def _filled(canvas: Image.Image, scene: Scene) -> Image.Image:
    for outline in scene.outlines:
        if outline.fill and outline.kind != "point":
            cover = Image.new("L", canvas.size)
            pen = ImageDraw.Draw(cover)
            level = round(255 * outline.fill)
            if outline.kind == "box":
                pen.rectangle(_corners_of_box(outline), fill=level)
            else:
                pen.polygon([tuple(point) for point in outline.points], fill=level)
            canvas.paste(outline.colour, mask=cover)
    return canvas


def _corners_of_box(outline: Outline) -> tuple[float, float, float, float]:
    (x1, y1), (x2, y2) = outline.points
    return x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)  # the last pixel inside


def _stroke(pen: ImageDraw.ImageDraw, outline: Outline) -> None:
    line = outline.line_px
    edge = max(1, line // 2)
    if outline.kind == "box":
        x1, y1, right, bottom = _corners_of_box(outline)
        outer = (x1 - edge, y1 - edge, right + edge, bottom + edge)
        pen.rectangle(outer, outline=DARK, width=line + 2 * edge)
        pen.rectangle((x1, y1, right, bottom), outline=outline.colour, width=line)
    elif outline.kind == "point":
        for radius, fill in ((3.0 * line, DARK), (2.5 * line, LIGHT), (2.0 * line, outline.colour)):
            pen.circle(outline.points[0], radius, fill=fill)
    else:
        ring = [tuple(point) for point in (*outline.points, outline.points[0])]
        pen.line(ring, fill=DARK, width=line + 2 * edge, joint="curve")
        pen.line(ring, fill=outline.colour, width=line, joint="curve")


def _arrow(pen: ImageDraw.ImageDraw, arrow: Arrow) -> None:
    for colour, width in ((LIGHT, 2 * arrow.line_px), (DARK, arrow.line_px)):
        pen.line((*arrow.start, *arrow.end), fill=colour, width=width)
    head = arrow_head(arrow)
    if head:
        pen.polygon([tuple(point) for point in head], fill=DARK, outline=LIGHT)


def arrow_head(arrow: Arrow) -> tuple[Point, ...]:
    """The three corners of an arrow's head; none when it has no length."""
    dx, dy = arrow.end.x - arrow.start.x, arrow.end.y - arrow.start.y
    length = math.hypot(dx, dy)
    if length == 0:
        return ()
    reach = min(6.0 * arrow.line_px, length)
    ux, uy = dx / length * reach, dy / length * reach
    back = Point(arrow.end.x - ux, arrow.end.y - uy)
    return (
        arrow.end,
        Point(back.x - uy / 2, back.y + ux / 2),
        Point(back.x + uy / 2, back.y - ux / 2),
    )
