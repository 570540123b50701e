"""Pages as people name them."""

import pytest

from qvl.errors import InputError
from qvl.processing.page_ranges import page_numbers


@pytest.mark.parametrize(
    ("pages", "numbers"),
    [
        ("2", (2,)),
        ("1-3,7", (1, 2, 3, 7)),
        ("8-", (8, 9, 10)),
        ("-2", (1, 2)),
        (" 3 , 1 ,3-4", (1, 3, 4)),
        (5, (5,)),
        ([3, 1, 3], (1, 3)),
        (None, tuple(range(1, 11))),
    ],
)
def test_ranges(pages: str | int | list[int] | None, numbers: tuple[int, ...]) -> None:
    assert page_numbers(pages, 10) == numbers


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ("", "pages are '', expected numbers and ranges such as '1-3,7'"),
        ("1,", "pages are '1,', expected numbers"),
        ("-", "pages are '-', expected numbers"),
        ("1 3", "pages are '1 3', expected numbers"),
        ("a-b", "pages are 'a-b', expected numbers"),
        ("1--3", "pages are '1--3', expected numbers"),
        ("0", "page 0 is asked for, the document has 10 pages, counted from 1"),
        ("11", "page 11 is asked for"),
        ("1-999999999", "page 999999999 is asked for"),
        ("9" * 5000, "pages are '999"),
        ("7-3", "pages 7-3 run backwards, expected 3-7"),
        (0, "page 0 is asked for"),
        ([], "no page was chosen, expected at least one"),
        ([1.5], "page is 1.5, expected a whole number"),
        (1.5, "pages are 1.5, expected numbers"),
        (["3"], "page is '3', expected a whole number"),
        ("50-20", "pages 50-20 run backwards"),
        ([True], "page is True, expected a whole number"),
    ],
)
def test_what_is_no_range(pages: object, message: str) -> None:
    with pytest.raises(InputError) as error:
        page_numbers(pages, 10)  # type: ignore[arg-type]
    assert error.value.message.startswith(message)
