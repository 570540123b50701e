"""Pages of running text: articles in columns, letters, pages with vertical lines.

Owns: the layout of text that flows. Does not own: slips with fields (``slips``), paper and cameras
(``effects``).

    rng, writer, size -> Sheet, black on white, lines in the order of reading
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PILImage

from qvl.data.synth.canvas import Colour
from qvl.data.synth.ocr.lettering import Face, Paint, drawable, face, fitting, length
from qvl.data.synth.ocr.sheet import Sheet
from qvl.data.synth.ocr.typefaces import Style, Typeface, choose
from qvl.data.synth.ocr.writing import Writer
from qvl.data.synth.textures import surface
from qvl.geometry import Box, ImageSize

SIZES_PX = (16, 27)
"""Least size of letters of running text, and one more than the largest."""
_WIDEST_GAP = 2.2
"""Of a justified line, in spaces; beyond, a line is left as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """How running text is set.

    Attributes:
        leading: distance of lines over their height.
        justified: whether lines fill their column.
        indent_px: of the first line of a paragraph.
    """

    leading: float
    justified: bool
    indent_px: float


def blank(size: ImageSize) -> Sheet:
    """Returns a white sheet."""
    return Sheet(PILImage.new("RGB", (size.width, size.height), (255, 255, 255)))


def some_ink(rng: np.random.Generator) -> Paint:
    """Returns black, or what printers and pens have for it."""
    inks: tuple[Colour, ...] = (
        (12, 12, 14),
        (30, 30, 34),
        (50, 48, 46),
        (20, 28, 80),
        (70, 30, 24),
    )
    return Paint(ink=inks[int(rng.choice(5, p=(0.4, 0.25, 0.15, 0.12, 0.08)))])


def flow(
    sheet: Sheet,
    writer: Writer,
    opened: Face,
    words: Sequence[str],
    room: Box,
    setting: Setting,
    paint: Paint,
) -> float:
    """Sets a paragraph from the top of a room down; words that find no place are left out.

    Returns:
        Where the next line would begin, at most the lower edge of the room.
    """
    y, start = room.y1, 0
    indent = setting.indent_px
    step = opened.line_px * setting.leading
    wide = room.x2 - room.x1
    while start < len(words) and y + opened.line_px <= room.y2:
        count = fitting(opened, words[start:], wide - indent)
        if count == 0:
            return y  # a word longer than the column
        line = words[start : start + count]
        start += count
        gap = None
        used = length(opened, line)
        if setting.justified and start < len(words) and count > 2 and writer.language.spaced:
            wanted = opened.space_px + (wide - indent - used) / (count - 1)
            if wanted <= _WIDEST_GAP * opened.space_px:
                gap, used = wanted, wide - indent
        x = room.x2 - indent - used if writer.language.right_to_left else room.x1 + indent
        sheet.write(line, x, y, opened, paint, gap_px=gap)
        sheet.next_row()
        y, indent = y + step, 0.0
    return y


def placed(
    sheet: Sheet,
    writer: Writer,
    opened: Face,
    words: Sequence[str],
    room: Box,
    paint: Paint,
    *,
    align: float = 0.0,
) -> None:
    """Writes one line into a room at its beginning (0), middle (0.5) or end (1)."""
    share = 1 - align if writer.language.right_to_left else align
    x = room.x1 + (room.x2 - room.x1 - length(opened, words)) * share
    sheet.write(words, x, room.y1, opened, paint)


def heading(
    rng: np.random.Generator, sheet: Sheet, writer: Writer, room: Box, size_px: int, paint: Paint
) -> float:
    """Writes a heading of one or two lines; returns where the next line begins."""
    style: Style = "display" if rng.random() < 0.6 else "plain"
    words = writer.title(rng, int(rng.integers(2, 6)))
    opened = face(choose(rng, writer.language, "".join(words), style), writer.language, size_px)
    setting = Setting(leading=1.05, justified=False, indent_px=0)
    bottom = min(room.y2, room.y1 + 2.2 * opened.line_px)
    return flow(sheet, writer, opened, words, room._replace(y2=bottom), setting, paint)


def article(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A title, perhaps a date, and one to three columns with headings and pictures."""
    sheet, paint = blank(size), some_ink(rng)
    base = int(rng.integers(*SIZES_PX))
    edge = float(rng.uniform(0.04, 0.1)) * size.width
    page = Box(
        edge, float(rng.uniform(0.03, 0.07)) * size.height, size.width - edge, size.height * 0.93
    )
    y = page.y1
    if rng.random() < 0.8:
        large = int(base * rng.uniform(1.6, 2.4))
        y = heading(rng, sheet, writer, page, large, paint) + 6
    opened = face(body_typeface(rng, writer), writer.language, base)
    date = drawable(opened, writer.words(writer.date(rng)))
    if date and rng.random() < 0.4:
        placed(sheet, writer, opened, date, page._replace(y1=y), paint)
        sheet.next_row()
        y += opened.line_px * 1.6
    if rng.random() < 0.3:
        sheet.draw.line((page.x1, y, page.x2, y), fill=(90, 90, 90))
        y += 10
    most = max(1, min(3, int((page.x2 - page.x1) / (base * 11))))
    columns = int(rng.integers(1, most + 1))
    for room in in_columns(page._replace(y1=y), columns, base * 1.4, writer):
        _column(rng, sheet, writer, opened, room, paint)
    if rng.random() < 0.5:
        number = drawable(opened, [writer.number(rng, int(rng.integers(1, 4)))])
        if number:
            foot = Box(page.x1, size.height - opened.line_px - 6, page.x2, size.height)
            placed(sheet, writer, opened, number, foot, paint, align=float(rng.choice([0, 0.5, 1])))
            sheet.next_row()
    return sheet


def body_typeface(rng: np.random.Generator, writer: Writer) -> Typeface:
    """Returns a plain typeface of the writer's script."""
    sample = writer.label("total") + writer.language.comma + writer.language.stops[0]
    return choose(rng, writer.language, sample)


def in_columns(page: Box, count: int, gap: float, writer: Writer) -> list[Box]:
    """Returns the columns of a page in the order of reading."""
    wide = (page.x2 - page.x1 - gap * (count - 1)) / count
    found = [
        Box(page.x1 + i * (wide + gap), page.y1, page.x1 + i * (wide + gap) + wide, page.y2)
        for i in range(count)
    ]
    return found[::-1] if writer.language.right_to_left else found


def _column(
    rng: np.random.Generator, sheet: Sheet, writer: Writer, opened: Face, room: Box, paint: Paint
) -> None:
    setting = Setting(
        leading=float(rng.uniform(1.0, 1.25)),
        justified=bool(rng.random() < 0.5),
        indent_px=float(rng.choice([0, 1.5])) * opened.size_px,
    )
    y = room.y1
    while y + 2 * opened.line_px < room.y2:
        if rng.random() < 0.2 and room.y2 - y > 8 * opened.line_px:
            y = (
                heading(rng, sheet, writer, room._replace(y1=y), int(opened.size_px * 1.3), paint)
                + 2
            )
        if rng.random() < 0.1 and room.y2 - y > 10 * opened.line_px:
            y = _figure(rng, sheet, room._replace(y1=y)) + 8
        words = drawable(opened, writer.running(rng, int(rng.integers(12, 60))))
        below = flow(sheet, writer, opened, words, room._replace(y1=y), setting, paint)
        if below == y:
            return
        y = below + float(rng.choice([0, 0.5])) * opened.line_px


def _figure(rng: np.random.Generator, sheet: Sheet, room: Box) -> float:
    size = ImageSize(int((room.y2 - room.y1) * rng.uniform(0.2, 0.4)), int(room.x2 - room.x1))
    sheet.image.paste(surface(rng, size), (int(room.x1), int(room.y1)))
    return room.y1 + size.height


def letter(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """An address, a date, a greeting, paragraphs, a signature by hand."""
    sheet, paint = blank(size), some_ink(rng)
    opened = face(body_typeface(rng, writer), writer.language, int(rng.integers(*SIZES_PX)))
    step = opened.line_px * 1.15
    edge = 0.1 * size.width
    page = Box(edge, 0.06 * size.height, size.width - edge, 0.94 * size.height)
    y = page.y1
    address = (
        writer.title(rng, 2),
        [writer.title(rng, 1)[0], writer.number(rng, 2)],
        writer.words(writer.phrase(rng, "name")),
    )
    for words in address:
        if kept := drawable(opened, words):
            placed(sheet, writer, opened, kept, page._replace(y1=y), paint)
            sheet.next_row()
            y += step
    if date := drawable(opened, writer.words(writer.date(rng))):
        placed(sheet, writer, opened, date, page._replace(y1=y), paint, align=1.0)
        sheet.next_row()
    y += 2 * step
    setting = Setting(leading=1.15, justified=bool(rng.random() < 0.3), indent_px=0)
    while y + 5 * step < page.y2 and rng.random() < 0.9:
        words = drawable(opened, writer.running(rng, int(rng.integers(8, 50))))
        room = page._replace(y1=y, y2=page.y2 - 3 * step)
        below = flow(sheet, writer, opened, words, room, setting, paint)
        if below == y:
            break
        y = below + step * 0.7
    name = writer.title(rng, 2)
    by_hand = choose(rng, writer.language, "".join(name), "hand")
    signed = face(by_hand, writer.language, int(opened.size_px * 1.4))
    placed(sheet, writer, signed, name, page._replace(y1=y + step / 2), Paint(ink=(25, 35, 110)))
    return sheet


def vertical_page(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A page of lines that run downwards, the first at the right, as novels are set in Japan."""
    sheet, paint = blank(size), some_ink(rng)
    sample = writer.label("total") + writer.language.comma + writer.language.stops[0]
    typeface = choose(rng, writer.language, sample, vertical=True)
    base = int(rng.integers(SIZES_PX[0] + 2, SIZES_PX[1] + 4))
    opened = face(typeface, writer.language, base)
    edge = 0.07 * size.width
    top, bottom = 0.07 * size.height, 0.93 * size.height
    x = size.width - edge - base
    if rng.random() < 0.7:
        large = face(typeface, writer.language, int(base * 1.6))
        title = drawable(large, writer.title(rng, int(rng.integers(1, 4))))
        title = title[: fitting(large, title, bottom - top, vertical=True)]
        if title:
            x = size.width - edge - large.size_px
            sheet.write(title, x, top, large, paint, vertical=True)
            sheet.next_row()
            x -= 2.2 * base
    leading = float(rng.uniform(1.5, 2.0)) * base
    while x > edge:
        words = drawable(opened, writer.running(rng, int(rng.integers(12, 60))))
        start, indent = 0, float(base)
        while start < len(words) and x > edge:
            room = bottom - top - indent
            count = fitting(opened, words[start:], room, vertical=True)
            if count == 0:
                break
            line = words[start : start + count]
            sheet.write(line, x, top + indent, opened, paint, vertical=True)
            sheet.next_row()
            start, indent, x = start + count, 0.0, x - leading
    return sheet
