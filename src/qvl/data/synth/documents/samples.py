"""Samples of documents: a page, what a printer, scanner or camera made of it, what stands on it.

Owns: sizes, the choice of layout, effects, which question. Does not own: pages (``layouts``,
``page``), the written form (``tasks.document``).

    rng -> layout -> DrawnPage -> effect with its boxes -> HTML, Markdown, or parts -> Sample
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from PIL import Image as PILImage

from qvl.data.records import Provenance, Sample
from qvl.data.synth.documents.layouts.kinds import LAYOUTS
from qvl.data.synth.documents.layouts.sheet import Sheet
from qvl.data.synth.documents.page import DrawnPage, draw, outward
from qvl.data.synth.documents.prose import SUBJECTS
from qvl.data.synth.documents.style import page_css, sampled
from qvl.data.synth.effects import photographed, printed, scanned
from qvl.data.synth.picking import pick, shuffled
from qvl.data.synth.warps import box_of, rectangle
from qvl.data.synth.words import Split
from qvl.errors import DataError
from qvl.geometry import FACTOR, Box, ImageSize
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import document
from qvl.tasks.document_elements import (
    Address,
    Element,
    Formula,
    Heading,
    List,
    Paragraph,
    Table,
    map_boxes,
    walk,
)
from qvl.tasks.document_markdown import to_markdown

Variant = document.Variant | Literal["markdown", "regions"]

_TOKENS = (560, 2000)
"""Merged tokens of a page. Source: cookbooks/document_parsing.ipynb asks for 512 to 2048."""
_TRIES = 6
_USUAL_WIDTH_PX = 896
_BENDS = 6
"""Points on every side of a box, so that it follows curled paper."""


def document_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    layout: str | None = None,
    variant: Variant | None = None,
    effect: str | None = None,
    fonts: Split = "train",
    tokens: tuple[int, int] = _TOKENS,
) -> Sample:
    """Returns a page and its reading.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        layout: one of `LAYOUTS`; None draws one by its share.
        variant: of the question: those of `document.prompt`, "markdown" for the page as Markdown,
            "regions" for a few parts of it; None draws one.
        effect: "clean", "printed", "scanned" or "photographed"; None draws one.
        fonts: which typefaces.
        tokens: least and most merged tokens (28 px) of the picture.

    Raises:
        DataError: no page came out well in a few tries, which says a layout is wrong.
        MissingDependencyError: something that draws is not installed; the error names it.
    """
    names = list(LAYOUTS)
    shares = np.array([LAYOUTS[name].share for name in names])
    chosen = layout or names[int(rng.choice(len(names), p=shares / shares.sum()))]
    asked = pick(rng, _VARIANTS) if variant is None else variant
    made = effect or pick(rng, _EFFECTS)
    page = _good_page(rng, chosen, described=asked == "caption", fonts=fonts, tokens=tokens)
    picture, elements = _affected(rng, page, made)
    if asked == "plain":
        elements = tuple(map_boxes(element, _taken_away) for element in elements)
    kinds = Counter(element.kind for element in walk(elements))
    pairs = _pairs(rng, asked, elements)
    picture_part = Image(np.asarray(picture, np.uint8))
    turns: list[Message] = []
    for number, (question, answer) in enumerate(pairs):
        shown = (Text(question),) if number else (picture_part, Text(question))
        turns += [Message("user", shown), Message("assistant", (Text(answer),))]
    return Sample(
        task=_TASKS.get(asked, "document"),
        conversation=Conversation(tuple(turns)),
        provenance=Provenance(generator="documents.samples.document_sample", seed=seed),
        facts={"layout": chosen, "variant": asked, "effect": made, "kinds": dict(kinds)},
    )


def _pairs(
    rng: np.random.Generator, asked: Variant, elements: Sequence[Element]
) -> list[tuple[str, str]]:
    """Questions with their answers."""
    if asked == "markdown":
        return [(document.MARKDOWN_PROMPT, to_markdown(elements).strip())]
    if asked == "regions":
        parts = [element for element in walk(elements) if _can_be_read(element)]
        chosen = shuffled(rng, parts)[: int(rng.integers(1, _MOST_REGIONS + 1))]
        if chosen:
            return [
                (document.region_prompt(part.box), to_markdown([part]).strip())
                for part in chosen
                if part.box is not None
            ]
        asked = "qwenvl"
    return [(document.prompt(asked), document.format(elements))]


def _can_be_read(element: Element) -> bool:
    """Whether a part is of one piece, large enough to be told apart, and has words of its own."""
    box = element.box
    if box is None or not isinstance(element, _READ_ALONE):
        return False
    return min(box.x2 - box.x1, box.y2 - box.y1) >= _LEAST_REGION_PX


_VARIANTS: tuple[Variant, ...] = (
    *("qwenvl",) * 9, *("caption",) * 4, *("plain",) * 2, *("markdown",) * 3, *("regions",) * 2,
)  # fmt: skip
_TASKS: Mapping[Variant, str] = {
    "markdown": "document to markdown", "regions": "regions of a document"
}  # fmt: skip
_READ_ALONE = (Address, Formula, Heading, List, Paragraph, Table)
_MOST_REGIONS = 4
_LEAST_REGION_PX = 14.0
_EFFECTS = ("clean",) * 4 + ("printed",) * 2 + ("scanned",) * 2 + ("photographed",) * 2


def page_size(
    rng: np.random.Generator, aspect: tuple[float, float], tokens: tuple[int, int]
) -> ImageSize:
    """A size with so many merged tokens, sides multiples of 28."""
    ratio = float(rng.uniform(*aspect))
    count = float(rng.uniform(*tokens))
    width = max(4, round((count / ratio) ** 0.5))
    return ImageSize(max(4, round(width * ratio)) * FACTOR, width * FACTOR)


def drawn_page(
    rng: np.random.Generator, layout: str, *, described: bool, fonts: Split, tokens: tuple[int, int]
) -> DrawnPage:
    """One page of a layout, as printed.

    Raises:
        DataError: elements collide or leave the page.
    """
    kind = LAYOUTS[layout]
    size = page_size(rng, kind.aspect, tokens)
    # Text grows more slowly than the page: small pictures of pages have small letters.
    zoom = (size.width / _USUAL_WIDTH_PX) ** 0.6
    style = sampled(rng, fonts=fonts, size_px=kind.text_px * zoom)
    margin = size.width * float(rng.uniform(0.04, 0.09))
    sheet = Sheet(
        rng=rng,
        style=style,
        subject=pick(rng, SUBJECTS),
        size=size,
        margin_px=margin,
        described=described,
        fonts=fonts,
    )
    page = kind.make(sheet)
    return draw(page.nodes, page_css(style, size, margin_px=margin, columns=page.columns), size)


def _good_page(
    rng: np.random.Generator, layout: str, *, described: bool, fonts: Split, tokens: tuple[int, int]
) -> DrawnPage:
    for attempt in range(_TRIES):
        try:
            return drawn_page(rng, layout, described=described, fonts=fonts, tokens=tokens)
        except DataError:
            if attempt + 1 == _TRIES:
                raise
    raise AssertionError("unreachable")


def _affected(
    rng: np.random.Generator, page: DrawnPage, effect: str
) -> tuple[PILImage.Image, tuple[Element, ...]]:
    """The page as somebody got it, boxes on whole pixels."""
    size = ImageSize(page.picture.height, page.picture.width)
    boxes = _boxes(page.elements)
    polygons = [rectangle(box, per_side=_BENDS) for box in boxes]
    picture = page.picture
    strength = float(rng.uniform(0.2, 0.8))
    if effect in ("printed", "scanned"):
        picture, polygons = printed(rng, picture, polygons, strength=strength)
    if effect == "scanned":
        picture, polygons = scanned(rng, picture, polygons, strength=strength)
    elif effect == "photographed":
        picture, polygons = photographed(rng, picture, polygons, strength=strength)
    elif effect not in ("clean", "printed"):
        raise DataError(f"effect is {effect!r}, expected one of {', '.join(sorted(set(_EFFECTS)))}")
    moved = dict(zip(boxes, (box_of(polygon, size) for polygon in polygons), strict=True))
    elements = (map_boxes(element, moved.__getitem__) for element in page.elements)
    return picture, tuple(outward(element, size) for element in elements)


def _boxes(elements: Sequence[Element]) -> list[Box]:
    """Every box of the elements, once."""
    found: dict[Box, None] = {}

    def note(box: Box) -> Box:
        found[box] = None
        return box

    for element in elements:
        map_boxes(element, note)
    return list(found)


def _taken_away(box: Box) -> None:
    """Ordinary HTML says nothing of places."""
