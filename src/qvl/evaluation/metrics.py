"""Scores of single answers. Pure functions; sizes of boxes in pixels."""

from collections.abc import Sequence

from qvl.geometry import Box


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


def box_iou(a: Box, b: Box) -> float:
    """Returns the intersection of two boxes over their union; 0 when both are empty.

    >>> box_iou(Box(0, 0, 2, 2), Box(1, 0, 3, 2))
    0.3333333333333333
    """
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    common = max(0.0, width) * max(0.0, height)
    union = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - common
    return common / union if union > 0 else 0.0
