"""MathVista's normal form."""

import pytest

from qvl.errors import DataError
from qvl.evaluation.scorers.mathvista import mathvista, normalise
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

DIFFER = {
    ("b", "multi_choice"): "a small letter is a letter; they take the choice most like the text b",
    ("", "multi_choice"): "nothing chooses nothing; they take the shortest choice",
    ("3.1", "free_form"): "3.1 and 3.10 are one number; they compare texts",
    ("50%", "free_form"): "a percentage is a number; they cannot read it",
}
"""Extraction and kind of question -> why our result is not theirs."""


@requires_material
def test_recorded_results() -> None:
    for case in vectors("mathvista_normalize"):
        extraction = str(case["extraction"])
        asked = {
            "answer_type": case["answer_type"],
            "precision": case["precision"],
            "choices": case["choices"] if case["question_type"] == "multi_choice" else (),
        }
        form = normalise(extraction, **asked)
        score = mathvista(extraction=extraction, truth=case["answer"], **asked)
        agrees = (form, bool(score.value)) == (case["normalized"], case["equal"])
        assert agrees is ((extraction, case["question_type"]) not in DIFFER), case


def test_choices_by_letter_or_likeness() -> None:
    choices = ["blue", "red", "b"]
    assert normalise("(c)", answer_type="text", choices=choices) == "b"
    assert normalise("b", answer_type="text", choices=choices) == "b"  # the text of a choice
    assert normalise("rad", answer_type="text", choices=choices) == "red"


def test_numbers() -> None:
    assert normalise("-3.9", answer_type="integer") == "-3"
    assert normalise("many", answer_type="integer") is None
    assert normalise("1e300", answer_type="integer") is None
    with pytest.raises(DataError, match="precision"):
        normalise("1", answer_type="float")
    assert not mathvista(extraction="?", truth="3", answer_type="integer").is_parsed
