"""BLEU and CIDEr-D, against frozen values of pycocoevalcap 1.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers.captions import Captioned, bleu, caption_words, cider_d

SET = [
    Captioned(
        answer="A man rides a brown horse on the beach.",
        truths=[
            "A man riding a horse on a sandy beach.",
            "Someone rides a brown horse by the sea.",
        ],
    ),
    Captioned(
        answer="Two dogs play with a red ball",
        truths=["Two dogs are playing with a ball in the grass.", "Dogs chase a red ball."],
    ),
    Captioned(
        answer="a plate of food on a table",
        truths=[
            "A wooden table with a plate of pasta.",
            "A plate of food sits on a table next to a glass.",
        ],
    ),
    Captioned(
        answer="the the the the",
        truths=["A cat sleeping on the couch.", "The cat doesn't move."],
    ),
]
sentences = st.lists(st.sampled_from(["a", "cat", "red", "dog", "runs"]), max_size=7).map(" ".join)
captioned = st.builds(
    lambda answer, truths: Captioned(answer=answer, truths=truths),
    sentences,
    st.lists(sentences, min_size=1, max_size=3),
)


def test_frozen_bleu() -> None:
    assert bleu(SET) == pytest.approx(
        (0.851851851789, 0.720082299767, 0.547083949628, 0.384392729174)
    )


def test_frozen_cider() -> None:
    expected = [2.855700884231201, 2.3843768411870196, 3.1181998284823873, 0.0667267095511892]
    assert cider_d(SET) == pytest.approx(expected)


def test_words() -> None:
    assert caption_words("It's a well-known 'fact': dogs don't cost $5.50!") == [
        "it", "'s", "a", "well-known", "fact", "dogs", "do", "n't", "cost", "$", "5.50",
    ]  # fmt: skip
    assert caption_words("...") == []


def test_a_single_picture_has_no_rare_words() -> None:
    assert cider_d(SET[:1]) == [0]


def test_bad_sets_are_refused() -> None:
    with pytest.raises(DataError):
        bleu([])
    with pytest.raises(DataError, match="picture 0 has no truth"):
        cider_d([Captioned(answer="a", truths=[])])


@given(st.lists(captioned, min_size=1, max_size=4))
def test_bounds_and_order(captions: list[Captioned]) -> None:
    assert all(0 <= value <= 1 for value in bleu(captions))
    values = cider_d(captions)
    assert all(-1e-9 <= value <= 10 + 1e-9 for value in values)
    assert bleu(captions[::-1]) == pytest.approx(bleu(captions))
    assert cider_d(captions[::-1]) == pytest.approx(values[::-1])


def test_the_truth_itself_has_the_best_score() -> None:
    exact = [Captioned(answer=item.truths[0], truths=item.truths[:1]) for item in SET]
    assert bleu(exact)[0] == pytest.approx(1)
    assert cider_d(exact) == pytest.approx([10] * 4)


def test_endless_captions() -> None:
    cider_d([Captioned(answer="dog " * 250_000, truths=["a dog"])] * 2)
