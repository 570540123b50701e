"""Points in masks and on screens."""

import numpy as np
import pytest

from qvl.errors import DataError
from qvl.evaluation.scorers.pointing import (
    point_in_mask,
    points_in_mask,
    points_in_masks,
    screenspot,
    screenspot_means,
)
from qvl.evaluation.scorers.score import Score
from qvl.geometry import Box, Point
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

MASK = np.zeros((4, 6), dtype=bool)
MASK[1:3, 2:5] = True


@requires_material
def test_recorded_hits() -> None:
    for case in vectors("screenspot_point"):
        value = screenspot(point=Point(*case["point"]), truth=Box(*case["truth"])).value
        assert bool(value) == case["hit"] == case["hit_lmms"]


def test_borders_of_an_element_belong_to_it() -> None:
    box = Box(10, 20, 30, 40)
    assert [screenspot(point=Point(x, 40), truth=box).value for x in (9.9, 10, 30, 30.1)] == [
        0,
        1,
        1,
        0,
    ]
    assert not screenspot(point=None, truth=box).is_parsed


@pytest.mark.parametrize(
    ("x", "y", "hit"),
    [(2, 1, 1), (4.9, 2.9, 1), (5, 2, 0), (-1, 1, 0), (6, 1, 0), (2, 4, 0), (float("nan"), 1, 0)],
)
def test_pixels_of_a_mask(x: float, y: float, hit: int) -> None:
    assert point_in_mask(points=[Point(x, y)], mask=MASK).value == hit


def test_counting_by_pointing() -> None:
    inside, outside = Point(2, 1), Point(0, 0)
    assert points_in_mask(points=[inside, inside], mask=MASK, count=2).value == 1
    assert points_in_mask(points=[inside], mask=MASK, count=2).value == 0
    assert points_in_mask(points=[inside, outside], mask=MASK, count=2).value == 0
    assert points_in_mask(points=[], mask=MASK, count=0).value == 1


def test_an_object_counts_once() -> None:
    other = np.zeros_like(MASK)
    other[0, 0] = True
    twice = points_in_masks(points=[Point(2, 1), Point(3, 1)], masks=[MASK, other])
    assert twice.value == 0.5
    assert points_in_masks(points=[Point(2, 1), Point(0, 0)], masks=[MASK, other]).value == 1


def test_means_weigh_each_question_once() -> None:
    """VLMEvalKit weighs a group by the square of its size: 0.10 for this case."""
    right, wrong = Score(value=1.0, why=""), Score(value=0.0, why="")
    records = [("mobile", "text", right), *[("web", "text", wrong)] * 3]
    means = screenspot_means(records)
    assert means.pooled == means.by_kind["text"] == 0.25
    assert means.average == 0.5
    assert means.by_group == {("mobile", "text"): 1, ("web", "text"): 0}
    with pytest.raises(DataError):
        screenspot_means([])
