"""Which pages of a document are meant: "1-3,7" as people count, from 1.

"1-3,7" or numbers, and how many pages there are -> page numbers, in order, each once
"""

import re
from collections.abc import Iterable, Sequence
from typing import cast

from qvl.errors import InputError
from qvl.options import shown

_RANGE = re.compile(r"(\d{1,9})?(-)?(\d{1,9})?")


def page_numbers(pages: str | int | Sequence[int] | None, num_pages: int) -> tuple[int, ...]:
    """Returns page numbers from 1, ascending, each once.

    Args:
        pages: "2", "1-3,7", "5-" to the end, "-3" from the beginning; numbers; None for all.
        num_pages: of the document.

    >>> page_numbers("9-,1-3,2", 10)
    (1, 2, 3, 9, 10)

    Raises:
        InputError: not such a text, or a page that the document does not have.
    """
    if pages is None:
        return tuple(range(1, num_pages + 1))
    if isinstance(pages, str):
        numbers = [n for part in pages.split(",") for n in _numbers(part.strip(), pages, num_pages)]
    elif isinstance(pages, int):
        numbers = [pages]
    elif isinstance(pages, Sequence):
        numbers = list(cast(Sequence[int], pages))
    else:
        raise InputError(f"pages are {shown(pages)}, expected numbers or a text such as '1-3,7'")
    for number in numbers:
        _check(number, num_pages)
    if not numbers:
        raise InputError("no page was chosen, expected at least one")
    return tuple(sorted(set(numbers)))


def _numbers(part: str, pages: str, num_pages: int) -> Iterable[int]:
    match = _RANGE.fullmatch(part)
    if match is None or not (match[1] or match[3]) or (match[1] and match[3] and not match[2]):
        raise InputError(f"pages are {shown(pages)}, expected numbers and ranges such as '1-3,7'")
    first = int(match[1] or 1)
    last = int(match[3]) if match[3] else num_pages if match[2] else first
    if first > last and match[3]:
        raise InputError(f"pages {part} run backwards, expected {last}-{first}")
    for number in (first, last):
        _check(number, num_pages)
    return range(first, last + 1)


def _check(number: object, num_pages: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int):
        raise InputError(f"page is {shown(number)}, expected a whole number")
    if not 1 <= number <= num_pages:
        has = "1 page" if num_pages == 1 else f"{num_pages:,} pages"
        raise InputError(f"page {number} is asked for, the document has {has}, counted from 1")
