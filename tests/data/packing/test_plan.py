"""A plan holds every sample of every epoch once, whatever the world is."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.packing import PackBudget
from qvl.data.packing.epochs import EpochOrder, halves
from qvl.data.packing.plan import PackPlan, Sizes, load_plan, make_plan, save_plan
from qvl.errors import ConfigError, DataError
from tests.data.packing.test_bins import mixed

BUDGET = PackBudget(max_tokens=8192, max_patches=4 * 8192)


def planned(count: int = 6000, *, size: int = 8, epochs: int = 1, seed: int = 3) -> PackPlan:
    order = EpochOrder(sets=(np.arange(count),), weights=(1.0,), seed=seed)
    return make_plan(order, Sizes(*mixed(count)), epochs=epochs, budget=BUDGET, packs_per_step=size)


@settings(max_examples=25)
@given(st.integers(1, 300), st.integers(1, 12), st.integers(1, 3), st.integers(0, 5))
def test_every_epoch_has_every_sample_once(count: int, size: int, epochs: int, seed: int) -> None:
    plan = planned(count, size=size, epochs=epochs, seed=seed)
    packs = [[plan.pack(step, pack) for pack in range(size)] for step in range(plan.num_steps)]
    first = 0
    for steps in plan.epoch_steps:
        epoch = [pack for step in packs[first : first + steps] for pack in step]
        assert sorted(np.concatenate(epoch).tolist()) == [*range(count)]
        first += steps
    tokens, patches, _ = mixed(count)
    assert plan.sums(tokens).max() <= BUDGET.max_tokens
    assert plan.sums(patches).max() <= BUDGET.max_patches
    # Where there are samples enough, every rank has work in every step.
    few = count < plan.epoch_steps[0] * size
    assert few or min(len(pack) for step in packs for pack in step) > 0


@pytest.mark.parametrize("size", [8, 64])
def test_packs_are_full_and_steps_balanced(size: int) -> None:
    plan = planned(20_000, size=size)
    tokens, _, costs = mixed(20_000)
    assert plan.sums(tokens).mean() / BUDGET.max_tokens > 0.98
    loads = plan.sums(costs)
    imbalance = loads.max(1) / loads.mean(1)
    assert imbalance.mean() < 1.03
    assert np.quantile(imbalance, 0.9) < 1.05


def test_the_order_stays_random() -> None:
    plan = planned(20_000)
    tokens, patches, _ = mixed(20_000)
    # Neither long samples nor pictures come first.
    for values in (tokens, patches):
        steps = plan.sums(values).sum(1)[:-2]
        assert abs(np.corrcoef(np.arange(len(steps)), steps)[0, 1]) < 0.3
    places = np.empty(20_000)
    places[plan.samples] = np.arange(20_000)
    assert abs(np.corrcoef(places, np.arange(20_000))[0, 1]) < 0.03


def test_plans_depend_on_the_seed_alone() -> None:
    assert planned(500).identity == planned(500).identity
    assert planned(500).identity != planned(500, seed=4).identity
    one, two = np.split(planned(500, epochs=2).samples, 2)
    assert not np.array_equal(one, two)


def test_a_sample_much_costlier_than_others_waits_for_its_like() -> None:
    rng = np.random.default_rng(0)
    count = 6000
    tokens = rng.integers(100, 800, count)
    tokens[::60] = 8000
    costs = tokens * np.where(tokens == 8000, 3, 1)
    order = EpochOrder(sets=(np.arange(count),), weights=(1.0,), seed=1)
    sizes = Sizes(tokens, np.zeros(count, np.int64), costs)
    plan = make_plan(order, sizes, epochs=1, budget=BUDGET, packs_per_step=8)
    loads = plan.sums(costs)
    imbalance = loads.max(1) / loads.mean(1)
    assert np.quantile(imbalance, 0.9) < 1.05


def test_plans_are_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    plan, path = planned(300, epochs=2), tmp_path / "deep" / "plan.npy"
    assert load_plan(path) is None
    save_plan(plan, path)
    again = load_plan(path)
    assert again is not None
    assert again.identity == plan.identity
    assert again.epoch_steps == plan.epoch_steps
    data = path.read_bytes()
    for damaged in (b"", data[:100], data[: len(data) // 2], b"x" + data[1:]):
        path.write_bytes(damaged)
        assert load_plan(path) is None
    with pytest.raises(DataError, match="cannot be written"):
        save_plan(plan, path / "below")


def test_what_cannot_be_is_refused() -> None:
    plan = planned(100, size=4)
    for step, pack in ((0, 4), (plan.num_steps, 0), (-1, 0)):
        with pytest.raises(ConfigError, match="packs per step"):
            plan.pack(step, pack)
    for sets, weights in (((), ()), ((np.arange(0),), (1.0,)), ((np.arange(2),), (0.0,))):
        with pytest.raises(ConfigError, match="expected"):
            EpochOrder(sets=sets, weights=weights, seed=0)
    with pytest.raises(ConfigError, match="some of both"):
        halves([3], [0])


def test_weights_take_turns_through_a_set() -> None:
    order = EpochOrder(sets=(np.arange(10), 10 + np.arange(3)), weights=(0.3, 2.0), seed=5)
    epochs = [order.take(epoch, 0, len(order)) for epoch in range(10)]
    for epoch in epochs:
        assert (epoch < 10).sum() == 3
        assert np.bincount(epoch, minlength=13)[10:].tolist() == [2, 2, 2]
    seen = np.bincount(np.concatenate(epochs), minlength=13)
    assert seen[:10].tolist() == [3] * 10
    assert order.most_repeats(1) == 2
    parts = [order.take(4, start, start + 2) for start in range(0, len(order), 2)]
    assert np.concatenate(parts).tolist() == epochs[4].tolist()
