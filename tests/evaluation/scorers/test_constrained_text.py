"""Constraints on stories and poems, as MEGA-Bench writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.constrained_text import keeps_constraints, spoken_constraints

CASES: list[tuple[dict[str, str], str, int]] = [
    ({"contain": "[cat, kitten]"}, "A **kit**ten sleeps.", 1),
    ({"contain": "[cat, kitten]"}, "A dog sleeps.", 0),
    ({"contain": "[puppy]"}, "Puppies play.", 1),
    ({"contain": "[movie, wolf, foot]"}, "We saw movies.", 1),
    ({"contain": "[wolf]"}, "Wolves howl.", 1),
    ({"contain": "[fireman]"}, "Firemen came.", 1),
    ({"contain": "[cat]"}, "Education matters.", 1),  # as in the reference
    ({"contain1": "[cat]", "contain2": "[polar bear]"}, "A cat met polar bears.", 1),
    ({"contain1": "[cat]", "contain2": "[polar bear]"}, "A cat met a bear.", 0),
    ({"contain1##times": "[robot]##3"}, "Robot. A robot and robots.", 1),
    ({"contain1##times": "[robot]##3"}, "Robot. A robot.", 0),
    ({"contain1##times": "[robot]##many"}, "Robot.", 0),
    ({"contain1##times": "[robot]##²"}, "Robot. Robot.", 0),
    ({"contain##position": "[parrot]##2"}, "A parrot. The parrot spoke.", 1),
    ({"contain##position": "[parrot]##2"}, "A parrot. It spoke.", 0),
    ({"contain##position_only": "[car, vehicle]##1"}, "The car, a vehicle, stops. It waits.", 1),
    ({"contain##position_only": "[car, vehicle]##1"}, "The car stops. The car waits.", 0),
    ({"contain##position##times": "[car]##1##2"}, "A car. A car.", 1),
    ({"contain##position##times": "[car]##3##2"}, "A car. A car.", 0),
    ({"contain##position_only": ""}, "Anything.", 1),  # asks for nothing
    ({"contain_only": "[[polar bear, ice bear], [cat]]"}, "Polar bears swim.", 1),
    ({"contain_only": "[[polar bear, ice bear], [cat]]"}, "A cat and a polar bear.", 0),
    ({"contain_only": "[[polar bear], [cat]]"}, "A dog.", 0),
    ({"length1": ">2", "length2": "<4"}, "Just three words.", 1),
    ({"length1": ">3", "length2": "<9"}, "Just three words.", 0),
    ({"length": "4"}, "one two three four", 0),
    ({"acrostic": "hi b"}, "Hello\nIs it\n\n**B**ob?", 1),
    ({"acrostic": "hi b"}, "Hello\nIs it\nBob?", 0),
    ({"acrostic": "hi"}, "Hello\n\nIs it?", 0),
    ({"acrostic": "hi"}, "Hello\nHello", 0),
    ({"acrostic_alliteration": "bc"}, "Big  brown bears\nCount cats", 1),
    ({"acrostic_alliteration": "bc"}, "Big brown bears\nCount my cats", 0),
]


@pytest.mark.parametrize(("constraints", "answer", "value"), CASES)
def test_a_constraint(constraints: dict[str, str], answer: str, value: int) -> None:
    score = keeps_constraints(answer=answer, constraints=constraints)
    assert (score.value, score.is_parsed) == (value, True)


def test_one_broken_constraint_is_enough_and_is_named() -> None:
    score = keeps_constraints(answer="A cat.", constraints={"contain": "[cat]", "length1": ">9"})
    assert (score.value, score.why) == (0, "not kept: length1 '>9'")


def test_what_cannot_be_decided_is_unread() -> None:
    constraints = {"contain": "[cat]", "syllables": "575", "poetry_meter": ""}
    assert spoken_constraints(constraints) == ["syllables"]
    score = keeps_constraints(answer="A cat.", constraints=constraints)
    assert (score.value, score.is_parsed) == (0, False)
    for answer, asked in (("", {"contain": "[a]"}), ("A cat.", {}), ("A cat.", {"colour": "red"})):
        assert not keeps_constraints(answer=answer, constraints=asked).is_parsed


@given(st.text(alphabet="[]#,<> a1\n", max_size=20), st.text(alphabet="a. \n*", max_size=20))
def test_nothing_breaks_it(value: str, answer: str) -> None:
    for name in ("contain##times", "contain_only", "length", "acrostic", "contain"):
        assert keeps_constraints(answer=answer, constraints={name: value}).value in (0, 1)
