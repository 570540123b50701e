"""A range of time in an answer, such as "00:05 - 00:10" or "5 to 10 seconds".

Owns: what joins two times, and the span it makes. Does not own: where ranges count
(``moment_json``, ``moment_reader``), one time (``times``).
"""

import re
from typing import NamedTuple

from qvl.tasks.times import BARE_NUMBER, CLOCK_OR_UNITS, parse_time, unit_of

_TIME = rf"(?<![A-Za-z0-9_.:])(?:{CLOCK_OR_UNITS}|{BARE_NUMBER})"
_OPEN, _CLOSE = r"[\[(（【<*`]{0,3}", r"[\])）】>*`]{0,3}"
_TO = r"\s*(?:->|→|[-–—−~～]|to\b|till\b|until\b|through\b|and\b|至|到)\s*"
RANGE = re.compile(rf"{_OPEN}(?P<start>{_TIME}){_CLOSE}{_TO}{_OPEN}(?P<end>{_TIME}){_CLOSE}")
"""Two times and what joins them, brackets and stars around them included."""

FILLER = " \t[](){}<>*_`\"'.:,;：，。-–—|#"
"""What may stand around times without saying anything."""


class Span(NamedTuple):
    """One stated span, in seconds of the part that the model saw; an instant has equal ends."""

    start_s: float
    end_s: float
    label: str
    raw: str
    """What stated it, as written."""


def ends_of(match: re.Match[str], fps: float | None) -> tuple[float | None, float | None]:
    """Both ends in seconds; in "5 to 10 minutes" the unit belongs to both.

    A clock beside a bare number, as in "01:32 - 01", is half of something.
    """
    start, end = match.group("start"), match.group("end")
    if ":" in start + end and any(re.fullmatch(BARE_NUMBER, side) for side in (start, end)):
        return None, None
    unit = unit_of(end)
    if unit in ("h", "m") and re.fullmatch(BARE_NUMBER, start):
        start += unit
    return parse_time(start, fps=fps), parse_time(end, fps=fps)
