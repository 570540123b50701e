"""olmOCR-bench: pages of PDF files and their unit tests, as they are published."""

import json
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmarks.olmocr_bench import OLMOCR_BENCH
from qvl.evaluation.scorers.olmocr import passes, readable
from tests.evaluation.benchmarks.published import load, numbers, values, words
from tests.processing.pdfs import write_pdf

HTML = (
    "<table><tr><th>Name</th><th colspan='2'>Scores</th></tr>"
    "<tr><td rowspan='2'>Ann</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"
)
PIPES = "| Name | Score |\n|---|---|\n| Ann | 1 |\n| Bob | 3 |"


def passed(text: str, kind: str, /, **test: Any) -> bool:
    """Whether a text passes a test."""
    return passes(text=text, test={"type": kind, **test}).value == 1


@pytest.mark.parametrize(
    ("text", "test", "is_passed"),
    [
        ("Hello  **big**\nworld", {"text": "Hello big world"}, True),
        ("hello", {"text": "Hello"}, False),
        ("hello", {"text": "Hello", "case_sensitive": False}, True),
        ("Hallo there, world", {"text": "Hello there", "max_diffs": 1}, True),
        ("Hxllx there, world", {"text": "Hello there", "max_diffs": 1}, False),
        (" ", {"text": "a b"}, False),
        ("far away Hello", {"text": "Hello", "first_n": 5}, False),
        ("far away Hello", {"text": "Hello", "last_n": 5}, True),
        ("it’s “so” – here", {"text": 'it\'s "so" - here'}, True),
    ],
)
def test_texts_that_must_be_there_or_not(text: str, test: dict[str, Any], is_passed: bool) -> None:
    pytest.importorskip("rapidfuzz")
    assert passed(text, "present", **test) == is_passed
    assert passed(text, "absent", **test) != is_passed


def test_order() -> None:
    text = "First we say one. Then we say two. Then one again."
    assert passed(text, "order", before="we say one", after="we say two")
    assert not passed(text, "order", before="we say two", after="we say one", max_diffs=0)
    assert passed(text, "order", before="we sey one", after="we say twa", max_diffs=1)
    assert not passed(text, "order", before="we say three", after="we say two")


def test_tables() -> None:
    pytest.importorskip("rapidfuzz")
    assert passed(HTML, "table", cell="4", left="3", up="2", top_heading="Scores")
    assert passed(HTML, "table", cell="3", left="Ann", left_heading="Ann")
    assert not passed(HTML, "table", cell="4", left="2")
    assert not passed(HTML, "table", cell="1", top_heading="Name")
    assert passed(PIPES, "table", cell="3", left="Bob", up="1", top_heading="Score")
    assert passed(PIPES, "table", cell="Bcb", max_diffs=1, right="3")
    assert not passed("Bob 3", "table", cell="3", left="Bob")


def test_formulas_by_text() -> None:
    text = r"See \( x^{2} \), $$\left( a+b \right)$$ and \[\mathbf{y}\]."
    assert passed(text, "math", math="x^2")
    assert passed(text, "math", math="(a + b)")
    assert passed(text, "math", math="y")
    assert not passed(text, "math", math="x^3")


def test_what_cannot_be_read() -> None:
    assert readable(text="A fine page, to the end.").value == 1
    assert readable(text=f"A page {'hah ' * 31}").value == 0
    assert readable(text=f"A page {'hah ' * 29}").value == 1
    assert readable(text="with 😀").value == 0
    with pytest.raises(DataError, match="type of a test is 'smell'"):
        passes(text="", test={"type": "smell"})
    with pytest.raises(DataError, match="of type 'math' has no 'math'"):
        passes(text="", test={"type": "math"})


def test_endless_answers_end() -> None:
    for text in ("\\(" * 100_000, "$" * 99_999, "*" * 200_000, "<table>" * 30_000, "|" * 200_000):
        assert not passed(text, "math", math="x^2")
        assert not passed(text, "order", before="one thing", after="two")


def test_pages_and_numbers(tmp_path: Path) -> None:
    pytest.importorskip("rapidfuzz")
    data = tmp_path / "bench_data"
    (data / "pdfs" / "old").mkdir(parents=True)
    write_pdf(data / "pdfs" / "old" / "a.pdf")
    base = {"pdf": "old/a.pdf", "page": 1, "checked": "verified", "max_diffs": 0}
    tests = [
        {**base, "id": "1", "type": "present", "text": "one"},
        {**base, "id": "2", "type": "absent", "text": "two"},
        {**base, "id": "3", "type": "present", "text": "bad", "checked": "rejected"},
        {**base, "id": "4", "type": "present", "text": "one", "pdf": "old/gone.pdf"},
    ]
    maths = [{**base, "id": "5", "type": "math", "math": "x^2"}]
    for name, lines in (("old_scans", tests), ("arxiv_math", maths)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (data / f"{name}.jsonl").write_text(text)
    formula, first, gone = load(OLMOCR_BENCH, tmp_path)
    assert first.key == "old_scans-old/a.pdf-1"
    assert words(first).startswith("Please provide a natural, plain text representation")
    assert [bool(question.broken) for question in (formula, first, gone)] == [False, False, True]
    assert (data / "rendered" / "old" / "a-1.png").is_file()
    assert values(OLMOCR_BENCH, first, "one", "one two", "two") == [1, 0.5, 0]
    assert len(load(OLMOCR_BENCH, data)) == 3
    found = numbers(OLMOCR_BENCH, [formula, first, gone], ["$x^3$", "one", ""])
    assert found["arxiv_math"] == 0
    assert found["old_scans"] == pytest.approx(200 / 3)
    assert found["readable"] == pytest.approx(200 / 3)
    assert found["mean_by_text"] == pytest.approx(400 / 9)
    assert found["mean_without_maths"] == pytest.approx(200 / 3)
    with pytest.raises(DataError, match=r"has no \.jsonl files"):
        load(OLMOCR_BENCH, tmp_path / "bench_data" / "pdfs")
