"""Which texts mean a value without a doubt."""

import datetime
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.tasks.coercion import to_boolean, to_choice, to_date, to_number, typed_value
from qvl.tasks.extraction_schema import Node


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8.75", 8.75), ("RM8.75", 8.75), ("RM 8.75", 8.75), ("8.75 EUR", 8.75), ("€8,75", 8.75),
        ("$1,234.50", 1234.5), ("1.234,50 €", 1234.5), ("1 234,50", 1234.5), ("1'234.50", 1234.5),
        ("1\u00a0234", 1234), ("17,000", 17000), ("IDR 20,000", 20000), ("1,23,456", 123456),
        ("1.234.567", 1234567), ("12,345,678", 12345678), ("0,500", 0.5), ("3,5", 3.5),
        ("1.234", 1.234), ("-RM0.01", -0.01), ("RM-0.01", -0.01), ("\u22125", -5), ("+5", 5),
        (".5", 0.5), (" 42 ", 42), ("Rs. 500", 500), ("¥100", 100), ("100円", 100), ("S$5", 5),
        ("０", 0),
    ],
)  # fmt: skip
def test_amounts(text: str, number: float) -> None:
    assert to_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", "RM", "nine", "12%", "5 kg", "(5)", "~5", "1,2,3", "1,23,45", "1.2.3", "1..2",
        "1,234,5", "1.234,5.6", "12 34", "5-6", "01 Jun 2018", "--5", "-RM-5", "RM5 EUR", "5.",
        "1e5", "0546-8440388", "NaN", "inf", "9" * 41, "1,234.567.890", "½",
    ],
)  # fmt: skip
def test_what_is_no_amount_or_more_than_one(text: str) -> None:
    assert to_number(text) is None


@given(st.integers(-(10**12), 10**12), st.sampled_from([",", "'", " "]), st.integers(0, 99))
def test_grouped_amounts_come_back(number: int, mark: str, cents: int) -> None:
    grouped = f"{abs(number):,}".replace(",", mark)
    sign = "-" if number < 0 else ""
    assert to_number(f"{sign}{grouped}.{cents:02}") == float(f"{sign}{abs(number)}.{cents:02}")
    if abs(number) >= 1000:
        assert to_number(sign + grouped) == number


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)))
def test_days_come_back(day: datetime.date) -> None:
    iso = day.isoformat()
    for written in ("%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%b %d, %Y", "%Y年%m月%d日", "%d-%b-%Y"):
        assert to_date(day.strftime(written)) == iso
    is_clear = day.day > 12 or day.day == day.month
    assert to_date(day.strftime("%d/%m/%Y")) == (iso if is_clear else None)


@pytest.mark.parametrize(
    "text",
    ["", "today", "2018", "31/02/2018", "2018-13-01", "1 Foo 2018", "01 Jun 2018 18:41", "1/2/18"],
)
def test_what_is_no_day(text: str) -> None:
    assert to_date(text) is None


def test_truth_and_choices() -> None:
    assert [to_boolean(text) for text in ("TRUE", " yes", "No", "是", "on", "0", "")] == [
        True, True, False, True, None, None, None,
    ]  # fmt: skip
    assert to_choice("Eur", ["EUR", "USD", 3]) == "EUR"
    assert to_choice("a", ["A", "a "]) is None


@pytest.mark.parametrize(
    ("node", "written", "raw", "expected"),
    [
        (Node(kinds=("string",)), 12.5, "12.50", ("coerced", "12.50")),
        (Node(kinds=("string",)), "8.75", "8.75", ("found", "8.75")),
        (Node(kinds=("string",)), True, "true", ("coerced", "true")),
        (Node(kinds=("string",)), [1], "[1]", ("invalid", None)),
        (Node(kinds=("number",)), 3, "3", ("found", 3)),
        (Node(kinds=("number",)), True, "true", ("invalid", None)),
        (Node(kinds=("integer",)), 3.0, "3.0", ("found", 3)),
        (Node(kinds=("integer",)), 3.5, "3.5", ("invalid", None)),
        (Node(kinds=("boolean",)), "yes", "yes", ("coerced", True)),
        (Node(kinds=("number", "string")), "n/a", "n/a", ("found", "n/a")),
        (Node(kinds=("number", "string")), "RM5", "RM5", ("coerced", 5)),
        (Node(kinds=("string", "number")), "RM5", "RM5", ("found", "RM5")),
        (Node(kinds=("string",), format="date"), "1 Jun 2018", "", ("coerced", "2018-06-01")),
        (Node(kinds=("string",), format="date"), "2018-06-01", "", ("found", "2018-06-01")),
        (Node(kinds=("string",), format="date"), "06/01/2018", "", ("invalid", None)),
        (Node(kinds=("string",), choices=("EUR",)), "eur", "", ("coerced", "EUR")),
        (Node(kinds=("string",), choices=("EUR",)), "USD", "", ("invalid", None)),
        (Node(kinds=("integer",), choices=(1,)), True, "true", ("invalid", None)),
        (Node(), {"a": 1}, "", ("found", {"a": 1})),
    ],
)
def test_values_of_a_type(
    node: Node, written: object, raw: str, expected: tuple[str, object]
) -> None:
    status, value, problem = typed_value(node, written, raw)  # type: ignore[arg-type]
    assert (status, value) == expected
    assert type(value) is type(expected[1])
    assert bool(problem) == (status == "invalid")


@given(st.text(max_size=50) | st.text("0123456789.,' RM$€-年/", max_size=45))
def test_never_raises(text: str) -> None:
    to_number(text), to_date(text), to_boolean(text)


@pytest.mark.parametrize("unit", ["1", "1,", " ", "a", "-", "$"])
def test_long_texts_take_no_time(unit: str) -> None:
    start = time.process_time()
    for text in (unit * 39, unit * 39 + "x", unit * 1_000_000):
        assert to_number(text) is None or unit == "1"
        to_date(text)
    assert time.process_time() - start < 0.5
