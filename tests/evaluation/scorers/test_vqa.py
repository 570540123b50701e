"""VQA accuracy: both normal forms, the vote, the quirks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.contractions import CONTRACTIONS
from qvl.evaluation.scorers.vqa import (
    evalai_vqa,
    normalise_evalai,
    vqa_v2,
    without_articles,
    without_punctuation,
)
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material


@requires_material
def test_recorded_scores() -> None:
    for case in vectors("vqa_accuracy"):
        score = evalai_vqa(answer=case["prediction"], truths=case["answers"])
        assert normalise_evalai(case["prediction"]) == case["normalized"]
        assert score.value == pytest.approx(case["lmms_eval"])
        assert score.value == pytest.approx(case["vlmevalkit"])


@pytest.mark.parametrize(
    ("agreeing", "value"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1), (10, 1)]
)
def test_leaving_one_out_gives_tenths(agreeing: int, value: float) -> None:
    truths = ["red"] * agreeing + [f"other {n}" for n in range(10 - agreeing)]
    assert vqa_v2(answer="red", truths=truths).value == pytest.approx(value)


def test_truths_lose_punctuation_only_if_they_differ() -> None:
    assert vqa_v2(answer="yes", truths=["yes."] * 10).value == 0
    assert vqa_v2(answer="yes", truths=["yes."] * 9 + ["no"]).value == 1


def test_v2_changes_number_words_in_the_answer_alone() -> None:
    assert vqa_v2(answer="two", truths=["two"] * 10).value == 0
    assert evalai_vqa(answer="two", truths=["two"] * 10).value == 1


def test_punctuation() -> None:
    assert without_punctuation("3.5") == "3.5"
    assert without_punctuation("3.") == "3"
    assert without_punctuation("a-b") == "a b"
    assert without_punctuation("a- b-c") == "a bc"  # beside a space once, so deleted everywhere
    assert without_punctuation("1,000-2") == "10002"
    assert without_punctuation(". " * 40).count(".") == 8  # the reference stops after 32


def test_contractions_and_articles() -> None:
    assert without_articles("The dont walk A man") == "don't walk man"
    assert CONTRACTIONS["couldnt've"] == CONTRACTIONS["couldn'tve"] == "couldn't've"
    assert not {"shed", "shell", "well", "were", "ill", "id", "its"} & CONTRACTIONS.keys()
    assert len(CONTRACTIONS) == 114  # as many as the reference changes


def test_no_truths_are_refused() -> None:
    with pytest.raises(DataError):
        vqa_v2(answer="red", truths=[])


@given(st.text(max_size=40), st.lists(st.text(max_size=20), min_size=1, max_size=10))
def test_bounds_and_order(answer: str, truths: list[str]) -> None:
    for scorer in (vqa_v2, evalai_vqa):
        value = scorer(answer=answer, truths=truths).value
        assert 0 <= value <= 1
        assert value == scorer(answer=answer, truths=truths[::-1]).value


@given(st.text(max_size=60))
def test_an_answer_meets_itself(answer: str) -> None:
    assert evalai_vqa(answer=answer, truths=[answer] * 10).value == 1
