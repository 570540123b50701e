"""MathVista: an extracted result, brought into the form of its question.

Owns: the normal form by kind of question, and equality. Does not own: extracting a result from
prose (``maths.final_result``; the benchmark itself asks a model for it).

    extraction, kind of question -> choice, integer, rounded float, text -> equal to the truth

Source: lupantech/MathVista evaluation/calculate_score.py, normalize_extracted_answer; lmms-eval
mathvista_evals.py. Three of its steps are mended here, see `normalise`.
"""

import math
import re
from collections.abc import Sequence
from typing import Literal

from qvl.errors import DataError
from qvl.evaluation.scorers.chartqa import number
from qvl.evaluation.scorers.edit_distance import edit_distance
from qvl.evaluation.scorers.score import Score
from qvl.options import shown

AnswerType = Literal["text", "integer", "float", "list"]

_IN_BRACKETS = re.compile(r"\(([a-zA-Z])\)")
_LONGEST = 1000


def normalise(
    extraction: str,
    *,
    answer_type: AnswerType,
    precision: int | None = None,
    choices: Sequence[str] = (),
) -> str | None:
    """Returns the result in the form of its question, or None if it has no such form.

    A choice is named by its letter, or by the text most like it. Unlike the reference, a small
    letter names a choice too, nothing at all names none, and "50%" is 0.5.

    >>> normalise("(b)", answer_type="text", choices=["x", "y"])
    'y'
    >>> normalise("3.14159", answer_type="float", precision=2)
    '3.14'

    Args:
        extraction: the result as it was extracted.
        answer_type: of a question without choices.
        precision: decimal places of a float.
        choices: of a multiple-choice question; empty for a free one.

    Raises:
        DataError: a float without its precision.
    """
    text = extraction.strip()[:_LONGEST]
    if choices:
        return _choice(text, choices) if text else None
    if answer_type == "integer":
        value = number(text)
        return None if value is None or abs(value) > 1e15 else str(math.trunc(value))
    if answer_type == "float":
        if precision is None:
            raise DataError("a question for a float has no precision, expected decimal places")
        value = number(text)
        return None if value is None else str(round(value, int(precision)))
    return text or None


def _choice(text: str, choices: Sequence[str]) -> str:
    bracketed = _IN_BRACKETS.search(text)
    name = (bracketed.group(1) if bracketed else text).upper()
    if len(name) == 1 and text not in choices and 0 <= ord(name) - ord("A") < len(choices):
        return choices[ord(name) - ord("A")]
    return min(choices, key=lambda choice: edit_distance(text, choice))


def mathvista(
    *,
    extraction: str,
    truth: str,
    answer_type: AnswerType,
    precision: int | None = None,
    choices: Sequence[str] = (),
) -> Score:
    """Scores 1 if a result is the truth: numbers by value, the rest as text.

    >>> mathvista(extraction="3.1", truth="3.10", answer_type="float", precision=2).value
    1.0

    Args:
        extraction: the result as it was extracted.
        truth: as annotated; of a multiple-choice question the text of the choice.
        answer_type: as in `normalise`.
        precision: as in `normalise`.
        choices: as in `normalise`.

    Raises:
        DataError: a float without its precision.
    """
    given = normalise(extraction, answer_type=answer_type, precision=precision, choices=choices)
    if given is None:
        return Score(value=0.0, why=f"no {answer_type} in {shown(extraction)}", is_parsed=False)
    same = given.strip() == truth.strip()
    if not same and not choices and answer_type in ("integer", "float"):
        same = number(given) == number(truth)
    return Score(value=float(same), why=f"{shown(given)} is {'' if same else 'not '}{shown(truth)}")
