"""MMMU's own readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.mmmu import mmmu_choice, mmmu_letter, mmmu_open, read_open
from tests.evaluation.scorers.vectors import as_list, vectors
from tests.material import requires_material


@requires_material
def test_recorded_letters() -> None:
    for case in vectors("mmmu_multiple_choice"):
        letter = mmmu_letter(case["response"], case["options"])
        assert (letter or "RANDOM") == case["letter"], case


@requires_material
def test_recorded_open_answers() -> None:
    for case in vectors("mmmu_open"):
        assert sorted(read_open(case["response"]), key=str) == case["parsed"], case
        score = mmmu_open(answer=case["response"], truths=as_list(case["answer"]))
        assert bool(score.value) == case["correct"], case


def test_a_number_is_right_in_the_harness_that_lost_it() -> None:
    """lmms-eval once went through the characters of "27" and never met 27."""
    assert mmmu_open(answer="27", truths=["27"]).value == 1


def test_no_letter_is_unread_and_not_drawn() -> None:
    score = mmmu_choice(answer="hm", options=["cat", "dog"], truth="A")
    assert (score.value, score.is_parsed) == (0, False)


def test_texts_of_options_only_in_long_answers() -> None:
    assert mmmu_letter("a dog", ["cat", "dog"]) is None
    assert mmmu_letter("what i see here is surely a dog", ["cat", "dog"]) == "B"


def test_single_characters_need_space() -> None:
    assert mmmu_open(answer="it is abc", truths=["c"]).value == 0
    assert mmmu_open(answer="it is b c", truths=["c"]).value == 1
    with pytest.raises(DataError):
        mmmu_open(answer="x", truths=[])


@given(st.text(max_size=100), st.text(min_size=1, max_size=5))
def test_any_answer_is_scored(answer: str, truth: str) -> None:
    assert mmmu_open(answer=answer, truths=[truth]).value in (0, 1)
    assert mmmu_letter(answer, ["x", "y"]) in ("A", "B", None)


def test_endless_answers() -> None:
    for piece in ("so ", "1,", "-", "1e", "=\n"):
        mmmu_open(answer=piece * 200_000, truths=["7"])
