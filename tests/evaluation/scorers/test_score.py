"""Means of scores."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.score import Score, f1, summarise


def _score(value: float, is_parsed: bool = True) -> Score:
    return Score(value=value, why="", is_parsed=is_parsed)


def test_a_summary_has_mean_error_and_what_was_not_read() -> None:
    summary = summarise([_score(1), _score(1), _score(0), _score(0, is_parsed=False)])
    assert summary.mean == 0.5
    assert summary.stderr == pytest.approx(math.sqrt(1 / 3 / 4))
    assert (summary.count, summary.num_unparsed) == (4, 1)
    assert str(summary) == "50.0 ± 28.9 of 4, 1 unread"


def test_a_single_score_has_no_error() -> None:
    assert summarise([_score(0.25)]).stderr == 0


def test_no_scores_are_refused() -> None:
    with pytest.raises(DataError, match="nothing was scored"):
        summarise([])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_order_does_not_matter(values: list[float]) -> None:
    means = {summarise([*map(_score, order)]).mean for order in (values, values[::-1])}
    assert means == {summarise([*map(_score, sorted(values))]).mean}


def test_f1() -> None:
    assert f1(0, 0) == 0
    assert f1(1, 0.5) == pytest.approx(2 / 3)
