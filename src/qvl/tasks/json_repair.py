"""Reads the JSON that models write: fenced or not, in prose, with slips, cut off in the middle.

Owns: finding JSON values in text and forgiving their spelling. Does not own: what they mean.

    text -> every '{' and '[' -> tolerant parser -> Fragment(value, complete)

Forgiven: commas too many or missing, single or typographic quotes, a quote inside a string, bare
keys, Python's True/False/None, a missing or wrong closing bracket, the end of the text. What was
cut off is left out, never completed: of a truncated list only its closed elements remain.
"""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_DEPTH = 32
"""Deeper nesting is prose or an attack; answers nest three or four levels."""

_OPENING = re.compile(r"[\[{]")
_SPACE = re.compile(r"[\s\ufeff]*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
_WORD = re.compile(r"[^\W\d]\w*")
_WORDS: dict[str, JsonValue] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}
_CLOSING_QUOTE = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201d": "\u201d"}
_LOW_SURROGATE = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_FOLLOWS_STRING = frozenset(",:]}")
_LONGEST_INTEGER = 300
"""More digits than any float has; Python refuses to read very long integers."""


class Fragment(NamedTuple):
    """One value found in a text, at ``text[start:stop]``."""

    value: JsonValue
    start: int
    stop: int
    complete: bool
    """False when the text ended inside it; the value then holds only what had been closed."""


class _NotJson(ValueError):
    """What stands here is no value; look for one further on."""


class _TooDeep(ValueError):
    """Nested deeper than `MAX_DEPTH`."""


class _Cut(Exception):
    """The text ended inside a value; carries the closed parts that stand on their own."""

    def __init__(self, closed: list[JsonValue]) -> None:
        self.closed = closed
        super().__init__()


def iter_json(text: str) -> Iterator[Fragment]:
    """Yields the objects and lists in a text, outermost first, in order.

    >>> [f.value for f in iter_json('Sure: ```json\\n[{"n": "1",}, {"n": 2')]
    [[{'n': '1'}]]
    """
    start = 0
    while (opening := _OPENING.search(text, start)) is not None:
        start = opening.start()
        reader = _Reader(text, start)
        try:
            value = reader.value(0)
        except _TooDeep:
            start = reader.at  # not from the next bracket: that would be as deep again
        except _NotJson:
            start += 1
        except _Cut as cut:
            yield Fragment(cut.closed, start, len(text), complete=False)
            return
        else:
            yield Fragment(value, start, reader.at, complete=True)
            start = reader.at


class _Reader:
    """A recursive descent over one value; ``at`` is the next unread character."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at

    def value(self, depth: int) -> JsonValue:
        char = self._peek()
        if depth > MAX_DEPTH:
            raise _TooDeep
        if char == "{":
            return self._object(depth)
        if char == "[":
            return self._list(depth)
        if char in _CLOSING_QUOTE:
            return self._string(char)
        return self._scalar()

    def _peek(self) -> str:
        """The next character that is no space."""
        space = _SPACE.match(self.text, self.at)
        assert space is not None
        self.at = space.end()
        if self.at >= len(self.text):
            raise _Cut([])
        return self.text[self.at]

    def _list(self, depth: int) -> list[JsonValue]:
        self.at += 1
        items: list[JsonValue] = []
        try:
            while True:
                char = self._peek()
                if char == "]":
                    self.at += 1
                    return items
                if char == "}":  # the wrong bracket: this list ends, its object may too
                    return items
                if char == ",":
                    self.at += 1
                    continue
                items.append(self.value(depth + 1))
        except _Cut as cut:
            closed = [item for item in items if isinstance(item, list | dict)]
            raise _Cut([*closed, *cut.closed]) from None

    def _object(self, depth: int) -> dict[str, JsonValue]:
        self.at += 1
        members: dict[str, JsonValue] = {}
        try:
            while True:
                char = self._peek()
                if char == "}":
                    self.at += 1
                    return members
                if char == "]":  # the wrong bracket: this object ends, its list may too
                    return members
                if char == ",":
                    self.at += 1
                    continue
                key = self._key(char)
                if self._peek() != ":":
                    raise _NotJson
                self.at += 1
                members[key] = self.value(depth + 1)
        except _Cut as cut:
            # A list of numbers in an open object is half a statement; closed objects are whole.
            inside = [*members.values(), *cut.closed]
            raise _Cut([item for item in inside if _holds_object(item)]) from None

    def _key(self, char: str) -> str:
        if char in _CLOSING_QUOTE:
            return self._string(char)
        word = _WORD.match(self.text, self.at)
        if word is None:
            raise _NotJson
        self.at = word.end()
        return word.group()

    def _string(self, opening: str) -> str:
        closing = _CLOSING_QUOTE[opening]
        pieces: list[str] = []
        at = self.at + 1
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                piece, at = self._escape(at + 1)
                pieces.append(piece)
                continue
            at += 1
            if char == closing and self._ends_string(at):
                self.at = at
                return "".join(pieces)
            pieces.append(char)
        raise _Cut([])

    def _ends_string(self, at: int) -> bool:
        """Whether a quote before ``at`` closes: inside a text it is not followed by a comma."""
        space = _SPACE.match(self.text, at)
        assert space is not None
        if space.end() >= len(self.text) or self.text[space.end()] in _FOLLOWS_STRING:
            return True
        # "38" "314": a comma was forgotten.
        return space.end() > at and self.text[space.end()] in _CLOSING_QUOTE

    def _escape(self, at: int) -> tuple[str, int]:
        """The character that an escape at ``at`` (after the backslash) stands for."""
        if at >= len(self.text):
            raise _Cut([])
        char = self.text[at]
        if char == "u":
            digits = self.text[at + 1 : at + 5]
            if len(digits) < 4 and at + 5 > len(self.text):
                raise _Cut([])
            if re.fullmatch(r"[0-9a-fA-F]{4}", digits):
                return self._unicode(int(digits, 16), at + 5)
        return _ESCAPES.get(char, char), at + 1

    def _unicode(self, code: int, at: int) -> tuple[str, int]:
        """Joins a surrogate pair; a lone surrogate becomes the replacement character."""
        if 0xD800 <= code < 0xDC00:
            low = _LOW_SURROGATE.match(self.text, at)
            if low is not None:
                joined = 0x10000 + ((code - 0xD800) << 10) + (int(low.group(1), 16) - 0xDC00)
                return chr(joined), low.end()
        if 0xD800 <= code < 0xE000:
            return "\ufffd", at
        return chr(code), at

    def _scalar(self) -> JsonValue:
        number = _NUMBER.match(self.text, self.at)
        if number is not None:
            if number.end() == len(self.text):
                raise _Cut([])  # more digits may have been meant
            self.at = number.end()
            return _to_number(number.group())
        word = _WORD.match(self.text, self.at)
        if word is not None and word.group() in _WORDS:
            self.at = word.end()
            return _WORDS[word.group()]
        if word is not None and word.end() == len(self.text):
            raise _Cut([])
        raise _NotJson


def _to_number(text: str) -> int | float:
    if re.fullmatch(r"[+-]?\d+", text) and len(text) < _LONGEST_INTEGER:
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise _NotJson
    return number


def _holds_object(value: JsonValue) -> bool:
    if isinstance(value, list):
        return any(_holds_object(item) for item in value)
    return isinstance(value, dict)
