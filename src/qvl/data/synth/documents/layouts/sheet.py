"""What every layout is given and what it gives back, and parts that several of them share.

Owns: `Sheet`, running text with what stands between it. Does not own: whole layouts (the other
files of this folder).

    Sheet -> layout(sheet) -> Page(nodes, columns)
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from qvl.data.synth.documents import figures, formulas, tables
from qvl.data.synth.documents.blocks import (
    Decoration,
    Group,
    Node,
    formula,
    heading,
    keep,
    listing,
    para,
    row,
    table,
)
from qvl.data.synth.documents.prose import Subject, paragraph, point, sentence, short_title
from qvl.data.synth.documents.style import Style
from qvl.data.synth.picking import pick
from qvl.data.synth.words import Split
from qvl.geometry import ImageSize


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """An empty page.

    Attributes:
        rng: source of randomness.
        style: of the document.
        subject: of the document.
        size: in pixels.
        margin_px: around what is printed.
        described: answers describe pictures.
        fonts: which typefaces charts take.
        numbers: of figures, tables and so on, as far as they were given.
    """

    rng: np.random.Generator
    style: Style
    subject: Subject
    size: ImageSize
    margin_px: float
    described: bool
    fonts: Split
    numbers: Counter[str] = field(default_factory=Counter)

    def number(self, kind: str) -> int:
        """The next number of a kind of thing, from 1."""
        self.numbers[kind] += 1
        return self.numbers[kind]

    def column_px(self, columns: int) -> float:
        """Width of one of so many columns."""
        inner = self.size.width - 2.2 * self.margin_px
        return (inner - (columns - 1) * 1.8 * self.style.size_px) / columns

    def chance(self, share: float) -> bool:
        """True for this share of all calls."""
        return bool(self.rng.random() < share)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page with its contents.

    Attributes:
        nodes: of the body.
        columns: of its flow.
    """

    nodes: tuple[Node, ...]
    columns: int = 1


STACKED = "display: grid; gap: 0.5em"
"""CSS of a group whose blocks stand below each other."""

Filler = Callable[[Sheet], Sequence[Node]]
"""Sheet -> what stands between paragraphs."""


def running_head(sheet: Sheet, text: str) -> tuple[Node, ...]:
    """A line above the page, perhaps with its number."""
    number = str(sheet.rng.integers(2, 400))
    form = sheet.rng.random()
    if form < 0.4:
        return ()
    if form < 0.7:
        return (para(text, classes="small muted centre"),)
    return (row(para(text, classes="small muted"), para(number, classes="small muted")),)


def foot(sheet: Sheet) -> tuple[Node, ...]:
    """Footnotes and the number at the end of the page."""
    rng = sheet.rng
    nodes: list[Node] = []
    if sheet.chance(0.3):
        nodes.append(Decoration(markup='<div class="rule" style="width: 30%"></div>'))
        nodes += [
            para(f"{i}. {sentence(rng, sheet.subject)}", classes="small")
            for i in range(1, int(rng.integers(2, 4)))
        ]
    form = rng.random()
    number = int(rng.integers(1, 300))
    if form < 0.35:
        nodes.append(para(str(number), classes="small centre"))
    elif form < 0.55:
        nodes.append(
            para(f"Page {number} of {number + int(rng.integers(0, 40))}", classes="small right")
        )
    return (Group(children=tuple(nodes), style="display: grid; gap: 4px"),) if nodes else ()


def text_blocks(
    sheet: Sheet, *, columns: int, fillers: Sequence[Filler], share: float = 0.35
) -> list[Node]:
    """Headings, paragraphs and other things in a row, more than the page holds."""
    rng, style = sheet.rng, sheet.style
    room = style.characters_in(sheet.size) * 1.15
    nodes: list[Node] = []
    section, used = 0, 0.0
    until_heading = int(rng.integers(0, 3))
    while used < room:
        if until_heading == 0:
            section += 1
            number = f"{section} " if style.numbered else ""
            level = 2 if section == 1 or sheet.chance(0.6) else 3
            nodes.append(heading(number + short_title(rng, sheet.subject), level))
            until_heading = int(rng.integers(2, 5))
            used += 120
        else:
            until_heading -= 1
        text = paragraph(rng, sheet.subject)
        nodes.append(para(text, splits=True))
        used += len(text)
        if fillers and sheet.chance(share):
            nodes += pick(rng, fillers)(sheet)
            used += 500 * columns
    return nodes


def some_list(sheet: Sheet) -> Sequence[Node]:
    """A sentence and the entries it announces."""
    rng, style = sheet.rng, sheet.style
    count = int(rng.integers(2, 6))
    points = [point(rng, sheet.subject) for _ in range(count)]
    entries: list[str | tuple[str, Sequence[str]]] = [*points]
    if sheet.chance(0.2):
        entries[-1] = (points[-1], [point(rng, sheet.subject) for _ in range(2)])
    start = pick(rng, ("The main points are:", "We suggest:", "In short:", "What has changed:"))
    return para(start), listing(style, entries, ordered=sheet.chance(0.4))


def some_table(sheet: Sheet, *, columns: int = 1) -> Sequence[Node]:
    """A table with what is printed above it."""
    rng = sheet.rng
    width = sheet.column_px(columns)
    most = int(np.clip(width / (7.5 * sheet.style.size_px), 3, 6))
    content = tables.some_table(rng, sheet.subject, most_columns=most)
    number = sheet.number("Table")
    title = f"Table {number}: {short_title(rng, sheet.subject)}"
    above = para(title, classes="small", style="margin-bottom: 0.5em")
    return (keep(above, table(sheet.style, content, number, wide=sheet.chance(0.6))),)


def some_picture(sheet: Sheet, *, columns: int = 1) -> Sequence[Node]:
    """A picture with its caption."""
    node = figures.captioned(
        sheet.rng,
        sheet.style,
        sheet.subject,
        sheet.number("Figure"),
        described=sheet.described,
        width_px=sheet.column_px(columns),
    )
    return (node,)


def some_chart(sheet: Sheet, *, columns: int = 1) -> Sequence[Node]:
    """A chart with its caption."""
    node = figures.charted(
        sheet.rng,
        sheet.style,
        sheet.subject,
        sheet.number("Figure"),
        width_px=sheet.column_px(columns),
        fonts=sheet.fonts,
    )
    return (node,)


def some_formula(sheet: Sheet) -> Sequence[Node]:
    """A formula with the sentences around it."""
    rng = sheet.rng
    label = f"({sheet.number('Formula')})" if sheet.chance(0.5) else ""
    if sheet.chance(0.5):
        known = formulas.known(rng)
        symbols = " and ".join(f"${latex}$ stands for {text}" for latex, text in known.symbols)
        return (
            para(f"This leads to {formulas.with_article(known.name)}"),
            formula(known.latex, label),
            para(f"where {symbols}.", math=True),
        )
    symbol = formulas.inline(rng)
    return (
        para(f"With ${symbol}$ this becomes", math=True),
        formula(formulas.invented(rng), label),
    )
