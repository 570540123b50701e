"""A page as QwenVL HTML: how to ask for it, how to write it, how to read it back.

Owns: prompts, the written form, the typed result of one page. Does not own: the kinds of elements
(``document_elements``), the tolerant reader (``document_reader``, ``document_builder``), showing
(``document_html``, ``document_markdown``, ``document_json``, ``draw_document``).

    prompt() -> model -> answer -> parse(answer, transform) -> ParsedPage
    elements -> to_model_space() -> format() -> training text

Models write integers in resized_px; results are in original_px when the transform is given.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from qvl.errors import InputError
from qvl.geometry import Box, ResizeTransform
from qvl.options import shown
from qvl.tasks import grounding
from qvl.tasks.document_builder import build
from qvl.tasks.document_elements import E, Element, map_boxes, walk
from qvl.tasks.document_html import Markup, integers
from qvl.tasks.document_reader import read

Variant = Literal["qwenvl", "caption", "plain"]

_PROMPTS: dict[Variant, str] = {
    "qwenvl": "QwenVL HTML ",
    "caption": "QwenVL HTML with image caption",
    "plain": "图片解析成html",
}
"""Source: cookbooks/document_parsing.ipynb (the space at the end is its own)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedPage:
    """What an answer says stands on a page."""

    elements: tuple[Element, ...]
    """In reading order."""
    text: str
    """The whole answer."""
    answered: bool
    """True when the answer has any tag; False for prose alone, which is then one element."""
    truncated: bool
    """True when the answer ended before the page did."""
    problems: tuple[str, ...] = ()
    """What was written but could not be used, one line each."""

    def walk(self) -> Iterator[Element]:
        """Every element in reading order, also those in groups."""
        return walk(self.elements)


def prompt(variant: Variant = "qwenvl") -> str:
    """The words that ask for a page.

    Args:
        variant: "qwenvl" for HTML with boxes, "caption" to have pictures described as well,
            "plain" for ordinary HTML without boxes.

    >>> prompt("caption")
    'QwenVL HTML with image caption'
    """
    if variant not in _PROMPTS:
        raise InputError(
            f"variant is {shown(variant)}, expected one of {', '.join(get_args(Variant))}"
        )
    return _PROMPTS[variant]


MARKDOWN_PROMPT = "Convert this page to Markdown."
"""Ours: the published prompts ask for HTML only. The answer has no boxes."""


def region_prompt(box: Box) -> str:
    """The words that ask what stands in a part of a page, as Markdown; our own wording.

    Args:
        box: in resized_px.

    >>> region_prompt(Box(10, 20, 110, 220))
    'Read what stands in the region {"bbox_2d": [10, 20, 110, 220]} of this page, as Markdown.'
    """
    region = json.dumps({"bbox_2d": [round(value) for value in box]})
    return f"Read what stands in the region {region} of this page, as Markdown."


def parse(text: str, *, transform: ResizeTransform | None = None) -> ParsedPage:
    """Reads the elements of an answer; never fails on what a model wrote.

    Args:
        text: the model's answer, fenced or not, whole or cut off.
        transform: of the page's picture; without it boxes stay in resized_px.

    >>> page = parse('<html><body><h1 data-bbox="1 2 30 4">Title</h1><p data-bbox="1 5 3')
    >>> [(element.kind, element.box) for element in page.elements]
    [('heading', Box(x1=1.0, y1=2.0, x2=30.0, y2=4.0))]
    >>> page.truncated
    True
    """
    reading = read(text)
    elements = build(reading, transform)
    return ParsedPage(
        elements=elements,
        text=text,
        answered=reading.answered,
        truncated=reading.truncated,
        problems=reading.problems.lines(),
    )


def format(elements: Sequence[Element], *, fenced: bool = True) -> str:
    """Writes a page as the model writes it; `parse` reads it back unchanged.

    Args:
        elements: in reading order, boxes in resized_px; coordinates are rounded to integers.
        fenced: inside a ```html fence, as recorded answers are.

    >>> from qvl.tasks.document_elements import Paragraph
    >>> print(format([Paragraph(text="a < b", box=Box(1, 2, 3, 4))], fenced=False))
    <html><body>
    <p data-bbox="1 2 3 4">a &lt; b</p>
    </body></html>

    Raises:
        InputError: an element was cut off.
    """
    for element in walk(elements):
        if not element.complete:
            raise InputError(f"a {element.kind} was cut off, expected whole elements to learn from")
    markup = Markup(integers)
    body = " ".join(f"{markup.element(element)} \n" for element in elements)
    page = f"<html><body>\n{body}</body></html>"
    return f"```html\n{page}\n```" if fenced else page


def to_model_space(element: E, transform: ResizeTransform) -> E:
    """Original pixels to the integers a model is trained to write; see `grounding`."""

    def moved(box: Box) -> Box:
        item = grounding.to_model_space(grounding.GroundedBox(box=box), transform)
        assert isinstance(item, grounding.GroundedBox)
        return item.box

    return map_boxes(element, moved)
