"""How well a text was read: errors per character and word, and shared words.

Owns: CER and WER, and the word F1 of CC-OCR with its means over a set. Does not own: whole pages
(``omnidocbench``).

    answer, truth -> edits / length of the truth
    answer, truth -> two bags of words -> hits, given, wanted -> F1 of one or of many
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qvl.errors import DataError
from qvl.evaluation.scorers.edit_distance import edit_distance
from qvl.evaluation.scorers.score import Score, f1, mean

_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")


def character_error_rate(*, answer: str, truth: str) -> Score:
    """Returns the edits per character of the truth: 0 is right, and it may exceed 1.

    An empty truth gives 0 for an empty answer and 1 for any other.

    >>> character_error_rate(answer="kitten", truth="sitting").why
    '3 edits in 7 characters'
    """
    return _error_rate(answer, truth, "characters")


def word_error_rate(*, answer: str, truth: str) -> Score:
    """Returns the edits per word of the truth: 0 is right, and it may exceed 1.

    >>> word_error_rate(answer="the cat sat", truth="a cat sat down").value
    0.5
    """
    return _error_rate(answer.split(), truth.split(), "words")


def _error_rate(given: Sequence[object], wanted: Sequence[object], unit: str) -> Score:
    edits = edit_distance(given, wanted)
    return Score(
        value=edits / len(wanted) if wanted else float(bool(given)),
        why=f"{edits} edits in {len(wanted)} {unit}",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlapScore(Score):
    """F1 of two bags of things, with the counts that a set needs."""

    hits: int
    given: int
    wanted: int


def overlap(given: Counter[object], wanted: Counter[object], unit: str) -> OverlapScore:
    """Returns the F1 of what two bags share; 1 if both are empty."""
    hits, num_given, num_wanted = (given & wanted).total(), given.total(), wanted.total()
    total = num_given + num_wanted
    return OverlapScore(
        value=2 * hits / total if total else 1.0,
        why=f"{hits} of {num_wanted} {unit} found, {num_given} given",
        hits=hits,
        given=num_given,
        wanted=num_wanted,
    )


def cc_ocr_words(
    *, answer: str, truth: str, by_character: bool = False, only_alphanumeric: bool = False
) -> OverlapScore:
    """Scores the words of an answer, in any order.

    Source: CC-OCR, as in VLMEvalKit ccocr_evaluator/ocr_evaluator.py, which adds 1e-9 to every
    denominator; here nothing is added.

    >>> cc_ocr_words(answer="b a c", truth="A b").why
    '2 of 2 words found, 3 given'

    Args:
        answer: as the model wrote it.
        truth: all text of the picture.
        by_character: for Chinese, Arabic, Japanese and Korean.
        only_alphanumeric: drop all but a-z and 0-9; the multi-scene track does.
    """
    given, wanted = (
        Counter[object](_tokens(text, by_character, only_alphanumeric)) for text in (answer, truth)
    )
    return overlap(given, wanted, "characters" if by_character else "words")


def _tokens(text: str, by_character: bool, only_alphanumeric: bool) -> list[str]:
    text = text.replace("###", "").replace("***", "").lower()
    words = list("".join(text.split())) if by_character else text.split()
    if only_alphanumeric:
        words = [_NOT_ALPHANUMERIC.sub("", word) for word in words]
    return [word for word in words if word]


@dataclass(frozen=True, kw_only=True, slots=True)
class SetF1:
    """F1 of a set of answers in both ways of averaging."""

    macro: float
    """Mean of the F1 of each answer."""
    micro: float
    """F1 of all counts added up: long texts weigh more."""


def set_f1(scores: Sequence[OverlapScore]) -> SetF1:
    """Returns both means of a set.

    Raises:
        DataError: the set is empty.
    """
    if not scores:
        raise DataError("nothing was scored, expected at least one answer")
    hits = sum(score.hits for score in scores)
    given = sum(score.given for score in scores)
    wanted = sum(score.wanted for score in scores)
    micro = f1(hits / given if given else 0.0, hits / wanted if wanted else 0.0)
    return SetF1(
        macro=mean([score.value for score in scores]),
        micro=micro if given or wanted else 1.0,
    )
