"""Function calls in an answer: written and read in the published form.

Owns: the text of a call and what stands around it. Does not own: what a call means (``actions``).

    ToolCall -> format_call -> "<tool_call>\\n{...}\\n</tool_call>" -> read_calls -> CallReading

The JSON decides where a call ends, not the closing mark: a typed text may hold the mark itself.
Source: QwenLM/Qwen-Agent qwen_agent/llm/fncall_prompts/nous_fncall_prompt.py.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from qvl.messages import ToolCall
from qvl.options import shown
from qvl.tasks.json_repair import JsonValue, iter_json

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_MARK = re.compile(f"{_OPEN}|{_CLOSE}")
_JSON_FOLLOWS = re.compile(r"\s*(?:```\w*\s*)?(?=\{)")
_FENCE = re.compile(r"\s*```\w*\s*$")
_MOST_MARKS_INSIDE = 8
"""Marks that one call's texts may hold; a bound on the work for an answer of nothing but marks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallReading:
    """The calls of an answer, in the order in which it makes them."""

    calls: tuple[ToolCall, ...]
    thought: str
    """What stands before the first call; the whole answer when there is none."""
    truncated: bool
    """True when the answer ended inside a call."""
    problems: tuple[str, ...] = ()
    """What was marked as a call but is none, one line each."""


def format_call(call: ToolCall) -> str:
    """Returns the call as the model writes it.

    >>> print(format_call(ToolCall("look", {"at": [3, 4]})))
    <tool_call>
    {"name": "look", "arguments": {"at": [3, 4]}}
    </tool_call>
    """
    return f"{_OPEN}\n{call_json(call)}\n{_CLOSE}"


def call_json(call: ToolCall) -> str:
    """Returns the JSON of a call on one line."""
    return json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)


def read_calls(text: str) -> CallReading:
    """Reads the calls of an answer; never fails on what a model wrote.

    Forgiven beside the slips of `iter_json`: missing marks, arguments as a string of JSON, and
    arguments with an ``action`` but without the object around them (its name is then "").

    >>> read_calls('I look. <tool_call>{"name": "look", "arguments": {}}</tool_call>')
    CallReading(calls=(ToolCall(name='look', arguments={}),), thought='I look.', \
truncated=False, problems=())
    """
    calls: list[ToolCall] = []
    problems: list[str] = []
    first = at = text.find(_OPEN)
    truncated = False
    if first < 0:
        return _read_unmarked(text)
    while at >= 0:
        start = at + len(_OPEN)
        call, stop = _call_at(text, start)
        if call is None:
            mark = _MARK.search(text, start)
            stop = len(text) if mark is None else mark.start()
            truncated = mark is None
            call = next(_calls_in(text[start:stop]), None)
        if call is None:
            problems.append(f"{_OPEN}{shown(text[start:stop].strip())} is no call")
        else:
            calls.append(call)
        at = text.find(_OPEN, stop)
    return CallReading(
        calls=tuple(calls),
        thought=text[:first].strip(),
        truncated=truncated,
        problems=tuple(problems),
    )


def _read_unmarked(text: str) -> CallReading:
    calls: list[ToolCall] = []
    first = len(text)
    truncated = False
    for fragment in iter_json(text):
        call = _as_call(fragment.value)
        if call is not None:
            calls.append(call)
            first = min(first, fragment.start)
        truncated = truncated or not fragment.complete
    return CallReading(
        calls=tuple(calls), thought=_FENCE.sub("", text[:first]).strip(), truncated=truncated
    )


def _call_at(text: str, start: int) -> tuple[ToolCall | None, int]:
    """The call whose JSON begins at ``start``, and where it ends."""
    follows = _JSON_FOLLOWS.match(text, start)
    if follows is None:
        return None, start
    begin = follows.end()
    marks = islice(_MARK.finditer(text, begin), _MOST_MARKS_INSIDE)
    for stop in [*(mark.start() for mark in marks), len(text)]:
        fragment = next(iter_json(text[begin:stop]), None)
        if fragment is None or fragment.start > 0:
            break
        if fragment.complete:
            return _as_call(fragment.value), begin + fragment.stop
        # Cut off at the mark: it may stand in a text, so the JSON may go on behind it.
    return None, start


def _calls_in(body: str) -> Iterator[ToolCall]:
    """Calls in what stands between two marks; of an object left open, the closed parts."""
    for fragment in iter_json(body):
        values = fragment.value if isinstance(fragment.value, list) else [fragment.value]
        for value in values:
            call = _as_call(value)
            if call is not None:
                yield call


def _as_call(value: JsonValue) -> ToolCall | None:
    if not isinstance(value, Mapping):
        return None
    name, arguments = value.get("name"), value.get("arguments")
    if isinstance(arguments, str):
        whole = next(iter_json(arguments), None)
        arguments = whole.value if whole is not None and whole.complete else None
    if isinstance(name, str) and isinstance(arguments, dict):
        return ToolCall(name, arguments)
    if "action" in value and "arguments" not in value:
        return ToolCall("", dict(value))
    return None
