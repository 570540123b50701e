"""Places in answers, in the pixels of the question's own picture.

Owns: what all benchmarks of grounding share. Does not own reading the text (``tasks.grounding``).

    text, transforms -> boxes_of | points_of -> boxes or points in original_px

The space is declared by the transforms: what the model writes is in resized_px. It is never guessed
from the values, and never chosen by which reading fits the truth.
"""

from collections.abc import Sequence

from qvl.errors import DataError
from qvl.evaluation.layouts.rows import Row
from qvl.evaluation.scorers.pointing import middle
from qvl.geometry import Box, Point, ResizeTransform
from qvl.tasks import grounding


def boxes_of(text: str, transforms: Sequence[ResizeTransform]) -> list[Box]:
    """The boxes of an answer, in the order it states them."""
    return [item.box for item in grounding.parse(text, transforms=transforms[:1]).boxes]


def points_of(text: str, transforms: Sequence[ResizeTransform]) -> list[Point]:
    """The points of an answer, in the order it states them; a box stands for its middle."""
    return [
        item.point if isinstance(item, grounding.GroundedPoint) else middle(item.box)
        for item in grounding.parse(text, transforms=transforms[:1]).items
    ]


def box_of(row: Row, column: str, *, with_size: bool) -> Box:
    """Returns the box of a column.

    Args:
        row: with four numbers in the column.
        column: its name.
        with_size: the numbers are x, y, width, height; otherwise the corners.

    Raises:
        DataError: it is none.
    """
    value = row[column]
    try:
        a, b, c, d = (float(number) for number in value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{row.where}: {column} is {value!r}, expected four numbers") from error
    return Box(a, b, a + c, b + d) if with_size else Box(a, b, c, d)
