"""The law of every layout: many ranks give the losses, gradients and weights of one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from qvl.training.parallel.gradients import clip_gradients, shared_by, sum_gradients
from qvl.training.parallel.layout import Layout
from qvl.training.parallel.prepare import prepare
from qvl.training.parallel.ranks import Ranks
from tests.training.parallel.small import STEPS, Predict, on_ranks, small_model

CPU = torch.device("cpu")
CLIP = 0.5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What three steps of training gave."""

    losses: list[float]
    norms: list[float]
    first_grads: dict[str, Tensor]
    weights: dict[str, Tensor]


def train(layout: Layout, *, tied: bool, frozen: tuple[str, ...] = ()) -> Outcome:
    """Three steps on this rank's share of the packs; another part is frozen in the second."""
    model = small_model(tied=tied)
    torch.manual_seed(0)
    heads = nn.Linear(32, 3)
    ranks = Ranks(layout, CPU)
    pack_loss = prepare(model, ranks)
    objective = Predict(heads=heads)
    named = dict(model.named_parameters()) | {f"heads.{n}": p for n, p in heads.named_parameters()}
    optimiser = _adam(named.values())
    outcome = Outcome(losses=[], norms=[], first_grads={}, weights={})
    for number, packs in enumerate(STEPS):
        for name, parameter in named.items():
            parameter.requires_grad_(not frozen or not name.startswith(frozen[number]))
        if frozen:
            pack_loss.trained_parts_changed()
        each = len(packs) // ranks.num_data_ranks
        mine = packs[ranks.data_rank * each : (ranks.data_rank + 1) * each]
        totals = ranks.sum(torch.stack([objective.counts(pack) for pack in mine]).sum(0))
        loss = 0.0
        for i, pack in enumerate(mine):
            pack_loss.next_is_last(i == len(mine) - 1)
            part = pack_loss(objective, pack, totals)
            part.backward()
            loss += float(part.detach())
        grads = sum_gradients(p for p in named.values() if p.requires_grad)
        if number == 0:
            outcome.first_grads.update(
                {n: full(p.grad) for n, p in named.items() if p.grad is not None}
            )
        outcome.losses.append(float(ranks.sum(torch.tensor(loss, dtype=torch.float64))))
        outcome.norms.append(clip_gradients(grads, CLIP))
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    outcome.weights.update({n: full(p.detach()) for n, p in named.items()})
    return outcome


def _adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    groups: dict[object, list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(shared_by(parameter), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": group} for group in groups.values()], lr=1e-3, eps=1e-4, fused=True
    )


def full(tensor: Tensor) -> Tensor:
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).clone()


def assert_same(found: Outcome, expected: Outcome) -> None:
    assert found.weights.keys() == expected.weights.keys()
    for name, value in expected.first_grads.items():
        torch.testing.assert_close(found.first_grads[name], value, rtol=1e-5, atol=1e-6, msg=name)
    for mine, theirs in ((found.losses, expected.losses), (found.norms, expected.norms)):
        assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-6)
    for name, value in expected.weights.items():
        torch.testing.assert_close(found.weights[name], value, rtol=1e-5, atol=2e-6, msg=name)


TOWER_THEN_ALL = ("model.", "visual.blocks.", "visual.")
TWO = {
    "copies": Layout(),
    "sharded": Layout(dp_replicate=1, dp_shard=None),
    "tensor": Layout(tp=2),
    "context": Layout(cp=2, activation_checkpointing="full"),
}
FOUR = {
    "sharded": Layout(dp_shard=4),
    "copies of shards": Layout(dp_replicate=2, dp_shard=2, activation_checkpointing="selective"),
    "tensor x shards": Layout(dp_shard=2, tp=2),
    "tensor x copies": Layout(dp_replicate=2, tp=2),
    "context x shards": Layout(dp_shard=2, cp=2, activation_checkpointing="selective"),
    "context x tensor": Layout(cp=2, tp=2),
}


def _check_all(layouts: dict[str, Layout], frozen: tuple[str, ...], expected: Path) -> None:
    wanted: dict[Any, Outcome] = torch.load(expected, weights_only=False)
    for name, layout in layouts.items():
        for tied in (False, True):
            try:
                assert_same(train(layout, tied=tied), wanted[tied, ()])
            except AssertionError as error:
                raise AssertionError(f"{name}, tied {tied}: {error}") from error
    layout = layouts["sharded"]
    assert_same(train(layout, tied=True, frozen=frozen), wanted[True, frozen])


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one rank gets that does everything itself."""
    path = tmp_path_factory.mktemp("expected") / "outcomes.pt"
    cases = [(False, ()), (True, ()), (True, TOWER_THEN_ALL)]
    torch.save({(t, f): train(Layout(), tied=t, frozen=f) for t, f in cases}, path)
    return path


@pytest.mark.parametrize(("processes", "layouts"), [(2, TWO), (4, FOUR)])
def test_many_ranks_are_one(expected: Path, processes: int, layouts: dict[str, Layout]) -> None:
    on_ranks(_check_all, layouts, TOWER_THEN_ALL, expected, processes=processes)
