"""CER, WER and the word F1 of CC-OCR."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.text_recognition import (
    cc_ocr_words,
    character_error_rate,
    set_f1,
    word_error_rate,
)

words = st.lists(st.sampled_from(["a", "B", "cat", "12", "犬"]), max_size=8).map(" ".join)


def test_error_rates_may_exceed_one() -> None:
    assert character_error_rate(answer="abcdef", truth="ab").value == 2
    assert word_error_rate(answer="one two three", truth="one").value == 2


def test_an_empty_truth_is_met_by_nothing_only() -> None:
    assert character_error_rate(answer="", truth="").value == 0
    assert word_error_rate(answer="a b", truth=" ").value == 1


def test_words_are_counted_with_repeats() -> None:
    score = cc_ocr_words(answer="a a a b", truth="A a c")
    assert (score.hits, score.given, score.wanted) == (2, 4, 3)
    assert score.value == pytest.approx(4 / 7)


def test_characters_and_alphanumerics() -> None:
    assert cc_ocr_words(answer="北 京市", truth="北京", by_character=True).hits == 2
    assert cc_ocr_words(answer="No. 5!", truth="no 5").hits == 0
    assert cc_ocr_words(answer="No. 5!", truth="no 5", only_alphanumeric=True).hits == 2
    assert cc_ocr_words(answer="### a ***", truth="a").value == 1


def test_means_of_a_set() -> None:
    scores = [cc_ocr_words(answer="a", truth="a"), cc_ocr_words(answer="x", truth="a b c d e f g")]
    means = set_f1(scores)
    assert means.macro == 0.5
    assert means.micro == pytest.approx(2 * (1 / 2) * (1 / 8) / (1 / 2 + 1 / 8))
    with pytest.raises(DataError):
        set_f1([])


@given(words, words)
def test_symmetric_bounded_and_blind_to_order(a: str, b: str) -> None:
    value = cc_ocr_words(answer=a, truth=b).value
    assert 0 <= value <= 1
    assert value == cc_ocr_words(answer=b, truth=a).value
    assert value == cc_ocr_words(answer=" ".join(a.split()[::-1]), truth=b).value
    assert cc_ocr_words(answer=a, truth=a).value == 1
