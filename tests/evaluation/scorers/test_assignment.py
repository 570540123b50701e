"""The cheapest pairs, against trying all."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.evaluation.scorers.assignment import cheapest_pairs


@settings(max_examples=150)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_no_pairing_is_cheaper(rows: int, columns: int, seed: int, levels: int) -> None:
    costs = np.random.default_rng(seed).integers(0, levels, (rows, columns)).astype(float)
    pairs = cheapest_pairs(costs)
    assert len(pairs) == min(rows, columns)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    table = costs if rows <= columns else costs.T
    ways = permutations(range(table.shape[1]), table.shape[0])
    best = min(sum(table[i, j] for i, j in enumerate(way)) for way in ways)
    assert sum(costs[i, j] for i, j in pairs) == pytest.approx(best)


def test_equals_scipy() -> None:
    oracle = pytest.importorskip("scipy.optimize")
    costs = np.random.default_rng(1).random((60, 45))
    rows, columns = oracle.linear_sum_assignment(costs)
    assert cheapest_pairs(costs) == list(zip(rows.tolist(), columns.tolist(), strict=True))
