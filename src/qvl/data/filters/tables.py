"""Rules for tables that a recogniser found: which of them are good enough to learn from.

Owns: functions for `steps.filter_step`; bind their numbers with `functools.partial`. Does not own:
reading what a recogniser found (``interchange.found_tables``).

    Sample with facts["tables"] -> rule -> None to keep it | why it is dropped

The report kept six million tables by three rules: low confidence out, overlapping tables out, too
few cells out. Source: Qwen2.5-VL technical report, section 2.2.1; it gives no thresholds, so each
default here has a source or reason of its own.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qvl.data.records import Sample
from qvl.errors import DataError
from qvl.geometry import Box
from qvl.options import shown

LEAST_CONFIDENCE = 0.5
"""Of tables, rows, columns and cells. Source: microsoft/table-transformer, src/inference.py,
detection_class_thresholds and structure_class_thresholds."""

MOST_TABLES_SHARED = 0.05
"""Of the smaller of two tables. Tables lie apart on a page; boxes of detectors are loose by a few
per cent. Source: ours."""

MOST_CELLS_SHARED = 0.25
"""Of the smaller of two cells. Boxes of neighbours meet in the line between them; rows of 20 px
whose boxes are loose by 2 px on both sides share a fifth. Source: ours."""

LEAST_CELLS = 4
"""Two rows of two columns; fewer are a list or a line. Source: ours."""
LEAST_COVERED = 0.5
"""Of a table's box by its cells. Less means that rows or columns were missed. Source: ours."""
LEAST_FILLED = 0.3
"""Of the cells, those with text. Source: ours: forms and grids for notes are emptier."""

_OVERLAP_PAIRS = 20_000_000
"""Pairs of cells that are compared at most: 6,000 cells."""


def tables_confident(sample: Sample, *, at_least: float = LEAST_CONFIDENCE) -> str | None:
    """Drops a sample with a table or a cell of which the recogniser was not sure.

    Args:
        sample: with facts["tables"].
        at_least: confidence of every table, and of the cells that state one, on average.
    """
    for table in found_tables(sample):
        if _number(table, "confidence") < at_least:
            return f"table below {at_least:g} confidence"
        stated = [_number(c, "confidence") for c in _cells(table) if "confidence" in c]
        if stated and math.fsum(stated) / len(stated) < at_least:
            return f"cells below {at_least:g} confidence on average"
    return None


def tables_apart(
    sample: Sample,
    *,
    most_tables: float = MOST_TABLES_SHARED,
    most_cells: float = MOST_CELLS_SHARED,
) -> str | None:
    """Drops a sample whose tables overlap, or with a table whose cells do.

    Args:
        sample: with facts["tables"].
        most_tables: share of the smaller of two tables that both may cover.
        most_cells: the same of two cells of a table.
    """
    tables = found_tables(sample)
    if _overlap([_box(table) for table in tables], most_tables):
        return "overlapping tables"
    for table in tables:
        cells = _cells(table)
        if _overlap([_box(cell) for cell in cells], most_cells):
            return "overlapping cells"
        taken = [place for cell in cells for place in _places(cell)]
        if len(set(taken)) < len(taken):
            return "two cells in one place"
    return None


def tables_dense(
    sample: Sample,
    *,
    least_cells: int = LEAST_CELLS,
    least_covered: float = LEAST_COVERED,
    least_filled: float = LEAST_FILLED,
) -> str | None:
    """Drops a sample with a table of too few cells, for itself, for its size, or with text.

    Args:
        sample: with facts["tables"].
        least_cells: of a table.
        least_covered: share of a table's box that its cells cover.
        least_filled: share of its cells that have text.
    """
    for table in found_tables(sample):
        cells = _cells(table)
        if len(cells) < least_cells:
            return f"fewer than {least_cells} cells"
        box = _box(table)
        area = _area(box)
        if area == 0 or math.fsum(_shared(_box(c), box) for c in cells) < least_covered * area:
            return f"cells cover less than {least_covered:.0%} of their table"
        filled = sum(bool(str(cell.get("text", "")).strip()) for cell in cells)
        if filled < least_filled * len(cells):
            return f"less than {least_filled:.0%} of the cells have text"
    return None


def found_tables(sample: Sample) -> Sequence[Mapping[str, Any]]:
    """What a recogniser found in the picture of a sample.

    Raises:
        DataError: the sample has no such facts.
    """
    tables = sample.facts.get("tables")
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise DataError(
            f"facts have tables {shown(tables)}, expected a list of found tables",
            hint="read them with qvl.data.interchange.found_tables",
        )
    return tables


def _cells(table: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    cells = table.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise DataError(f"cells of a table are {shown(cells)}, expected a list of objects")
    return cells


def _number(record: Mapping[str, Any], name: str) -> float:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{name} is {shown(value)}, expected a number")
    return float(value)


def _box(record: Mapping[str, Any]) -> Box:
    values = record.get("box")
    if (
        not isinstance(values, list)
        or len(values) != 4
        or not all(
            isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)
            for v in values
        )
    ):
        raise DataError(f"box is {shown(values)}, expected four numbers")
    x1, y1, x2, y2 = map(float, values)
    return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def _places(cell: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Rows and columns that a cell takes; none when it does not say."""
    if "row" not in cell or "column" not in cell:
        return
    row, column = int(_number(cell, "row")), int(_number(cell, "column"))
    down, across = (int(_number({"n": cell.get(k, 1)}, "n")) for k in ("row_span", "column_span"))
    if not (1 <= down <= 1000 and 1 <= across <= 1000):
        raise DataError(f"a cell spans {down} rows and {across} columns, expected 1 to 1000")
    for i in range(down):
        for j in range(across):
            yield row + i, column + j


def _area(box: Box) -> float:
    return (box.x2 - box.x1) * (box.y2 - box.y1)


def _shared(a: Box, b: Box) -> float:
    """Area of what two boxes have in common."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    return max(0.0, width) * max(0.0, height)


def _overlap(boxes: Sequence[Box], most: float) -> bool:
    """Whether two boxes share more than ``most`` of the smaller; boxes without area share none."""
    ordered = sorted(boxes, key=lambda box: box.y1)
    compared = 0
    for i, a in enumerate(ordered):
        for b in ordered[i + 1 :]:
            if b.y1 >= a.y2:  # so are all that follow
                break
            compared += 1
            if compared > _OVERLAP_PAIRS:
                raise DataError(f"{len(boxes)} boxes lie above each other, too many to compare")
            smaller = min(_area(a), _area(b))
            if smaller > 0 and _shared(a, b) > most * smaller:
                return True
    return False
