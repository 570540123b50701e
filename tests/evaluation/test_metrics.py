"""Scores of single answers."""

import pytest

from qvl.evaluation.metrics import box_iou, character_errors, edit_distance
from qvl.geometry import Box


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("same", "same", 0)],
)
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == distance


def test_character_errors_are_bounded() -> None:
    assert character_errors("x" * 1000, "ab") == 1.0
    assert character_errors("ab", "ab") == 0.0
    assert character_errors("a", "ab") == 0.5


def test_iou_of_box_with_itself_apart_and_empty() -> None:
    box = Box(1, 2, 5, 8)
    assert box_iou(box, box) == 1.0
    assert box_iou(box, Box(10, 10, 12, 12)) == 0.0
    assert box_iou(Box(1, 1, 1, 1), Box(1, 1, 1, 1)) == 0.0
