"""BLEU and METEOR of one text; both were compared with nltk on random texts."""

import pytest

from qvl.evaluation.scorers.long_reading import bleu_of_one, long_reading, meteor_of_equal_words


@pytest.mark.parametrize(
    ("given", "wanted", "bleu"),
    [
        ("a b c d", "a b c d", 1),
        ("a b c", "a b c", 0),  # no four words in a row
        ("a b c d", "a b c d e f g h", 2.718281828**-1),
        ("a b c d x", "a b c d", (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25),
        ("", "a", 0),
    ],
)
def test_bleu(given: str, wanted: str, bleu: float) -> None:
    assert bleu_of_one(given.split(), wanted.split()) == pytest.approx(bleu)


@pytest.mark.parametrize(
    ("given", "wanted", "meteor"),
    [
        ("a b c", "A b c", 1 - 0.5 / 27),
        ("c b a", "a b c", 0.5),
        ("a a", "a", 0.5 / (0.9 * 0.5 + 0.1) * 0.5),
        ("x", "a", 0),
    ],
)
def test_meteor(given: str, wanted: str, meteor: float) -> None:
    assert meteor_of_equal_words(given.split(), wanted.split()) == pytest.approx(meteor)


def test_an_answer_of_a_megabyte() -> None:
    assert 0 <= long_reading(answer="word " * 200_000, truth="one word " * 50).value < 0.2
