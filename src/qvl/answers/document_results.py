"""What was read of a document: pages with typed elements, and how to look at them.

Owns: the results. Does not own: reading (``answers.document``), files (``answers.document_files``),
how an element looks (``tasks.document_html``, ``document_markdown``, ``document_json``).

    PageResult, ... -> DocumentResult -> .markdown, .html, .to_json(), .draw(page), .save(folder)
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image

from qvl.answers.writing import Ending
from qvl.errors import InputError
from qvl.geometry import ImageSize, ResizeTransform
from qvl.processing.image import ImageSource
from qvl.processing.pages import open_pages
from qvl.processing.pdf import PageSize
from qvl.tasks.document import ParsedPage
from qvl.tasks.document_elements import Element, Pictured, walk
from qvl.tasks.document_html import Markup, hundredths, page_html
from qvl.tasks.document_json import SCHEMA, PointsPerPixel, to_json
from qvl.tasks.document_markdown import to_markdown
from qvl.tasks.draw_document import draw_document
from qvl.tasks.json_repair import JsonValue


@dataclass(frozen=True, kw_only=True, slots=True)
class PageResult:
    """One page, read."""

    number: int
    """From 1."""
    transform: ResizeTransform
    """Between the page's picture and what the model saw of it."""
    size_pt: PageSize | None
    """In points; None for a picture, which has none."""
    ended: Ending
    """"end": whole; "length": cut off; "repetition": left when the model repeated itself."""
    parsed: ParsedPage
    """Boxes are in original_px, the pixels of the page's picture."""

    @property
    def elements(self) -> tuple[Element, ...]:
        """In reading order."""
        return self.parsed.elements

    @property
    def text(self) -> str:
        """The model's answer."""
        return self.parsed.text

    @property
    def problems(self) -> tuple[str, ...]:
        """What was written but could not be used, one line each."""
        return self.parsed.problems

    @property
    def size(self) -> ImageSize:
        """Of the page's picture, in original_px."""
        return self.transform.original

    @property
    def points_per_pixel(self) -> PointsPerPixel | None:
        """From pixels of the page's picture to points of the page."""
        if self.size_pt is None:
            return None
        return PointsPerPixel(
            self.size_pt.width_pt / self.size.width, self.size_pt.height_pt / self.size.height
        )

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary for ``json.dumps``."""
        points: JsonValue = None
        if self.size_pt is not None:
            points = [round(self.size_pt.width_pt, 2), round(self.size_pt.height_pt, 2)]
        elements: list[JsonValue] = [*to_json(self.elements, self.points_per_pixel)]
        return {
            "page": self.number,
            "size_px": [self.size.width, self.size.height],
            "size_pt": points,
            "resized_px": [self.transform.resized.width, self.transform.resized.height],
            "ended": self.ended,
            "answered": self.parsed.answered,
            "problems": list(self.problems),
            "elements": elements,
        }

    def __str__(self) -> str:
        lines = [f"page {self.number}, {len(self.elements)} elements{_unless_whole(self.ended)}"]
        for order, element in enumerate(walk(self.elements), start=1):
            words = " ".join(_words(element).split())
            box = "" if element.box is None else hundredths(element.box)
            lines.append(f"{order:>4} {element.kind:<16} {box:<28} {words[:60]}".rstrip())
        return "\n".join([*lines, *(f"     ({problem})" for problem in self.problems)])

    def _repr_html_(self) -> str:
        markup = Markup(hundredths, for_people=True)
        return "\n".join(map(markup.element, self.elements))


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentResult:
    """A document, read page by page."""

    pages: tuple[PageResult, ...]
    title: str = ""
    """Name of the file."""
    source: ImageSource = field(repr=False, compare=False)
    """As it was given; opened again for drawing."""
    password: str | None = field(default=None, repr=False, compare=False)
    max_pixels: int = field(repr=False, compare=False)
    """In which pages were rendered."""

    @property
    def elements(self) -> tuple[Element, ...]:
        """Of all pages, in reading order."""
        return tuple(element for page in self.pages for element in page.elements)

    @property
    def markdown(self) -> str:
        """GitHub flavoured Markdown; pictures are named in words."""
        return join_markdown([to_markdown(page.elements) for page in self.pages])

    @property
    def html(self) -> str:
        """A page that stands alone and runs nothing; places of pictures are left empty."""
        return page_html([page.elements for page in self.pages], title=self.title)

    def page(self, number: int) -> PageResult:
        """The page of this number, from 1 as in the document.

        Raises:
            InputError: it is not among the pages that were read.
        """
        for page in self.pages:
            if page.number == number:
                return page
        read = ", ".join(str(page.number) for page in self.pages[:20])
        raise InputError(f"page {number} was not read, there are {read or 'none'}")

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary for ``json.dumps``; the schema is that of `tasks.document_json`."""
        pages: list[JsonValue] = [page.to_json() for page in self.pages]
        return {"schema": SCHEMA, "title": self.title, "pages": pages}

    def picture(self, number: int) -> PIL.Image.Image:
        """The picture of a page, the one that boxes are in.

        Raises:
            InputError: the page was not read, or its file is not what it was.
        """
        page = self.page(number)
        with open_pages(self.source, password=self.password) as pages:
            return check_picture(page, pages.page(number, max_pixels=self.max_pixels).picture)

    def draw(self, number: int | None = None) -> PIL.Image.Image:
        """The picture of a page with its elements on it, numbered in reading order.

        Args:
            number: of the page; None for the first that was read.
        """
        chosen = self.pages[0].number if number is None and self.pages else number or 1
        return draw_document(self.picture(chosen), self.page(chosen).elements)

    def save(
        self, folder: str | Path, formats: Sequence[str] = ("md", "html", "json")
    ) -> list[Path]:
        """Writes files; see `document_files.save_document`."""
        from qvl.answers.document_files import save_document

        return save_document(self, Path(folder), formats)

    def __str__(self) -> str:
        return "\n".join(map(str, self.pages))

    def _repr_html_(self) -> str:
        parts = [
            f"<h4>{html.escape(self.title)} {page.number}</h4>{page._repr_html_()}"
            for page in self.pages
        ]
        return "<hr/>".join(parts)


def join_markdown(pages: Sequence[str]) -> str:
    """Pages one after another, with a rule between."""
    return "\n---\n\n".join(page for page in pages if page)


def check_picture(page: PageResult, picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture, if it is the one the page was read from.

    Raises:
        InputError: it has another size.
    """
    size = ImageSize(picture.height, picture.width)
    if size != page.size:
        raise InputError(
            f"page {page.number} is now {size}, it was read at {page.size}",
            hint="the file has changed; read it again",
        )
    return picture


def _unless_whole(ended: Ending) -> str:
    return {"end": "", "length": ", cut off", "repetition": ", repeated itself"}[ended]


def _words(element: Element) -> str:
    for name in ("text", "latex", "abc", "smiles", "caption"):
        if words := getattr(element, name, ""):
            return str(words)
    if isinstance(element, Pictured):
        return ""
    rows = getattr(element, "rows", None)
    if rows:
        return f"{len(rows)} rows: " + " | ".join(cell.text for cell in rows[0])
    parts = getattr(element, "items", None) or getattr(element, "parts", None) or ()
    return "; ".join(part.text for part in parts)
