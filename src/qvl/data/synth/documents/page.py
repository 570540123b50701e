"""A page of blocks becomes a picture, and elements with exact boxes in reading order.

Owns: joining what the page measured with what the blocks say, trimming boxes to ink, refusing a
page whose elements collide. Does not own: the layout itself (``layout.js``, ``layouts``).

    blocks, CSS -> render_page(layout.js) -> parts with boxes -> elements -> DrawnPage

Text that goes on in the next column becomes an element of its own there, and text that the end of
the page cuts ends there, as on a real page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from qvl.data.synth.documents.blocks import Block, Node, write
from qvl.data.synth.documents.formulas import katex_head
from qvl.data.synth.render.page import render_page
from qvl.errors import DataError
from qvl.geometry import Box, ImageSize
from qvl.tasks.document_elements import (
    Address,
    Element,
    List,
    Paragraph,
    Pictured,
    Table,
    map_boxes,
)

_LAYOUT = Path(__file__).with_name("layout.js").read_text(encoding="utf-8")
_INK_STEP = 16
"""Least difference of a channel, of 255, that is ink: anti-aliasing is fainter."""
_TOUCH_PX = 2.0
"""Boxes of neighbours may share so much: letters of one line reach below those of the next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnPage:
    """A page as printed.

    Attributes:
        picture: RGB.
        elements: in reading order, boxes in pixels of the picture, not rounded.
    """

    picture: PILImage.Image
    elements: tuple[Element, ...]


def document_html(nodes: Sequence[Node], css: str) -> tuple[str, list[Block]]:
    """The HTML of a page, and its blocks in the order of their numbers."""
    written = write(nodes)
    body = "".join(written.parts)
    head = katex_head() if 'class="tex' in body else ""
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{head}<style>{css}</style>'
        f"</head><body>{body}</body></html>"
    )
    return page, written.blocks


def draw(nodes: Sequence[Node], css: str, size: ImageSize) -> DrawnPage:
    """Draws a page.

    Args:
        nodes: of the body.
        css: of the page, whose body has this size.
        size: of the picture.

    Raises:
        DataError: the page cannot be drawn, or elements leave it or lie on each other.
        MissingDependencyError: Chromium, or KaTeX for a page with formulas, is not installed.
    """
    html, blocks = document_html(nodes, css)
    rendered = render_page(html, size=size, script=_LAYOUT)
    pixels = np.asarray(rendered.picture)
    elements: list[Element] = []
    for record in rendered.value:
        block = blocks[record["block"]]
        first_item = 0
        for part in record["parts"]:
            element = _placed(block, part, pixels, first_item)
            first_item += len(part.get("items", ()))
            elements.append(element)
    _check(elements, size)
    return DrawnPage(picture=rendered.picture, elements=tuple(_numbered(elements)))


def _numbered(elements: Sequence[Element]) -> Iterator[Element]:
    """Tables are named by their order; those that did not fit are gone."""
    count = 0
    for element in elements:
        if isinstance(element, Table):
            count += 1
            name = f"table{count}"
            style = element.style.replace(element.name, name)
            element = replace(element, name=name, style=style)
        yield element


def _placed(
    block: Block, part: dict[str, Any], pixels: npt.NDArray[np.uint8], first_item: int
) -> Element:
    """One element where it stands."""
    element, box = block.element, Box(*part["box"])
    if block.measure == "ink":
        box = trimmed(pixels, box)
    if isinstance(element, Pictured):
        return replace(element, box=box, picture=box)
    if isinstance(element, Paragraph) and part.get("text") is not None:
        return replace(element, box=box, text=part["text"])
    if isinstance(element, List):
        items = tuple(
            replace(element.items[found["item"]], box=Box(*found["box"])) for found in part["items"]
        )
        start = 1 + first_item if element.ordered else 1
        return replace(element, box=box, items=items, start=start)
    if isinstance(element, Address):
        parts = tuple(
            replace(element.parts[found["item"]], box=Box(*found["box"])) for found in part["items"]
        )
        return replace(element, box=box, parts=parts)
    return replace(element, box=box)


def trimmed(pixels: npt.NDArray[np.uint8], box: Box) -> Box:
    """The part of a box that differs from the colour of its corners; the box itself if none does.

    Args:
        pixels: uint8[H, W, 3].
        box: in pixels.
    """
    x1, y1 = int(box.x1), int(box.y1)
    x2, y2 = int(np.ceil(box.x2)), int(np.ceil(box.y2))
    inside = pixels[max(0, y1) : y2, max(0, x1) : x2].astype(np.int16)
    if not inside.size:
        return box
    ink = (np.abs(inside - inside[0, 0]).max(-1) >= _INK_STEP).nonzero()
    if not len(ink[0]):
        return box
    left, top = max(0, x1), max(0, y1)
    return Box(
        float(left + ink[1].min()),
        float(top + ink[0].min()),
        float(left + ink[1].max() + 1),
        float(top + ink[0].max() + 1),
    )


def outward(element: Element, size: ImageSize) -> Element:
    """The element with its boxes on whole pixels around them, within the page."""

    def move(box: Box) -> Box:
        return Box(
            float(max(0, np.floor(box.x1))),
            float(max(0, np.floor(box.y1))),
            float(min(size.width, np.ceil(box.x2))),
            float(min(size.height, np.ceil(box.y2))),
        )

    return map_boxes(element, move)


def _check(elements: Sequence[Element], size: ImageSize) -> None:
    boxes = [(element.kind, element.box) for element in elements if element.box is not None]
    for kind, box in boxes:
        if (
            box.x1 < 0
            or box.y1 < 0
            or box.x2 > size.width
            or box.y2 > size.height
            or box.x2 - box.x1 < 1
            or box.y2 - box.y1 < 1
        ):
            raise DataError(f"a {kind} at {box} leaves the page of {size}")
    for (kind, a), (other, b) in combinations(boxes, 2):
        wide = min(a.x2, b.x2) - max(a.x1, b.x1)
        high = min(a.y2, b.y2) - max(a.y1, b.y1)
        if min(wide, high) > _TOUCH_PX:
            raise DataError(f"a {kind} at {a} and a {other} at {b} lie on each other")
