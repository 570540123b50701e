"""What stands on a page: the kinds of elements, as values.

Owns: fields, their normal form, walking through nested elements. Does not own: how a model writes
them (``document``), showing them (``document_html``, ``document_markdown``, ``document_json``).

    Heading, Paragraph, List, Table, Chart, Formula, Figure, MusicSheet, ChemicalFormula, Address
    and Other, so that nothing on a page is without a place

Text is what a reader sees: entities are decoded, a newline is a line break, LaTeX stands between
dollar signs. White space at the ends and around newlines means nothing and is dropped.
Source: Qwen2.5-VL technical report, section 2.2.1 (QwenVL HTML); cookbooks/document_parsing.ipynb.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple, TypeVar, get_args

from qvl.errors import InputError
from qvl.geometry import Box
from qvl.options import shown

WHITE = " \t\n\r\f"
"""What HTML calls white space; a no-break space is none."""

FigureRole = Literal["plain", "caption", "ocr"]
Origin = Literal["", "machine_printed", "handwritten"]
_FIGURE_ROLES: tuple[str, ...] = get_args(FigureRole)
_ORIGINS: tuple[str, ...] = get_args(Origin)

OTHER_TAGS = (
    "div", "section", "article", "header", "footer", "main", "nav", "aside", "blockquote", "pre",
    "figure", "figcaption", "center", "form", "fieldset", "legend", "details", "summary", "dl",
    "dt", "dd", "span", "label", "li", "caption",
)  # fmt: skip
"""Tags that an `Other` may have."""

LOOSE_TAGS = ("span", "label")
"""Tags of `Other` elements that are no blocks."""

LEAF_TAGS = ("span", "label", "pre", "li", "caption", "dt", "dd")
"""Tags of `Other` elements that hold text only."""

PICTURED_CLASSES = {
    "chemical formula": "chemical_formula",
    "music sheet": "music_sheet",
    "chart": "chart",
    "formula": "formula",
    "image caption": "caption",
    "image ocr": "ocr",
    "image": "plain",
}
"""Class of a div -> what it is; of several that fit, the first.
Source: Qwen2.5-VL technical report, section 2.2.1; "image": cookbooks/document_parsing.ipynb."""

MAX_SPAN = 1000
"""Most columns or rows of one cell. Source: HTML standard, table model, colspan."""

_AROUND_NEWLINE = re.compile(r"[ \t\r\f]*\n[ \t\r\f\n]*")


def normal_text(text: str) -> str:
    """Text without white space that means nothing.

    >>> normal_text("  two \\n\\n lines\\u00a0 ")
    'two\\nlines\\xa0'
    """
    text = text.strip(WHITE)
    return _AROUND_NEWLINE.sub("\n", text) if "\n" in text else text


def verbatim_text(text: str) -> str:
    """LaTeX, ABC and SMILES: only the ends carry no meaning."""
    return text.strip(WHITE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """What all kinds have."""

    kind: ClassVar[str] = ""
    box: Box | None = None
    """In original_px after ``parse`` with a transform, else in resized_px; None if not stated."""
    complete: bool = True
    """False when the answer ended inside it; it holds what had been written."""
    clipped: bool = field(default=False, compare=False)
    """True when the model placed a side outside the page; ``raw`` has what it wrote."""
    raw: tuple[float, ...] = field(default=(), compare=False)
    """The numbers of ``box`` as written, in resized_px."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading(Element):
    """A title."""

    kind = "heading"
    level: int
    """1 to 6."""
    text: str

    def __post_init__(self) -> None:
        _normalise(self, "text")
        if not 1 <= self.level <= 6:
            raise InputError(f"level of a heading is {shown(self.level)}, expected 1 to 6")


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph(Element):
    """Running text, with inline LaTeX as ``$...$``. Empty ones separate columns or regions."""

    kind = "paragraph"
    text: str

    def __post_init__(self) -> None:
        _normalise(self, "text")


@dataclass(frozen=True, kw_only=True, slots=True)
class ListItem:
    """One entry of a list, perhaps with lists below it."""

    text: str
    box: Box | None = None
    children: tuple["List", ...] = ()

    def __post_init__(self) -> None:
        _normalise(self, "text")


@dataclass(frozen=True, kw_only=True, slots=True)
class List(Element):
    """A list, numbered or not."""

    kind = "list"
    items: tuple[ListItem, ...]
    ordered: bool = False
    start: int = 1
    """Number of the first item of an ordered list."""

    def __post_init__(self) -> None:
        if self.start != 1 and not self.ordered:
            raise InputError(f"start of a list without numbers is {self.start}, expected 1")


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    header: bool = False
    row_span: int = 1
    col_span: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Table(Element):
    """Rows of cells, as written: a cell that spans others stands once."""

    kind = "table"
    rows: tuple[tuple[Cell, ...], ...]
    name: str = ""
    """Its class, ``table1`` and so on, to which ``style`` refers."""
    style: str = ""
    """The CSS that stood before it."""
    caption: str = ""

    def __post_init__(self) -> None:
        _normalise(self, "caption")
        rows = tuple(tuple(map(_normal_cell, row)) for row in self.rows)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "style", verbatim_text(self.style))
        _check_name(self.name)
        if "<" in self.style:
            raise InputError(f"style of a table is {shown(self.style)}, expected CSS without '<'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictured(Element):
    """What was read from a picture on the page."""

    picture: Box | None = None
    """Of the picture itself, in the space of ``box``; usually equal to it."""
    text: str = ""
    """What stands beside its content, such as the number of a formula."""

    def __post_init__(self) -> None:
        _normalise(self, "text")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure(Pictured):
    """A picture, perhaps with words."""

    kind = "figure"
    role: FigureRole = "plain"
    """What ``text`` is: nothing, a caption, or the words seen in the picture."""

    def __post_init__(self) -> None:
        _normalise(self, "text")
        _check_choice("role of a figure", self.role, _FIGURE_ROLES)
        if self.role == "plain" and self.text:
            raise InputError("a plain figure has text, expected the role 'caption' or 'ocr'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart(Pictured):
    """A chart with the data it shows."""

    kind = "chart"
    table: Table | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Formula(Pictured):
    """A displayed formula."""

    kind = "formula"
    latex: str = ""
    """Without the dollar signs around it."""
    origin: Origin = ""

    def __post_init__(self) -> None:
        _normalise(self, "text")
        _check_choice("origin of a formula", self.origin, _ORIGINS)
        object.__setattr__(self, "latex", verbatim_text(self.latex))


@dataclass(frozen=True, kw_only=True, slots=True)
class MusicSheet(Pictured):
    """Notes in ABC notation."""

    kind = "music_sheet"
    abc: str = ""

    def __post_init__(self) -> None:
        _normalise(self, "text")
        object.__setattr__(self, "abc", verbatim_text(self.abc))


@dataclass(frozen=True, kw_only=True, slots=True)
class ChemicalFormula(Pictured):
    """A molecule in SMILES."""

    kind = "chemical_formula"
    smiles: str = ""

    def __post_init__(self) -> None:
        _normalise(self, "text")
        object.__setattr__(self, "smiles", verbatim_text(self.smiles))


@dataclass(frozen=True, kw_only=True, slots=True)
class Address(Element):
    """Authors and where they work."""

    kind = "address"
    parts: tuple[Paragraph, ...]
    name: str = "author"
    """Its class."""

    def __post_init__(self) -> None:
        _check_name(self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Other(Element):
    """Anything else: text outside of any element, or a group of elements with a name of its own."""

    kind = "other"
    tag: str = "span"
    """Its HTML tag, one of `OTHER_TAGS`."""
    name: str = ""
    """Its class."""
    text: str = ""
    children: tuple[Element, ...] = ()
    """Of a group, which has no text of its own."""

    def __post_init__(self) -> None:
        if self.tag == "pre":  # its first line may be indented
            object.__setattr__(self, "text", self.text.strip("\n\r").rstrip(WHITE))
        else:
            _normalise(self, "text")
        if self.tag not in OTHER_TAGS:
            raise InputError(f"tag is {shown(self.tag)}, expected one of {', '.join(OTHER_TAGS)}")
        _check_name(self.name)
        if pictured_kind(self.name) is not None:
            raise InputError(f"name {shown(self.name)} belongs to an element of its own kind")
        self._check_group()

    def _check_group(self) -> None:
        if not self.children:
            if not (self.text or self.box or self.name):
                raise InputError("an element of no kind is empty, expected text, box or name")
            return
        if self.text or self.tag in LEAF_TAGS:
            raise InputError(f"a {self.tag} has children and text, expected one of them")
        if not (self.box or self.name):
            raise InputError("a group has neither box nor name, expected one of them")
        if all(map(is_loose, self.children)):
            raise InputError("a group holds loose text alone, expected it as its text")


def is_loose(element: Element) -> bool:
    """Whether an element is text that stands in no block."""
    return isinstance(element, Other) and element.tag in LOOSE_TAGS


E = TypeVar("E", bound=Element)


@lru_cache(maxsize=64)
def pictured_kind(name: str) -> str | None:
    """What a div of this class holds, by `PICTURED_CLASSES`, or None.

    >>> pictured_kind("formula machine_printed"), pictured_kind("image caption"), pictured_kind("x")
    ('formula', 'caption', None)
    """
    words = set(name.split())
    if not words:
        return None
    fitting = (kind for known, kind in PICTURED_CLASSES.items() if words.issuperset(known.split()))
    return next(fitting, None)


def walk(elements: Iterable[Element]) -> Iterator[Element]:
    """Every element in reading order; a group comes before what is in it."""
    for element in elements:
        yield element
        if isinstance(element, Other):
            yield from walk(element.children)


def map_boxes(element: E, move: Callable[[Box], Box | None]) -> E:
    """The element with ``move`` applied to every box in it; None takes a box away."""

    def moved(box: Box | None) -> Box | None:
        return None if box is None else move(box)

    result = replace(element, box=moved(element.box))
    if isinstance(result, Pictured):
        result = replace(result, picture=moved(result.picture))
    if isinstance(result, Chart) and result.table is not None:
        return replace(result, table=map_boxes(result.table, move))
    if isinstance(result, Address):
        return replace(result, parts=tuple(map_boxes(part, move) for part in result.parts))
    if isinstance(result, Other):
        return replace(result, children=tuple(map_boxes(child, move) for child in result.children))
    if isinstance(result, List):
        items = tuple(
            ListItem(
                text=item.text,
                box=moved(item.box),
                children=tuple(map_boxes(child, move) for child in item.children),
            )
            for item in result.items
        )
        return replace(result, items=items)
    return result


def _normalise(instance: object, name: str) -> None:
    """Stores the normal form of a text while its element is being built."""
    text = getattr(instance, name)
    if text:
        object.__setattr__(instance, name, normal_text(text))


def _normal_cell(cell: Cell) -> Cell:
    text, _, row_span, col_span = cell
    if not (1 <= row_span <= MAX_SPAN and 1 <= col_span <= MAX_SPAN):
        raise InputError(
            f"cell spans {shown(row_span)} rows and {shown(col_span)} columns, "
            f"expected 1 to {MAX_SPAN}"
        )
    normal = normal_text(text)
    return cell if normal == text else cell._replace(text=normal)


def _check_name(name: str) -> None:
    """A name is a class attribute: words between single spaces."""
    if name != " ".join(name.split()):
        raise InputError(f"name is {shown(name)}, expected words between single spaces")


def _check_choice(what: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{what} is {shown(value)}, expected one of {choices}")
