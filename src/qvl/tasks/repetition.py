"""Finds that a growing text has begun to repeat itself, as models do that lost their place.

Owns: what counts as a repetition. Does not own: stopping the model (``answers.writing``).

    text -> the last `WINDOW` characters, tags as one, coordinates blanked -> smallest period of
    every ending, by the prefix function of the reversed tokens, in linear time -> Repetition

Real pages repeat themselves too: forms of empty rows, columns of zeros, dotted lines. So the less a
period says, the more often it must come.
"""

import re
from itertools import accumulate
from typing import NamedTuple

WINDOW = 16_000
"""Characters at the end that are looked at: twice the longest run any `LIMITS` ask for."""


class Limit(NamedTuple):
    """From when on a period is no longer believed."""

    min_letters: int
    """Letters in the different words of one period, outside of tags, for this limit to apply."""
    min_times: int
    """How often the period must come."""
    min_chars: int
    """How long all of it must be."""


# A blank form of 40 rows of 8 cells has 4,000 characters, a table of 30 rows of 12 zeros 4,200.
MARKUP_LIMITS = (
    Limit(400, 3, 1500),
    Limit(16, 10, 600),
    Limit(1, 40, 5000),
    Limit(0, 50, 8000),
)
"""For periods with tags, richest first."""

# Dots of a table of contents run to 150 characters, a matrix of 20 x 20 zeros in LaTeX to 1,700.
TEXT_LIMITS = (
    Limit(400, 3, 1500),
    Limit(16, 6, 300),
    Limit(1, 30, 300),
    Limit(0, 50, 2000),
)
"""For periods of text alone."""

# What only moves down the page is the same again.
_COORDINATES = re.compile(r'(?<=data-bbox=")[^"<>]*')
_TOKEN = re.compile(r"<[^<>]*>|.", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")


class Repetition(NamedTuple):
    """A text that ends in the same again and again."""

    start: int
    """Where the first one begins."""
    period: int
    """Characters of the first one."""
    times: int
    """How often it comes, at least."""

    def kept(self, text: str) -> str:
        """The text up to the end of the first one, and to the end of the tag or word it cuts."""
        end = self.start + self.period
        rest = text[end : end + self.period]
        for mark in ("</tr>", "</li>", "</p>", ">", "\n", " "):
            if mark in text[self.start : end]:
                if text[:end].endswith(mark) or mark not in rest:
                    break
                return text[: end + rest.index(mark) + len(mark)].rstrip(" ")
        return text[:end]


def find_repetition(text: str) -> Repetition | None:
    """Whether the end of a text repeats itself beyond what pages do.

    >>> find_repetition("Once. " + "The same words come again. " * 20)
    Repetition(start=4, period=27, times=20)
    >>> find_repetition("<tr>" + "<td>0</td>" * 100) is None
    True
    """
    tokens, starts = _tokens(text, max(0, len(text) - WINDOW))
    period = _period(tokens)
    if period is None:
        return None
    if starts[0] > 0:  # the run may begin before the window
        tokens, starts = _tokens(text, 0)
    first = len(tokens) - period
    while first > 0 and tokens[first - 1] == tokens[first - 1 + period]:
        first -= 1
    starts.append(len(text))
    times = (len(tokens) - first) // period
    return Repetition(starts[first], starts[first + period] - starts[first], times)


def _tokens(text: str, begin: int) -> tuple[list[str], list[int]]:
    """The tokens from ``begin`` on with their coordinates blanked, and where each stands."""
    tokens: list[str] = []
    starts: list[int] = []
    for match in _TOKEN.finditer(text, begin):
        token = match.group()
        has_box = token.startswith("<") and "data-bbox" in token
        tokens.append(_COORDINATES.sub("", token) if has_box else token)
        starts.append(match.start())
    return tokens, starts or [0]


def _period(tokens: list[str]) -> int | None:
    """The tokens of a period that comes too often at the end, or None.

    Source: Knuth, Morris and Pratt, Fast pattern matching in strings (1977): the smallest period of
    the first n elements is n minus the prefix function at n.
    """
    backwards = tokens[::-1]
    chars = [0, *accumulate(map(len, backwards))]
    limits: dict[int, Limit] = {}  # few periods come three times, each much longer than the last
    borders = [0] * len(backwards)
    found = None
    for length in range(2, len(backwards) + 1):
        border = borders[length - 2]
        token = backwards[length - 1]
        while border and backwards[border] != token:
            border = borders[border - 1]
        border += backwards[border] == token
        borders[length - 1] = border
        period = length - border
        if length < 3 * period:
            continue
        if period not in limits:
            limits[period] = _limit(tokens[-period:])
        limit = limits[period]
        if length >= limit.min_times * period and chars[length] >= limit.min_chars:
            found = period if found is None else min(found, period)
    return found


def _limit(period: list[str]) -> Limit:
    words = set(_WORD.findall("".join(token if len(token) == 1 else " " for token in period)))
    letters = sum(map(len, words))
    limits = MARKUP_LIMITS if any(len(token) > 1 for token in period) else TEXT_LIMITS
    return next(limit for limit in limits if letters >= limit.min_letters)
