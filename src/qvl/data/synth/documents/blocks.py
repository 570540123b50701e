"""What stands on a page before it has places: elements with the HTML that draws them.

Owns: one constructor for each kind of element. Does not own: what they say (``prose`` and others),
their order (``layouts``), their boxes (``page``).

    words, figures, ... -> Block(element, HTML) -> Group of blocks -> body of the page

The element of a block is what the answer says; its HTML is made from the same values.
"""

import base64
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from qvl.data.synth.documents import formulas
from qvl.data.synth.documents.drawings import Drawing
from qvl.data.synth.documents.style import Style
from qvl.data.synth.documents.tables import said_css
from qvl.tasks.document_elements import (
    Address,
    Cell,
    Chart,
    ChemicalFormula,
    Element,
    Figure,
    FigureRole,
    Formula,
    Heading,
    List,
    ListItem,
    MusicSheet,
    Paragraph,
    Table,
)

_NUMBER = re.compile(r"-?(CHF |[$£€])?\d[\d.,]*%?( EUR| kr)?")

Measure = Literal["words", "box", "ink"]
"""How a box is found: around its words, by its border, or around what is drawn in its border."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """An element and how it is drawn.

    Attributes:
        element: without boxes.
        tag: of its HTML.
        inner: its HTML.
        classes: of its tag.
        style: CSS of its own.
        measure: how its box is found.
        splits: text may go on in the next column, as an element of its own.
    """

    element: Element
    tag: str
    inner: str
    classes: str = ""
    style: str = ""
    measure: Measure = "words"
    splits: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Blocks in a box of the page that is no element."""

    children: tuple["Node", ...]
    classes: str = ""
    style: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoration:
    """Something drawn that is no element, such as a rule."""

    markup: str


Node = Block | Group | Decoration


@dataclass(kw_only=True)
class Written:
    """The body of a page, and its blocks by the numbers they have there."""

    parts: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def write(nodes: Sequence[Node]) -> Written:
    """The HTML of nodes, each block with its number in ``data-e``."""
    written = Written()
    _write(nodes, written)
    return written


def _write(nodes: Sequence[Node], written: Written) -> None:
    for node in nodes:
        if isinstance(node, Decoration):
            written.parts.append(node.markup)
        elif isinstance(node, Group):
            written.parts.append(f'<div class="{node.classes}" style="{node.style}">')
            _write(node.children, written)
            written.parts.append("</div>")
        else:
            split = " data-splits" if node.splits else ""
            written.parts.append(
                f'<{node.tag} data-e="{len(written.blocks)}" data-measure="{node.measure}"{split} '
                f'class="{node.classes}" style="{node.style}">{node.inner}</{node.tag}>'
            )
            written.blocks.append(node)


def flow(*nodes: Node, style: str = "") -> Group:
    """The part of a page in whose columns blocks follow each other until it is full."""
    return Group(children=nodes, classes="flow", style=style)


def keep(*nodes: Node) -> Group:
    """Blocks that no column break parts."""
    return Group(children=nodes, classes="keep")


def row(*nodes: Node, style: str = "") -> Group:
    """Blocks beside each other."""
    return Group(children=nodes, classes="row", style=style)


def rule() -> Decoration:
    """A line across."""
    return Decoration(markup='<div class="rule"></div>')


def heading(text: str, level: int, *, classes: str = "", style: str = "") -> Block:
    """A title."""
    element = Heading(level=level, text=text)
    return Block(element=element, tag=f"h{level}", inner=words(text), classes=classes, style=style)


def para(
    text: str, *, classes: str = "", style: str = "", math: bool = False, splits: bool = False
) -> Block:
    """Running text, with newlines as breaks; with ``math``, LaTeX between dollar signs."""
    inner = with_math(text) if math else words(text)
    return Block(
        element=Paragraph(text=text),
        tag="p",
        inner=inner,
        classes=classes,
        style=style,
        splits=splits and not math and "\n" not in text,
    )


def listing(
    style: Style, entries: Sequence[str | tuple[str, Sequence[str]]], *, ordered: bool
) -> Block:
    """A list; an entry may have entries below it."""
    items, inner = [], ""
    for number, entry in enumerate(entries, start=1):
        text, below = (entry, ()) if isinstance(entry, str) else entry
        mark = f"{number}." if ordered else style.bullet
        nested = "".join(f'<li><span class="mark">–</span>{words(line)}</li>' for line in below)
        inner += (
            f'<li data-item><span class="mark">{mark}</span>{words(text)}'
            f"{f'<ul>{nested}</ul>' if nested else ''}</li>"
        )
        children = (List(items=tuple(ListItem(text=line) for line in below)),) if below else ()
        items.append(ListItem(text=text, children=children))
    element = List(items=tuple(items), ordered=ordered)
    return Block(element=element, tag="ol" if ordered else "ul", inner=inner, splits=True)


def table(style: Style, content: Table, number: int, *, wide: bool = False) -> Block:
    """A table in the document's look; ``number`` counts those of the page."""
    name = f"table{number}"
    look = style.table_look
    heads = sum(all(cell.header for cell in cells) for cells in content.rows)
    numeric = _numeric_columns(content.rows[heads:])
    rows = "".join(
        f'<tr class="{"last" if i == heads - 1 else ""}">'
        f"{''.join(_cell(cell, place, numeric) for place, cell in enumerate(cells))}</tr>"
        for i, cells in enumerate(content.rows)
    )
    element = Table(rows=content.rows, name=name, style=said_css(look, name))
    return Block(
        element=element,
        tag="table",
        inner=rows,
        classes="grid whole",
        style="width: 100%;" if wide else "",
        measure="words" if look == "plain" else "box",
    )


def _numeric_columns(rows: Sequence[Sequence[Cell]]) -> set[int]:
    """Columns whose first cell below the head is a number."""
    first = rows[0] if rows else ()
    return {place for place, cell in enumerate(first) if _NUMBER.fullmatch(cell.text)}


def _cell(cell: Cell, place: int, numeric: set[int]) -> str:
    tag = "th" if cell.header else "td"
    if _NUMBER.fullmatch(cell.text) and not cell.header:
        kind = "n"
    elif cell.col_span > 1:
        kind = "c" if cell.header else "n"
    else:
        kind = "n" if cell.header and place in numeric else ""
    return (
        f'<{tag} class="{kind}" rowspan="{cell.row_span}" colspan="{cell.col_span}">'
        f"{words(cell.text)}</{tag}>"
    )


def figure(drawing: Drawing, role: FigureRole, *, width: float = 1.0) -> Block:
    """A drawing; ``role`` says what the answer tells about it, ``width`` the share of a column."""
    text = {"plain": "", "caption": drawing.description, "ocr": "\n".join(drawing.lines)}[role]
    return Block(
        element=Figure(role=role, text=text),
        tag="div",
        inner=drawing.markup,
        classes="picture whole",
        style=f"aspect-ratio: {drawing.aspect:.3f}; {_share(width)}",
        measure="box",
    )


def chart(pixels: npt.NDArray[np.uint8], data: Table, *, width: float = 1.0) -> Block:
    """A chart, drawn as pixels; ``width`` is its share of a column."""
    file = io.BytesIO()
    PILImage.fromarray(pixels).save(file, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return Block(
        element=Chart(table=data),
        tag="div",
        inner=f'<img src="{source}" style="width: 100%">',
        classes="picture whole",
        style=_share(width),
        measure="box",
    )


def _share(width: float) -> str:
    return f"width: {100 * width:.0f}%; margin: 0 auto" if width < 1 else ""


def formula(latex: str, number: str = "") -> Block:
    """A displayed formula, perhaps with its number at the edge."""
    drawn = f'<span class="tex display">{html.escape(latex)}</span>'
    if number:
        drawn = f'<span class="lead">{number}</span>{drawn}<span class="number">{number}</span>'
    return Block(
        element=Formula(latex=latex, text=number),
        tag="div",
        inner=drawn,
        classes="formula whole",
        measure="ink",
    )


def music_sheet(abc: str, svg: str) -> Block:
    """An engraved tune."""
    return _sheet(MusicSheet(abc=abc), svg)


def chemical_formula(smiles: str, svg: str) -> Block:
    """The skeleton of a molecule."""
    return _sheet(ChemicalFormula(smiles=smiles), svg)


def _sheet(element: Element, svg: str) -> Block:
    data = base64.b64encode(svg.encode()).decode()
    return Block(
        element=element,
        tag="div",
        inner=f'<img src="data:image/svg+xml;base64,{data}">',
        classes="sheet whole",
        measure="ink",
    )


def authors(lines: Sequence[str], *, classes: str = "centre") -> Block:
    """Who wrote it and where they work."""
    element = Address(parts=tuple(Paragraph(text=line) for line in lines))
    inner = "".join(f"<p data-item>{words(line)}</p>" for line in lines)
    return Block(element=element, tag="address", inner=inner, classes=classes)


def words(text: str) -> str:
    """Text as HTML; newlines are breaks."""
    return html.escape(text).replace("\n", "<br>")


def with_math(text: str) -> str:
    """Text with formulas between dollar signs."""
    return "".join(
        f'<span class="tex">{html.escape(piece)}</span>' if is_formula else words(piece)
        for is_formula, piece in formulas.spans(text)
    )
