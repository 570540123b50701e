"""Rules for boxes and phrases keep what is clear and say why they drop the rest."""

import numpy as np
import pytest

from qvl.data.filters.grounding import (
    answers_readable,
    boxes_between,
    boxes_distinct,
    labels_clear,
    phrases_single,
    places_at_most,
)
from qvl.data.records import Sample
from qvl.geometry import Box
from qvl.messages import Image
from qvl.tasks import grounding
from tests.data.small import asked

CUP, OTHER = (10, 10, 60, 60), (70, 20, 110, 90)


def boxed(*found: tuple[str, tuple[int, ...]], question: str = "Locate the red cup.") -> Sample:
    items = [grounding.GroundedBox(box=Box(*box), label=label) for label, box in found]
    picture = Image(np.zeros((112, 140, 3), np.uint8))
    return asked(question, grounding.format(items), picture)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("red cup", None),
        ("object of art", None),
        ("", "place without a label"),
        ("The object", "vague label"),
        ("it.", "vague label"),
        ("cup " * 60, "label above 200 characters"),
        ("<|box_start|>cup", "markup in a label"),
    ],
)
def test_labels(label: str, reason: str | None) -> None:
    assert labels_clear(boxed((label, CUP))) == reason


def test_the_cup_is_one_cup() -> None:
    twice = boxed(("red cup", CUP), ("red cup", OTHER))
    assert phrases_single(twice) == "phrase that means several"
    assert phrases_single(boxed(("red cup", CUP))) is None
    several = boxed(("red cup", CUP), ("red cup", OTHER), question="Locate all red cups.")
    assert phrases_single(several) is None
    longer = boxed(("red cup", CUP), ("red cup", OTHER), question="Which are of the red cupboard?")
    assert phrases_single(longer) is None


def test_one_box_has_one_name_and_is_stated_once() -> None:
    assert boxes_distinct(boxed(("cup", CUP), ("cup", (10, 10, 60, 61)))) == "box stated twice"
    assert boxes_distinct(boxed(("cup", CUP), ("mug", CUP))) == "one box with two names"
    assert boxes_distinct(boxed(("cup", CUP), ("table", (0, 5, 140, 112)))) is None


def test_sizes_and_numbers() -> None:
    sample = boxed(("cup", CUP), ("cup", OTHER))
    assert boxes_between(sample, least=0.01, most=0.9) is None
    assert boxes_between(sample, least=0.17, most=0.9) == "box below 17.00% of its picture"
    whole = boxed(("cup", (0, 0, 140, 111)))
    assert boxes_between(whole, least=0.01, most=0.9) == "box above 90% of its picture"
    assert places_at_most(sample, most=2) is None
    assert places_at_most(sample, most=1) == "more than 1 places"


def test_answers_can_be_read() -> None:
    assert answers_readable(boxed(("cup", CUP))) is None
    assert answers_readable(asked("?", "No boxes here.")) is None
    cut = '```json\n[{"bbox_2d": [1, 2, 3, 4], "label": "cup"},\n{"bbox_2d": [5,'
    assert answers_readable(asked("?", cut)) == "answer cut off"
    bad = '```json\n[{"bbox_2d": ["a", 2, 3, 4], "label": "cup"}]\n```'
    assert answers_readable(asked("?", bad)) == "place that cannot be read"
