"""Text as typed values: amounts, yes and no, dates, one of several words.

Owns: which texts mean a number, a truth value or a date without a doubt. Does not own: where the
texts come from (``extraction``), which keeps every text beside the value that was made of it.

    written value, Node -> typed_value() -> status, value
    text -> to_number(), to_boolean(), to_date(), to_choice() -> value | None

Nothing is guessed: a text that has two meanings, or more in it than the value, gives None.

    17,000   1.234,56   1 234.5   1'234.50   RM8.75   -RM0.01   $ 5   5 EUR   1,23,456   numbers
    0,5      3,50       a single comma that cannot divide thousands is decimal
    1.234    a single point is always decimal, as JSON has it
    12%      5 kg   (5)   ~5   1,2,3   no numbers: something else than a number is said
"""

import datetime
import json
import re
import unicodedata
from collections.abc import Callable, Sequence

from qvl.tasks.extraction_result import Status
from qvl.tasks.extraction_schema import Node
from qvl.tasks.json_repair import JsonValue

LONGEST_NUMBER = 40
"""Characters of a text that may be a number."""

_SPACES = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_AMOUNT = re.compile(
    rf"(?P<sign>[-+\u2212]?)\s*(?P<before>(?:[^\d\s.,+\u2212-]+\.?)?)\s*(?P<inner>[-+\u2212]?)\s*"
    rf"(?P<digits>(?:\d[\d.,{_SPACES}{_APOSTROPHES}]*)?\.?\d)\s*(?P<after>(?:[^\d\s.,]+\.?)?)"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:s\d{3})+|\d{1,2}(?:s\d{2})*s\d{3}")
"""Groups of three digits, or of two before the last three, divided by "s"."""

# Source: ISO 4217, the codes of the currencies most traded, and signs printed in their place.
_CURRENCY_NAMES = (
    "AED ARS AUD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR JPY KES KRW KZT "
    "MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RMB RON RUB SAR SEK SGD THB TRY TWD UAH USD VND "
    "ZAR RM Rs Rs. Rp Rp. kr kr. Kč zł Ft lei S$ US$ A$ C$ HK$ NT$ R$ Fr. 元 円 원 圆"
)
_CURRENCIES = frozenset(_CURRENCY_NAMES.split())
_TRUE = frozenset({"true", "yes", "是", "はい"})
_FALSE = frozenset({"false", "no", "否", "いいえ"})
_ORDER_OF_DATE = (
    re.compile(r"(?P<y>\d{4})([-/.])(?P<m>\d{1,2})\2(?P<d>\d{1,2})"),
    re.compile(r"(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日"),
    re.compile(
        r"(?P<d>\d{1,2})(?:st|nd|rd|th)?[\s.-]+(?P<name>[A-Za-z]{3,9})\.?,?[\s-]+(?P<y>\d{4})"
    ),
    re.compile(r"(?P<name>[A-Za-z]{3,9})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})"),
)
_TWO_ORDERS = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_MONTH_NAMES = (
    "january february march april may june july august september october november december"
)


def to_number(text: str) -> int | float | None:
    """Returns the amount that a text states; whole amounts are integers.

    >>> [to_number(text) for text in ("RM8.75", "-RM0.01", "17,000", "1.234,56", "0,5", "1.234")]
    [8.75, -0.01, 17000, 1234.56, 0.5, 1.234]
    >>> [to_number(text) for text in ("12%", "5 kg", "1,2,3", "nine", "")]
    [None, None, None, None, None]
    """
    match = _AMOUNT.fullmatch(text.strip()) if len(text) <= LONGEST_NUMBER else None
    if match is None or (match["sign"] and match["inner"]):
        return None
    signs = [sign for sign in (match["before"], match["after"]) if sign]
    if len(signs) > 1 or not all(_is_currency(sign) for sign in signs):
        return None
    digits = _in_python(match["digits"])
    if digits is None:
        return None
    number = float(digits) if "." in digits else int(digits)
    return -number if (match["sign"] or match["inner"]) in ("-", "\u2212") else number


def to_integer(text: str) -> int | None:
    """Returns the amount that a text states, if it is whole.

    >>> to_integer("17,000"), to_integer("3.0"), to_integer("3.5")
    (17000, 3, None)
    """
    number = to_number(text)
    if isinstance(number, float):
        return int(number) if number.is_integer() else None
    return number


def to_boolean(text: str) -> bool | None:
    """Returns what true, false, yes, no and their Chinese and Japanese words mean.

    >>> to_boolean("Yes"), to_boolean("否"), to_boolean("1")
    (True, False, None)
    """
    word = text.strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def to_date(text: str) -> str | None:
    """Returns a day as YYYY-MM-DD; None for 01/06/2018, which is two days.

    >>> to_date("01 Jun 2018"), to_date("June 1, 2018"), to_date("2018年6月1日")
    ('2018-06-01', '2018-06-01', '2018-06-01')
    >>> to_date("13/06/2018"), to_date("01/06/2018"), to_date("01 Jun 2018 18:41")
    ('2018-06-13', None, None)
    """
    written = text.strip() if len(text) <= LONGEST_NUMBER else ""
    for pattern in _ORDER_OF_DATE:
        match = pattern.fullmatch(written)
        if match is not None:
            parts = match.groupdict()
            month = _month(parts["name"]) if "name" in parts else int(parts["m"])
            return _iso(int(parts["y"]), month, int(parts["d"]))
    match = _TWO_ORDERS.fullmatch(written)
    if match is None:
        return None
    one, other, year = int(match[1]), int(match[3]), int(match[4])
    days = {_iso(year, other, one), _iso(year, one, other)} - {None}
    return days.pop() if len(days) == 1 else None


def to_choice(text: str, choices: Sequence[JsonValue]) -> str | None:
    """Returns the only choice that is the text but for case and space around it.

    >>> to_choice(" eur", ["EUR", "USD"]), to_choice("euro", ["EUR", "USD"])
    ('EUR', None)
    """
    word = text.strip().casefold()
    found = {c for c in choices if isinstance(c, str) and c.strip().casefold() == word}
    return found.pop() if len(found) == 1 else None


def typed_value(node: Node, written: JsonValue, raw: str) -> tuple[Status, JsonValue, str]:
    """One written value as the schema's type: (status, value, problem).

    >>> typed_value(Node(kinds=("number",)), "17,000", "17,000")
    ('coerced', 17000, '')
    >>> typed_value(Node(kinds=("integer",)), "many", "many")
    ('invalid', None, 'expected integer')
    """
    if not node.kinds:
        return _chosen(node, "found", written)
    exact = _json_kinds(written) & set(node.kinds)
    if exact and not isinstance(written, str):
        value = int(written) if isinstance(written, float) and "number" not in exact else written
        return _chosen(node, "found", value)
    if not isinstance(written, str):
        if "string" in node.kinds and not isinstance(written, list | dict):
            return _chosen(node, "coerced", raw)
        return "invalid", None, f"expected {' or '.join(node.kinds)}"
    problem = ""
    for kind in node.kinds:
        if kind == "string":
            return _as_text(node, written)
        value = _READERS[kind](written) if kind in _READERS else None
        if value is not None:
            status, chosen, problem = _chosen(node, "coerced", value)
            if status != "invalid":
                return status, chosen, ""
    return "invalid", None, problem or f"expected {' or '.join(node.kinds)}"


def _as_text(node: Node, written: str) -> tuple[Status, JsonValue, str]:
    if node.format == "date":
        day = to_date(written)
        if day is None:
            return "invalid", None, "expected one day, as YYYY-MM-DD"
        return _chosen(node, "found" if day == written else "coerced", day)
    if node.choices and written not in node.choices:
        choice = to_choice(written, node.choices)
        if choice is not None:
            return "coerced", choice, ""
    return _chosen(node, "found", written)


def _chosen(node: Node, status: Status, value: JsonValue) -> tuple[Status, JsonValue, str]:
    """The value, if it is one of the choices that the schema leaves."""
    if node.choices and not any(value == c and type(value) is type(c) for c in node.choices):
        listed = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in node.choices)
        return "invalid", None, f"expected one of {listed}"
    return status, value, ""


def _json_kinds(value: JsonValue) -> set[str]:
    """The schema's names for the type of a value.

    >>> sorted(_json_kinds(3.0)), _json_kinds(True)
    (['integer', 'number'], {'boolean'})
    """
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer", "number"}
    if isinstance(value, float):
        return {"integer", "number"} if value.is_integer() else {"number"}
    names: dict[type, str] = {str: "string", list: "array", dict: "object"}
    return {name for kind, name in names.items() if isinstance(value, kind)}


_READERS: dict[str, Callable[[str], int | float | bool | None]] = {
    "number": to_number,
    "integer": to_integer,
    "boolean": to_boolean,
}


def _is_currency(sign: str) -> bool:
    return sign in _CURRENCIES or all(unicodedata.category(char) == "Sc" for char in sign)


def _in_python(digits: str) -> str | None:
    """Digits without the separators of thousands and with a point before decimals."""
    for char in _SPACES:
        digits = digits.replace(char, " ")
    for char in _APOSTROPHES:
        digits = digits.replace(char, "'")
    kinds = {char for char in digits if not char.isdigit()}
    decimal = _decimal_mark(digits, kinds)
    thousands = kinds - {decimal}
    if len(thousands) > 1 or (decimal and digits.count(decimal) != 1):
        return None
    whole, _, fraction = digits.partition(decimal) if decimal else (digits, "", "")
    for mark in thousands:
        if mark in fraction or _THOUSANDS.fullmatch(whole.replace(mark, "s")) is None:
            return None
        whole = whole.replace(mark, "")
    return f"{whole or '0'}.{fraction}" if decimal else whole


def _decimal_mark(digits: str, kinds: set[str]) -> str:
    """The mark before the decimals; "" when there are none."""
    if {".", ","} <= kinds:
        return max(".,", key=digits.rindex)
    if "." in kinds:
        return "." if digits.count(".") == 1 else ""
    if "," in kinds:
        is_thousands = len(kinds) == 1 and _THOUSANDS.fullmatch(digits.replace(",", "s"))
        return "" if is_thousands and not digits.startswith("0") else ","
    return ""


def _month(name: str) -> int:
    """The number of an English month or its beginning of three letters or more; 0 for none."""
    word = name.casefold()
    months = enumerate(_MONTH_NAMES.split(), start=1)
    return next((number for number, month in months if month.startswith(word)), 0)


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None
