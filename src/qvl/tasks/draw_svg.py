"""Writes a scene as SVG, with the picture inside, so that lines and labels stay sharp.

Owns: SVG text. Does not own: where things go (``draw``).
"""

import base64
import html
import io

from PIL import Image

from qvl.geometry import Point
from qvl.tasks.draw import arrow_head, on_white
from qvl.tasks.marks import DARK, LIGHT, Arrow, Colour, Outline, Scene, Tag

_FONT = "DejaVu Sans, Noto Sans, Noto Sans CJK SC, Arial, sans-serif"


def write(scene: Scene, picture: Image.Image | None = None) -> str:
    """Returns a self-contained SVG document.

    Args:
        scene: laid out for the size of the picture.
        picture: shown behind the scene, embedded as PNG; None leaves the background empty.
    """
    width, height = scene.size.width, scene.size.height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">'
    ]
    if picture is not None:
        parts.append(
            f'<image width="{width}" height="{height}" preserveAspectRatio="none" '
            f'href="data:image/png;base64,{_png(picture)}"/>'
        )
    parts += [_shape(outline) for outline in scene.outlines]
    parts += [_arrow(arrow) for arrow in scene.arrows]
    parts += [_tag(tag) for tag in scene.tags]
    return "\n".join([*parts, "</svg>\n"])


def _png(picture: Image.Image) -> str:
    file = io.BytesIO()
    on_white(picture).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


def _rgb(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _shape(outline: Outline) -> str:
    line, colour = outline.line_px, _rgb(outline.colour)
    if outline.kind == "point":
        (x, y) = outline.points[0]
        return "".join(
            f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius * line)}" '
            f'fill="{_rgb(fill)}"/>'
            for radius, fill in ((3.0, DARK), (2.5, LIGHT), (2.0, outline.colour))
        )
    corners = outline.points
    if outline.kind == "box":
        (x1, y1), (x2, y2) = corners
        corners = (Point(x1, y1), Point(x2, y1), Point(x2, y2), Point(x1, y2))
    path = " ".join(f"{_number(x)},{_number(y)}" for x, y in corners)
    common = f'<polygon points="{path}" stroke-linejoin="round"'
    return (
        f'{common} fill="none" stroke="{_rgb(DARK)}" stroke-width="{2 * line}"/>'
        f'{common} fill="{colour}" fill-opacity="{_number(outline.fill)}" stroke="{colour}" '
        f'stroke-width="{line}"/>'
    )


def _arrow(arrow: Arrow) -> str:
    ends = " ".join(
        f'{name}="{_number(value)}"'
        for name, value in zip(("x1", "y1", "x2", "y2"), (*arrow.start, *arrow.end), strict=True)
    )
    lines = "".join(
        f'<line {ends} stroke="{_rgb(colour)}" stroke-width="{width}"/>'
        for colour, width in ((LIGHT, 2 * arrow.line_px), (DARK, arrow.line_px))
    )
    head = " ".join(f"{_number(x)},{_number(y)}" for x, y in arrow_head(arrow))
    if not head:
        return lines
    return lines + f'<polygon points="{head}" fill="{_rgb(DARK)}" stroke="{_rgb(LIGHT)}"/>'


def _tag(tag: Tag) -> str:
    frame = tag.frame
    width, height = frame.x2 - frame.x1, frame.y2 - frame.y1
    # Fonts differ between machines: textLength keeps the letters inside their frame.
    return (
        f'<rect x="{_number(frame.x1)}" y="{_number(frame.y1)}" width="{_number(width)}" '
        f'height="{_number(height)}" fill="{_rgb(tag.fill)}" stroke="{_rgb(DARK)}"/>'
        f'<text x="{_number(frame.x1 + width / 2)}" y="{_number(frame.y1 + height / 2)}" '
        f'text-anchor="middle" dominant-baseline="central" font-family="{_FONT}" '
        f'font-size="{tag.font_px}" textLength="{_number(max(1.0, width * 0.86))}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{_rgb(tag.ink)}">{_escaped(tag.label)}</text>'
    )


def _escaped(text: str) -> str:
    """Text for XML, which has no place for most control characters."""
    return html.escape("".join(char if char.isprintable() else "\ufffd" for char in text))
