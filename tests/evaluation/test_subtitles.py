"""Subtitles: the two published forms, what is on screen when, what is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation import subtitles
from qvl.evaluation.subtitles import (
    Line,
    joined,
    read_json_subtitles,
    read_srt,
    sampled_times,
    shown_at,
)

SRT = """1
00:00:01,000 --> 00:00:02,500
<font color="white" size=".72c">Hello  there</font>

2
00:00:03,000 --> 00:01:04,000
two
rows, 3

3
01:00:00,000 --> 01:00:01,000 X1:10

4
01:00:02.000 --> 01:00:03.250
7
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_srt(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(("\ufeff" + SRT.replace("\n", ends)).encode())
    assert read_srt(path) == [
        Line(start_s=1, end_s=2.5, text="Hello there"),
        Line(start_s=3, end_s=64, text="two rows, 3"),
        Line(start_s=3602, end_s=3603.25, text="7"),
    ]


def test_what_is_no_srt_is_named(tmp_path: Path) -> None:
    assert read_srt(write(tmp_path / "empty.srt", " \n")) == []
    with pytest.raises(DataError, match="has no times, expected SubRip"):
        read_srt(write(tmp_path / "words.srt", "hello"))
    with pytest.raises(DataError, match="two times"):
        read_srt(write(tmp_path / "odd.srt", "1\n00:00:01,0 --> 99:99:99,0\nx\n"))
    with pytest.raises(DataError, match="cannot be read"):
        read_srt(tmp_path / "none.srt")


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subtitles, "MAX_FILE_BYTES", 5)
    with pytest.raises(DataError, match="more than 5 bytes"):
        read_srt(write(tmp_path / "a.srt", SRT))
    monkeypatch.setattr(subtitles, "MAX_CHARACTERS", 5)
    with pytest.raises(DataError, match="row: 11 characters of subtitles, most 5"):
        joined([Line(start_s=0, end_s=1, text=text) for text in ("hello", "world")], where="row")


def test_both_forms_of_json(tmp_path: Path) -> None:
    told = [{"start": "00:00:05.100", "end": "00:00:06.000", "line": "a"}]
    assert read_json_subtitles(write(tmp_path / "a.json", json.dumps(told))) == [
        Line(start_s=5.1, end_s=6, text="a")
    ]
    heard = [{"timestamp": [0.0, None], "text": "a"}, {"timestamp": [2.5, 4], "text": "b"}]
    assert read_json_subtitles(write(tmp_path / "b.json", json.dumps(heard))) == [
        Line(start_s=0, end_s=2.5, text="a"),
        Line(start_s=2.5, end_s=4, text="b"),
    ]
    for odd in ("{}", "[1]", "[", '[{"timestamp": 3}]', '[{"start": "x", "end": "y"}]'):
        with pytest.raises(DataError):
            read_json_subtitles(write(tmp_path / "odd.json", odd))


def test_a_repeated_line_is_said_once() -> None:
    lines = [Line(start_s=i, end_s=i + 1, text=text) for i, text in enumerate("aab")]
    assert joined(lines, where="row") == "a\nb"


@given(
    duration_s=st.floats(2, 10_000),
    spans=st.lists(st.tuples(st.floats(0, 9_000), st.floats(0, 9)), max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_lines_at_sampled_times_are_those_a_frame_falls_into(
    duration_s: float, spans: list[tuple[float, float]]
) -> None:
    lines = [Line(start_s=start, end_s=start + long, text="x") for start, long in spans]
    times = sampled_times(duration_s, fps=2, max_frames=768)
    assert len(times) <= 768
    assert len(times) % 2 == 0
    wanted = [line for line in lines if any(line.start_s <= t < line.end_s for t in times)]
    assert shown_at(lines, times) == wanted
