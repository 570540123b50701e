"""Sets of multiple-choice questions."""

import pytest

from qvl.errors import DataError
from qvl.evaluation.scorers.multiple_choice import circular_accuracy, grouped_accuracy
from qvl.evaluation.scorers.score import Score

RIGHT, WRONG = Score(value=1.0, why=""), Score(value=0.0, why="")
UNREAD = Score(value=0.0, why="", is_parsed=False)


def test_groups() -> None:
    result = grouped_accuracy(
        [("short", RIGHT), ("short", RIGHT), ("long", WRONG), ("long", UNREAD)]
    )
    assert result.by_group == {"short": 1, "long": 0}
    assert (result.overall, result.mean_of_groups, result.num_unparsed) == (0.5, 0.5, 1)


def test_one_wrong_rotation_fails_a_question() -> None:
    step = 1_000_000
    records = [(1, RIGHT), (1 + step, RIGHT), (2, RIGHT), (2 + step, UNREAD), (3 + step, WRONG)]
    result = circular_accuracy(records)
    assert result.circular == pytest.approx(1 / 3)
    assert result.vanilla == pytest.approx(2 / 3)
    assert (result.num_questions, result.num_unparsed) == (3, 1)
    assert circular_accuracy(records[::-1]) == result


def test_bad_records_are_refused() -> None:
    with pytest.raises(DataError, match="two scores for the question 1"):
        circular_accuracy([(1, RIGHT), (1, WRONG)])
    with pytest.raises(DataError):
        grouped_accuracy([])
