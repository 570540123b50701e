"""Relaxed accuracy of ChartQA."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.chartqa import (
    number,
    relaxed_accuracy,
    relaxed_accuracy_strict_years,
)
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

DIFFER = {
    ("nan", "nan"): "float('nan') is a number for them, and equal to nothing; for us it is text",
}
"""Answer and truth -> why our score is not theirs."""


@requires_material
def test_recorded_scores() -> None:
    for case in vectors("relaxed_accuracy"):
        pair = (case["prediction"], case["answer"])
        agrees = pair not in DIFFER
        value = relaxed_accuracy(answer=pair[0], truth=pair[1]).value
        assert (value == case["lmms_eval"] == case["vlmevalkit"]) is agrees, pair


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [
        ("10.5", "10", 1),
        ("10.51", "10", 0),
        ("-9.5", "-10", 1),
        ("0.0", "0", 0),
        ("0", "0", 1),
        ("12%", "0.12", 1),
        ("12%", "12", 0),
        ("1,000", "1000", 0),
        (" Blue ", "blue", 1),
    ],
)
def test_edges(answer: str, truth: str, value: float) -> None:
    assert relaxed_accuracy(answer=answer, truth=truth).value == value


def test_years() -> None:
    assert relaxed_accuracy(answer="1950", truth="2010").value == 1
    assert relaxed_accuracy_strict_years(answer="1950", truth="2010").value == 0
    assert relaxed_accuracy_strict_years(answer="2010.0", truth="2010").value == 1
    assert relaxed_accuracy_strict_years(answer="2950", truth="3000").value == 1
    assert relaxed_accuracy_strict_years(answer="1950", truth="2010", is_year=False).value == 1


def test_only_finite_numbers_are_numbers() -> None:
    assert number("inf") is None
    assert number("1e999") is None
    assert number("-5 %") == -0.05


@given(st.text(max_size=30))
def test_text_meets_itself(text: str) -> None:
    assert relaxed_accuracy(answer=text, truth=text).value == 1


@given(st.floats(1e-3, 1e6), st.floats(-0.049, 0.049))
def test_within_five_percent(truth: float, error: float) -> None:
    assert relaxed_accuracy(answer=repr(truth * (1 + error)), truth=repr(truth)).value == 1
    assert relaxed_accuracy(answer=repr(truth * 1.06), truth=repr(truth)).value == 0
