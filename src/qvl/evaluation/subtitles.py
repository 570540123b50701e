"""Subtitles beside a video: read, cut to the part that is looked at, put in a prompt.

Owns: SubRip files and the JSON of LongVideoBench, lines on screen at given times. Does not own
prompts (``benchmarks``), nor how a video is sampled (``processing``).

    file -> read_srt | read_json_subtitles -> [Line] -> within(span) | shown_at(times) -> text
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.tasks.times import parse_time

MAX_FILE_BYTES = 16 * 2**20
"""Largest file; an hour of speech is about 100,000."""
MAX_CHARACTERS = 200_000
"""Most characters of subtitles in one prompt."""

_TAG = re.compile(r"<[^<>\n]{0,200}>|\{\\[^{}\n]{0,100}\}")
_RANGE = re.compile(r"(?m)^[ \t]*(\d[\d:.,]*)[ \t]*-->[ \t]*(\d[\d:.,]*)[^\n]*$")

_NUMBER = re.compile(r"\n[ \t]*\n[ \t]*\d+[ \t]*\n?\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Words on screen from one time to another, in seconds after the video's first frame."""

    start_s: float
    end_s: float
    text: str


def read_srt(path: Path) -> list[Line]:
    """Reads a SubRip file; marks such as <font> are taken off, lines without words left out.

    Raises:
        DataError: it cannot be read, is too large, or holds text but no times.
    """
    text = _read(path).decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    ranges = list(_RANGE.finditer(text))
    if text.strip() and not ranges:
        raise DataError(f"{path} has no times, expected SubRip: 00:00:01,000 --> 00:00:02,500")
    ends = [*(match.start() for match in ranges[1:]), len(text)]
    found = []
    for match, end in zip(ranges, ends, strict=False):
        words = text[match.end() : end]
        if end < len(text):  # the number of the next ones
            words = _NUMBER.sub("", words)
        found.append((match.group(1), match.group(2), words))
    return list(_lines(path, found))


def read_json_subtitles(path: Path) -> list[Line]:
    """Reads the two forms of LongVideoBench: [{"start", "end", "line"}], times as text; or
    [{"timestamp": [start, end], "text"}], seconds, where a missing end is the next start.

    Raises:
        DataError: it cannot be read, is too large, or has another form.
    """
    try:
        records = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(records, list) or not all(isinstance(item, dict) for item in records):
        raise DataError(f"{path} is no list of subtitles")
    found = []
    for number, record in enumerate(records):
        if "timestamp" in record:
            times = record["timestamp"]
            if not isinstance(times, list) or len(times) != 2:
                raise DataError(
                    f"{path}:{number}: timestamp is {times!r:.60}, expected [start, end]"
                )
            start, end = times
            if end is None and number + 1 < len(records):
                end = (records[number + 1].get("timestamp") or [None])[0]
            found.append((start, start if end is None else end, record.get("text", "")))
        else:
            found.append((record.get("start"), record.get("end"), record.get("line", "")))
    return list(_lines(path, found))


def _lines(path: Path, found: Sequence[tuple[Any, Any, Any]]) -> Iterator[Line]:
    for number, (start, end, words) in enumerate(found):
        times = [_seconds(value) for value in (start, end)]
        if times[0] is None or times[1] is None:
            raise DataError(f"{path}:{number} shows from {start!r} to {end!r}, expected two times")
        text = " ".join(_TAG.sub("", str(words)).split())
        if text:
            yield Line(start_s=times[0], end_s=max(times[0], times[1]), text=text)


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value < 1e7 else None
    return parse_time(value.replace(",", ".")) if isinstance(value, str) else None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"{path} has more than {MAX_FILE_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def within(lines: Sequence[Line], start_s: float, end_s: float) -> list[Line]:
    """Lines that are on screen at any time of a span.

    >>> lines = [Line(start_s=t, end_s=t + 2, text=str(t)) for t in (0, 3, 6)]
    >>> [line.text for line in within(lines, 2.5, 6)]
    ['3', '6']
    """
    return [line for line in lines if line.start_s <= end_s and line.end_s >= start_s]


def shown_at(lines: Sequence[Line], times_s: Sequence[float]) -> list[Line]:
    """Lines that are on screen at one of the times, each once: those a sampled video can show.

    Source: Video-MME evaluation, subtitles of the sampled frames.

    >>> lines = [Line(start_s=t, end_s=t + 2, text=str(t)) for t in (0, 3, 6)]
    >>> [line.text for line in shown_at(lines, [1.0, 7.9, 30.0])]
    ['0', '6']

    Args:
        lines: of a video.
        times_s: ascending.
    """
    found = []
    for line in lines:
        index = bisect_left(times_s, line.start_s)
        if index < len(times_s) and times_s[index] < line.end_s:
            found.append(line)
    return found


def joined(lines: Sequence[Line], *, where: str) -> str:
    """The words of lines, one a row; a line that repeats the one before is said once.

    Raises:
        DataError: it is too much for a prompt.
    """
    rows = [
        line.text
        for before, line in zip([None, *lines], lines, strict=False)
        if before is None or before.text != line.text
    ]
    text = "\n".join(rows)
    if len(text) > MAX_CHARACTERS:
        raise DataError(f"{where}: {len(text):,} characters of subtitles, most {MAX_CHARACTERS:,}")
    return text


def sampled_times(duration_s: float, *, fps: float, max_frames: int) -> list[float]:
    """Times of the frames that a video of a length is sampled at, to half a frame.

    Source: qwen-vl-utils 0.0.14 vision_process.py, smart_nframes; both ends are included.

    >>> sampled_times(3.0, fps=2, max_frames=4)
    [0.0, 1.0, 2.0, 3.0]
    """
    count = max(4, min(int(duration_s * fps), max_frames)) // 2 * 2
    return [duration_s * number / (count - 1) for number in range(count)]
