"""Finds the spans of time in the JSON of an answer, under every key models use.

Owns: keys and shapes of JSON. Does not own: finding and forgiving JSON (``json_repair``), ranges in
words (``moment_ranges``).

    answer -> JSON values -> records, pairs, ranges as keys -> Reading
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from qvl.tasks.json_repair import JsonValue, iter_json
from qvl.tasks.moment_ranges import FILLER, RANGE, Span, ends_of
from qvl.tasks.times import parse_time

START_KEYS = ("start_time", "start", "start_timestamp", "startTime", "start_s", "begin", "from")
END_KEYS = ("end_time", "end", "end_timestamp", "endTime", "end_s", "stop", "to")
RANGE_KEYS = (
    "timestamp",
    "timestamps",
    "time",
    "time_range",
    "interval",
    "segment",
    "span",
)  # the whole range under one key
LABEL_KEYS = (
    "description",
    "caption",
    "event",
    "label",
    "text",
    "sentence",
    "activity",
    "action",
    "name",
)


class Reading(NamedTuple):
    """What an answer states."""

    spans: list[Span]
    problems: list[str]
    """What was stated but is no span."""
    answered: bool
    """The answer states spans, or that there are none."""
    truncated: bool
    """The text ended inside the answer."""


def read_json(text: str, fps: float | None) -> Reading:
    """Reads the spans that the JSON in a text states."""
    spans: list[Span] = []
    problems: list[str] = []
    answered = truncated = False
    for fragment in iter_json(text):
        truncated = truncated or not fragment.complete
        if _is_pair(fragment.value, fps):  # a pair of numbers in prose is anything
            around = text[: fragment.start] + text[fragment.stop :]
            if around.replace("json", "").strip(FILLER + "\n"):
                continue
        before = len(problems)
        found = list(_walk(fragment.value, fps, problems))
        spans.extend(found)
        answered = answered or bool(found) or len(problems) > before
        answered = answered or (fragment.value == [] and fragment.complete)
    return Reading(spans, problems, answered, truncated)


def _walk(value: JsonValue, fps: float | None, problems: list[str]) -> Iterator[Span]:
    if isinstance(value, list):
        if _is_pair(value, fps):
            yield from _span_of(value[0], value[1], "", value, fps, problems)
            return
        for item in value:
            yield from _walk(item, fps, problems)
    elif isinstance(value, dict):
        start, end = _first(value, START_KEYS), _first(value, END_KEYS)
        whole = _first(value, RANGE_KEYS)
        if start is not None and end is not None:
            yield from _span_of(value[start], value[end], _label(value), value, fps, problems)
        elif whole is not None and not isinstance(value[whole], dict):
            yield from _span_of_range(value[whole], _label(value), value, fps, problems)
        elif start is not None and not isinstance(value[start], list | dict):
            problems.append(f"a start without an end: {_short(value)}")
        else:
            yield from _walk_members(value, fps, problems)


def _walk_members(
    record: dict[str, JsonValue], fps: float | None, problems: list[str]
) -> Iterator[Span]:
    """The spans inside an object that is none itself, such as {"events": [...]}."""
    for name, member in record.items():
        if RANGE.fullmatch(name.strip()) is not None:
            label = member if isinstance(member, str) else json.dumps(member, ensure_ascii=False)
            yield from _span_of_range(name, label, {name: member}, fps, problems)
        elif isinstance(member, list | dict):
            yield from _walk(member, fps, problems)


def _span_of_range(
    value: JsonValue, label: str, record: JsonValue, fps: float | None, problems: list[str]
) -> Iterator[Span]:
    """The span or spans of a value such as "00:01 - 00:05", [1, 5], [[1, 5], [7, 8]] or "00:01"."""
    if isinstance(value, list) and not _is_pair(value, fps):
        for item in value:
            yield from _span_of_range(item, label, record, fps, problems)
        return
    if isinstance(value, list):
        yield from _span_of(value[0], value[1], label, record, fps, problems)
        return
    match = RANGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        start, end = ends_of(match, fps)
        if start is not None and end is not None:
            yield Span(start, end, label, _compact(record))
            return
    instant = _seconds(value, fps)
    if instant is not None:
        yield Span(instant, instant, label, _compact(record))
    else:
        problems.append(f"no time: {_short(value)} in {_short(record)}")


def _span_of(
    start: JsonValue,
    end: JsonValue,
    label: str,
    record: JsonValue,
    fps: float | None,
    problems: list[str],
) -> Iterator[Span]:
    start_s, end_s = _seconds(start, fps), _seconds(end, fps)
    if start_s is None or end_s is None:
        wrong = start if start_s is None else end
        problems.append(f"no time: {_short(wrong)} in {_short(record)}")
        return
    yield Span(start_s, end_s, label, _compact(record))


def _is_pair(value: JsonValue, fps: float | None) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_seconds(item, fps) is not None for item in value)
    )


def _seconds(value: JsonValue, fps: float | None) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:  # an integer larger than any float
            return None
    if not isinstance(value, str):
        return None
    text = value.strip().strip("[]()<>")
    negative = re.fullmatch(r"-\d{1,9}(?:\.\d{1,9})?", text)
    return float(text) if negative is not None else parse_time(text, fps=fps)


def _label(record: dict[str, JsonValue]) -> str:
    key = _first(record, LABEL_KEYS)
    value = "" if key is None else record[key]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _first(record: dict[str, JsonValue], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in record), None)


def _compact(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _short(value: JsonValue) -> str:
    text = _compact(value)
    return text if len(text) <= 80 else text[:77] + "..."
