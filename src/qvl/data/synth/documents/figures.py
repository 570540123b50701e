"""Figures of every kind as blocks with what is printed below them.

Owns: which figure, its caption and number. Does not own: drawing (``drawings``, ``music``,
``molecules``, ``qvl.data.synth.charts``).
"""

import numpy as np

from qvl.data.synth.charts.matplotlib_chart import draw as draw_chart
from qvl.data.synth.charts.records import ChartData, Kind
from qvl.data.synth.charts.series import invent
from qvl.data.synth.charts.styles import random_style
from qvl.data.synth.charts.view import View
from qvl.data.synth.documents import drawings, molecules, music
from qvl.data.synth.documents.blocks import (
    Block,
    Node,
    chart,
    chemical_formula,
    figure,
    keep,
    music_sheet,
    para,
)
from qvl.data.synth.documents.prose import Subject, fill
from qvl.data.synth.documents.style import Style
from qvl.data.synth.picking import pick
from qvl.data.synth.words import Split
from qvl.geometry import FACTOR
from qvl.tasks.document_elements import Cell, Table

CHART_KINDS: tuple[Kind, ...] = (
    "bar", "grouped_bar", "stacked_bar", "horizontal_bar", "line", "area", "pie", "donut",
)  # fmt: skip
"""Kinds whose data are one small table."""
_MOST_ROWS = 10
_GREY = "#8"
"""Charts on darker paper are rare in print."""


def picture(
    rng: np.random.Generator,
    style: Style,
    subject: Subject,
    *,
    described: bool,
    aspect: float = 1.5,
    width: float = 1.0,
) -> tuple[Block, drawings.Drawing]:
    """A drawn scene, or a picture with words.

    Args:
        rng: source of randomness.
        style: of the document.
        subject: of words in it.
        described: the answer describes every picture; else it reads those with words.
        aspect: width over height of a scene; pictures with words have their own.
        width: share of the column.
    """
    if rng.random() < 0.6:
        drawing = drawings.scene(rng, aspect)
        return figure(drawing, "caption" if described else "plain", width=width), drawing
    drawing = drawings.worded(rng, subject, f"'{style.heading_font}'")
    return figure(drawing, "caption" if described else "ocr", width=width), drawing


def captioned(
    rng: np.random.Generator,
    style: Style,
    subject: Subject,
    number: int,
    *,
    described: bool,
    width_px: float,
) -> Node:
    """A picture with its printed caption, in a column of this width."""
    width = _some_width(rng, style, width_px)
    aspect = float(rng.uniform(1.1, 1.9))
    block, drawing = picture(rng, style, subject, described=described, aspect=aspect, width=width)
    text = drawings.printed_caption(rng, subject, drawing)
    return keep(block, para(f"Figure {number}: {text}", classes="caption"))


def charted(
    rng: np.random.Generator,
    style: Style,
    subject: Subject,
    number: int,
    *,
    width_px: float,
    fonts: Split,
) -> Node:
    """A chart with its printed caption, in a column of this width."""
    width = _some_width(rng, style, width_px)
    block = chart_block(rng, width_px=width_px, width=width, fonts=fonts)
    below = pick(rng, ("Source: {method}.", "Figures for {place}.", "Own calculation, {later}."))
    return keep(block, para(f"Figure {number}: {fill(rng, below, subject)}", classes="caption"))


def chart_block(
    rng: np.random.Generator, *, width_px: float, width: float = 1.0, fonts: Split
) -> Block:
    """A chart and its data as far as they can be read, on a share of a column of this width."""
    while True:
        data = invent(rng, pick(rng, CHART_KINDS))
        if len(data.categories) <= _MOST_ROWS:
            break
    # As wide as it will stand there, so that its letters keep their size.
    tokens = int(np.clip(width_px * width // FACTOR, 12, 30))
    looks = (random_style(rng, side_tokens=(tokens, tokens), fonts=fonts) for _ in range(4))
    style = next((look for look in looks if look.paper > _GREY), None)
    if style is None:
        style = random_style(rng, side_tokens=(tokens, tokens), fonts=fonts)
    drawn = draw_chart(rng, data, style)
    return chart(drawn.pixels, chart_table(View(data=data, drawn=drawn)), width=width)


def _some_width(rng: np.random.Generator, style: Style, width_px: float) -> float:
    """A share of the column: narrow columns are filled, in wide ones figures may be smaller."""
    if width_px < 32 * style.size_px or rng.random() < 0.3:
        return 1.0
    return float(rng.uniform(0.5, 0.95))


def chart_table(view: View) -> Table:
    """The data of a chart, values as a reader would state them."""
    data: ChartData = view.data
    names = [s.name or s.measure for s in data.series]
    head = tuple(Cell(text, True) for text in (data.category_axis, *names))
    rows = [
        (Cell(category), *(Cell(_value(view, s, c)) for s in range(len(data.series))))
        for c, category in enumerate(data.categories)
    ]
    return Table(rows=(head, *rows), caption=data.title)


def _value(view: View, series: int, category: int) -> str:
    value = view.data.value(series, category)
    if value is None:
        return ""
    unit = view.data.series[series].unit
    return unit.short(value if view.exact else view.seen(series, value))


def sheet(rng: np.random.Generator, style: Style, *, width_px: float, title: str = "") -> Block:
    """An engraved tune."""
    abc = music.melody(
        rng, bars=int(rng.choice([4, 4, 8, 8, 12])), title=title, words=rng.random() < 0.35
    )
    staff = style.size_px * float(rng.uniform(1.5, 2.0))
    return music_sheet(abc, music.engraved(abc, width_px=int(width_px), staff_px=staff))


def skeleton(rng: np.random.Generator, style: Style) -> tuple[Block, molecules.Molecule]:
    """A molecule."""
    found = molecules.molecule(rng)
    bond = style.size_px * float(rng.uniform(1.5, 2.2))
    return chemical_formula(found.smiles, molecules.drawn(rng, found.smiles, bond_px=bond)), found
