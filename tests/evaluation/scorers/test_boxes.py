"""Boxes: hits and lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.boxes import box_list_f1, referred_box
from qvl.evaluation.scorers.pointing import middle, screenspot
from qvl.geometry import Box, box_iou
from qvl.tasks import grounding
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

sides = st.integers(0, 20)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), sides, sides, sides, sides)

READ_OTHERWISE = {
    '{"bbox_2d": [1,2,3,4,5]}': "five numbers are no box; they take the first four",
}
"""Reply -> why we read other boxes from it than lmms-eval."""


@requires_material
def test_recorded_overlaps() -> None:
    for case in vectors("box_iou"):
        box, truth = Box(*case["box"]), Box(*case["truth"])
        score = referred_box(boxes=[box], truth=truth)
        assert score.iou == pytest.approx(case["iou"])
        assert bool(score.value) == case["acc_at_05"]
        assert bool(screenspot(point=middle(box), truth=truth).value) == case["center"]


@requires_material
def test_recorded_readings() -> None:
    for case in vectors("box_parsing"):
        ours = [list(item.raw) for item in grounding.parse(case["text"]).boxes]
        assert (ours == case["boxes"]) is (case["text"] not in READ_OTHERWISE), case["text"]


def test_the_first_box_counts() -> None:
    near, far = Box(0, 0, 10, 10), Box(50, 50, 60, 60)
    assert referred_box(boxes=[near, far], truth=near).value == 1
    assert referred_box(boxes=[far, near], truth=near).value == 0
    assert not referred_box(boxes=[], truth=near).is_parsed


def test_each_truth_is_found_once() -> None:
    box = Box(0, 0, 10, 10)
    score = box_list_f1(boxes=[box, box], truths=[box, Box(50, 50, 60, 60)])
    assert (score.pairs, score.precision, score.recall) == (((0, 0),), 0.5, 0.5)
    assert box_list_f1(boxes=[], truths=[]).value == 1
    assert box_list_f1(boxes=[box], truths=[]).value == 0


@given(boxes, boxes)
def test_overlap_is_symmetric_and_bounded(a: Box, b: Box) -> None:
    assert box_iou(a, b) == box_iou(b, a)
    assert 0 <= box_iou(a, b) <= 1


@given(st.lists(boxes.filter(lambda box: box.x1 < box.x2 and box.y1 < box.y2), max_size=6))
def test_a_list_meets_itself(items: list[Box]) -> None:
    assert box_list_f1(boxes=items, truths=items).value == 1
