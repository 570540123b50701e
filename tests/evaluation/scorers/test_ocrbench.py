"""OCRBench, first version."""

import pytest

from qvl.errors import DataError
from qvl.evaluation.scorers.ocrbench import (
    GROUPS,
    ocrbench_formula,
    ocrbench_points,
    ocrbench_text,
)
from qvl.evaluation.scorers.score import Score
from tests.evaluation.scorers.vectors import as_list, vectors
from tests.material import requires_material


@requires_material
def test_recorded_scores() -> None:
    for case in vectors("ocrbench"):
        answer, truths = case["prediction"], as_list(case["answer"])
        score = (
            ocrbench_formula(answer=answer, truths=truths)
            if case["dataset"] == "HME100k"
            else ocrbench_text(answer=answer, truths=truths, folds_full_width=True)
        )
        assert score.value == case["score"], case


def test_full_width_letters_are_folded_on_request() -> None:
    assert ocrbench_text(answer="ＡＢＣ", truths=["abc"]).value == 0
    assert ocrbench_text(answer="ＡＢＣ", truths=["abc"], folds_full_width=True).value == 1


def test_formulas_keep_case() -> None:
    assert ocrbench_formula(answer="A + B", truths=["a+b"]).value == 0
    assert ocrbench_text(answer="A + B", truths=["a + b"]).value == 1


def test_points_are_sums_and_two_runs_do_not_add_up() -> None:
    right = Score(value=1.0, why="")
    records = [(kind, right) for kind in GROUPS] + [("Doc-oriented VQA", Score(value=0, why=""))]
    for _ in range(2):
        points = ocrbench_points(records)
        assert points.total == 10
        assert points.groups["Text Recognition"] == 6
    with pytest.raises(DataError, match="kind of question"):
        ocrbench_points([("Poetry", right)])


def test_no_truths_are_refused() -> None:
    with pytest.raises(DataError):
        ocrbench_text(answer="a", truths=[])
