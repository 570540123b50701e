"""The order in which a person reads lines of text that lie on a page.

Owns: the order alone. Does not own: finding lines or reading them (``ocr``). It knows nothing but
where lines are and which letters they have, so it is the same for the same lines in any order.

    blocks -> level (undo the page's tilt) -> kinds (across, down) -> rows -> columns -> order

Lines are read across from the left; from the right where most letters are of a script that is
written so (Unicode bidirectional class R or AL); and downwards, columns from the right, where tall
lines hold Chinese, Japanese or Korean letters. Lines beside one another are a row, and rows are
read one after another, as on a receipt. Only where lines fill columns, as in a newspaper, is each
column read to its end. Lines across and lines down do not mix: the kind with more letters is first.
"""

import math
import statistics
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from qvl.geometry import Box, Point

Direction = Literal["left_to_right", "right_to_left", "top_to_bottom"]

# The numbers below are ours, chosen on recorded answers about receipts, labels and pages.
SAME_ROW = 0.4
"""Two lines share a row when they overlap by this part of the lower one's height. Of recorded
receipts, parts of one row overlap by 0.41 or more and lines of two rows do not overlap at all."""
TALL = 1.5
"""Height over width from which on a line of wide letters runs downwards."""
GUTTER = 1.0
"""Width of the white between columns, in heights of a line."""
FEWEST_ROWS = 3
"""Rows in each column of running text."""
SHORTEST_LINE = 5.0
"""Middle length of the lines of a text column, in heights of a line; amounts are shorter."""
FILLED = 0.7
"""Middle length of the lines of a text column over the width of the column."""
MOST_COLUMNS = 20
"""More than any text has; such a page is read row by row."""
_LETTERS_LOOKED_AT = 400


class Block(NamedTuple):
    """One line of text: its letters and the corners around it, in pixels of the picture."""

    text: str
    corners: tuple[Point, ...]
    """From the corner where the text begins, along its first line; see `corners_of`."""
    is_outline: bool = False
    """True when the corners tell how the line is turned; a box tells nothing of it."""


class _Line(NamedTuple):
    """A block on the levelled page; u goes along the lines and v from line to line."""

    u1: float
    u2: float
    v1: float
    v2: float
    text: str
    place: int

    @property
    def key(self) -> tuple[float, float, float, float, str, int]:
        return (self.v1 + self.v2, self.u1, self.u2, self.v2, self.text, self.place)


def corners_of(box: Box) -> tuple[Point, ...]:
    """The corners of a box, clockwise from the left top."""
    x1, y1, x2, y2 = box
    return Point(x1, y1), Point(x2, y1), Point(x2, y2), Point(x1, y2)


def reading_order(blocks: Sequence[Block]) -> list[int]:
    """Returns the places of the blocks in the sequence, in the order of reading.

    >>> def at(x, y, text):
    ...     return Block(text, corners_of(Box(x, y, x + 9 * len(text), y + 10)))
    >>> reading_order([at(0, 20, "total"), at(0, 0, "milk"), at(60, 21, "2.50"), at(60, 1, "2.50")])
    [1, 3, 0, 2]
    >>> reading_order([at(0, 0, "שלום"), at(60, 0, "עולם")])
    [1, 0]
    """
    angle = page_angle(blocks)
    boxes = [_bounds(_turned(block.corners, -angle)) for block in blocks]
    down = [
        i for i, block in enumerate(blocks) if direction(block.text, boxes[i]) == "top_to_bottom"
    ]
    across = sorted(set(range(len(blocks))) - set(down))
    kinds = sorted((across, down), key=lambda kind: -sum(len(blocks[i].text) for i in kind))
    return [i for kind in kinds for i in _order(kind, blocks, boxes, kind is down)]


def page_angle(blocks: Iterable[Block]) -> float:
    """How far the page is turned clockwise, in radians: the mean of its outlines, long ones first.

    >>> page_angle([Block("ab", (Point(0, 0), Point(10, 10), Point(5, 15)), True)]) == math.pi / 4
    True
    """
    edges = [
        (block.corners[1].x - block.corners[0].x, block.corners[1].y - block.corners[0].y)
        for block in blocks
        if block.is_outline
    ]
    # fsum, so that the order of the blocks does not matter in the last bit.
    return math.atan2(math.fsum(dy for _, dy in edges), math.fsum(dx for dx, _ in edges))


def direction(text: str, box: Box | None = None) -> Direction | None:
    """Which way a line runs, by its letters and, for running downwards, its box.

    >>> direction("total"), direction("المجموع 12"), direction("12.50")
    ('left_to_right', 'right_to_left', None)
    >>> direction("合計金額", Box(0, 0, 20, 80))
    'top_to_bottom'

    Returns:
        None for a text without letters, such as an amount.
    """
    classes = [unicodedata.bidirectional(char) for char in text[:_LETTERS_LOOKED_AT]]
    right = sum(name in ("R", "AL") for name in classes)
    left = classes.count("L")
    if box is not None and len(text.strip()) > 1 and box.y2 - box.y1 >= TALL * (box.x2 - box.x1):
        wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text[:_LETTERS_LOOKED_AT])
        if 2 * wide > len(text[:_LETTERS_LOOKED_AT]):
            return "top_to_bottom"
    if right == left == 0:
        return None
    return "right_to_left" if right > left else "left_to_right"


def _order(
    indices: Sequence[int], blocks: Sequence[Block], boxes: Sequence[Box], is_down: bool
) -> Iterator[int]:
    """The order of blocks of one kind."""
    from_right = not is_down and _is_from_right(blocks[i].text for i in indices)
    lines = []
    for i in indices:
        x1, y1, x2, y2 = boxes[i]
        if is_down:
            lines.append(_Line(y1, y2, -x2, -x1, blocks[i].text, i))
        elif from_right:
            lines.append(_Line(-x2, -x1, y1, y2, blocks[i].text, i))
        else:
            lines.append(_Line(x1, x2, y1, y2, blocks[i].text, i))
    if not lines:
        return
    gutter = GUTTER * statistics.median(line.v2 - line.v1 for line in lines)
    for run in _runs(_rows(lines), gutter):
        columns = _columns([line for row in run for line in row], gutter)
        for rows in [_rows(column) for column in columns] or [run]:
            for row in rows:
                other_way = not is_down and _is_other_way(row, from_right)
                yield from (line.place for line in (reversed(row) if other_way else row))


def _is_from_right(texts: Iterable[str]) -> bool:
    ways = [(direction(text), len(text)) for text in texts]
    right = sum(length for way, length in ways if way == "right_to_left")
    return right > sum(length for way, length in ways if way == "left_to_right")


def _is_other_way(row: Sequence[_Line], from_right: bool) -> bool:
    """Whether the letters of a row run against those of the page."""
    ways = {direction(line.text) for line in row} - {None}
    return ways == {"left_to_right" if from_right else "right_to_left"}


def _rows(lines: Iterable[_Line]) -> list[list[_Line]]:
    """Lines beside one another, along u; rows along v."""
    rows: list[list[_Line]] = []
    top = bottom = 0.0
    for line in sorted(lines, key=lambda line: line.key):
        common = min(bottom, line.v2) - max(top, line.v1)
        lower = min(bottom - top, line.v2 - line.v1)
        if rows and common >= SAME_ROW * lower and common > 0:
            row = rows[-1]
            row.append(line)
            # The mean of the row, as rows of a tilted picture climb.
            top += (line.v1 - top) / len(row)
            bottom += (line.v2 - bottom) / len(row)
        else:
            rows.append([line])
            top, bottom = line.v1, line.v2
    return [sorted(row, key=lambda line: (line.u1, line.key)) for row in rows]


def _runs(rows: Iterable[list[_Line]], gutter: float) -> Iterator[list[list[_Line]]]:
    """Rows that leave the same white between columns; a title across the page ends a run."""
    run: list[list[_Line]] = []
    covered: list[tuple[float, float]] = []
    for row in rows:
        alone = _covered([(line.u1, line.u2) for line in row], gutter)
        together = _covered([*covered, *alone], gutter)
        if run and len(together) == 1 and max(len(covered), len(alone)) > 1:
            yield run
            run, covered = [row], alone
        else:
            run.append(row)
            covered = together
    if run:
        yield run


def _covered(spans: list[tuple[float, float]], gutter: float) -> list[tuple[float, float]]:
    """What the spans cover together, closing gaps narrower than a gutter."""
    merged: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if merged and start - merged[-1][1] < gutter:
            merged[-1] = merged[-1][0], max(merged[-1][1], stop)
        else:
            merged.append((start, stop))
    return merged if len(merged) <= MOST_COLUMNS else [(merged[0][0], merged[-1][1])]


def _columns(lines: Sequence[_Line], gutter: float) -> list[list[_Line]]:
    """The columns of running text among lines, along u; none when they are no such columns."""
    covered = _covered([(line.u1, line.u2) for line in lines], gutter)
    if len(covered) < 2:
        return []
    columns = [[line for line in lines if u1 <= line.u1 <= u2] for u1, u2 in covered]
    for column, (u1, u2) in zip(columns, covered, strict=True):
        length = statistics.median(line.u2 - line.u1 for line in column)
        height = statistics.median(line.v2 - line.v1 for line in column)
        if (
            len(_rows(column)) < FEWEST_ROWS
            or length < SHORTEST_LINE * height
            or length < FILLED * (u2 - u1)
        ):
            return []
    return columns


def _turned(corners: Sequence[Point], angle: float) -> tuple[Point, ...]:
    """The corners turned clockwise about the origin."""
    if angle == 0:
        return tuple(corners)
    cos, sin = math.cos(angle), math.sin(angle)
    return tuple(Point(x * cos - y * sin, x * sin + y * cos) for x, y in corners)


def _bounds(corners: Sequence[Point]) -> Box:
    xs, ys = [point.x for point in corners], [point.y for point in corners]
    return Box(min(xs), min(ys), max(xs), max(ys))
