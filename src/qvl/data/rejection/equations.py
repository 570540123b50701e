"""Whether the sums that a text writes down come out.

Owns: finding chains of terms joined by "=" and working them out. Does not own: other claims
(``claims``).

    "So 3 * 14 = 42, and 42 + 8 = 51." -> wrong_equation() -> "42 + 8 = 51"

Only what is a sum for certain is read: numbers, + - * /, no letters, powers or brackets. All else
is passed over, so that a right text is never called wrong.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

_NUMBER = r"\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_SIGNED = rf"[-\u2212]?\s?{_NUMBER}"
_SIGN = r"\s*[-+*/\u2212\u00d7\u00f7\u00b7]\s*"
_TERM = re.compile(rf"{_SIGNED}(?:{_SIGN}{_SIGNED})*+")
# What a term is made of, up to the "=" from the right; a full stop or comma before a space ends it.
_BEFORE = re.compile(r"(?:[\d\s$+*/\u00d7\u00f7\u00b7\u2212-]|[.,](?=\d))+$")
_TOKEN = re.compile(rf"({_NUMBER})|([-+*/\u2212\u00d7\u00f7\u00b7])")
# Behind a result: a sign, a letter that is a factor, or what division leaves over.
_GOES_ON = re.compile(
    r"\s*[-+*/\u00d7\u00f7\u00b7\u2212^(\[\u221a%]|[A-Za-z_\\]"
    r"|,?\s*(?:with|and|leaving)\s+(?:an?\s+)?(?:\d|rem|rest)|\s*(?:rem|mod|rest|[rR]\b)"
)
_JOINED = frozenset("^)]|!%_\\\u00b0\u221a\u03c0.,:")
_MOST = 400
"""Equations of one text that are looked at."""
_LONGEST_LINE = 2000


def wrong_equation(text: str) -> str | None:
    """Returns the first sum that does not come out, or None.

    A result with decimals may be rounded; a whole one may not.

    >>> wrong_equation("7 * 8 = 56, so 56 + 4 = 61.")
    '56 + 4 = 61'
    >>> [wrong_equation(t) for t in ("10 / 3 = 3.33", "2x + 3 + 4 = 9", "1/2 + 1/3 = 5/6")]
    [None, None, None]
    """
    for count, (left, right) in enumerate(_equations(text)):
        if count == _MOST:
            return None
        first, second = _value(left), _value(right)
        if first is None or second is None:
            continue
        decimals = len(right.rpartition(".")[2]) if "." in right else None
        slack = Fraction(0) if decimals is None else Fraction(1, 2 * 10**decimals)
        if abs(first - second) > slack:
            return f"{left} = {right}"
    return None


def _equations(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        sides = line[:_LONGEST_LINE].split("=")
        for before, after in pairwise(sides):
            left, right = _left(before), _right(after)
            # Two plain numbers, as in "x = 3 = 3", say nothing that could be worked out.
            if left and right and (_is_sum(left) or _is_sum(right)):
                yield left, right


def _left(before: str) -> str | None:
    """The term that ends a side, or None if it belongs to something larger."""
    found = _BEFORE.search(before)
    if found is None:
        return None
    term = found[0].strip()
    outside = before[: found.start()]
    if not _TERM.fullmatch(term):
        return None
    if outside and (outside[-1] in _JOINED - {".", ",", ":"} or _is_factor(outside, found[0])):
        return None
    return term


def _is_factor(outside: str, term: str) -> bool:
    """Whether letters before a number are a variable, as in "x2" and "2x - 3"; words are none."""
    if term[:1].isspace():
        word = re.search(r"[A-Za-z]+$", outside)
        # "x - 3 + 4": what follows a lone letter with a sign belongs to it.
        return word is not None and len(word[0]) == 1 and term.strip()[:1] in "-\u2212"
    return outside[-1].isalnum()


def _right(after: str) -> str | None:
    """The term that begins a side, or None if something goes on behind it."""
    stripped = after.lstrip()
    found = _TERM.match(stripped)
    if found is None or _GOES_ON.match(stripped, found.end()):
        return None
    return found[0].strip()


def _is_sum(term: str) -> bool:
    return re.search(r"\d\s*[-+*/\u2212\u00d7\u00f7\u00b7]", term) is not None


def _value(term: str) -> Fraction | None:
    """The value of a term: products first, then sums; None when it divides by zero."""
    numbers: list[Fraction] = []
    signs: list[str] = []
    negative, wants_number = False, True
    for number, sign in _TOKEN.findall(term):
        if number:
            value = Fraction(number.replace(",", "").replace("$", ""))
            numbers.append(-value if negative else value)
            negative, wants_number = False, False
        elif wants_number:
            negative = sign in "-\u2212"
        else:
            signs.append(sign)
            wants_number = True
    if len(numbers) != len(signs) + 1:
        return None
    total, product = Fraction(0), numbers[0]
    for sign, number in zip(signs, numbers[1:], strict=True):
        if sign in "*\u00d7\u00b7":
            product *= number
        elif sign in "/\u00f7":
            if not number:
                return None
            product /= number
        else:
            total += product
            product = number if sign == "+" else -number
    return total + product
