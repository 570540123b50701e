"""Scores of single answers."""

from qvl.evaluation.metrics import character_errors


def test_character_errors_are_bounded() -> None:
    assert character_errors("x" * 1000, "ab") == 1.0
    assert character_errors("ab", "ab") == 0.0
    assert character_errors("a", "ab") == 0.5
