"""Finds the spans of time that an answer states, in every spelling models use.

Owns: lines, lists, tables and prose. Does not own: JSON (``moment_json``), one range or time
(``moment_ranges``, ``times``), typed results and the video's own time (``video``).

    answer -> JSON, else line by line: tables, lists, ranges in prose; else single times -> Reading

A number is a time only where its form or its place says so ("64.0 seconds", "happens in 64 - 72",
a key ``start_time``); anything else is reported or left alone, never guessed.
"""

import re
from collections.abc import Iterator

from qvl.tasks.moment_json import Reading, read_json
from qvl.tasks.moment_ranges import FILLER, RANGE, Span, ends_of
from qvl.tasks.times import CLOCK_OR_UNITS, parse_time

_KNOWN_TIME = re.compile(rf"(?<![A-Za-z0-9_.:]){CLOCK_OR_UNITS}")

_BULLET = re.compile(r"\s*(?:(?:[-*•+>]|#{1,6}|\d{1,3}[.)、])\s+)*")
_LABEL_MARK = re.compile(r"\s*(?:[:：|,，]|[-–—]\s|\s)\s*")
_LIST_MARK = re.compile(r"\s*(?:[,，;；、&]|and\b|和)\s*(?:and\s+)?")
_SAYS_WHEN = re.compile(
    r"(?:happen(?:s|ed|ing)?|occur(?:s|red|ring)?|takes?\s+place|located|shown|visible|appears?"
    r"|发生)(?:\s*(?:in|from|between|during|at|within|在|于))*\s*(?:the\s+)?$",
    re.IGNORECASE,
)
_SAYS_AT = re.compile(
    r"(?:\bat|\baround|\babout|@|在)\s*(?:the\s+)?(?:time\s*stamp\s+|time\s+)?$", re.IGNORECASE
)
_NOT_THERE = re.compile(
    r"\b(?:does not|doesn't|did not|never|not)\s+(?:occur|happen|appear|take place)", re.IGNORECASE
)

_FEW_WORDS = 60
"""Characters before a time that can say that it is one."""


def read(text: str, *, fps: float | None = None, is_cut: bool = False) -> Reading:
    """Reads an answer; JSON counts before prose, spans before single times.

    Args:
        text: the answer.
        fps: frames per second of the video, for times in hmsf.
        is_cut: the answer was ended by a limit, so a time at its very end may lack digits.
    """
    found = read_json(text, fps)
    if found.answered:
        return found
    problems = list(found.problems)
    spans = list(_read_lines(text, fps, is_cut, problems))
    if not spans and not problems:
        spans = list(_read_instants(text, fps, is_cut, problems))
    answered = bool(spans or problems) or _NOT_THERE.search(text) is not None
    if not answered:
        unused = [match.group() for match in _KNOWN_TIME.finditer(text)]
        if unused:
            problems.append(f"times that are no span: {', '.join(unused[:5])}")
    return Reading(spans, problems, answered, found.truncated)


def _read_lines(text: str, fps: float | None, is_cut: bool, problems: list[str]) -> Iterator[Span]:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        cut_here = is_cut and number == len(lines) - 1
        if line.lstrip().startswith("|"):
            span = _read_row(line, fps)
            if span is not None:
                yield span
            continue
        yield from _read_line(line, fps, cut_here, problems)


def _read_row(line: str, fps: float | None) -> Span | None:
    """The span in one row of a Markdown table: a cell with a range, or two cells with times."""
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    for index, cell in enumerate(cells):
        match = RANGE.fullmatch(cell)
        if match is not None and _is_known(match):
            start, end = ends_of(match, fps)
            others = cells[:index] + cells[index + 1 :]
        elif _KNOWN_TIME.fullmatch(cell) and index + 1 < len(cells):
            start, end = parse_time(cell, fps=fps), parse_time(cells[index + 1], fps=fps)
            others = cells[:index] + cells[index + 2 :]
        else:
            continue
        if start is not None and end is not None:
            # The number of the row says nothing.
            said = [other for other in others if not re.fullmatch(r"\d{0,4}", other)]
            return Span(start, end, " | ".join(said), line.strip())
    return None


def _read_line(line: str, fps: float | None, is_cut: bool, problems: list[str]) -> Iterator[Span]:
    """The spans of one line; what follows a span at its beginning is the label."""
    bullet = _BULLET.match(line)
    assert bullet is not None
    ranges = list(RANGE.finditer(line, bullet.end()))
    if not ranges:
        return
    ranges = _leading(line, bullet.end(), ranges)
    trusted = _trusted(line, ranges)
    for match, is_time in zip(ranges, trusted, strict=True):
        if not is_time:
            continue
        start, end = ends_of(match, fps)
        if start is None or end is None:
            problems.append(f"no time: {match.group()}")
        elif is_cut and _may_go_on(match, line):
            problems.append(f"cut off: {match.group()}")
        else:
            label = _label_of_line(line, bullet, ranges) if len(ranges) == 1 else ""
            yield Span(start, end, label, line.strip() if label else match.group())


def _may_go_on(match: re.Match[str], line: str) -> bool:
    """Whether more digits of the last time may have been meant: nothing follows, or its point."""
    rest = line[match.end() :]
    return rest == "" or (rest == "." and "." not in match.group("end"))


def _leading(line: str, at: int, ranges: list[re.Match[str]]) -> list[re.Match[str]]:
    """The ranges that are meant: those a line begins with, or else all of them.

    What follows is a label, in which further ranges are words.
    """
    if line[at : ranges[0].start()].strip(FILLER):
        return ranges
    kept = [ranges[0]]
    for match in ranges[1:]:
        if _LIST_MARK.fullmatch(line[kept[-1].end() : match.start()]) is None:
            break
        kept.append(match)
    return kept


def _is_known(match: re.Match[str]) -> bool:
    """Whether at least one end is written as a time: with a colon or a unit."""
    return any(_KNOWN_TIME.fullmatch(match.group(name)) for name in ("start", "end"))


def _trusted(line: str, ranges: list[re.Match[str]]) -> list[bool]:
    """Which ranges are times: bare numbers are, where a verb, a unit after a list, or an otherwise
    empty line says so."""
    lonely = not _without(line, ranges).strip(FILLER + "0123456789")
    trusted = [_is_known(match) or lonely for match in ranges]
    for index, match in enumerate(ranges):
        trusted[index] = trusted[index] or bool(_SAYS_WHEN.search(_before(line, match)))
    for index in range(len(ranges) - 1, 0, -1):  # "1.0 - 2.0, 5.0 - 6.0 seconds"
        between = line[ranges[index - 1].end() : ranges[index].start()]
        if trusted[index] and _LIST_MARK.fullmatch(between):
            trusted[index - 1] = True
    for index in range(1, len(ranges)):  # "happens in 1.0 - 2.0, 5.0 - 6.0"
        between = line[ranges[index - 1].end() : ranges[index].start()]
        if trusted[index - 1] and _LIST_MARK.fullmatch(between):
            trusted[index] = True
    return trusted


def _before(line: str, match: re.Match[str]) -> str:
    """The few words before a match."""
    return line[max(0, match.start() - _FEW_WORDS) : match.start()]


def _without(line: str, ranges: list[re.Match[str]]) -> str:
    pieces, at = [], 0
    for match in ranges:
        pieces.append(line[at : match.start()])
        at = match.end()
    return "".join([*pieces, line[at:]])


def _label_of_line(line: str, bullet: re.Match[str], ranges: list[re.Match[str]]) -> str:
    before, after = line[bullet.end() : ranges[0].start()], line[ranges[0].end() :]
    if not before.strip(FILLER):
        mark = _LABEL_MARK.match(after)
        label = after[mark.end() :] if mark is not None else ""
    elif bullet.group().strip() and not after.strip(FILLER):  # "- He jumps (00:01 - 00:05)"
        label = before.strip(" \t([（【:：-–—")
    else:
        label = ""
    return label.rstrip() if label.strip(FILLER) else ""


def _read_instants(
    text: str, fps: float | None, is_cut: bool, problems: list[str]
) -> Iterator[Span]:
    """Single times that begin a line of a list, or follow "at" or "happens in"."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        bullet = _BULLET.match(line)
        assert bullet is not None
        for match in _KNOWN_TIME.finditer(line, bullet.end()):
            begins = not line[bullet.end() : match.start()].strip(FILLER)
            before = _before(line, match)
            if not (begins or _SAYS_AT.search(before) or _SAYS_WHEN.search(before)):
                continue
            time_s = parse_time(match.group(), fps=fps)
            if time_s is None:
                continue
            if is_cut and number == len(lines) - 1:  # perhaps the start of a range
                problems.append(f"cut off: {match.group()}")
                break
            rest = line[match.end() :].lstrip("])）】>*` \t")
            mark = re.match(r"[:：\-–—|]\s*", rest) if begins else None
            label = rest[mark.end() :].rstrip() if mark is not None else ""
            yield Span(time_s, time_s, label, line.strip() if label else match.group())
            break
