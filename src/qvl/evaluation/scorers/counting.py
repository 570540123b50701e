"""Counts: the number that an answer states.

Owns: equality, and the rules of two other harnesses. Does not own: finding the number
(``tasks.counting``).

    answer -> tasks.counting.parse -> number -> equal to the truth or not
"""

import re

from qvl.evaluation.scorers.score import Score
from qvl.options import shown
from qvl.tasks import counting

_WORDS = {
    word: str(number)
    for number, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
            "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
            "eighteen", "nineteen", "twenty",
        )
    )
} | {"none": "0"}  # fmt: skip
_DIGITS = re.compile(r"\d+")


def count(*, answer: str, truth: int) -> Score:
    """Scores 1 if the number that the answer states is the truth.

    >>> count(answer="I see a dog and two cats, so there are 3 animals.", truth=3).value
    1.0
    """
    given = counting.parse(answer)
    return Score(
        value=float(given == truth),
        why=f"no number in {shown(answer)}" if given is None else f"{given}, expected {truth}",
        is_parsed=given is not None,
    )


def countbench_lmms_eval(*, answer: str, truth: str) -> Score:
    """Scores 1 if the whole answer is the number, as digits or one word up to twenty.

    Source: lmms-eval countbench/utils.py.
    """
    given, wanted = (_WORDS.get(text, text) for text in (_lower(answer), _lower(truth)))
    return _equal(given, wanted)


def countbench_vlmevalkit(*, answer: str, truth: str) -> Score:
    """Scores 1 if the truth occurs anywhere in the answer: "12" is right for 2.

    Source: VLMEvalKit image_vqa.py, class CountBenchQA.
    """
    return Score(
        value=float(truth.strip() in answer),
        why=f"{shown(truth)} looked for in {shown(answer)}",
        is_parsed=bool(answer.strip()),
    )


def pixmo_count_lmms_eval(*, answer: str, truth: str) -> Score:
    """Scores 1 if the first run of digits is the same: "1,000" is 1.

    Source: lmms-eval pixmo_count/utils.py.
    """
    given, wanted = (_first_digits(text) for text in (answer, truth))
    return _equal(given, wanted)


def _lower(text: str) -> str:
    return text.strip().lower()


def _first_digits(text: str) -> str:
    found = _DIGITS.search(text)
    return text.strip() if found is None else found.group()


def _equal(given: str, wanted: str) -> Score:
    return Score(
        value=float(given == wanted),
        why=f"{shown(given)}, expected {shown(wanted)}",
        is_parsed=bool(given),
    )
