"""Splitting a reply into paragraphs, formulas and tables."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.document_blocks import split_blocks
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

DIFFER = {
    "```html": "an opening fence and the tags of a page are read as text there",
    "| only | head |": "a table without rows is no table there, and its dashes are text",
}
"""How the reply begins -> why our blocks are not theirs."""


@requires_material
def test_recorded_blocks() -> None:
    for case in vectors("doc_reply_parsing"):
        blocks = split_blocks(case["text"])
        ours = {
            "text": [*blocks.texts],
            "formula": [*blocks.formulas],
            "table": [*blocks.tables],
        }
        agrees = not case["text"].startswith(tuple(DIFFER))
        assert (ours == case["parsed"]) is agrees, case["text"]


def test_a_page_in_html() -> None:
    blocks = split_blocks(
        "```html\n<html><body>\n<style>table{}</style>\n"
        "<h1 data-bbox='1 2 3 4'>Title &amp; more</h1>"
        '<table class="t"><tr><td>$$x$$</td></tr></table><p>one</p><p>two</p>'
        '<div class="formula"><img/><div>$$a &lt; b$$</div></div></body></html>\n```'
    )
    assert blocks.texts == ("Title & more", "one", "two")
    assert blocks.formulas == ("a < b",)
    assert blocks.tables == ('<table class="t"><tr><td>$$x$$</td></tr></table>',)


def test_tables_and_formulas_stay_in_reading_order() -> None:
    blocks = split_blocks(
        "\\[1\\]\n\n| a |\n|:-:|\n| b \\| c |\n\n$$2$$\n<table><tr></table>\n\\[3\\]\n| d |\n|--|"
    )
    assert blocks.formulas == ("1", "2", "3")
    assert [table.count("<td>") for table in blocks.tables] == [1, 0, 0]
    assert "d" in blocks.tables[2]


def test_what_has_no_end_is_text() -> None:
    assert split_blocks("cost $$ 5\nnext").texts == ("cost $$ 5", "next")
    assert split_blocks("<table><tr><td>cut").texts == ("cut",)
    assert split_blocks("a | b").texts == ("a | b",)


@given(st.text(alphabet="ab$\\[]|-\n#<>/`", max_size=80))
def test_any_text_is_split(text: str) -> None:
    split_blocks(text)


@pytest.mark.parametrize("piece", ["<table>", "\\[", "$$", "|-", "<style>", "|a|\n", "```\n", "$"])
def test_time_is_linear(piece: str) -> None:
    start = time.process_time()
    split_blocks(piece * (300_000 // len(piece)))
    assert time.process_time() - start < 5
