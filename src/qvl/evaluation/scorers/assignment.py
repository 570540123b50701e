"""The cheapest way to pair two lists of things.

Owns: the linear assignment problem. Does not own: what a pair costs.

    costs[N, M] -> shortest augmenting paths, one row after the other -> pairs

Source: Kuhn 1955 (the Hungarian method), in the form of Jonker and Volgenant 1987. Rows are
scanned with numpy: 500 x 500 takes about a second.
"""

import numpy as np
import numpy.typing as npt


def cheapest_pairs(costs: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs rows with columns, each at most once, as many as there can be, at least total cost.

    >>> cheapest_pairs(np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0]]))
    [(0, 1), (1, 0)]

    Args:
        costs: float64[N, M], finite.

    Returns:
        min(N, M) pairs of row and column, by row.
    """
    if costs.shape[0] > costs.shape[1]:
        return sorted((row, column) for column, row in cheapest_pairs(costs.T))
    num_rows, num_columns = costs.shape
    row_prices, column_prices = np.zeros(num_rows), np.zeros(num_columns)
    row_of = np.full(num_columns, -1)
    for row in range(num_rows):
        _add_row(row, costs, row_prices, column_prices, row_of)
    return sorted((int(row), column) for column, row in enumerate(row_of) if row >= 0)


def _add_row(
    row: int,
    costs: npt.NDArray[np.float64],
    row_prices: npt.NDArray[np.float64],
    column_prices: npt.NDArray[np.float64],
    row_of: npt.NDArray[np.int_],
) -> None:
    """Gives one more row a column, moving others along the cheapest path to a free column."""
    distance = np.full(costs.shape[1], np.inf)
    came_from = np.full(costs.shape[1], -1)  # the column before it on the path, -1 for the start
    is_done = np.zeros(costs.shape[1], dtype=bool)
    reached, column, current = 0.0, -1, row
    while True:
        through = reached + costs[current] - row_prices[current] - column_prices
        better = ~is_done & (through < distance)
        distance[better] = through[better]
        came_from[better] = column
        column = int(np.argmin(np.where(is_done, np.inf, distance)))
        reached = float(distance[column])
        is_done[column] = True
        if row_of[column] < 0:
            break
        current = int(row_of[column])
    row_prices[row] += reached
    passed = is_done & (row_of >= 0)
    row_prices[row_of[passed]] += reached - distance[passed]
    column_prices[is_done] -= reached - distance[is_done]
    while column >= 0:
        before = int(came_from[column])
        row_of[column] = row_of[before] if before >= 0 else row
        column = before
