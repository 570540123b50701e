"""Yes or no."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.yes_no import (
    MME_GROUPS,
    HallusionRecord,
    hallusion_figures,
    mme_points,
    read_yes_no,
    read_yes_no_exact,
    read_yes_no_pope,
    yes_no,
    yes_no_figures,
)
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

RIGHT, WRONG = Score(value=1.0, why=""), Score(value=0.0, why="")

READ_HERE = {
    "No.": "no", "There is no dog": "no", "Yes.": "yes", "yes.": "yes", "Yes,": "yes",
    "'yes'": "yes", "YES!": "yes", "Answer: yes": "yes", "是": "yes",
}  # fmt: skip
"""Answers that lmms-eval's POPE cannot read, and what they say."""


@requires_material
def test_recorded_scores_of_the_exact_word() -> None:
    for case in vectors("yes_no"):
        right = read_yes_no_exact(case["prediction"]) == case["answer"]
        assert right == case["score"], case


@requires_material
def test_our_reading_reads_more() -> None:
    for case in vectors("yes_no"):
        exact = read_yes_no_exact(case["prediction"])
        assert read_yes_no(case["prediction"]) == READ_HERE.get(case["prediction"], exact), case


@requires_material
def test_recorded_sets() -> None:
    """lmms-eval leaves unread answers out of the recall; its yes_ratio is that of the truths."""
    for case in vectors("yes_no_sets"):
        records = [(read_yes_no_exact(answer), truth) for answer, truth in case["pairs"]]
        figures = yes_no_figures(records)
        assert figures.accuracy == pytest.approx(case["accuracy"])
        assert figures.precision == pytest.approx(case["precision"])
        unread_yes = sum(given is None and truth == "yes" for given, truth in records)
        is_yes = sum(truth == "yes" for _, truth in records)
        theirs = figures.recall * is_yes / (is_yes - unread_yes) if is_yes > unread_yes else 0
        assert theirs == pytest.approx(case["recall"])
        assert is_yes / len(records) == pytest.approx(case["yes_ratio"])


def test_figures() -> None:
    figures = yes_no_figures(
        [("yes", "yes"), ("yes", "no"), (None, "yes"), ("no", "yes"), ("no", "no")]
    )
    assert figures.accuracy == 0.4
    assert (figures.precision, figures.recall, figures.f1) == pytest.approx((0.5, 1 / 3, 0.4))
    assert (figures.yes_ratio, figures.num_unparsed) == (0.4, 1)  # three of five are true
    with pytest.raises(DataError):
        yes_no_figures([])


def test_pope_takes_everything_else_for_a_yes() -> None:
    assert read_yes_no_pope("") == "yes"
    assert read_yes_no_pope("No, there is none.") == "no"
    assert read_yes_no_pope("Yes. It is not small.") == "yes"


def test_scores() -> None:
    assert yes_no(answer="No!", truth="no").value == 1
    assert yes_no(answer="yes and no", truth="no").why == "neither yes nor no in 'yes and no'"


def test_mme_adds_questions_and_pictures() -> None:
    records = [
        ("count", "a.jpg", RIGHT),
        ("count", "a.jpg", RIGHT),
        ("count", "b.jpg", RIGHT),
        ("count", "b.jpg", WRONG),
        ("code_reasoning", "c.jpg", RIGHT),
        ("code_reasoning", "c.jpg", RIGHT),
    ]
    points = mme_points(records)
    assert points.by_task == {"count": 125, "code_reasoning": 200}
    assert (points.perception, points.cognition, points.total) == (125, 200, 325)
    assert [len(tasks) for tasks in MME_GROUPS.values()] == [10, 4]
    with pytest.raises(DataError, match="has 1 answers, expected 2"):
        mme_points(records[:1])
    with pytest.raises(DataError, match="sub-task of MME"):
        mme_points([("poems", "a.jpg", RIGHT)])


def test_hallusion_bench() -> None:
    def record(score: Score, figure: int, question: int) -> HallusionRecord:
        return HallusionRecord(
            score=score, category="chart", set_id=0, figure_id=figure, question_id=question
        )

    figures = hallusion_figures(
        [record(RIGHT, 0, 0), record(RIGHT, 0, 1), record(WRONG, 1, 0), record(RIGHT, 1, 1)]
    )
    assert (figures.all_accuracy, figures.figure_accuracy, figures.question_accuracy) == (
        0.75,
        0.5,
        0.5,
    )
    assert figures.mean == pytest.approx(7 / 12)


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert read_yes_no(text) in ("yes", "no", None)
    exact = read_yes_no_exact(text)
    assert exact is None or read_yes_no(text) == exact
