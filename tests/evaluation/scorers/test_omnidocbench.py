"""OmniDocBench: distances of pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers import omnidocbench as module
from qvl.evaluation.scorers.omnidocbench import (
    mean_distance,
    normalise_formula,
    normalise_text,
    normalise_text_lmms_eval,
    page_distance,
    page_distance_lmms_eval,
    page_tables,
    reading_order_distance,
)
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

pages = st.lists(st.text(alphabet="ab ", max_size=6), max_size=4)


@requires_material
def test_recorded_distances() -> None:
    for case in vectors("doc_text_distance"):
        page = page_distance_lmms_eval(answer=case["prediction"], truth=case["truth"])
        assert [normalise_text_lmms_eval(text) for text in case["prediction"]] == case["normalized"]
        assert page.value == pytest.approx(case["distance"]), case
        assert page.length == case["weight"]


@requires_material
def test_where_the_official_rule_differs() -> None:
    """It counts what is not on the page, and pairs whatever is left over."""
    for case in vectors("doc_text_distance"):
        theirs = page_distance_lmms_eval(
            answer=case["prediction"], truth=case["truth"], normalise=normalise_text
        )
        ours = page_distance(answer=case["prediction"], truth=case["truth"])
        adds = len(case["prediction"]) > len(case["truth"])
        far = any(pair.edits > 0.7 * pair.length for pair in ours.pairs if pair.edits < pair.length)
        if adds:
            assert ours.value > theirs.value
        elif not far:
            assert ours.value == pytest.approx(theirs.value)


def test_order_of_blocks_does_not_matter_to_the_text() -> None:
    page = page_distance(answer=["c", "a", "b"], truth=["a", "b", "c"])
    assert page.value == 0
    assert reading_order_distance(page).value == pytest.approx(2 / 3)


def test_missing_and_added_blocks() -> None:
    page = page_distance(answer=["hello", "noise"], truth=["hello"])
    assert (page.edits, page.length) == (5, 10)
    assert page_distance_lmms_eval(answer=["hello", "noise"], truth=["hello"]).value == 0
    missing = page_distance(answer=[], truth=["hello"])
    assert (missing.value, missing.is_parsed) == (1, False)


def test_normal_forms() -> None:
    assert normalise_text("A b,\n第一段。") == "Ab第一段"
    assert normalise_formula(r"\begin{aligned} \mathrm{X}\,+ \text{y}\end{aligned}") == "x + y"


def test_tables_are_paired_by_their_html() -> None:
    first, second = (f"<table><tr><td>{cell}</td></tr></table>" for cell in ("abc", "xyz"))
    assert [
        score.value for score in page_tables(answer=[second, first], truth=[first, second])
    ] == [
        1,
        1,
    ]
    assert [score.value for score in page_tables(answer=[], truth=[first])] == [0]


def test_means_leave_out_empty_pages() -> None:
    full, empty = page_distance(answer=["ab"], truth=["ax"]), page_distance(answer=[], truth=[])
    assert mean_distance([full, empty]) == 0.5
    with pytest.raises(DataError):
        mean_distance([empty])


def test_endless_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_STEPS", 100)
    page = page_distance(answer=["a"] * 1000, truth=["a", "b"])
    assert page.length == 1000 + 0
    monkeypatch.setattr(module, "_MAX_CHARACTERS", 1)
    with pytest.raises(DataError, match="a page at a time"):
        page_distance(answer=["a"], truth=["abc"])


@given(pages, pages)
def test_symmetric_bounded_and_blind_to_order(a: list[str], b: list[str]) -> None:
    value = page_distance(answer=a, truth=b).value
    assert 0 <= value <= 1
    assert page_distance(answer=a, truth=a).value == 0
    assert page_distance(answer=a[::-1], truth=a).value == 0
