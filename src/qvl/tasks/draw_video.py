"""Shows the moments of a video: a timeline with a bar for each, and a contact sheet of frames.

Owns: where things go, pixels and SVG. Does not own: decoding frames, which come as pictures, and
reading answers (``video``).

    moments -> lay_out() -> Timeline -> paint() -> picture
                                     -> timeline_svg() -> SVG
    frames + moments -> contact_sheet() -> picture

One colour per moment, the same in both. Letters keep their size, whatever the video's.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageOps

from qvl.errors import InputError
from qvl.geometry import Box, Point
from qvl.tasks.marks import COLOURS, DARK, LIGHT, Colour, label_font
from qvl.tasks.times import format_time
from qvl.tasks.video import Moment

FONT_PX = 16
MARGIN_PX = 16
WIDTH_PX = 960
"""Of a timeline, unless another is asked for."""
NARROWEST_PX = 240
ROW_PX = 40
BAR_PX = 10
SMALLEST_BAR_PX = 3
MOST_ROWS = 60
"""Further moments are counted, not drawn."""
MOST_TICKS = 8
CELL_PX = 240
"""Width of a frame on a contact sheet."""
MOST_COLUMNS = 6
BORDER_PX = 6

GREY: Colour = (170, 170, 170)
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600)
_FONT = "DejaVu Sans, Noto Sans, Noto Sans CJK SC, Arial, sans-serif"


class Frame(NamedTuple):
    """One frame of a contact sheet and when it is shown."""

    time_s: float
    picture: Image.Image


class _Word(NamedTuple):
    """A text whose top left corner is given."""

    at: Point
    text: str


class _Bar(NamedTuple):
    box: Box
    colour: Colour


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """Where bars, ticks and words of a timeline go, in pixels."""

    width: int
    height: int
    bars: tuple[_Bar, ...]
    ticks: tuple[float, ...]
    """x of each; they reach from the top to the axis."""
    axis_y: float
    words: tuple[_Word, ...]


def lay_out(
    moments: Sequence[Moment], *, start_s: float, end_s: float, width: int = WIDTH_PX
) -> Timeline:
    """Returns a timeline: a row for each moment, in the given order, and an axis below.

    Args:
        moments: in the time of the file.
        start_s: left end of the axis.
        end_s: right end.
        width: in pixels.

    Raises:
        InputError: an axis without length, or a picture too narrow.
    """
    if not end_s > start_s or not math.isfinite(end_s - start_s):
        raise InputError(f"timeline from {start_s} s to {end_s} s, expected a start before the end")
    if width < NARROWEST_PX:
        raise InputError(f"width is {width} px, expected at least {NARROWEST_PX}")
    left, right = MARGIN_PX, width - MARGIN_PX

    def x_of(time_s: float) -> float:
        share = (min(max(time_s, start_s), end_s) - start_s) / (end_s - start_s)
        return left + share * (right - left)

    bars, words = [], []
    y = MARGIN_PX
    for number, moment in enumerate(moments[:MOST_ROWS]):
        x1, x2 = x_of(moment.start_s), x_of(moment.end_s)
        x1 = min(x1, right - SMALLEST_BAR_PX)
        top = y + FONT_PX + 6
        bars.append(
            _Bar(Box(x1, top, max(x2, x1 + SMALLEST_BAR_PX), top + BAR_PX), colour_of(number))
        )
        words.append(_Word(Point(left, y), _fitted(caption(moment, number), right - left)))
        y += ROW_PX
    if len(moments) > MOST_ROWS:
        words.append(_Word(Point(left, y), f"and {len(moments) - MOST_ROWS} more"))
        y += ROW_PX
    axis_y = float(y + 4)
    ticks = []
    for time_s in _tick_times(start_s, end_s):
        x = x_of(time_s)
        text = _tick_text(time_s)
        length = label_font(text, FONT_PX).getlength(text)
        ticks.append(x)
        at = min(max(x - length / 2, 0), width - length)
        words.append(_Word(Point(at, axis_y + 6), text))
    height = round(axis_y + 6 + FONT_PX + MARGIN_PX)
    return Timeline(
        width=width,
        height=height,
        bars=tuple(bars),
        ticks=tuple(ticks),
        axis_y=axis_y,
        words=tuple(words),
    )


def caption(moment: Moment, number: int) -> str:
    """The line that names a moment, with what is doubtful about it.

    >>> caption(Moment(start_s=1, end_s=2.5, label="A jump.", clipped=True), 0)
    '1  00:01.00 - 00:02.50  A jump.  (clipped)'
    """
    stretch = format_time(moment.start_s)
    if moment.end_s != moment.start_s:
        stretch += f" - {format_time(moment.end_s)}"
    flags = {"swapped": moment.swapped, "clipped": moment.clipped, "off grid": moment.off_grid}
    doubts = ", ".join(name for name, is_set in flags.items() if is_set)
    parts = [str(number + 1), stretch, " ".join(moment.label.split())]
    return "  ".join([part for part in parts if part] + ([f"({doubts})"] if doubts else []))


def colour_of(number: int) -> Colour:
    """The colour of the moment with this number, from 0."""
    return COLOURS[number % len(COLOURS)]


def paint(timeline: Timeline) -> Image.Image:
    """Returns the timeline as a picture."""
    canvas = Image.new("RGB", (timeline.width, timeline.height), LIGHT)
    pen = ImageDraw.Draw(canvas)
    for x in timeline.ticks:
        pen.line((x, 0, x, timeline.axis_y), fill=GREY)
    pen.line((0, timeline.axis_y, timeline.width, timeline.axis_y), fill=DARK, width=2)
    for bar in timeline.bars:
        pen.rectangle(tuple(bar.box), fill=bar.colour, outline=DARK)
    for word in timeline.words:
        font = label_font(word.text, FONT_PX)
        pen.text(word.at, word.text, font=font, fill=DARK, stroke_width=2, stroke_fill=LIGHT)
    return canvas


def timeline_svg(timeline: Timeline) -> str:
    """Returns the timeline as a self-contained SVG document."""
    width, height, axis = timeline.width, timeline.height, _number(timeline.axis_y)
    lines = [
        f'<line x1="{_number(x)}" y1="0" x2="{_number(x)}" y2="{axis}" stroke="{_rgb(GREY)}"/>'
        for x in timeline.ticks
    ]
    bars = [
        f'<rect x="{_number(bar.box.x1)}" y="{_number(bar.box.y1)}" '
        f'width="{_number(bar.box.x2 - bar.box.x1)}" height="{BAR_PX}" '
        f'fill="{_rgb(bar.colour)}" stroke="{_rgb(DARK)}"/>'
        for bar in timeline.bars
    ]
    words = [
        f'<text x="{_number(word.at.x)}" y="{_number(word.at.y)}" dominant-baseline="hanging" '
        f'stroke="{_rgb(LIGHT)}" stroke-width="4" paint-order="stroke">'
        f"{_escaped(word.text)}</text>"
        for word in timeline.words
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="{_FONT}" font-size="{FONT_PX}">',
            f'<rect width="{width}" height="{height}" fill="{_rgb(LIGHT)}"/>',
            *lines,
            f'<line x1="0" y1="{axis}" x2="{width}" y2="{axis}" stroke="{_rgb(DARK)}" '
            'stroke-width="2"/>',
            *bars,
            *words,
            "</svg>\n",
        ]
    )


def contact_sheet(
    frames: Sequence[Frame], moments: Sequence[Moment] = (), *, end_s: float
) -> Image.Image:
    """Returns the frames in rows, each with its time; those of moments have coloured frames.

    A frame stands for the time until the next one, so every moment within them is marked on at
    least one.

    Args:
        frames: ascending in time.
        moments: in the time of the file.
        end_s: where the last frame's time ends.

    Raises:
        InputError: no frames.
    """
    if not frames:
        raise InputError("no frames for a contact sheet, expected at least one")
    columns = min(MOST_COLUMNS, math.ceil(math.sqrt(len(frames))))
    rows = math.ceil(len(frames) / columns)
    first = frames[0].picture
    picture_px = min(max(round(CELL_PX * first.height / first.width), CELL_PX // 4), 2 * CELL_PX)
    step_x = CELL_PX + 2 * BORDER_PX
    step_y = picture_px + 2 * BORDER_PX + FONT_PX + 8
    canvas = Image.new("RGB", (columns * step_x, rows * step_y), LIGHT)
    pen = ImageDraw.Draw(canvas)
    ends = [frame.time_s for frame in frames[1:]] + [max(end_s, frames[-1].time_s)]
    for place, (frame, until_s) in enumerate(zip(frames, ends, strict=True)):
        x, y = place % columns * step_x, place // columns * step_y
        shown = [
            number
            for number, moment in enumerate(moments)
            if moment.start_s < until_s and moment.end_s >= frame.time_s
        ]
        _draw_border(pen, Box(x, y, x + step_x, y + picture_px + 2 * BORDER_PX), shown)
        picture = ImageOps.contain(frame.picture.convert("RGB"), (CELL_PX, picture_px))
        left = x + BORDER_PX + (CELL_PX - picture.width) // 2
        canvas.paste(picture, (left, y + BORDER_PX + (picture_px - picture.height) // 2))
        text = format_time(frame.time_s)
        if shown:
            text += "  [" + ", ".join(str(number + 1) for number in shown[:8]) + "]"
        pen.text(
            (x + BORDER_PX, y + picture_px + 2 * BORDER_PX + 1),
            text,
            font=label_font(text, FONT_PX),
            fill=DARK,
        )
    return canvas


def stack(pictures: Sequence[Image.Image]) -> Image.Image:
    """Returns pictures one below the other on white."""
    width = max(picture.width for picture in pictures)
    canvas = Image.new("RGB", (width, sum(picture.height for picture in pictures)), LIGHT)
    y = 0
    for picture in pictures:
        canvas.paste(picture, (0, y))
        y += picture.height
    return canvas


def _draw_border(pen: ImageDraw.ImageDraw, frame: Box, shown: Sequence[int]) -> None:
    """A coloured frame; of several moments each has a stretch of it, from left to right."""
    if not shown:
        return
    width = (frame.x2 - frame.x1) / len(shown)
    for place, number in enumerate(shown):
        left = frame.x1 + place * width
        pen.rectangle((left, frame.y1, left + width - 1, frame.y2 - 1), fill=colour_of(number))


def _tick_times(start_s: float, end_s: float) -> list[float]:
    """Round times from the start to the end, at most `MOST_TICKS`.

    >>> _tick_times(0, 100), _tick_times(3.3, 4.3)
    ([0, 15, 30, 45, 60, 75, 90], [3.4, 3.6, 3.8, 4.0, 4.2])
    """
    length = end_s - start_s
    days = 86_400.0 * math.ceil(length / 86_400 / MOST_TICKS)
    step = next((step for step in _STEPS_S if length / step < MOST_TICKS), days)
    first = math.ceil(start_s / step)
    return [
        round(number * step, 3)
        for number in range(first, first + MOST_TICKS)
        if number * step <= end_s
    ]


def _tick_text(time_s: float) -> str:
    """A time as short as it can be: "7.5", "1:30", "2:00:00"."""
    whole = int(time_s)
    if time_s < 60:
        return f"{time_s:g}"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}" + f"{time_s % 1:.1f}"[1:] * (time_s != whole)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _fitted(text: str, width: float) -> str:
    """The text, its end replaced by dots where it is longer than the width."""
    text = "".join(char if char.isprintable() else "\ufffd" for char in text)[:500]
    font = label_font(text, FONT_PX)
    if font.getlength(text) <= width:
        return text
    low, high = 0, len(text)
    while high - low > 1:  # low fits, high does not
        middle = (low + high) // 2
        fits = font.getlength(text[:middle] + "...") <= width
        low, high = (middle, high) if fits else (low, middle)
    return text[:low] + "..."


def _rgb(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _escaped(text: str) -> str:
    """Text for XML, which has no place for most control characters."""
    return html.escape("".join(char if char.isprintable() else "\ufffd" for char in text))
