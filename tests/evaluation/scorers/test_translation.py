"""BLEU and GLEU of one translation; expected values are those of sacrebleu 2.6 and nltk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.translation import chinese_gleu, smoothed_bleu


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [
        ("the cat sat on the mat", "the cat sat on a mat", 0.537284965911771),
        ("It cost 3,000.5 (or so), she said.", "It cost 3,000.5 or so she said", 0.20504572236),
        ("a b c d e f", "a b x y e z", 0.17965205598154213),  # smoothed: no three in a row
        ("a b c d", "a b c d e f g h", 0.3678794411714425),  # too short
        ("one two three", "one two three", 0),  # no four words
        ("hello world foo bar", "spam", 0),
        ("", "a", 0),
        ("a", "", 0),
    ],
)
def test_bleu_is_that_of_sacrebleu(answer: str, truth: str, value: float) -> None:
    assert smoothed_bleu(answer=answer, truth=truth).value == pytest.approx(value)


def test_marks_are_words_and_case_counts() -> None:
    assert smoothed_bleu(answer="&quot;a b c&quot;", truth='"a b c"').value == pytest.approx(1)
    assert smoothed_bleu(answer="an old-\nfashioned red car", truth="an oldfashioned red car").value
    assert smoothed_bleu(answer="A B C D", truth="a b c d").value == 0


@given(st.text(alphabet="ab .,1-(", max_size=30), st.text(alphabet="ab .,1-(", max_size=30))
def test_bleu_is_a_share_and_one_of_itself(answer: str, truth: str) -> None:
    assert 0 <= smoothed_bleu(answer=answer, truth=truth).value <= 1 + 1e-9
    whole = smoothed_bleu(answer=f"a b c d {answer}", truth=f"a b c d {answer}").value
    assert whole == pytest.approx(1)


def test_gleu_is_that_of_nltk() -> None:
    jieba = pytest.importorskip("jieba")
    oracle = pytest.importorskip("nltk.translate.gleu_score").sentence_gleu
    pairs = [
        ("我爱北京天安门", "我爱北京"),
        ("小明硕士毕业于中国科学院计算所", "小明毕业于中国科学院"),
        ("深造", "大学"),
    ]
    for answer, truth in pairs:
        split = [list(jieba.cut_for_search(text)) for text in (answer, truth)]
        score = chinese_gleu(answer=answer, truth=truth)
        assert score.value == pytest.approx(oracle([split[1]], split[0]))
        assert score.value == chinese_gleu(answer=truth, truth=answer).value
    assert chinese_gleu(answer="", truth="").value == 0
    assert chinese_gleu(answer="天安门", truth="天安门").value == 1
