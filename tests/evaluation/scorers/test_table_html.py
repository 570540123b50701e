"""Tables out of HTML that models write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.table_html import Element, descendants, parse_table


def _shape(text: str) -> list[list[str]]:
    table = parse_table(text)
    assert table is not None
    rows = [element for element in descendants([table]) if element.tag == "tr"]
    return [["".join(_texts(cell)) for cell in row.children] for row in rows]


def _texts(element: Element) -> list[str]:
    return [item if isinstance(item, str) else "".join(_texts(item)) for item in element.content]


@pytest.mark.parametrize(
    "text",
    [
        "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
        "<TABLE><TR><TD>a<TD>b<TR><TD>c",
        "text <table class='x'>\n<tr><td>a</td><td>b</td></tr><tr><td>c</td",
        "<table><!-- <tr> --><tbody><tr><td>a</td><td>b</td><tr><td>c</td></tbody></table>",
    ],
)
def test_forgotten_and_cut_tags(text: str) -> None:
    assert _shape(text) == [["a", "b"], ["c"]]


def test_entities_and_comparisons_are_text() -> None:
    assert _shape("<table><tr><td>a &lt; b &amp; 1 < 2</td></tr></table>") == [["a < b & 1 < 2"]]


def test_a_nested_table_stays_in_its_cell() -> None:
    assert _shape("<table><tr><td><table><tr><td>x</td></tr></table></td><td>y</td></tr></table>")[
        0
    ] == ["x", "y"]


def test_spans() -> None:
    table = parse_table("<table><tr><td colspan=2 rowspan='3'>a</td></tr></table>")
    assert table is not None
    cell = table.children[0].children[0]
    assert (cell.colspan, cell.rowspan) == (2, 3)


@given(st.lists(st.sampled_from(
    ["<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<br>", "<b>", "</b>", "x", "<", "&"]
)).map("".join))  # fmt: skip
def test_any_order_of_tags_is_read(text: str) -> None:
    table = parse_table(text)
    assert (table is not None) == ("<table>" in text)
