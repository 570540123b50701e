"""One time: every format there and back, every spelling near them, nothing that is no time."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.tasks.times import format_time, parse_time, unit_of

hundredths = st.integers(0, 99_999 * 6000)
rates = st.sampled_from(
    [0.2, 1.0, 3.0, 12.5, 23.976, 24000 / 1001, 25.0, 30000 / 1001, 60.0, 240.0]
)


@given(hundredths, st.sampled_from(["seconds", "mm:ss.ff", "hh:mm:ss.ff"]))
def test_hundredths_there_and_back(count: int, style: str) -> None:
    seconds = count / 100
    assert parse_time(format_time(seconds, style=style)) == seconds  # type: ignore[arg-type]


@given(frame=st.integers(0, 2_000_000), fps=rates)
def test_every_frame_there_and_back_in_hmsf(frame: int, fps: float) -> None:
    rate = Fraction(fps).limit_denominator(100_000)
    seconds = float(frame / rate)
    text = format_time(seconds, style="hmsf", fps=fps)
    assert parse_time(text, fps=fps) == seconds


def test_frames_of_a_second_count_from_0() -> None:
    ntsc = 30000 / 1001
    texts = [format_time(frame / ntsc, style="hmsf", fps=ntsc) for frame in (0, 29, 30, 59, 60)]
    # Frame 30 begins at 1.001 s: the first of its second.
    assert texts == ["00:00:00:00", "00:00:00:29", "00:00:01:00", "00:00:01:29", "00:00:02:00"]


@given(st.floats(0, 10**6), st.sampled_from(["seconds", "mm:ss.ff", "hh:mm:ss.ff"]))
def test_any_time_is_written_to_a_hundredth(seconds: float, style: str) -> None:
    read = parse_time(format_time(seconds, style=style))  # type: ignore[arg-type]
    assert read is not None
    assert abs(read - seconds) <= 0.005 + 1e-9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("64", 64.0),
        ("64.0", 64.0),
        (" 64.0 seconds ", 64.0),
        ("64.0s", 64.0),
        ("64.0秒", 64.0),
        ("1m 4s", 64.0),
        ("1m4s", 64.0),
        ("1 minute and 4 seconds", 64.0),
        ("1 min, 4.5 sec", 64.5),
        ("1分4秒", 64.0),
        ("2 minutes", 120.0),
        ("1h 2m 3s", 3723.0),
        ("1小时2分钟", 3720.0),
        ("01:04", 64.0),
        ("1:04", 64.0),
        ("01:04.25", 64.25),
        ("00:01:04", 64.0),
        ("00:01:04,250", 64.25),
        ("125:30.00", 7530.0),
        ("00:01:04:10", 64.4),
        ("00:01:04;10", 64.4),
        ("0h 1m 4s 10f", 64.4),
        ("64s 10 frames", 64.4),
    ],
)
def test_every_spelling(text: str, seconds: float) -> None:
    assert parse_time(text, fps=25) == pytest.approx(seconds, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "1:75",
        "1:2",
        "01:60:00",
        "00:00:60",
        "64 - 72",
        "64,5",
        "1e3",
        "nan",
        "4s 1m",
        "1m 2m",
        "10 frames",
        "00:00:01:25",
        "12345678901",
        "5 metres",
        "01:04 pm",
    ],
)
def test_no_time(text: str) -> None:
    assert parse_time(text, fps=25) is None


def test_hmsf_needs_a_rate() -> None:
    assert parse_time("00:00:01:10") is None
    assert parse_time("1s 10f") is None
    with pytest.raises(InputError, match=r"fps is None.*give the frames per second"):
        format_time(1.0, style="hmsf")


@pytest.mark.parametrize("seconds", [-0.01, float("nan"), float("inf")])
def test_what_is_no_time_is_not_written(seconds: float) -> None:
    with pytest.raises(InputError, match="expected a finite number of seconds"):
        format_time(seconds)


@given(st.text(max_size=30) | st.text("0123456789:.,;hmsf -", max_size=20))
def test_never_raises(text: str) -> None:
    parse_time(text)
    parse_time(text, fps=29.97)
    unit_of(text)
