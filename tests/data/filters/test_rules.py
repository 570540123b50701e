"""Rules keep what is usable and say why they drop the rest."""

import numpy as np
import pytest

from qvl.data.filters.rules import (
    answers_between,
    boxes_at_least,
    places_inside,
    points_somewhere,
)
from qvl.data.records import Sample
from qvl.geometry import Box, Point
from qvl.messages import Image
from qvl.tasks.grounding import GroundedBox, GroundedPoint, format
from tests.data.small import asked


def boxed(*box: float) -> Sample:
    answer = format([GroundedBox(box=Box(*box), label="cup")])
    return asked("?", answer, Image(np.zeros((112, 140, 3), np.uint8)))


@pytest.mark.parametrize(
    ("box", "small", "inside"),
    [
        ((10, 10, 30, 30), None, None),
        ((10, 10, 29, 60), "box below 20 px", None),
        ((10, 10, 60, 29), "box below 20 px", None),
        ((0, 0, 140, 112), None, None),
        ((100, 10, 141, 60), None, "place outside its picture"),
        ((-1, 10, 60, 60), None, "place outside its picture"),
    ],
)
def test_boxes(box: tuple[float, ...], small: str | None, inside: str | None) -> None:
    sample = boxed(*box)
    assert boxes_at_least(sample, side_px=20) == small
    assert places_inside(sample) == inside
    assert points_somewhere(sample) is None


def test_points_have_no_size() -> None:
    answer = format([GroundedPoint(point=Point(5, 5), label="cup")])
    sample = asked("?", answer, Image(np.zeros((112, 140, 3), np.uint8)))
    assert boxes_at_least(sample, side_px=20) is None
    assert points_somewhere(asked("?", "Yes.")) == "no box or point"


def test_lengths_of_answers() -> None:
    assert answers_between(asked("?", "four"), least=4, most=4) is None
    assert answers_between(asked("?", "four"), least=5, most=9) == "answer below 5 characters"
    assert answers_between(asked("?", "four"), least=1, most=3) == "answer above 3 characters"
