"""Counts."""

import pytest

from qvl.evaluation.scorers.counting import (
    count,
    countbench_lmms_eval,
    countbench_vlmevalkit,
    pixmo_count_lmms_eval,
)
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

BETTER = {
    "3.", "There are 3 apples.", "twenty-one", "about 10", "The answer is: 7", "1,000", "03",
}  # fmt: skip
"""Answers that state the right number, but not as lmms-eval's CountBench wants it."""


@requires_material
def test_recorded_scores() -> None:
    for case in vectors("counting"):
        sides = {"answer": case["prediction"], "truth": case["number"]}
        assert countbench_lmms_eval(**sides).value == case["countbench"], case
        assert pixmo_count_lmms_eval(**sides).value == case["pixmo_first_number"], case


@requires_material
def test_our_own_reading() -> None:
    for case in vectors("counting"):
        if not case["number"].isdigit():
            continue
        value = count(answer=case["prediction"], truth=int(case["number"])).value
        assert (value == case["countbench"]) is (case["prediction"] not in BETTER), case


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [("There are no dogs.", 0, 1), ("12", 2, 0), ("Two dogs and a cat: 3", 3, 1), ("", 0, 0)],
)
def test_count(answer: str, truth: int, value: float) -> None:
    assert count(answer=answer, truth=truth).value == value


def test_vlmevalkit_takes_twelve_for_two() -> None:
    assert countbench_vlmevalkit(answer="12", truth="2").value == 1
