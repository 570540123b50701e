"""Endless answers are recognised; pages that repeat themselves for a reason are not."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.tasks.document import parse
from qvl.tasks.document_elements import Table
from qvl.tasks.repetition import WINDOW, find_repetition
from tests.material import material, requires_material

BEFORE = '<html><body>\n<p data-bbox="1 2 3 4">A page that begins well.</p> \n '


def rows(cell: str, columns: int, count: int) -> str:
    return ("<tr>" + f"<td>{cell}</td>" * columns + "</tr>") * count


ENDLESS = {
    "a sentence": "The same sentence is written again. " * 40,
    "a word": "the " * 200,
    "one letter": "x" * 3000,
    "digits": "0" * 3000,
    "Chinese": "图片解析结果如下所示请参考附件内容说明书" * 20,
    "cells with words": rows("Revenue from operations", 1, 60),
    "cells with zeros": rows("0", 5, 250),
    "empty cells": "<td></td>" * 1500,
    "rows": rows("Widget, large, galvanised", 3, 30),
    "LaTeX": "\\frac{a}{b} + " * 100,
    "paragraphs that move down": "".join(
        f'<p data-bbox="10 {y} 500 {y + 20}">The quick brown fox jumps.</p> \n ' for y in range(30)
    ),
    "a whole page again": ("".join(random.Random(1).choices("abcdef ghi.", k=3000)) + "\n") * 4,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_the_first_is_kept_and_the_others_are_dropped(name: str) -> None:
    text = BEFORE + ENDLESS[name]
    found = find_repetition(text)
    assert found is not None
    kept = found.kept(text)
    assert text.startswith(kept)
    assert len(kept) < len(text) - 2 * found.period
    assert kept.startswith(BEFORE.rstrip()[:-1])
    assert found.start + found.period <= len(kept) <= found.start + 2 * found.period
    assert find_repetition(kept) is None


LEGITIMATE = {
    "a table of zeros": rows("0", 12, 30),
    "a blank form": rows("", 8, 40),
    "not applicable": rows("N/A", 10, 25),
    "yes and no": "<tr><td>yes</td><td>no</td></tr>" * 60,
    "dots": "1.2 Introduction " + "." * 180,
    "underscores": "Name: " + "_" * 300,
    "a chorus": "All you need is love. " * 5,
    "laughter": "ha " * 25,
    "a zero matrix": "\\begin{matrix} " + ("0 & " * 19 + "0 \\\\ ") * 20 + "\\end{matrix}",
    "the same part nine times": "<tr><td>Hex bolt M8 x 40, zinc plated</td><td>12</td></tr>" * 9,
    "numbered rows": "".join(f"<tr><td>{i}</td><td>Not applicable</td></tr>" for i in range(200)),
    "empty paragraphs": "<p></p> \n " * 100,
}


@pytest.mark.parametrize("name", LEGITIMATE)
def test_pages_that_repeat_themselves_for_a_reason(name: str) -> None:
    text = BEFORE
    for piece in (LEGITIMATE[name], " and the page goes on."):
        text += piece
        assert find_repetition(text) is None


@requires_material
def test_no_beginning_of_a_real_page_repeats_itself() -> None:
    folder = material("cookbooks", "model_outputs")
    for path in sorted([*folder.glob("*.html"), *folder.glob("*.txt")]):
        text = path.read_text(encoding="utf-8")
        assert all(find_repetition(text[:end]) is None for end in range(400, len(text) + 400, 400))


def test_what_is_kept_can_be_read() -> None:
    text = '<table data-bbox="1 2 3 4"><tr><td>head</td></tr>' + rows("Widget, galvanised", 2, 50)
    found = find_repetition(text)
    assert found is not None
    (table,) = parse(found.kept(text)).elements
    assert isinstance(table, Table)
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["head"],
        ["Widget, galvanised", "Widget, galvanised"],
    ]


@settings(max_examples=60, deadline=None)
@given(st.text("ab<>/ .1", max_size=60), st.text("abc de<td>", min_size=1, max_size=12))
def test_the_run_is_really_one(before: str, unit: str) -> None:
    text = before + unit * 900
    found = find_repetition(text)
    if found is not None and "<" not in text:
        run = text[found.start :]
        assert run[found.period :] == run[: -found.period]


def test_time_is_linear_in_the_window_and_not_in_the_text() -> None:
    chance = random.Random(0)
    texts = ["a" * 10**6, "ab" * 10**6, "".join(chance.choices("ab", k=10**6)), "<td>" * 10**6]
    for text in texts:
        start = time.process_time()
        find_repetition(text[:WINDOW])
        small = time.process_time() - start
        assert small < 1
    start = time.process_time()
    find_repetition(texts[2])
    assert time.process_time() - start < 1
