"""Draws tables with Chromium: they come out as on web pages, and their boxes from its layout.

Owns: the page and its style. Does not own: the browser (``render``), what tables say (``content``).

    TableContent, TableStyle -> page -> picture, boxes of cells -> DrawnTable
"""

import numpy as np
from PIL import Image as PILImage
from PIL import ImageFont

from qvl.data.synth.render.page import render_page
from qvl.data.synth.tables.content import TableContent
from qvl.data.synth.tables.drawing import DrawnTable, TableStyle
from qvl.data.synth.tables.grid import placed_cells
from qvl.errors import DataError
from qvl.geometry import FACTOR, Box, ImageSize
from qvl.tasks.document_html import Markup, integers

_SCRIPT = "() => [...document.querySelectorAll('td, th')].map((e) => measure.box(e))"

_RULES = {
    "bordered": "td,th{{border:1px solid {rule}}}",
    "booktabs": "table{{border-top:2px solid {rule};border-bottom:2px solid {rule}}}"
    "tr:first-child th{{border-bottom:1px solid {rule}}}",
    "striped": "tr:nth-child(even) td{{background:{stripe}}}",
    "lined": "td,th{{border-bottom:1px solid {rule}}}",
    "plain": "",
}


def draw_table_page(
    rng: np.random.Generator, content: TableContent, style: TableStyle
) -> DrawnTable:
    """Draws a table.

    Raises:
        MissingDependencyError: Playwright or Chromium is not installed.
        DataError: the page cannot be drawn.
    """
    family, _ = ImageFont.truetype(str(style.font[0]), 12, index=style.font[1]).getname()
    down, across = style.pad[1], style.pad[0]
    numbers = "right" if style.numbers_right else "left"
    css = (
        f"body{{margin:{style.margin}px;background:{style.paper};color:{style.ink};"
        f"font:{style.font_px}px/1.25 '{family}',sans-serif}}"
        f"table{{border-collapse:collapse}}td,th{{padding:{down}px {across}px;"
        f"text-align:{'center' if style.centred else 'left'};max-width:{style.widest * 2}px}}"
        f"td+td{{text-align:{numbers}}}"
        f"caption{{caption-side:{'top' if style.caption_above else 'bottom'};padding:6px}}"
        f"tr:first-child th{{background:{style.head};color:{style.head_ink}}}"
        + _RULES[style.look].format(rule=style.rule, stripe=style.stripe)
    )
    html = (
        f'<!doctype html><html lang="{content.language}"><meta charset="utf-8">'
        f"<style>{css}</style><body>{Markup(integers).table(content.table)}</body></html>"
    )
    width = int(rng.integers(26, 44)) * FACTOR
    size = ImageSize(FACTOR * 8, width)
    page = render_page(html, size=size, script=_SCRIPT, whole=True)
    boxes = [Box(*box) for box in page.value]
    cells = placed_cells(content.table)
    if len(boxes) != len(cells):
        raise DataError(f"a table of {len(cells)} cells was drawn with {len(boxes)}")
    whole = Box(
        min(b.x1 for b in boxes),
        min(b.y1 for b in boxes),
        max(b.x2 for b in boxes),
        max(b.y2 for b in boxes),
    )
    return DrawnTable(
        image=_cut(page.picture, whole, style),
        box=whole,
        cells=tuple(zip(cells, boxes, strict=True)),
    )


def _cut(picture: PILImage.Image, table: Box, style: TableStyle) -> PILImage.Image:
    """Without most of the empty paper at the right."""
    wanted = -(-int(table.x2 + style.margin) // FACTOR) * FACTOR
    return picture.crop((0, 0, min(picture.width, max(4 * FACTOR, wanted)), picture.height))
