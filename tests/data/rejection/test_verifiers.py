"""An answer is right exactly when it says what the truth says."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.records import Sample
from qvl.data.rejection.verifiers import (
    TEXT_STEPS_PROMPT,
    final_answer,
    letter_of,
    number_of,
    question_of,
    same_boxes,
    same_choice,
    same_number,
    same_text,
    truth_of,
    whole_answer,
    with_steps,
)
from qvl.errors import DataError
from qvl.geometry import Box
from qvl.messages import Image, Text
from qvl.tasks import grounding
from tests.data.small import asked


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("I see 3.\nAnswer: 3", "3"),
        ("**Answer:** red.", "red"),
        ("### Final answer: 7 cups", "7 cups"),
        ("Answer: 3\nWait, no.\nAnswer: 4", "4"),
        ("So the answer is 12.5.", "12.5"),
        ("The answer is **B**", "B"),
        ("<answer> red circle </answer>", "red circle"),
        ("<answer>1</answer> no <answer>2</answer>", "2"),
        ("Thus \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{open", None),
        ("答案是:三", "三"),
        ("答案\uff1a7", "7"),
        ("所以答案是 红色。", "红色"),
        ("There is a cup.", None),
        ("Answer:", None),
        ("Answer: ***", None),
        ("", None),
        ("Answer: " + "x" * 3000, None),
    ],
)
def test_final_answers_are_found(text: str, answer: str | None) -> None:
    assert final_answer(text) == answer


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_one_or_none(text: str) -> None:
    found = final_answer(text)
    assert found is None or found.strip() == found != ""
    assert whole_answer(text) in (None, text.strip())


def test_time_grows_with_the_text_only() -> None:
    for evil in (
        "answer is ",
        "Answer:\n",
        "\\boxed{",
        "<answer>",
        "*" * 10,
        "答案",
        "the answer ",
    ):
        start = time.process_time()
        final_answer(evil * 20_000)
        assert time.process_time() - start < 2


def right(verifier: Any, truth: str, answer: str, **options: Any) -> bool:
    return bool(verifier(answer, asked("What?", truth), **options).value == 1)


@pytest.mark.parametrize(
    ("truth", "answer", "is_same"),
    [
        ("red", "Red", True),
        ("red", " the RED. ", True),
        ("red circle", "a  red\ncircle", True),
        ("red", "dark red", False),
        ("7", "7", True),
        ("7", "17", False),
        ("Answer: red", "red", True),
        ("日本", "「日本」", True),
        ("-5", "5", False),
        ("-5", "\u22125.", True),
        ("C++", "C", False),
        ("50%", "50", False),
        ("+", "-", False),
        ("?", "!", False),
    ],
)
def test_texts(truth: str, answer: str, is_same: bool) -> None:
    assert right(same_text, truth, answer) is is_same


@pytest.mark.parametrize(
    ("truth", "answer", "options", "is_same"),
    [
        ("7", "seven", {}, True),
        ("1,250", "1250.0", {}, True),
        ("45%", "45", {}, True),
        ("-5", "5", {}, False),
        ("100", "104", {"relative": 0.05}, True),
        ("100", "106", {"relative": 0.05}, False),
        ("0", "0.4", {"absolute": 0.5}, True),
        ("7", "about", {}, False),
        ("7", "7 or 8", {}, False),
        ("7", "nan", {}, False),
        ("7", "inf", {"relative": 0.5}, False),
    ],
)
def test_numbers(truth: str, answer: str, options: dict[str, float], is_same: bool) -> None:
    assert right(same_number, truth, answer, **options) is is_same


@pytest.mark.parametrize(
    ("truth", "answer", "is_same"),
    [
        ("B", "B", True),
        ("B", "(b)", True),
        ("B. red", "B", True),
        ("B", "Option B", True),
        ("B", "A or B", False),
        ("B", "red", False),
        ("B", "I", False),
        ("B", "Because", False),
        ("A", "A red cup", False),
    ],
)
def test_choices(truth: str, answer: str, is_same: bool) -> None:
    assert right(same_choice, truth, answer) is is_same


def test_truths_of_another_kind_are_faults_of_the_sample() -> None:
    with pytest.raises(DataError, match="is no number"):
        same_number("7", asked("How many?", "several"))
    with pytest.raises(DataError, match="names no choice"):
        same_choice("B", asked("Which?", "the red one"))
    with pytest.raises(DataError, match="no boxes"):
        same_boxes("[]", asked("Where?", "there"))
    assert number_of("") is None
    assert letter_of("") is None


def boxed(*boxes: tuple[tuple[float, ...], str]) -> str:
    return grounding.format(
        [grounding.GroundedBox(box=Box(*box), label=label) for box, label in boxes]
    )


def located(*boxes: tuple[tuple[float, ...], str]) -> Sample:
    return asked("Where?", boxed(*boxes), Image(np.zeros((112, 112, 3), np.uint8)))


CUP, CAN = ((10, 10, 50, 50), "cup"), ((60, 60, 100, 100), "can")


@pytest.mark.parametrize(
    ("given_boxes", "value"),
    [
        ((CUP, CAN), 1.0),
        ((CAN, CUP), 1.0),
        ((CUP,), 2 / 3),
        ((CUP, CUP), 0.5),  # one box is found once
        ((CUP, CAN, CUP), 0.8),
        ((((12, 12, 52, 52), "Cup"), CAN), 1.0),
        ((((40, 40, 80, 80), "cup"), CAN), 0.5),
        ((((10, 10, 50, 50), "can"), CAN), 0.5),
        ((), 0.0),
    ],
)
def test_boxes(given_boxes: tuple[Any, ...], value: float) -> None:
    assert same_boxes(boxed(*given_boxes), located(CUP, CAN)).value == pytest.approx(value)


def test_the_truth_is_the_last_answer_and_is_not_asked_away() -> None:
    sample = asked("What is it?", "Let me see. A cup.\nAnswer: cup")
    question = question_of(sample)
    assert [turn.role for turn in question.messages] == ["user"]
    assert truth_of(sample) == "cup"
    wished = with_steps(question).messages[-1].content
    assert [part.text for part in wished if isinstance(part, Text)] == [
        "What is it?",
        f"\n{TEXT_STEPS_PROMPT}",
    ]
    with pytest.raises(DataError, match="does not end with an answer"):
        question_of(Sample(task="t", conversation=question, provenance=sample.provenance))
