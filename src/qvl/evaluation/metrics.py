"""Scores of single answers. Pure functions."""

from collections.abc import Sequence


def edit_distance(a: Sequence[object], b: Sequence[object]) -> int:
    """Returns the fewest insertions, deletions and replacements between two sequences.

    >>> edit_distance("kitten", "sitting")
    3
    """
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def character_errors(answer: str, expected: str) -> float:
    """Returns the edit distance as a share of the expected length, at most 1.

    The bound keeps one endless answer from deciding a mean.
    """
    return min(1.0, edit_distance(answer, expected) / max(1, len(expected)))
