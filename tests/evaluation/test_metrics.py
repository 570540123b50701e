"""Scores of single answers."""

import pytest

from qvl.evaluation.metrics import character_errors, edit_distance


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
