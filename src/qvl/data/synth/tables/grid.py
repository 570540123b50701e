"""Where the cells of a table stand in its grid of rows and columns, spans taken into account.

Owns: the placing of cells. Does not own: tables as they are written (``tasks.document_elements``).

    Table -> placed_cells() -> Placed(row, column, row_span, column_span, cell), ...
"""

from typing import NamedTuple

from qvl.tasks.document_elements import Cell, Table


class Placed(NamedTuple):
    """A cell and the part of the grid that it takes."""

    row: int
    column: int
    row_span: int
    column_span: int
    cell: Cell


def placed_cells(table: Table) -> list[Placed]:
    """Returns the cells as HTML places them, in the order in which they are written.

    Source: HTML standard, section 4.9.12, forming a table.

    >>> rows = ((Cell("a", row_span=2), Cell("b")), (Cell("c"),))
    >>> [(p.row, p.column, p.cell.text) for p in placed_cells(Table(rows=rows))]
    [(0, 0, 'a'), (0, 1, 'b'), (1, 1, 'c')]
    """
    taken: set[tuple[int, int]] = set()
    found: list[Placed] = []
    for row, cells in enumerate(table.rows):
        column = 0
        for cell in cells:
            while (row, column) in taken:
                column += 1
            down = min(cell.row_span, len(table.rows) - row)
            taken |= {(row + i, column + j) for i in range(down) for j in range(cell.col_span)}
            found.append(Placed(row, column, down, cell.col_span, cell))
            column += cell.col_span
    return found


def grid_size(cells: list[Placed]) -> tuple[int, int]:
    """Rows and columns."""
    rows = max((p.row + p.row_span for p in cells), default=0)
    return rows, max((p.column + p.column_span for p in cells), default=0)
