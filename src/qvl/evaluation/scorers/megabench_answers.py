"""Answers to MEGA-Bench: the part after "Answer:", structures in it, and their members.

Owns: reading text into fields, and values into sets, lists, records, boxes. Does not own comparing
them (``megabench``).

    answer, way of reading, fields -> read_fields -> field -> text or structure

Source: TIGER-AI-Lab/MEGA-Bench megabench/metrics/parsing, as in lmms-eval 0.7.3. Structures are
read as JSON or as Python's literals, never executed, and bounded in size.
"""

import ast
import json
import re
from collections.abc import Hashable, Sequence
from typing import Any

_LONGEST = 20_000
_AT_LINE = re.compile(r"^(?:\*\*Answer:|Answer:)\s*(.+)", re.MULTILINE)
_STATED = re.compile(r"\*\*?Answer:\s*(.*?)\*\*?|\bAnswer:\s*(.*)", re.DOTALL)
_BLOCK = re.compile(r"```\w*\s*\n*(.*?)\s*```", re.DOTALL)
_JSON_BLOCK = re.compile(r"```json\s*\n*(.*?)\s*```", re.DOTALL)
_SINGLE_QUOTE = re.compile(r"(?<!\w)'|'(?!\w)")
_TEXT_WAYS = ("answer_string", "ascii_answer_string", "verbatim_answer_string")


def read_fields(
    answer: str, way: str, fields: Sequence[str], *, is_one_line: bool
) -> dict[str, Any]:
    """Returns what an answer says for each field.

    >>> read_fields("So.\\nAnswer: B", "answer_string", ["x"], is_one_line=True)
    {'x': 'B'}
    >>> read_fields('Answer: {"a": 1, "b": "two"}', "json", ["a", "b"], is_one_line=True)
    {'a': 1, 'b': 'two'}

    Args:
        answer: as the model wrote it.
        way: of the task: "answer_string" and its kin have one field, "json" a record, "dummy" the
            whole text.
        fields: names; where no record can be read, each is the whole text.
        is_one_line: whether the truth is; then what follows an empty line is left out.
    """
    answer = answer[-_LONGEST:]
    if way in _TEXT_WAYS:
        return {fields[0]: _one_answer(answer, way == "answer_string", is_one_line)}
    if way == "dummy":
        return dict.fromkeys(fields, answer.strip())
    found = structure_in(answer)
    if not isinstance(found, dict) or not found:
        return dict.fromkeys(fields, answer)
    return {str(name): unquoted(value) for name, value in found.items()}


def _one_answer(answer: str, is_plain: bool, is_one_line: bool) -> str:
    last = answer.replace("answer:", "Answer:").rpartition("Answer:")
    stated = _STATED.search(last[1] + last[2]) if last[1] else None
    text = next((part for part in stated.groups() if part is not None), "") if stated else answer
    block = _BLOCK.search(text)
    if block:
        text = block.group(1)
    elif is_plain and is_one_line:
        text = text.strip().split("\n\n")[0]
    text = text.strip() if is_plain else text.strip("\n").rstrip()
    if text.startswith(("{", "[")):
        found = structure_in(text)
        return text if found in ({}, []) and text not in ("{}", "[]") else str(found)
    return str(unquoted(text))


def structure_in(text: str) -> Any:
    """The last record or list that a text holds; an empty record if there is none."""
    stated = _AT_LINE.search(text)
    text = (stated.group(1) if stated and "\n{" not in text else text).strip()
    block = _JSON_BLOCK.search(text)
    text = block.group(1).strip() if block else text
    found = [value for piece in _balanced(text) if (value := literal(piece)) is not None]
    return found[-1] if found else ([] if text.startswith("[") else {})


def _balanced(text: str) -> list[str]:
    """Outermost pieces between brackets; quotes are not looked at, as in the reference."""
    pieces: list[str] = []
    opened: list[str] = []
    start = 0
    for place, character in enumerate(text):
        if character in "{[":
            start = place if not opened else start
            opened.append("}" if character == "{" else "]")
        elif opened and character == opened[-1]:
            opened.pop()
            if not opened:
                pieces.append(text[start : place + 1])
    return pieces


def literal(text: str) -> Any:
    """The value that a text writes as JSON or as Python does, or None."""
    for form in (text, _SINGLE_QUOTE.sub('"', text)):
        try:
            return json.loads(form)
        except (ValueError, RecursionError):
            continue
    return python_literal(text)


def python_literal(text: object) -> Any:
    """The value that a text writes as Python does, or None; anything else as it is."""
    if not isinstance(text, str):
        return text
    try:
        return ast.literal_eval(text.strip()[:_LONGEST])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def unquoted(value: Any) -> Any:
    """A text without the quotes it is written in."""
    inner = python_literal(value) if isinstance(value, str) else None
    return inner if isinstance(inner, str) else value


def frozen(value: Any) -> Hashable:
    """A structure that can be a member of a set."""
    if isinstance(value, dict):
        return frozenset((str(key), frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(frozen(item) for item in value)
    return value if isinstance(value, Hashable) else str(value)


def as_list(value: Any) -> list[Any]:
    """Members of a list, or of a text that writes one, or that has commas.

    >>> as_list("a, b"), as_list("[1, 2]"), as_list("7"), as_list("[a, b]"), as_list("[a")
    (['a', 'b'], [1, 2], [7], ['a', 'b'], [])
    """
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if not isinstance(value, str) or not value.strip(" "):
        return []
    text = value.strip(" ")
    closing = {"(": ")", "{": "}", "[": "]"}.get(text[0])
    if closing and not text.endswith(closing):
        return []
    found = python_literal(text)
    if isinstance(found, int | float):
        return [found]
    if isinstance(found, list | tuple | set | dict | str):
        return list(found)
    return [part.strip() for part in (text[1:-1] if closing else text).split(",")]


def as_set(value: Any) -> set[Hashable]:
    """Members of a list as a set."""
    return {frozen(item) for item in as_list(value)}


def as_record(value: Any) -> Any:
    """A record, or the one that a text writes; else the value."""
    return (structure_in(value) or value) if isinstance(value, str) else value


def is_number(value: object) -> bool:
    """Whether a value is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300 and value == value


def tuples_of(value: Any, size: int) -> list[tuple[float, ...]]:
    """Points or boxes in a value: those of its lists that have so many numbers."""
    found = python_literal(value)
    if not isinstance(found, list | tuple):
        return []
    if len(found) == size and all(map(is_number, found)):
        found = [found]
    return [
        tuple(float(number) for number in item)
        for item in found
        if isinstance(item, list | tuple) and len(item) == size and all(map(is_number, item))
    ]


def tagged(value: Any, tag: str, size: int) -> list[tuple[float, ...]]:
    """Numbers between tags: "<point>0.1, 0.2</point>"."""
    if not isinstance(value, str):
        return tuples_of(value, size)
    found = []
    for inner in re.findall(rf"<{tag}>([^<]{{0,200}})</{tag}>", value):
        try:
            numbers = tuple(float(part) for part in inner.split(","))
        except ValueError:
            continue
        if len(numbers) == size and all(map(is_number, numbers)):
            found.append(numbers)
    return found
