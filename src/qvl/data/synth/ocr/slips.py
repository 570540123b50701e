"""Receipts, forms, tickets and tables: text in fields and rows, some with values to extract.

Owns: their layout, and which values their fields have. Does not own: running text (``pages``),
prompts for fields (``tasks.extraction``).

    rng, writer, width -> Slip: a sheet, black on white, and the values of its fields as printed
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qvl.data.synth.ocr.lettering import Face, Paint, face, length
from qvl.data.synth.ocr.pages import blank, some_ink
from qvl.data.synth.ocr.sheet import Sheet
from qvl.data.synth.ocr.typefaces import Style, Typeface, choose
from qvl.data.synth.ocr.writing import Writer
from qvl.geometry import FACTOR, ImageSize


@dataclass(frozen=True, kw_only=True, slots=True)
class Slip:
    """A sheet with fields.

    Attributes:
        sheet: with its lines.
        fields: English name -> value exactly as printed; empty where nothing is to extract.
    """

    sheet: Sheet
    fields: dict[str, str] = field(default_factory=dict)


class _Pen:
    """Writes rows from top to bottom, in few typefaces, each with all of the text it is used for.

    Lines begin where the language begins: ``start`` and ``stop`` are shares of the width from
    there.
    """

    def __init__(
        self, rng: np.random.Generator, writer: Writer, sheet: Sheet, size_px: int
    ) -> None:
        self.rng, self.writer, self.sheet, self.size_px = rng, writer, sheet, size_px
        self.paint = some_ink(rng)
        self.y = 0.05 * sheet.size.height if sheet.size.height < 2 * sheet.size.width else 20.0
        self.edge = 0.06 * sheet.size.width
        self._known: dict[Style, Typeface] = {}

    @property
    def step(self) -> float:
        """Distance of two rows."""
        return self.size_px * 1.55

    def face(self, text: str, style: Style = "plain", scale: float = 1.0) -> Face:
        """Returns a face that has all of a text, the usual one of the style when it has."""
        typeface = self._known.get(style)
        if typeface is None or not typeface.covers(text):
            typeface = choose(self.rng, self.writer.language, text, style)
            self._known.setdefault(style, typeface)
        return face(typeface, self.writer.language, int(self.size_px * scale))

    def put(
        self,
        text: str,
        *,
        start: float = 0.0,
        stop: float = 1.0,
        align: float = 0.0,
        style: Style = "plain",
        scale: float = 1.0,
        paint: Paint | None = None,
    ) -> str:
        """Writes a text on the row, smaller when it is too long for its place.

        Returns:
            What is printed: the text with single spaces.
        """
        words = self.writer.words(text)
        wide = self.sheet.size.width - 2 * self.edge
        left, right = self.edge + start * wide, self.edge + stop * wide
        if self.writer.language.right_to_left:
            left, right = self.sheet.size.width - right, self.sheet.size.width - left
            align = 1 - align
        opened = self.face("".join(words), style, scale)
        used = length(opened, words)
        if used > right - left:
            scale *= max(0.6, (right - left) / used * 0.98)
            opened = self.face("".join(words), style, scale)
            used = length(opened, words)
        y = self.y + (self.step - opened.line_px) / 2
        x = left + (right - left - used) * align
        line = self.sheet.write(words, x, y, opened, paint or self.paint)
        return line.text

    def next(self, steps: float = 1.0) -> None:
        """Goes to the next row."""
        self.sheet.next_row()
        self.y += self.step * steps

    def rule(self, *, dashed: bool = False) -> None:
        """Draws a line across."""
        left, right = self.edge, self.sheet.size.width - self.edge
        y = self.y + self.step * 0.3
        if dashed:
            for x in np.arange(left, right, 10):
                self.sheet.draw.line((float(x), y, float(x) + 5, y), fill=(80, 80, 80))
        else:
            self.sheet.draw.line((left, y, right, y), fill=(80, 80, 80))
        self.y += self.step * 0.6


def receipt(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Slip:
    """A till receipt: shop, address, date, what was bought, sums that add up."""
    count = int(rng.integers(2, 9))
    size_px = int(rng.integers(17, 24))
    wide = max(13, min(18, size.width // FACTOR)) * FACTOR
    tall = int(np.ceil((count + 16) * size_px * 1.55 / FACTOR)) * FACTOR
    pen = _Pen(rng, writer, blank(ImageSize(tall, wide)), size_px)
    dashed = bool(rng.random() < 0.6)
    label = writer.label
    fields = {
        "company": pen.put(writer.phrase(rng, "shops"), align=0.5, style="display", scale=1.4)
    }
    pen.next(1.5)
    street = f"{writer.title(rng, 1)[0]} {writer.number(rng, 2)}"
    fields["address"] = pen.put(street, align=0.5)
    pen.next()
    pen.put(f"{label('phone')} {writer.number(rng, 7)}", align=0.5, scale=0.9)
    pen.next()
    pen.rule(dashed=dashed)
    fields["date"] = pen.put(writer.date(rng), stop=0.62)
    fields["time"] = pen.put(writer.time(rng), start=0.66, align=1.0)
    pen.next()
    pen.put(f"{label('receipt')} {label('number')} {writer.number(rng, 5)}", scale=0.9)
    pen.next()
    pen.rule(dashed=dashed)
    total = 0.0
    for _ in range(count):
        amount, price = int(rng.choice([1, 1, 1, 2, 3])), writer.cost(rng)
        total += amount * price
        name = writer.phrase(rng, "products")
        pen.put(name if amount == 1 else f"{writer.digits(str(amount))} x {name}", stop=0.66)
        pen.put(writer.amount(amount * price), start=0.7, align=1.0)
        pen.next()
    pen.rule(dashed=dashed)
    _sums(rng, pen, fields, total)
    pen.next(0.4)
    pen.put(label("thanks"), align=0.5)
    return Slip(sheet=pen.sheet, fields=fields)


def _sums(rng: np.random.Generator, pen: _Pen, fields: dict[str, str], total: float) -> None:
    """The lower end of a receipt. Prices hold the tax, as shops in most countries print it."""
    writer = pen.writer
    rate = int(rng.choice([5, 7, 10, 19, 20]))
    tax = total * rate / (100 + rate)
    pen.put(f"{writer.label('tax')} {writer.digits(str(rate))}%", stop=0.6)
    fields["tax"] = pen.put(writer.amount(tax), start=0.64, align=1.0)
    pen.next()
    pen.put(writer.label("total"), stop=0.5, style="display", scale=1.2)
    printed = writer.price(total)
    fields["total"] = pen.put(printed, start=0.5, align=1.0, style="display", scale=1.2)
    pen.next(1.3)
    if rng.random() < 0.5:
        unit = 10 ** max(0, len(str(int(total))) - 1)
        given = float(np.ceil(total / unit) * unit)
        for key, value in (("cash", given), ("change", given - total)):
            pen.put(writer.label(key), stop=0.6)
            pen.put(writer.amount(value), start=0.64, align=1.0)
            pen.next()
    else:
        pen.put(writer.label("card"), stop=0.5)
        pen.put(f"**** {writer.number(rng, 4)}", start=0.5, align=1.0)
        pen.next()


_FORM_FIELDS = {
    "surname": "surname",
    "name": "first_name",
    "born": "date_of_birth",
    "address": "address",
    "city": "city",
    "country": "country",
    "phone": "phone",
    "number": "number",
}


def form(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Slip:
    """A form that somebody filled in, by hand or by machine."""
    size_px = int(rng.integers(18, 26))
    pen = _Pen(rng, writer, blank(size), size_px)
    pen.put(" ".join(writer.title(rng, 2)), align=0.5, style="display", scale=1.5)
    pen.next(2)
    by_hand = rng.random() < 0.6
    ink = Paint(ink=(25, 40, 120)) if by_hand else pen.paint
    keys = [key for key in _FORM_FIELDS if rng.random() < 0.8] or ["name"]
    fields: dict[str, str] = {}
    boxed = rng.random() < 0.4
    for key in keys:
        if pen.y + 3 * pen.step > size.height:
            break
        pen.put(writer.label(key) + ":", stop=0.33)
        style: Style = "hand" if by_hand else "plain"
        value = _value(rng, writer, key)
        fields[_FORM_FIELDS[key]] = pen.put(value, start=0.38, style=style, scale=1.15, paint=ink)
        _place(pen, boxed=boxed)
        pen.next(1.6)
    if pen.y + 2 * pen.step < size.height:
        pen.put(writer.label("date"), stop=0.2)
        fields["date"] = pen.put(writer.date(rng), start=0.22, stop=0.5, style=style, paint=ink)
        pen.put(writer.label("signature"), start=0.55, stop=0.98)
    return Slip(sheet=pen.sheet, fields=fields)


def _value(rng: np.random.Generator, writer: Writer, key: str) -> str:
    if key == "born":
        return writer.date(rng, years=(1940, 2010))
    if key in ("phone", "number"):
        return writer.number(rng, 8)
    if key in ("country", "city"):
        return writer.phrase(rng, key)
    # Invented words make names in most scripts; Chinese names are made of few characters.
    if key == "address" and writer.has("streets"):
        room = writer.number(rng, int(rng.integers(2, 5)))
        return f"{writer.phrase(rng, 'streets')}{writer.number(rng, 2)}号{room}室"
    if key == "address":
        return f"{writer.title(rng, 1)[0]} {writer.number(rng, 2)}"
    if key in ("surname", "name") and writer.has(f"{key}s"):
        return writer.phrase(rng, f"{key}s")
    return writer.title(rng, 1)[0]


def _place(pen: _Pen, *, boxed: bool) -> None:
    """The line or box in which a value stands."""
    wide = pen.sheet.size.width - 2 * pen.edge
    left, right = pen.edge + 0.36 * wide, pen.edge + wide
    if pen.writer.language.right_to_left:
        left, right = pen.sheet.size.width - right, pen.sheet.size.width - left
    bottom = pen.y + pen.step * 1.1
    if boxed:
        top = pen.y - pen.step * 0.12
        pen.sheet.draw.rectangle((left, top, right, bottom), outline=(120, 120, 120))
    else:
        pen.sheet.draw.line((left, bottom, right, bottom), fill=(120, 120, 120))


def ticket(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Slip:
    """A ticket for a journey: labels above values, in two rows."""
    size_px = int(rng.integers(18, 24))
    wide = max(size.width, 18 * FACTOR)
    tall = int(np.ceil(10.5 * size_px * 1.55 / FACTOR)) * FACTOR
    pen = _Pen(rng, writer, blank(ImageSize(tall, wide)), size_px)
    shade = tuple(int(v) for v in rng.integers(190, 240, 3))
    pen.sheet.draw.rectangle((0, 0, wide, pen.y + 1.6 * pen.step), fill=shade)
    pen.put(" ".join(writer.title(rng, 2)), style="display", scale=1.3)
    pen.next(2.2)
    fields: dict[str, str] = {}
    coach = "" if writer.own_digits else "ABCDEF"[int(rng.integers(6))]
    rows = (
        (("from", writer.phrase(rng, "city")), ("to", writer.phrase(rng, "city"))),
        (
            ("date", writer.date(rng)),
            ("time", writer.time(rng)),
            ("platform", writer.number(rng, 1)),
            ("seat", writer.number(rng, 2) + coach),
        ),
    )
    for row in rows:
        share = 1 / len(row)
        for i, (key, _) in enumerate(row):
            pen.put(writer.label(key), start=i * share, stop=(i + 0.9) * share, scale=0.8)
        pen.next(0.9)
        for i, (key, value) in enumerate(row):
            fields[key] = pen.put(value, start=i * share, stop=(i + 0.88) * share, scale=1.1)
        pen.next(1.5)
    pen.put(writer.label("price"), stop=0.3, scale=0.8)
    fields["price"] = pen.put(
        writer.price(writer.cost(rng) * 5), start=0.35, align=1.0, style="display"
    )
    return Slip(sheet=pen.sheet, fields=fields)


def table(rng: np.random.Generator, writer: Writer, size: ImageSize) -> Slip:
    """A ruled table of goods, numbers and prices under a heading."""
    size_px = int(rng.integers(17, 24))
    pen = _Pen(rng, writer, blank(size), size_px)
    pen.put(" ".join(writer.title(rng, 2)), style="display", scale=1.4)
    pen.next(1.8)
    edges = (0.0, 0.46, 0.62, 0.8, 1.0)
    heads = [writer.label(key) for key in ("item", "quantity", "price", "total")]
    ruled = rng.random() < 0.6
    top = pen.y
    for i, head in enumerate(heads):
        _cell(pen, head, edges[i : i + 2], first=i == 0, style="display")
    pen.next(1.2)
    lines = [top, pen.y]
    while pen.y + 2 * pen.step < size.height and len(lines) < 16:
        count, price = int(rng.integers(1, 30)), writer.cost(rng)
        cells = (
            writer.phrase(rng, "products"),
            writer.digits(str(count)),
            writer.amount(price),
            writer.amount(count * price),
        )
        for i, text in enumerate(cells):
            _cell(pen, text, edges[i : i + 2], first=i == 0)
        pen.next(1.2)
        lines.append(pen.y)
    _rules(pen, lines, edges if ruled else ())
    return Slip(sheet=pen.sheet)


def _cell(
    pen: _Pen, text: str, edges: Sequence[float], *, first: bool, style: Style = "plain"
) -> None:
    """Words begin their cell, numbers end it."""
    start, stop = edges[0] + 0.015, edges[1] - 0.015
    pen.put(text, start=start, stop=stop, align=0.0 if first else 1.0, style=style)


def _rules(pen: _Pen, rows: Sequence[float], columns: Sequence[float]) -> None:
    wide = pen.sheet.size.width - 2 * pen.edge
    grey = (110, 110, 110)
    for y in rows:
        pen.sheet.draw.line((pen.edge, y, pen.edge + wide, y), fill=grey)
    for share in columns:
        x = pen.edge + share * wide
        if pen.writer.language.right_to_left:
            x = pen.sheet.size.width - x
        pen.sheet.draw.line((x, rows[0], x, rows[-1]), fill=grey)
