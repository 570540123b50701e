"""ANLS: the scripts' rule and the paper's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.anls import anls, anls_paper
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material


@requires_material
def test_recorded_scores() -> None:
    for case in vectors("anls"):
        score = anls(answer=case["prediction"], truths=case["answers"])
        assert score.value == pytest.approx(case["lmms_eval"])
        assert score.value == pytest.approx(case["vlmevalkit"])


def test_exactly_one_half() -> None:
    assert anls(answer="abxy", truths=["abcd"]).value == 0.5
    assert anls_paper(answer="abxy", truths=["abcd"]).value == 0


def test_length_with_all_spaces_or_without() -> None:
    assert anls(answer="ab", truths=["a  c"]).value == 0.5
    assert anls_paper(answer="ab", truths=["a  c"]).value == 0


def test_the_nearest_truth_counts() -> None:
    score = anls(answer="final answr", truths=["a", "final answer", "final"])
    assert score.value == pytest.approx(11 / 12)
    assert score.why == "'final answr' is 92% like 'final answer'"


def test_no_truths_are_refused() -> None:
    with pytest.raises(DataError):
        anls(answer="a", truths=[])


@given(st.text(max_size=40), st.text(max_size=40))
def test_bounds_symmetry_and_cut(a: str, b: str) -> None:
    for scorer in (anls, anls_paper):
        value = scorer(answer=a, truths=[b]).value
        assert value == 0 or 0.5 <= value <= 1
        assert value == scorer(answer=b, truths=[a]).value


@given(st.text(min_size=1, max_size=40))
def test_an_answer_meets_itself(text: str) -> None:
    assert anls(answer=text, truths=["other", text]).value == 1
    assert anls_paper(answer=text, truths=["other", text]).value == 1


def test_an_endless_answer_costs_nothing() -> None:
    assert anls(answer="word " * 200_000, truths=["word"]).value == 0
