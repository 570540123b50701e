"""Flat things with text on them: signs, posters, labels, badges, screens, plates, notes.

Owns: what each looks like and what is written on it. Does not own: where it hangs (``scenes``).

    rng, writer, size -> Sheet of that size, with its lines

Letters are drawn at the size at which they will be seen, and none below `LEAST_PX`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw

from qvl.data.synth.canvas import Colour
from qvl.data.synth.ocr.languages import language_of
from qvl.data.synth.ocr.lettering import Face, Paint, face, length
from qvl.data.synth.ocr.sheet import Sheet, ink_size
from qvl.data.synth.ocr.typefaces import Style, choose
from qvl.data.synth.ocr.writing import Writer
from qvl.data.synth.palette import jittered, luminance, paper_and_ink, random_colour
from qvl.data.synth.textures import paper, surface
from qvl.data.synth.warps import arched, moved
from qvl.geometry import Box, ImageSize

Board = Callable[[np.random.Generator, Writer, ImageSize], Sheet]

LEAST_PX = 16
"""Smallest letters on a board; Latin small letters are then 8 px high."""
_PROBE_PX = 40

Block = tuple[Sequence[str], Style, float]
"""Words of a line, their style, and their share of the height."""


def fitted_face(
    rng: np.random.Generator,
    writer: Writer,
    words: Sequence[str],
    style: Style,
    room: ImageSize,
    *,
    vertical: bool = False,
) -> Face | None:
    """Returns a face in which the words fill a room as far as they can; None when they would be
    smaller than `LEAST_PX`."""
    typeface = choose(rng, writer.language, "".join(words), style, vertical=vertical)
    probe = face(typeface, writer.language, _PROBE_PX)
    along, across = length(probe, words, vertical=vertical), float(probe.line_px)
    if vertical:
        along, across = float(_PROBE_PX), along
    scale = min(room.width / max(along, 1), room.height / across)
    size = int(_PROBE_PX * scale)
    return None if size < LEAST_PX else face(typeface, writer.language, size)


def stacked(
    rng: np.random.Generator,
    sheet: Sheet,
    writer: Writer,
    blocks: Sequence[Block],
    area: Box,
    paint: Paint,
    *,
    align: float = 0.5,
    outline_px: int = 0,
) -> None:
    """Writes lines below one another; one that would be too small to read is left out.

    Args:
        rng: chooses the typefaces.
        sheet: to write on.
        writer: of the words.
        blocks: from top to bottom.
        area: to fill.
        paint: of all lines.
        align: 0 left, 0.5 middle, 1 right.
        outline_px: width of an outline around letters.
    """
    whole = sum(share for _, _, share in blocks)
    y = area.y1
    for words, style, share in blocks:
        tall = (area.y2 - area.y1) * share / whole
        room = ImageSize(int(tall * 0.92), int(area.x2 - area.x1))
        opened = fitted_face(rng, writer, words, style, room)
        if opened is not None:
            left = area.x1 + (area.x2 - area.x1 - length(opened, words)) * align
            top = y + (tall - opened.line_px) / 2
            sheet.write(words, left, top, opened, paint, outline_px=outline_px)
            sheet.next_row()
        y += tall


def _plain(size: ImageSize, colour: Colour) -> Sheet:
    return Sheet(PILImage.new("RGB", (size.width, size.height), colour))


def inset(size: ImageSize, share: float) -> Box:
    """Returns the box that keeps a share of the shorter side from every edge."""
    edge = share * min(size)
    return Box(edge, edge, size.width - edge, size.height - edge)


def lively(rng: np.random.Generator, ink: Colour) -> Paint:
    """Returns ink that may fade downwards and throw a shadow."""
    below = jittered(rng, ink, 45) if rng.random() < 0.3 else None
    shadow = None
    if rng.random() < 0.3:
        dx, dy = (int(v) for v in rng.integers(-4, 5, 2))
        shadow = (dx, dy, float(rng.uniform(0.3, 3)), float(rng.uniform(0.3, 0.7)))
    return Paint(ink=ink, ink_below=below, shadow=shadow)


def sign(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A sign with one to three lines, a frame, screws."""
    ground, ink = paper_and_ink(rng, plain=0.15)
    sheet = _plain(size, ground)
    radius = int(rng.integers(0, min(size) // 6 + 1))
    sheet.shape = _rounded(size, radius)
    if rng.random() < 0.6:
        gap = float(rng.integers(3, 9))
        frame = (gap, gap, size.width - gap - 1, size.height - gap - 1)
        wide = int(rng.integers(1, 5))
        sheet.draw.rounded_rectangle(frame, radius, outline=ink, width=wide)
    if rng.random() < 0.3:
        _screws(sheet)
    phrases = [writer.phrase(rng, "signs") for _ in range(int(rng.integers(1, 3)))]
    blocks: list[Block] = [
        (words, _any_style(rng), float(rng.uniform(0.6, 1.4)))
        for phrase in phrases
        for words in in_lines(writer, phrase, size.width / max(size.height, 1))
    ]
    if rng.random() < 0.3:
        blocks.append(((writer.time(rng), "–", writer.time(rng)), "plain", 0.6))
    stacked(rng, sheet, writer, blocks, inset(size, 0.12), lively(rng, ink))
    return sheet


def in_lines(writer: Writer, phrase: str, aspect: float) -> list[tuple[str, ...]]:
    """Returns a phrase as one line, or on a narrow board as several."""
    words = writer.words(phrase)
    if len(words) > 1 and len(phrase) > 5 * aspect:
        half = (len(words) + 1) // 2
        return [words[:half], words[half:]]
    return [words]


def _any_style(rng: np.random.Generator) -> Style:
    styles: tuple[Style, ...] = ("plain", "display", "hand")
    return styles[int(rng.choice(3, p=(0.45, 0.4, 0.15)))]


def _rounded(size: ImageSize, radius: int) -> PILImage.Image:
    shape = PILImage.new("L", (size.width, size.height))
    corner = (size.width - 1, size.height - 1)
    ImageDraw.Draw(shape).rounded_rectangle(((0, 0), corner), radius, fill=255)
    return shape


def _screws(sheet: Sheet) -> None:
    edge, r = 0.06 * min(sheet.size) + 4, max(2.0, 0.02 * min(sheet.size))
    for x in (edge, sheet.size.width - edge):
        for y in (edge, sheet.size.height - edge):
            sheet.draw.ellipse((x - r, y - r, x + r, y + r), (170, 170, 172), (90, 90, 90))


def poster(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A poster: shapes or a gradient, a large title, smaller lines, a date."""
    first, second = random_colour(rng), random_colour(rng)
    share = np.linspace(0, 1, size.height, dtype=np.float32)[:, None, None]
    ramp = np.asarray(first) * (1 - share) + np.asarray(second) * share
    pixels = np.broadcast_to(ramp, (*size, 3)).astype(np.uint8)
    sheet = Sheet(PILImage.fromarray(np.ascontiguousarray(pixels)))
    pen = ImageDraw.Draw(sheet.image, "RGBA")
    for _ in range(int(rng.integers(0, 7))):
        x, y = rng.uniform(0, size.width), rng.uniform(0, size.height)
        r = float(rng.uniform(0.05, 0.35)) * min(size)
        pen.ellipse((x - r, y - r, x + r, y + r), (*random_colour(rng), int(rng.integers(30, 90))))
    light = float(np.asarray(sheet.image.convert("L")).mean())
    ink: Colour = (18, 18, 24) if light > 128 else (248, 248, 244)
    outline: Colour = (248, 248, 244) if light > 128 else (18, 18, 24)
    paint = Paint(ink=ink, outline=outline) if rng.random() < 0.5 else lively(rng, ink)
    blocks: list[Block] = [(writer.title(rng, int(rng.integers(1, 3))), "display", 1.6)]
    blocks += [
        (writer.title(rng, int(rng.integers(1, 4))), _any_style(rng), float(rng.uniform(0.5, 1)))
        for _ in range(int(rng.integers(1, 5)))
    ]
    blocks.append((writer.words(writer.date(rng)), "plain", 0.5))
    outline_px = 2 if paint.outline is not None else 0
    align = float(rng.choice([0.0, 0.5, 0.5, 1.0]))
    area = inset(size, 0.08)
    stacked(rng, sheet, writer, blocks, area, paint, align=align, outline_px=outline_px)
    return sheet


def badge(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A round badge: words along its edge, above and below, and one in the middle."""
    side = min(size)
    ground, ink = paper_and_ink(rng, plain=0.15)
    sheet = _plain(ImageSize(side, side), ground)
    sheet.shape = _rounded(sheet.size, side // 2)
    for edge in (0.02, 0.27):
        gap = edge * side
        box = (gap, gap, side - gap, side - gap)
        sheet.draw.ellipse(box, outline=ink, width=max(2, side // 80))
    paint = Paint(ink=ink)
    for upper in (True, False):
        words = writer.title(rng, int(rng.integers(1, 4)))
        _along_edge(rng, sheet, writer, words, paint, upper=upper)
    middle = inset(sheet.size, 0.3)
    band = Box(middle.x1, side * 0.4, middle.x2, side * 0.6)
    stacked(rng, sheet, writer, [(writer.title(rng, 1), "display", 1.0)], band, paint)
    return sheet


def _along_edge(
    rng: np.random.Generator,
    sheet: Sheet,
    writer: Writer,
    words: Sequence[str],
    paint: Paint,
    *,
    upper: bool,
) -> None:
    """Bends a line along the upper or lower half of a round sheet."""
    side = sheet.size.width
    radius = 0.37 * side
    opened = fitted_face(
        rng, writer, words, "display", ImageSize(int(0.17 * side), int(radius * 2.6))
    )
    if opened is None:
        return
    ink = ink_size(opened, words)
    degrees = float(np.degrees(ink.width / radius))
    if ink.height / 2 >= radius or degrees > 170:
        return
    warp = arched(ink, degrees if upper else -degrees)
    # The middle of the bent strip is at half its height; it goes to the top or the bottom.
    y = side / 2 - radius if upper else side / 2 + radius
    place = moved(side / 2 - ink.width / 2, y - ink.height / 2)
    sheet.write_bent(words, warp.then(place), opened, paint)
    sheet.next_row()


def screen(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A departure board or a status screen: rows of light text on dark."""
    ground = jittered(rng, (14, 16, 22), 12)
    inks: tuple[Colour, ...] = ((255, 190, 40), (240, 240, 240), (90, 230, 120), (110, 190, 255))
    sheet = _plain(size, ground)
    paint = Paint(ink=inks[int(rng.integers(len(inks)))])
    rows = int(rng.integers(2, 7))
    area = inset(size, 0.06)
    tall = (area.y2 - area.y1) / rows
    wide = area.x2 - area.x1
    # Shares of the width; what is read first stands where reading begins.
    columns = [(0.0, 0.2), (0.24, 0.78), (0.82, 1.0)]
    if writer.language.right_to_left:
        columns = [(1 - stop, 1 - start) for start, stop in columns]
    for row in range(rows):
        cells = (writer.time(rng), writer.phrase(rng, "city"), writer.number(rng, 2))
        for (start, stop), text in zip(columns, cells, strict=True):
            room = ImageSize(int(tall * 0.8), int((stop - start) * wide))
            words = writer.words(text)
            opened = fitted_face(rng, writer, words, "plain", room)
            if opened is None:
                continue
            x = area.x1 + start * wide
            if writer.language.right_to_left:
                x = area.x1 + stop * wide - length(opened, words)
            sheet.write(words, x, area.y1 + row * tall + tall * 0.1, opened, paint)
        sheet.next_row()
        if row + 1 < rows and rng.random() < 0.5:
            y = area.y1 + (row + 1) * tall
            sheet.draw.line((area.x1, y, area.x2, y), fill=(60, 62, 70))
    return sheet


def note(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A sticky note, a page of a pad or a blackboard, written by hand."""
    if rng.random() < 0.3:
        board: Colour = jittered(rng, (40, 62, 52), 15)
        sheet, ink = _plain(size, board), (235, 235, 228)
    else:
        sheets: tuple[Colour, ...] = ((252, 238, 140), (250, 200, 210), (200, 232, 250))
        sheet = _plain(size, jittered(rng, sheets[int(rng.integers(3))], 8))
        inks: tuple[Colour, ...] = ((25, 35, 110), (30, 30, 30), (140, 25, 30))
        ink = inks[int(rng.integers(3))]
        if rng.random() < 0.4:
            for y in range(30, size.height, 28):
                sheet.draw.line((0, y, size.width, y), fill=(170, 180, 200))
    count = int(rng.integers(2, 6))
    blocks: list[Block] = []
    for _ in range(count):
        kind = "products" if rng.random() < 0.6 else "name"
        blocks.append((writer.words(writer.phrase(rng, kind)), "hand", 1.0))
    paint = Paint(ink=ink)
    align = 1.0 if writer.language.right_to_left else 0.0
    stacked(rng, sheet, writer, blocks, inset(size, 0.1), paint, align=align)
    return sheet


def label(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A label of goods: a name, what it is, its weight and price."""
    ground, ink = paper_and_ink(rng, plain=0.35)
    sheet = Sheet(paper(rng, size, strength=0.4)) if rng.random() < 0.5 else _plain(size, ground)
    if rng.random() < 0.5:
        band: Colour = jittered(rng, random_colour(rng), 10)
        sheet.draw.rectangle((0, 0, size.width, size.height * 0.3), fill=band)
    light = float(np.asarray(sheet.image.convert("L")).mean())
    if abs(luminance(ink) - light) < 75:
        ink = (20, 20, 20) if light > 128 else (245, 245, 245)
    top: Colour = sheet.image.getpixel((2, 2))  # type: ignore[assignment]
    head: Colour = (20, 20, 20) if luminance(top) > 128 else (248, 248, 248)
    area = inset(size, 0.07)
    split = size.height * 0.3
    title: list[Block] = [(writer.title(rng, int(rng.integers(1, 3))), "display", 1.0)]
    stacked(rng, sheet, writer, title, Box(area.x1, area.y1, area.x2, split), Paint(ink=head))
    product = in_lines(writer, writer.phrase(rng, "products"), size.width / size.height)
    blocks: list[Block] = [(words, _any_style(rng), 1.0) for words in product]
    weight = writer.digits(f"{int(rng.integers(1, 20)) * 50}")
    blocks.append(((weight, "g") if writer.language.spaced else (f"{weight}g",), "plain", 0.6))
    blocks.append((writer.words(writer.price(writer.cost(rng))), "display", 0.9))
    stacked(rng, sheet, writer, blocks, Box(area.x1, split * 1.1, area.x2, area.y2), Paint(ink=ink))
    return sheet


def number_plate(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """The plate of a vehicle or a house: letters and numbers."""
    wide = ImageSize(max(28, min(size.height, size.width // 4)), size.width)
    grounds: tuple[Colour, ...] = ((245, 245, 242), (250, 210, 60), (25, 60, 150), (30, 90, 50))
    ground = jittered(rng, grounds[int(rng.integers(4))], 8)
    ink: Colour = (20, 20, 22) if luminance(ground) > 128 else (245, 245, 245)
    sheet = _plain(wide, ground)
    sheet.shape = _rounded(wide, wide.height // 8)
    frame = (3, 3, wide.width - 4, wide.height - 4)
    sheet.draw.rounded_rectangle(frame, wide.height // 8, outline=ink, width=2)
    letters = "".join(chr(65 + int(i)) for i in rng.integers(0, 26, int(rng.integers(1, 4))))
    latin = Writer(language=language_of("en"), split=writer.split)
    words = [letters, str(rng.integers(10, 10 ** int(rng.integers(2, 6))))]
    if rng.random() < 0.4:
        words.append("".join(chr(65 + int(i)) for i in rng.integers(0, 26, 2)))
    stacked(rng, sheet, latin, [(words, "plain", 1.0)], inset(wide, 0.1), Paint(ink=ink))
    return sheet


def window(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Sheet:
    """A picture behind glass with a few words on it."""
    sheet = Sheet(surface(rng, size))
    light = float(np.asarray(sheet.image.convert("L")).mean())
    ink: Colour = (20, 20, 25) if light > 128 else (250, 250, 250)
    outline: Colour = (250, 250, 250) if light > 128 else (20, 20, 25)
    blocks: list[Block] = [(writer.title(rng, int(rng.integers(1, 3))), _any_style(rng), 1.0)]
    blocks += [(writer.words(writer.phrase(rng, "name")), _any_style(rng), 0.7)]
    paint = Paint(ink=ink, outline=outline)
    stacked(rng, sheet, writer, blocks, inset(size, 0.15), paint, outline_px=2)
    return sheet


BOARDS: dict[str, tuple[float, Board]] = {
    "sign": (3.0, sign),
    "poster": (2.0, poster),
    "badge": (1.2, badge),
    "screen": (1.5, screen),
    "note": (1.5, note),
    "label": (2.0, label),
    "plate": (0.8, number_plate),
    "window": (0.8, window),
}
"""Name -> share and function."""
