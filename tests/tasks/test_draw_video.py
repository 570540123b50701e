"""Timelines and contact sheets: the right places, at any size, for any label."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from qvl.errors import InputError
from qvl.tasks.draw_video import (
    MARGIN_PX,
    MOST_ROWS,
    MOST_TICKS,
    Frame,
    colour_of,
    contact_sheet,
    lay_out,
    paint,
    stack,
    timeline_svg,
)
from qvl.tasks.video import Moment

JUMP = Moment(start_s=25, end_s=50, label="He jumps.")
LAND = Moment(start_s=50, end_s=50, label="He lands.", clipped=True)


def columns_of(picture: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    return np.flatnonzero((np.asarray(picture) == colour).all(axis=-1).any(axis=0))


def test_bars_lie_where_the_moments_do() -> None:
    timeline = lay_out([JUMP, LAND], start_s=0, end_s=100, width=1032)
    jump, land = (bar.box for bar in timeline.bars)
    assert (jump.x1, jump.x2) == (MARGIN_PX + 250, MARGIN_PX + 500)
    assert (land.x1, land.x2) == (MARGIN_PX + 500, MARGIN_PX + 503), "an instant can be seen"
    assert jump.y2 < land.y1
    drawn = paint(timeline)
    assert drawn.size == (timeline.width, timeline.height)
    inside = columns_of(drawn, colour_of(0))
    assert (inside.min(), inside.max()) == (jump.x1 + 1, jump.x2 - 1)


def test_svg_says_the_same() -> None:
    odd = Moment(start_s=1, end_s=2, label='<b>&"\x00')
    timeline = lay_out([JUMP, odd], start_s=0, end_s=100)
    root = ElementTree.fromstring(timeline_svg(timeline))
    space = "{http://www.w3.org/2000/svg}"
    bars = root.findall(f"{space}rect")[1:]
    assert [float(bar.get("x", 0)) for bar in bars] == [
        pytest.approx(bar.box.x1, abs=0.01) for bar in timeline.bars
    ]
    words = [word.text for word in root.findall(f"{space}text")]
    assert words[0] == "1  00:25.00 - 00:50.00  He jumps."
    assert words[1] == '2  00:01.00 - 00:02.00  <b>&"\ufffd'


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(0, 0.03), (0, 7.3), (90, 95.6), (0, 1e6), (0, 1e8)]
)
def test_ticks_are_few_and_inside(start_s: float, end_s: float) -> None:
    timeline = lay_out([], start_s=start_s, end_s=end_s)
    assert len(timeline.ticks) <= MOST_TICKS
    assert all(0 <= x <= timeline.width for x in timeline.ticks)
    assert all(word.at.x >= 0 for word in timeline.words)


@pytest.mark.parametrize("width", [240, 960, 5000])
@pytest.mark.parametrize("label", ["", "word " * 200, "他跳了起来" * 50, "line\nbreak", "\x00"])
def test_any_width_and_label(width: int, label: str) -> None:
    moments = [Moment(start_s=number, end_s=number + 2, label=label) for number in range(3)]
    timeline = lay_out(moments, start_s=0, end_s=5, width=width)
    drawn = paint(timeline)
    assert drawn.width == width
    assert all(columns_of(drawn, colour_of(number)).size for number in range(3))
    margin = np.asarray(drawn)[:, -4:]
    assert (margin[: int(timeline.axis_y) - 2] == 255).all(), "no word runs over the edge"


def test_many_moments_are_counted() -> None:
    many = [Moment(start_s=0, end_s=1)] * (MOST_ROWS + 7)
    timeline = lay_out(many, start_s=0, end_s=1)
    assert len(timeline.bars) == MOST_ROWS
    assert "and 7 more" in [word.text for word in timeline.words]


def test_impossible_timelines_are_refused() -> None:
    with pytest.raises(InputError, match="expected a start before the end"):
        lay_out([], start_s=1, end_s=1)
    with pytest.raises(InputError, match="width is 10 px"):
        lay_out([], start_s=0, end_s=1, width=10)


def frames(count: int, size: tuple[int, int] = (320, 180)) -> list[Frame]:
    return [Frame(10.0 * number, Image.new("RGB", size, (9, 9, 9))) for number in range(count)]


def marked(sheet: Image.Image, number: int) -> int:
    return int((np.asarray(sheet) == colour_of(number)).all(axis=-1).sum())


def test_frames_of_moments_are_marked() -> None:
    plain = contact_sheet(frames(6), end_s=60)
    assert marked(plain, 0) == 0
    one = contact_sheet(frames(6), [Moment(start_s=12, end_s=13)], end_s=60)
    two = contact_sheet(frames(6), [Moment(start_s=12, end_s=25)], end_s=60)
    last = contact_sheet(frames(6), [Moment(start_s=58, end_s=60)], end_s=60)
    assert marked(one, 0) == marked(last, 0) > 1000
    assert marked(two, 0) == 2 * marked(one, 0)
    both = contact_sheet(frames(6), [Moment(start_s=12, end_s=13)] * 2, end_s=60)
    assert marked(both, 0) > 300
    assert marked(both, 1) > 300


@pytest.mark.parametrize("size", [(1, 1), (3000, 40), (40, 3000), (4000, 2000)])
@pytest.mark.parametrize("count", [1, 2, 24, 50])
def test_any_frames(size: tuple[int, int], count: int) -> None:
    sheet = contact_sheet(frames(count, size), [JUMP], end_s=10 * count)
    assert 252 <= sheet.width <= 6 * 252
    assert sheet.height < 10_000
    assert (np.asarray(sheet) == (9, 9, 9)).all(axis=-1).any()


def test_no_frames() -> None:
    with pytest.raises(InputError, match="no frames"):
        contact_sheet([], end_s=1)


def test_stack() -> None:
    above, below = Image.new("RGB", (30, 10), "red"), Image.new("RGB", (50, 20), "blue")
    both = stack([above, below])
    assert both.size == (50, 30)
    assert both.getpixel((40, 5)) == (255, 255, 255)
    assert both.getpixel((40, 15)) == (0, 0, 255)
