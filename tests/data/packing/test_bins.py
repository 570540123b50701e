"""Packs hold every sample once, within the budget, full and of like cost."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from qvl.data.packing import PackBudget
from qvl.data.packing.bins import BALANCE, alike, divided, fill_bins, spread

Ints = npt.NDArray[np.int64]


def mixed(count: int, seed: int = 0) -> tuple[Ints, Ints, Ints]:
    """Text, pictures and videos; a media token costs twice as much as one of text."""
    rng = np.random.default_rng(seed)
    kind = rng.random(count)
    text = np.clip(rng.lognormal(5.5, 1.0, count), 10, 4000).astype(np.int64)
    media = np.where(kind < 0.5, 0, rng.integers(64, 1500, count))
    media = np.where(kind > 0.95, rng.integers(2000, 6000, count), media)
    text = np.where(media > 0, np.minimum(text, 300), text)
    tokens = text + media
    return tokens, 4 * media, 1000 * (text + 2 * media) + tokens**2 // 50


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 50)), max_size=60))
def test_packs_keep_both_budgets(sizes: list[tuple[int, int]]) -> None:
    tokens, patches = np.array(sizes, np.int64).reshape(-1, 2).T
    bins = fill_bins(
        tokens, patches, tokens + 3 * patches, PackBudget(max_tokens=100, max_patches=50)
    )
    assert len(bins) == len(sizes)
    if sizes:
        assert np.bincount(bins, tokens).max() <= 100
        assert np.bincount(bins, patches).max() <= 50
        assert np.bincount(bins).min() >= 1


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 30)), max_size=30), st.integers(1, 9))
def test_spread_packs_fit_or_are_none(sizes: list[tuple[int, int]], parts: int) -> None:
    tokens, patches = np.array(sizes, np.int64).reshape(-1, 2).T
    bins = spread(tokens, patches, tokens, PackBudget(max_tokens=100, max_patches=50), parts)
    if bins is None:
        assert tokens.sum() > 40 * parts or patches.sum() > 20 * parts
    elif sizes:
        assert np.bincount(bins, tokens).max() <= 100
        assert np.bincount(bins, patches).max() <= 50
        # No two packs could share work better by giving the dearer one's last sample away.
        loads = np.bincount(bins, tokens, minlength=parts)
        least = [min(tokens[bins == pack], default=0) for pack in range(parts)]
        assert all(loads[p] - least[p] <= loads.min() for p in range(parts)) or patches.any()


def test_packs_are_full_and_alike() -> None:
    tokens, patches, costs = mixed(4000)
    budget = PackBudget(max_tokens=8192, max_patches=4 * 8192)
    bins = fill_bins(tokens, patches, costs, budget)
    assert tokens.sum() / (8192 * (bins.max() + 1)) > 0.99
    # Filled by length alone, they differ by more than two thirds.
    low, high = np.quantile(np.bincount(bins, costs), [0.05, 0.95])
    assert high / low < 1.15


@given(st.lists(st.integers(1, 200), max_size=80), st.integers(1, 9))
def test_steps_have_packs_of_like_cost(costs: list[int], size: int) -> None:
    steps, waiting = alike(costs, size)
    assert sorted([pack for step in steps for pack in step] + waiting) == [*range(len(costs))]
    for step in steps:
        load = [costs[pack] for pack in step]
        assert len(load) == size
        assert max(load) * size <= BALANCE * sum(load)


@given(
    st.lists(st.lists(st.integers(1, 90), min_size=1, max_size=5), max_size=6), st.integers(6, 20)
)
def test_divided_packs_hold_the_same_samples(packs: list[list[int]], parts: int) -> None:
    costs = np.array([cost for pack in packs for cost in pack], np.int64)
    edges = np.cumsum([len(pack) for pack in packs])[:-1]
    numbers = np.split(np.arange(len(costs)), edges) if packs else []
    found = divided(numbers, costs, parts)
    assert len(found) == parts
    assert sorted(np.concatenate(found).tolist()) == [*range(len(costs))]
    assert sum(len(pack) > 0 for pack in found) == min(parts, len(costs))
