"""Short documents, tables and bar charts that Chromium drew.

Owns: their content, their HTML, what is asked. Does not own: drawing (``browser``), judging
(``judges``).

    rng -> elements or bars -> HTML -> browser_sample -> Sample
"""

import html
from collections.abc import Sequence
from typing import Literal

import numpy as np

from qvl.data.records import Sample
from qvl.data.synth.words import Split, random_word
from qvl.evaluation.suite.browser import Rng, Seed, browser_sample, css_font
from qvl.geometry import FACTOR, ImageSize
from qvl.tasks import document
from qvl.tasks.document_elements import Cell, Element, Heading, List, ListItem, Paragraph, Table

_PAGE_WIDTH = 11 * FACTOR
_BARS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
"""Source: Paul Tol, Introduction to Colour Schemes (2021), the bright scheme."""
_AXIS_PX, _STEP = 150, 20
_HIGHEST = 100


def short_page(rng: Rng, *, seed: Seed, split: Split, fonts: Split) -> Sample:
    """A title, some lines, and a list or nothing."""
    elements: list[Element] = [
        Heading(level=1, text=_words(rng, split, 1, 3)),
        Paragraph(text=_words(rng, split, 5, 10)),
    ]
    if rng.random() < 0.6:
        items = tuple(
            ListItem(text=_words(rng, split, 1, 3)) for _ in range(int(rng.integers(2, 4)))
        )
        elements.append(List(items=items, ordered=rng.random() < 0.5))
    return _document(rng, "document", elements, seed=seed, fonts=fonts)


def table(rng: Rng, *, seed: Seed, split: Split, fonts: Split) -> Sample:
    """A table of words and numbers with a row of headers."""
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(2, 5))
    head = tuple(Cell(_words(rng, split, 1, 1), header=True) for _ in range(columns))
    body = tuple(
        (
            Cell(_words(rng, split, 1, 1)),
            *(Cell(str(int(rng.integers(1, 1000)))) for _ in range(columns - 1)),
        )
        for _ in range(rows)
    )
    return _document(rng, "table", [Table(rows=(head, *body))], seed=seed, fonts=fonts)


def _document(
    rng: Rng, task: str, elements: Sequence[Element], *, seed: Seed, fonts: Split
) -> Sample:
    style = (
        f"font:{css_font(rng, fonts, int(rng.integers(16, 20)))};"
        f"padding:{rng.integers(4, 12)}px;line-height:1.3"
    )
    css = (
        "<style>h1{font-size:1.35em;margin:.2em 0}p{margin:.3em 0}ul,ol{margin:.2em 0;"
        "padding-left:1.6em}table{border-collapse:collapse}td,th{border:1px solid #666;"
        "padding:2px 8px;text-align:left}</style>"
    )
    body = f'{css}<div style="{style}">{"".join(map(_html, elements))}</div>'
    turn = document.prompt("plain"), document.format(elements)
    size = ImageSize(4 * FACTOR, _PAGE_WIDTH)
    return browser_sample(task, body, size, turn, seed=seed, whole=True)


def _html(element: Element) -> str:
    match element:
        case Heading():
            return f"<h1>{html.escape(element.text)}</h1>"
        case Paragraph():
            return f"<p>{html.escape(element.text)}</p>"
        case List():
            tag = "ol" if element.ordered else "ul"
            items = "".join(f"<li>{html.escape(item.text)}</li>" for item in element.items)
            return f"<{tag}>{items}</{tag}>"
        case Table():
            rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in element.rows)
            return f"<table>{rows}</table>"
    raise AssertionError(element.kind)


def _cell(cell: Cell) -> str:
    tag = "th" if cell.header else "td"
    return f"<{tag}>{html.escape(cell.text)}</{tag}>"


def bars(
    rng: Rng, *, seed: Seed, split: Split, fonts: Split, form: Literal["value", "extreme"]
) -> Sample:
    """A bar chart with an axis from 0 to 100; the value of a bar is asked, or which is the highest
    or the lowest."""
    count = int(rng.integers(3, 6))
    labels = list(dict.fromkeys(_words(rng, split, 1, 1)[:6] for _ in range(count)))
    # Far enough apart that neither five percent nor a pixel decides.
    values = [int(v) for v in rng.permutation(np.arange(10, _HIGHEST + 1, 10))[: len(labels)]]
    colour = _BARS[int(rng.integers(len(_BARS)))]
    lines = "".join(
        f'<div style="position:absolute;left:44px;right:4px;top:{_y(tick)}px;'
        f'border-top:1px solid #bbb"></div><div style="position:absolute;left:2px;width:36px;'
        f'text-align:right;top:{_y(tick) - 8}px">{tick}</div>'
        for tick in range(0, _HIGHEST + 1, _STEP)
    )
    columns = "".join(
        f'<div style="position:absolute;left:{54 + 50 * i}px;top:{_y(value)}px;width:34px;'
        f'height:{_y(0) - _y(value)}px;background:{colour}"></div><div style="position:absolute;'
        f'left:{46 + 50 * i}px;width:50px;text-align:center;top:{_y(0) + 3}px">'
        f"{html.escape(label)}</div>"
        for i, (label, value) in enumerate(zip(labels, values, strict=True))
    )
    body = f'<div style="font:{css_font(rng, fonts, 13)};line-height:16px">{lines}{columns}</div>'
    number = int(rng.integers(len(labels)))
    if form == "value":
        turn = f"What is the value of {labels[number]}?", str(values[number])
    else:
        is_highest = rng.random() < 0.5
        extreme = (max if is_highest else min)(values)
        question = f"Which bar is the {'highest' if is_highest else 'lowest'}?"
        turn = question, labels[values.index(extreme)]
    size = ImageSize(7 * FACTOR, 11 * FACTOR)
    facts = {"bars": [[label, value] for label, value in zip(labels, values, strict=True)]}
    return browser_sample(f"bar {form}", body, size, turn, seed=seed, facts=facts)


def _y(value: int) -> int:
    """Pixels from the top."""
    return 14 + _AXIS_PX - _AXIS_PX * value // _HIGHEST


def _words(rng: Rng, split: Split, least: int, most: int) -> str:
    count = int(rng.integers(least, most + 1))
    return " ".join(random_word(rng, split=split, max_letters=8, plain=True) for _ in range(count))
