"""The order of samples: every epoch is a permutation, computed place by place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.data.order import place_in_order
from qvl.errors import ConfigError


@given(st.integers(1, 3000), st.integers(0, 2**40), st.integers(0, 5))
def test_every_epoch_is_a_permutation(size: int, seed: int, epoch: int) -> None:
    positions = np.arange(epoch * size, (epoch + 1) * size)
    numbers = place_in_order(positions, size=size, seed=seed)
    assert np.array_equal(np.sort(numbers), np.arange(size))


@given(st.integers(1, 10**15), st.integers(0, 2**64), st.data())
def test_one_place_alone_is_the_place_among_many(size: int, seed: int, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, min(2**62, 3 * size)), min_size=1, max_size=6))
    together = place_in_order(np.array(places), size=size, seed=seed)
    assert [place_in_order(place, size=size, seed=seed) for place in places] == together.tolist()
    assert ((together >= 0) & (together < size)).all()


def test_orders_differ_and_look_random() -> None:
    size = 20_000
    positions = np.arange(3 * size)
    first, second, third = np.split(place_in_order(positions, size=size, seed=7), 3)
    other = place_in_order(positions[:size], size=size, seed=8)
    for one, another in ((first, second), (second, third), (first, other)):
        assert (one == another).mean() < 0.001  # of two random orders, 1 / size agree
        assert abs(np.corrcoef(one, another)[0, 1]) < 0.03
    assert abs(np.corrcoef(first, positions[:size])[0, 1]) < 0.03
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.03
    # Shares of each tenth of the samples in each tenth of the epoch: 200 expected, deviation 13.
    table = np.histogram2d(positions[:size], first, bins=10)[0]
    assert abs(table - size / 100).max() < 65


def test_impossible_orders_are_refused() -> None:
    for size, position, seed in ((0, 0, 0), (5, -1, 0), (5, 0, -1), (2**63, 0, 0)):
        with pytest.raises(ConfigError):
            place_in_order(position, size=size, seed=seed)
