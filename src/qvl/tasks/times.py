"""Times as models write them: read and written in the formats that Qwen2.5-VL was trained with.

Owns: the spelling of one time. Does not own: what happens at that time (``video``).

    seconds -> format_time -> "01:32.40" -> parse_time -> seconds

Formats: seconds ("64.0"), ``mm:ss.ff`` and ``hh:mm:ss.ff`` (the fraction is of a second), and
hmsf, hour-minute-second-frame. The report names hmsf without spelling it; here it is
``hh:mm:ss:ff``, where ff counts the frames that begin within that second, from 0. It needs the
rate of the video and then names a frame exactly.

Source: report section 2.2.1 (seconds, hmsf); official cookbooks/video_understanding.ipynb
(seconds, mm:ss.ff).
"""

import math
import re
from fractions import Fraction
from typing import Literal, get_args

from qvl.errors import InputError
from qvl.options import nearest, shown

TimeFormat = Literal["seconds", "mm:ss.ff", "hh:mm:ss.ff", "hmsf"]

_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_CLOCK = r"\d{1,5}(?::\d{2}){1,2}(?:[.,]\d{1,9})?(?!\d|:\d)(?!\s?[AaPp]\.?[Mm]\b)"
_FRAMES = r"\d{1,5}:\d{2}:\d{2}[:;]\d{2,3}(?!\d)"
# The first letter of the English names is what tells them apart.
_UNIT = (
    r"(?:(?:hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|frames?|f)(?![A-Za-z])"
    r"|小时|分钟|分|秒钟|秒|帧)"
)
_UNITS = rf"{_NUMBER}\s?{_UNIT}(?:(?:\s?,|\s?and)?\s?{_NUMBER}\s?{_UNIT}){{0,3}}"

CLOCK_OR_UNITS = rf"(?:{_FRAMES}|{_CLOCK}|{_UNITS})"
"""Pattern of a time that is recognised in any text, without groups."""
BARE_NUMBER = rf"{_NUMBER}(?![\d%A-Za-z]|[.,:]\d)"
"""Pattern of a number that is a time only where one is expected; it means seconds."""

_CLOCK_PARTS = re.compile(r"(?:(\d{1,5}):)?(\d{1,5}):(\d{2})(?:[.,](\d{1,9}))?")
_FRAME_PARTS = re.compile(r"(\d{1,5}):(\d{2}):(\d{2})[:;](\d{2,3})")
_UNIT_PARTS = re.compile(rf"({_NUMBER})\s?({_UNIT})")
_UNIT_ORDER = "hmsf"
_CHINESE_UNITS = {"小": "h", "分": "m", "秒": "s", "帧": "f"}


def format_time(seconds: float, *, style: TimeFormat = "mm:ss.ff", fps: float | None = None) -> str:
    """Writes a time, to a hundredth of a second, or as a frame in hmsf.

    >>> [format_time(92.4, style=style) for style in ("seconds", "mm:ss.ff", "hh:mm:ss.ff")]
    ['92.4', '01:32.40', '00:01:32.40']
    >>> format_time(92.4, style="hmsf", fps=30)
    '00:01:32:12'

    Args:
        seconds: 0 or more.
        style: one of the formats.
        fps: frames per second; for hmsf only.

    Raises:
        InputError: an unknown format, a time below 0 or not finite, or hmsf without a rate.
    """
    check_style(style)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InputError(f"time is {seconds}, expected a finite number of seconds, 0 or more")
    if style == "hmsf":
        rate = _rate(fps)
        frame = round(seconds * rate)
        whole = math.floor(frame / rate)
        minutes, second = divmod(whole, 60)
        hours, minute = divmod(minutes, 60)
        return f"{hours:02d}:{minute:02d}:{second:02d}:{frame - math.ceil(whole * rate):02d}"
    hundredths = round(seconds * 100)
    if style == "seconds":
        return str(hundredths / 100)
    minutes, rest = divmod(hundredths, 6000)
    ending = f"{rest // 100:02d}.{rest % 100:02d}"
    if style == "mm:ss.ff":
        return f"{minutes:02d}:{ending}"
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{ending}"


def parse_time(text: str, *, fps: float | None = None) -> float | None:
    """Reads a text that is one time, in any of the formats or near them; None for anything else.

    >>> [parse_time(text) for text in ("64.0 seconds", "1m 4s", "01:04.00", "00:01:04", "1:75")]
    [64.0, 64.0, 64.0, 64.0, None]
    >>> parse_time("00:01:32:12", fps=30), parse_time("00:01:32:12")
    (92.4, None)

    Args:
        text: three numbers with colons are hours, minutes, seconds; two are minutes, seconds.
        fps: frames per second; without it hmsf cannot be read.
    """
    text = text.strip()
    frames = _FRAME_PARTS.fullmatch(text)
    if frames is not None:
        return _from_frame(*(int(part) for part in frames.groups()), fps=fps)
    clock = _CLOCK_PARTS.fullmatch(text)
    if clock is not None:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups()[:3])
        if seconds > 59 or (clock.group(1) is not None and minutes > 59):
            return None
        fraction = Fraction(f"0.{clock.group(4) or 0}")
        return float(hours * 3600 + minutes * 60 + seconds + fraction)
    if re.fullmatch(_UNITS, text):
        return _from_units(text, fps)
    return float(text) if re.fullmatch(_NUMBER, text) else None


def check_style(style: str) -> None:
    """Refuses a name that is no format of time.

    Raises:
        InputError: with the nearest name that is one.
    """
    if style not in get_args(TimeFormat):
        names = get_args(TimeFormat)
        raise InputError(
            f"time format is {shown(style)}, expected one of {', '.join(names)}",
            hint=nearest(style, names, else_list=False),
        )


def unit_of(text: str) -> str | None:
    """The letter h, m, s or f of a time with one unit; None for other times.

    >>> unit_of("10 minutes"), unit_of("1m 4s"), unit_of("64.0")
    ('m', None, None)
    """
    parts = _UNIT_PARTS.findall(text)
    return _letter(parts[0][1]) if len(parts) == 1 else None


def _from_frame(
    hours: int, minutes: int, seconds: int, frame: int, *, fps: float | None
) -> float | None:
    if fps is None or minutes > 59 or seconds > 59:
        return None
    rate = _rate(fps)
    second = hours * 3600 + minutes * 60 + seconds
    index = math.ceil(second * rate) + frame
    return float(index / rate) if index < (second + 1) * rate else None


def _from_units(text: str, fps: float | None) -> float | None:
    parts = [(Fraction(number), _letter(unit)) for number, unit in _UNIT_PARTS.findall(text)]
    letters = "".join(letter for _, letter in parts)
    if letters != "".join(letter for letter in _UNIT_ORDER if letter in letters):
        return None  # units repeated or out of order
    total = Fraction(0)
    for number, letter in parts:
        if letter != "f":
            total += number * {"h": 3600, "m": 60, "s": 1}[letter]
        elif fps is None or letters == "f":
            return None  # the number of a frame alone may count from 0 or from 1
        else:
            total += number / _rate(fps)
    return float(total)


def _letter(unit: str) -> str:
    return _CHINESE_UNITS.get(unit[0], unit[0])


def _rate(fps: float | None) -> Fraction:
    if fps is None or not (math.isfinite(fps) and fps > 0):
        raise InputError(
            f"fps is {fps}, expected a number above 0",
            hint="hmsf counts frames: give the frames per second of the video",
        )
    # 29.97002997... as a float is 30000 / 1001 in the file.
    return Fraction(fps).limit_denominator(100_000)
