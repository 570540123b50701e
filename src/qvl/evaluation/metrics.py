"""Scores of single answers in our own suite. Pure functions."""

from qvl.evaluation.scorers.edit_distance import edit_distance


def character_errors(answer: str, expected: str) -> float:
    """Returns the edit distance as a share of the expected length, at most 1.

    The bound keeps one endless answer from deciding a mean.
    """
    return min(1.0, edit_distance(answer, expected) / max(1, len(expected)))
