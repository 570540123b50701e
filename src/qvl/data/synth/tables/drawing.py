"""Draws tables with Pillow: fast, and every box is known because it was computed.

Owns: looks, column widths, line breaks, borders. Does not own: what tables say (``content``),
tables laid out by a browser (``page``).

    TableContent, TableStyle -> widths, heights -> picture, boxes -> DrawnTable
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from qvl.data.synth.charts.styles import text_fonts
from qvl.data.synth.documents.tables import LOOKS, Look
from qvl.data.synth.ocr.languages import language_of
from qvl.data.synth.ocr.typefaces import choose
from qvl.data.synth.picking import pick
from qvl.data.synth.tables.content import TableContent
from qvl.data.synth.tables.grid import Placed, grid_size, placed_cells
from qvl.data.synth.words import Split
from qvl.geometry import FACTOR, Box

_NUMBER = re.compile(r"-?[$€£]?[\d.,]+%?")
_LINE = 1.25
"""Height of a line over the size of its font."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableStyle:
    """How a table looks.

    Attributes:
        font: file of the typeface, and its number in the file.
        font_px: size of the text.
        look: which lines there are.
        paper: colour around and behind the table.
        ink: colour of the text.
        rule: colour of lines.
        head: colour behind headings.
        head_ink: colour of headings.
        stripe: colour behind every other row; equal to the paper without stripes.
        pad: space around text, in pixels, across and down.
        margin: around the table, in pixels.
        numbers_right: numbers stand at the right of their cells.
        centred: all other text stands in the middle.
        caption_above: the caption stands above the table, not below.
        widest: of a column, in pixels, before lines are broken.
    """

    font: tuple[Path, int]
    font_px: int
    look: Look
    paper: str
    ink: str
    rule: str
    head: str
    head_ink: str
    stripe: str
    pad: tuple[int, int]
    margin: int
    numbers_right: bool
    centred: bool
    caption_above: bool
    widest: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnTable:
    """A picture of a table.

    Attributes:
        image: RGB, sides multiples of 28.
        box: of the table without its caption, in resized_px.
        cells: the cells with their boxes.
    """

    image: PILImage.Image
    box: Box
    cells: tuple[tuple[Placed, Box], ...]


_COLOURS = (  # paper, ink, rule, head, ink of the head, stripe
    ("#ffffff", "#222222", "#555555", "#ffffff", "#222222", "#ffffff"),
    ("#ffffff", "#222222", "#999999", "#e8edf3", "#1b2a41", "#f5f7fa"),
    ("#ffffff", "#202124", "#c9ced6", "#2f5d8a", "#ffffff", "#eef3f8"),
    ("#ffffff", "#222222", "#b7c9b0", "#3a7d44", "#ffffff", "#eef6ee"),
    ("#ffffff", "#333333", "#d0d0d0", "#f2f2f2", "#333333", "#fafafa"),
    ("#fbf7ef", "#3b2f2f", "#8b7355", "#efe4cf", "#3b2f2f", "#f6efe0"),
    ("#ffffff", "#111111", "#111111", "#ffffff", "#111111", "#ffffff"),
    ("#ffffff", "#222222", "#e0b4a0", "#c8553d", "#ffffff", "#fbeee9"),
    ("#1e1e24", "#e8e8ea", "#55555f", "#33333f", "#ffffff", "#26262e"),
)


def random_table_style(
    rng: np.random.Generator, content: TableContent, *, fonts: Split = "train"
) -> TableStyle:
    """Returns a style whose typeface has all characters of the table."""
    paper, ink, rule, head, head_ink, stripe = _COLOURS[int(rng.integers(len(_COLOURS)))]
    look = pick(rng, LOOKS)
    if look == "striped" and stripe == paper:
        look = "bordered"
    body = [cell for row in content.table.rows[1:] for cell in row]
    if look not in ("bordered", "lined") and any(c.row_span > 1 for c in body):
        look = "bordered"  # without lines nobody sees where such a cell ends
    font_px = int(rng.integers(13, 22))
    font = (pick(rng, text_fonts(fonts)), 0)
    if content.language != "en":
        said = "".join(cell.text for row in content.table.rows for cell in row)
        face = choose(rng, language_of(content.language), said)
        font = (face.path, face.index)
    return TableStyle(
        font=font,
        font_px=font_px,
        look=look,
        paper=paper,
        ink=ink,
        rule=rule,
        head=paper if look in ("booktabs", "plain") else head,
        head_ink=ink if look in ("booktabs", "plain") else head_ink,
        stripe=stripe if look == "striped" else paper,
        pad=(int(rng.integers(5, 16)), int(rng.integers(2, 9))),
        margin=int(rng.integers(8, 40)),
        numbers_right=bool(rng.random() < 0.6),
        centred=bool(rng.random() < 0.3),
        caption_above=bool(rng.random() < 0.7),
        widest=int(rng.integers(8, 18)) * font_px,
    )


@lru_cache(maxsize=512)
def _font(file: tuple[Path, int], size: int) -> ImageFont.FreeTypeFont:
    basic = ImageFont.Layout.BASIC
    return ImageFont.truetype(str(file[0]), size, index=file[1], layout_engine=basic)


def draw_table(content: TableContent, style: TableStyle) -> DrawnTable:
    """Draws a table."""
    font = _font(style.font, style.font_px)
    cells = placed_cells(content.table)
    widths = _column_widths(cells, font, style)
    lines = {
        (p.row, p.column): _broken(p.cell.text, font, _span(widths, p.column, p.column_span, style))
        for p in cells
    }
    heights = _row_heights(cells, lines, style)
    caption = _broken(content.table.caption, font, sum(widths)) if content.table.caption else []
    caption_height = round(len(caption) * style.font_px * _LINE) + (8 if caption else 0)
    inner_width, inner_height = sum(widths), sum(heights) + caption_height
    width, height = (
        max(4 * FACTOR, -(-(side + 2 * style.margin) // FACTOR) * FACTOR)
        for side in (inner_width, inner_height)
    )
    image = PILImage.new("RGB", (width, height), style.paper)
    draw = ImageDraw.Draw(image)
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    table_top = top + (caption_height if style.caption_above else 0)
    xs = left + np.concatenate([[0], np.cumsum(widths)]).astype(int)
    ys = table_top + np.concatenate([[0], np.cumsum(heights)]).astype(int)
    boxes = []
    for p in cells:
        box = Box(
            float(xs[p.column]),
            float(ys[p.row]),
            float(xs[p.column + p.column_span]),
            float(ys[p.row + p.row_span]),
        )
        boxes.append((p, box))
        _fill(draw, p, box, style)
    for p, box in boxes:
        _write(draw, lines[p.row, p.column], p, box, font, style)
    whole = Box(float(xs[0]), float(ys[0]), float(xs[-1]), float(ys[-1]))
    _rule(draw, boxes, whole, style)
    y = top if style.caption_above else int(whole.y2) + 8
    for line in caption:
        x = left + (inner_width - font.getlength(line)) / 2 if style.centred else left
        draw.text((x, y), line, style.ink, font)
        y += round(style.font_px * _LINE)
    return DrawnTable(image=image, box=whole, cells=tuple(boxes))


def _column_widths(
    cells: list[Placed], font: ImageFont.FreeTypeFont, style: TableStyle
) -> list[int]:
    """As wide as the widest unbroken text, up to a limit; headings over several columns push them
    apart."""
    _, num_columns = grid_size(cells)
    padding = 2 * style.pad[0]
    widths = [3 * style.font_px] * num_columns
    for p in sorted(cells, key=lambda p: p.column_span):
        longest = max((font.getlength(word) for word in p.cell.text.split()), default=0.0)
        wanted = max(min(font.getlength(p.cell.text), float(style.widest)), longest) + padding + 2
        lacking = int(wanted) + 1 - sum(widths[p.column : p.column + p.column_span])
        for i in range(p.column, p.column + p.column_span):
            if lacking > 0:
                widths[i] += -(-lacking // p.column_span)
    return widths


def _span(widths: list[int], column: int, span: int, style: TableStyle) -> float:
    return sum(widths[column : column + span]) - 2 * style.pad[0]


def _broken(text: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """Lines of whole words that fit; a text without spaces is broken between letters."""
    lines: list[str] = []
    pieces = text.split(" ") if font.getlength(text) > room else [text]
    for piece in pieces:
        joined = f"{lines[-1]} {piece}" if lines else piece
        if lines and font.getlength(joined) <= room:
            lines[-1] = joined
            continue
        while font.getlength(piece) > room and len(piece) > 1:
            cut = next(n for n in range(len(piece) - 1, 0, -1) if n == 1 or
                       font.getlength(piece[:n]) <= room)  # fmt: skip
            lines.append(piece[:cut])
            piece = piece[cut:]
        lines.append(piece)
    return lines


def _row_heights(
    cells: list[Placed], lines: dict[tuple[int, int], list[str]], style: TableStyle
) -> list[int]:
    num_rows, _ = grid_size(cells)
    heights = [0] * num_rows
    for p in sorted(cells, key=lambda p: p.row_span):
        wanted = round(len(lines[p.row, p.column]) * style.font_px * _LINE) + 2 * style.pad[1] + 2
        lacking = wanted - sum(heights[p.row : p.row + p.row_span])
        for i in range(p.row, p.row + p.row_span):
            if lacking > 0:
                heights[i] += -(-lacking // p.row_span)
    return heights


def _fill(draw: ImageDraw.ImageDraw, p: Placed, box: Box, style: TableStyle) -> None:
    colour = style.paper
    if (p.cell.header and p.row == 0) or (p.cell.header and p.column > 0):
        colour = style.head
    elif p.row % 2:
        colour = style.stripe
    if colour != style.paper:
        draw.rectangle((box.x1, box.y1, box.x2, box.y2), fill=colour)


def _write(
    draw: ImageDraw.ImageDraw,
    lines: list[str],
    p: Placed,
    box: Box,
    font: ImageFont.FreeTypeFont,
    style: TableStyle,
) -> None:
    pitch = style.font_px * _LINE
    y = (box.y1 + box.y2 - len(lines) * pitch) / 2
    is_head = p.cell.header and (p.row == 0 or p.column > 0)
    is_number = _NUMBER.fullmatch(p.cell.text) is not None
    for line in lines:
        length = font.getlength(line)
        if (style.numbers_right and is_number and p.column > 0) and not p.cell.header:
            x = box.x2 - style.pad[0] - length
        elif style.centred or p.column_span > 1:
            x = (box.x1 + box.x2 - length) / 2
        else:
            x = box.x1 + style.pad[0]
        # Headings in bold: a typeface drawn twice, half a pixel apart.
        stroke = 0.35 if p.cell.header else 0
        colour = style.head_ink if is_head else style.ink
        draw.text((x, y), line, colour, font, stroke_width=stroke, stroke_fill=colour)
        y += pitch


def _rule(
    draw: ImageDraw.ImageDraw,
    boxes: list[tuple[Placed, Box]],
    whole: Box,
    style: TableStyle,
) -> None:
    """Lines around cells, below rows, or above, below and under the head."""
    if style.look == "plain":
        return
    thick = 2 if style.look == "booktabs" else 1
    head_rows = {p.row + p.row_span for p, _ in boxes if p.cell.header and p.row == 0}
    head_end = max(head_rows, default=1)
    for p, box in boxes:
        if style.look == "bordered":
            draw.rectangle(tuple(box), outline=style.rule)
        elif style.look == "lined" or (style.look == "booktabs" and p.row + p.row_span == head_end):
            draw.line((box.x1, box.y2, box.x2, box.y2), style.rule)
    if style.look != "bordered":
        draw.line((whole.x1, whole.y1, whole.x2, whole.y1), style.rule, thick)
        draw.line((whole.x1, whole.y2, whole.x2, whole.y2), style.rule, thick)
