"""Checking what a user typed: numbers in range, known keys, and the nearest word for a wrong one.

Owns: the wording of those errors. Does not own: which options exist (messages).

    value from anywhere -> whole_number, real_number, check_keys -> a clean value | InputError
"""

import difflib
import math
import operator
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qvl.errors import InputError


def whole_number(value: object, name: str) -> int | None:
    """An integer above 0, or None for None.

    Args:
        value: also a float without a fraction, as JSON writers turn 3136 into 3136.0.
        name: how the message calls it.
    """
    if value is None:
        return None
    message = f"{name} is {shown(value)}, expected a whole number above 0"
    if isinstance(value, bool):
        raise InputError(message)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(message) from None
    if not 0 < number < 2**53:
        raise InputError(message)
    return number


def real_number(value: object, name: str, *, is_zero_allowed: bool) -> float | None:
    """A finite number of 0 or more, or None for None."""
    if value is None:
        return None
    expected = "a number of 0 or more" if is_zero_allowed else "a number above 0"
    message = f"{name} is {shown(value)}, expected {expected}"
    if isinstance(value, bool | str | bytes):
        raise InputError(message)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InputError(message) from None
    if not math.isfinite(number) or number < 0 or (number == 0 and not is_zero_allowed):
        raise InputError(message)
    return number


def check_keys(obj: Mapping[Any, Any], known: Sequence[str], where: str) -> None:
    """Refuses a key that is not known, and names the nearest one that is."""
    for key in obj:
        if key not in known:
            raise InputError(f"unknown option {shown(key)} in {where}", hint=nearest(key, known))


def nearest(word: object, known: Iterable[str], *, else_list: bool = True) -> str | None:
    """A hint: the known word that was probably meant, else all known words or nothing.

    >>> nearest("max_pixel", ["min_pixels", "max_pixels"])
    "did you mean 'max_pixels'?"
    """
    names = list(known)
    matches = difflib.get_close_matches(str(word)[:64], names, n=1) if isinstance(word, str) else []
    if matches:
        return f"did you mean {matches[0]!r}?"
    return f"known here: {', '.join(names)}" if else_list else None


def type_name(value: object) -> str:
    """The class of a value, as messages name it."""
    return type(value).__name__


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100
_SHORT.maxlevel = 2


def shown(value: object) -> str:
    """A value on one line, short enough for a message: the middle of long ones is left out."""
    if isinstance(value, bytes | bytearray):
        return f"{len(value):,} bytes"
    try:
        return " ".join(_SHORT.repr(value).split())
    except ValueError:  # Python prints no integer of thousands of digits
        return f"a {type_name(value)} too long to show"
