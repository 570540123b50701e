"""Reads the JSON that models write: fenced or not, in prose, with slips, cut off in the middle.

Owns: finding JSON values in text, where each stands, and forgiving their spelling. Does not own:
what they mean.

    text -> every '{' and '[' -> tolerant parser -> Fragment(value, start, stop, complete)

Forgiven: commas too many or missing, single or typographic quotes, a quote inside a string, bare
keys, Python's True/False/None, a missing or wrong closing bracket, the end of the text. What was
cut off is left out, never completed: of a truncated list only its closed elements remain.

The common spellings (a plain key, a plain string, a list of integers) are one regular expression
each; a character at a time is read only where they do not fit. Both ways read the same.
"""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Span = tuple[int, int]
"""Characters ``text[start:stop]``."""

MAX_DEPTH = 32
"""Deeper nesting is prose or an attack; answers nest three or four levels."""

_REREAD = 8
"""A bracket that begins no value is stepped over and what follows it read again, until this many
times the length of the text was read in vain; so time grows with the text only."""

_OPENING = re.compile(r"[\[{]")
_SPACE = re.compile(r"[\s\ufeff]*+")
_SEPARATORS = re.compile(r"[\s\ufeff,]*+")
_PLAIN_KEY = re.compile(r'[\s,]*+"([^"\\]*+)"\s*+:\s*+')
_PLAIN_STRING = re.compile(r'"([^"\\]*+)"(?=\s*+[,\]}])')
_INTEGERS = re.compile(r"\[\s*+(-?\d{1,15}(?:\s*+,\s*+-?\d{1,15})*+)\s*+\]")
_NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?(?![\w.])")
_WHOLE = re.compile(r"[+-]?\d++")
# A number that the text breaks off in: "-", "1.", "1e", "1e-".
_CUT_NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?(?:[eE][+-]?)?)?(?<=[-\d.eE+])\Z")
_WORD = re.compile(r"[+-]?[^\W\d]\w*+")
_WORDS: dict[str, JsonValue] = {
    # JavaScript's and Python's words for what is no number.
    **dict.fromkeys(("NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"), None),
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}
_CLOSING_QUOTE = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201d": "\u201d"}
_INSIDE_STRING = {quote: re.compile(rf"[^{quote}\\]*+") for quote in _CLOSING_QUOTE.values()}
_LOW_SURROGATE = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_FOLLOWS_STRING = frozenset(",:]}")
_LONGEST_INTEGER = 300
"""More digits than any float has; Python refuses to read very long integers."""


class JsonObject(dict[str, JsonValue]):
    """An object of an answer: a dictionary that knows where its values stand.

    Attributes:
        spans: where the value of each key stands in the text, quotes and brackets included.
        repeats: keys written again, with the value that the later one replaced.
    """

    __slots__ = ("repeats", "spans")

    def __init__(self) -> None:
        self.spans: dict[str, Span] = {}
        self.repeats: list[tuple[str, JsonValue]] = []


class JsonList(list[JsonValue]):
    """A list of an answer that knows where its items stand.

    Attributes:
        spans: where each item stands in the text, quotes and brackets included.
    """

    __slots__ = ("spans",)

    def __init__(self) -> None:
        self.spans: list[Span] = []


class Fragment(NamedTuple):
    """One value found in a text, at ``text[start:stop]``."""

    value: JsonValue
    """Its objects and lists are `JsonObject` and `JsonList`, but for lists cut off."""
    start: int
    stop: int
    complete: bool
    """False when the text ended inside it; the value then is a list of the parts that had been
    closed and stand on their own."""
    partial: JsonValue
    """The value with all that had been closed inside it, also of objects and lists still open."""


class _NotJson(ValueError):
    """What stands at ``at`` is no value; look for one further on."""

    def __init__(self, at: int) -> None:
        self.at = at
        super().__init__()


class _TooDeep(_NotJson):
    """Nested deeper than `MAX_DEPTH`."""


class _Cut(Exception):
    """The text ended inside a value; see `Fragment` for ``closed`` and ``partial``."""

    def __init__(self, closed: list[JsonValue], partial: JsonValue = None) -> None:
        self.closed = closed
        self.partial = partial
        super().__init__()


_Read = tuple[JsonValue, int, int]
"""A value, where it starts and where it stops."""


def iter_json(text: str) -> Iterator[Fragment]:
    """Yields the objects and lists in a text, outermost first, in order.

    >>> [f.value for f in iter_json('Sure: ```json\\n[{"n": "1",}, {"n": 2')]
    [[{'n': '1'}]]
    >>> [f.partial for f in iter_json('{"n": "1", "of": ["a", "b')]
    [{'n': '1', 'of': ['a']}]
    """
    start = 0
    spare = _REREAD * len(text)
    while (opening := _OPENING.search(text, start)) is not None:
        start = opening.start()
        try:
            value, _, stop = _value(text, start, 0)
        except _TooDeep as deep:
            start = deep.at  # not from the next bracket: that would be as deep again
        except _NotJson as fault:
            spare -= fault.at - start
            start = start + 1 if spare > 0 else max(start + 1, fault.at)
        except _Cut as cut:
            yield Fragment(cut.closed, start, len(text), False, cut.partial)
            return
        else:
            yield Fragment(value, start, stop, True, value)
            start = stop


def _value(text: str, at: int, depth: int) -> _Read:
    char = text[at : at + 1]
    if char == '"':
        plain = _PLAIN_STRING.match(text, at)
        if plain is not None:
            return plain.group(1), at, plain.end()
    elif char == "[":
        integers = _INTEGERS.match(text, at)
        if integers is not None:
            return _integers(integers), at, integers.end()
    char, at = _peek(text, at)
    if char == "{":
        return _object(text, at, depth)
    if char == "[":
        return _list(text, at, depth)
    if char in _CLOSING_QUOTE:
        string, stop = _string(text, at)
        return string, at, stop
    scalar, stop = _scalar(text, at)
    return scalar, at, stop


def _peek(text: str, at: int) -> tuple[str, int]:
    """The next character that is no space, and its place."""
    at = _end(_SPACE, text, at)
    if at >= len(text):
        raise _Cut([])
    return text[at], at


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where a pattern that matches anywhere, if only nothing, ends."""
    match = pattern.match(text, at)
    assert match is not None
    return match.end()


def _integers(match: re.Match[str]) -> JsonList:
    items = JsonList()
    place = match.start(1)
    for part in match.group(1).split(","):
        items.append(int(part))
        items.spans.append((place, place + len(part)))
        place += len(part) + 1
    return items


def _list(text: str, at: int, depth: int) -> _Read:
    if depth > MAX_DEPTH:
        raise _TooDeep(at)
    begin = at
    items = JsonList()
    spans = items.spans
    at += 1
    try:
        while True:
            at = _end(_SEPARATORS, text, at)
            char = text[at : at + 1]
            if char == "]":
                return items, begin, at + 1
            if char == "}":  # the wrong bracket: this list ends, its object may too
                return items, begin, at
            item, start, at = _value(text, at, depth + 1)
            items.append(item)
            spans.append((start, at))
    except _Cut as cut:
        closed = [item for item in items if isinstance(item, list | dict)]
        if cut.partial:
            items.append(cut.partial)
            spans.append((at, len(text)))
        raise _Cut([*closed, *cut.closed], items) from None


def _object(text: str, at: int, depth: int) -> _Read:
    if depth > MAX_DEPTH:
        raise _TooDeep(at)
    begin = at
    members = JsonObject()
    spans = members.spans
    at += 1
    key: str | None = None
    try:
        while True:
            plain = _PLAIN_KEY.match(text, at)
            if plain is not None:
                key, at = plain.group(1), plain.end()
            else:
                at = _end(_SEPARATORS, text, at)
                char = text[at : at + 1]
                if char == "}":
                    return members, begin, at + 1
                if char == "]":  # the wrong bracket: this object ends, its list may too
                    return members, begin, at
                key = None
                key, at = _key(text, at)
            value, start, at = _value(text, at, depth + 1)
            if key in members:
                members.repeats.append((key, members[key]))
            members[key] = value
            spans[key] = (start, at)
            key = None
    except _Cut as cut:
        # A list of numbers in an open object is half a statement; closed objects are whole.
        inside = [*members.values(), *cut.closed]
        if cut.partial and key is not None and key not in members:
            members[key] = cut.partial
            spans[key] = (at, len(text))
        raise _Cut([item for item in inside if _holds_object(item)], members) from None


def _key(text: str, at: int) -> tuple[str, int]:
    """A key at ``at`` and where the value behind its colon may start."""
    char, at = _peek(text, at)
    if char in _CLOSING_QUOTE:
        key, at = _string(text, at)
    else:
        word = _WORD.match(text, at)
        if word is None:
            raise _NotJson(at)
        key, at = word.group(), word.end()
    char, at = _peek(text, at)
    if char != ":":
        raise _NotJson(at)
    return key, at + 1


def _string(text: str, at: int) -> tuple[str, int]:
    closing = _CLOSING_QUOTE[text[at]]
    inside = _INSIDE_STRING[closing]
    pieces: list[str] = []
    at += 1
    while True:
        stop = _end(inside, text, at)
        pieces.append(text[at:stop])
        if stop >= len(text):
            raise _Cut([])
        at = stop + 1
        if text[stop] == "\\":
            piece, at = _escape(text, at)
            pieces.append(piece)
        elif _ends_string(text, at):
            return "".join(pieces), at
        else:
            pieces.append(closing)


def _ends_string(text: str, at: int) -> bool:
    """Whether a quote before ``at`` closes: inside a text it is not followed by a comma."""
    after = _end(_SPACE, text, at)
    if after >= len(text) or text[after] in _FOLLOWS_STRING:
        return True
    # "38" "314": a comma was forgotten.
    return after > at and text[after] in _CLOSING_QUOTE


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character that an escape at ``at`` (after the backslash) stands for."""
    if at >= len(text):
        raise _Cut([])
    char = text[at]
    if char == "u":
        digits = text[at + 1 : at + 5]
        if len(digits) < 4 and at + 5 > len(text):
            raise _Cut([])
        if re.fullmatch(r"[0-9a-fA-F]{4}", digits):
            return _unicode(text, int(digits, 16), at + 5)
    return _ESCAPES.get(char, char), at + 1


def _unicode(text: str, code: int, at: int) -> tuple[str, int]:
    """Joins a surrogate pair; a lone surrogate becomes the replacement character."""
    if 0xD800 <= code < 0xDC00:
        low = _LOW_SURROGATE.match(text, at)
        if low is not None:
            joined = 0x10000 + ((code - 0xD800) << 10) + (int(low.group(1), 16) - 0xDC00)
            return chr(joined), low.end()
    if 0xD800 <= code < 0xE000:
        return "\ufffd", at
    return chr(code), at


def _scalar(text: str, at: int) -> tuple[JsonValue, int]:
    number = _NUMBER.match(text, at)
    if number is not None:
        if number.end() == len(text):
            raise _Cut([])  # more digits may have been meant
        return _to_number(number), number.end()
    if _CUT_NUMBER.match(text, at) is not None:
        raise _Cut([])
    word = _WORD.match(text, at)
    if word is not None and word.group() in _WORDS:
        return _WORDS[word.group()], word.end()
    if word is not None and word.end() == len(text):
        raise _Cut([])
    raise _NotJson(at)


def _to_number(match: re.Match[str]) -> int | float:
    text = match.group()
    if _WHOLE.fullmatch(text) and len(text) < _LONGEST_INTEGER:
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise _NotJson(match.start())
    return number


def _holds_object(value: JsonValue) -> bool:
    if isinstance(value, list):
        return any(_holds_object(item) for item in value)
    return isinstance(value, dict)
