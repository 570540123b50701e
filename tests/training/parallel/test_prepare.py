"""The law of every layout: many ranks give the losses, gradients and weights of one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from qvl.model.lora import adapter_parameters, add_lora
from qvl.model.lora_config import LoraConfig
from qvl.training.parallel.gradients import clip_gradients, shared_by, sum_gradients
from qvl.training.parallel.layout import Layout
from qvl.training.parallel.prepare import Precision, prepare
from qvl.training.parallel.ranks import Ranks
from tests.training.parallel.small import STEPS, Predict, on_ranks, small_model

# Ranks that hang fail by themselves after a minute; on a busy machine the rest takes longer.
pytestmark = pytest.mark.timeout(300)

CPU = torch.device("cpu")
CLIP = 0.5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What three steps of training gave."""

    losses: list[float]
    norms: list[float]
    first_grads: dict[str, Tensor]
    weights: dict[str, Tensor]


def train(
    layout: Layout,
    *,
    tied: bool,
    frozen: tuple[str, ...] = (),
    precision: Precision = "float32",
    adapters: bool = False,
) -> Outcome:
    """Three steps on this rank's share of the packs; another part is frozen in the second."""
    model = small_model(tied=tied)
    if adapters:
        add_lora(model, LoraConfig(rank=2, alpha=8.0), generator=torch.Generator().manual_seed(5))
    torch.manual_seed(0)
    heads = nn.Linear(32, 3)
    ranks = Ranks(layout, CPU)
    pack_loss = prepare(model, ranks, precision=precision)
    objective = Predict(heads=heads)
    named = adapter_parameters(model) or dict(model.named_parameters())
    named |= {f"heads.{n}": p for n, p in heads.named_parameters()}
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
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
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
    with torch.no_grad():  # as between steps, on samples that are not trained on
        pack_loss(objective, STEPS[0][ranks.data_rank % 4], torch.ones(1))
    assert all(named.get(name, p) is p for name, p in model.named_parameters())
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
# Layouts, whether the head is the embedding, and what is frozen in each step.
Case = tuple[Layout, bool, tuple[str, ...]]
SHARDS = Layout(dp_replicate=1, dp_shard=None)
TWO: dict[str, Case] = {
    "copies": (Layout(), False, ()),
    "shards": (SHARDS, True, TOWER_THEN_ALL),
    "tensor": (Layout(tp=2, activation_checkpointing="full"), True, ()),
    "context": (Layout(cp=2, activation_checkpointing="selective"), False, ()),
}
FOUR: dict[str, Case] = {
    "copies of shards": (Layout(dp_replicate=2, dp_shard=2), True, TOWER_THEN_ALL),
    "tensor x shards": (Layout(dp_shard=2, tp=2, activation_checkpointing="selective"), False, ()),
    "context x copies": (Layout(cp=2, activation_checkpointing="full"), True, ()),
    "context x tensor": (Layout(cp=2, tp=2), False, ()),
}


def _check_layouts(cases: dict[str, Case], expected: Path) -> None:
    wanted: dict[Any, Outcome] = torch.load(expected, weights_only=False)
    for name, (layout, tied, frozen) in cases.items():
        try:
            assert_same(train(layout, tied=tied, frozen=frozen), wanted[tied, frozen])
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def _check_adapters_and_precision(expected: Path) -> None:
    wanted: dict[Any, Outcome] = torch.load(expected, weights_only=False)
    assert_same(train(SHARDS, tied=True, adapters=True), wanted["adapters"])
    frozen = wanted[True, TOWER_THEN_ALL]
    coarse = train(SHARDS, tied=True, frozen=TOWER_THEN_ALL, precision="bf16")
    assert coarse.losses == pytest.approx(frozen.losses, rel=0.01)
    assert coarse.losses != pytest.approx(frozen.losses, rel=1e-6)
    assert all(weight.dtype == torch.float32 for weight in coarse.weights.values())


def _check_two(expected: Path) -> None:
    _check_layouts(TWO, expected)
    _check_adapters_and_precision(expected)


def _check_four(expected: Path) -> None:
    _check_layouts(FOUR, expected)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one rank gets that does everything itself."""
    path = tmp_path_factory.mktemp("expected") / "outcomes.pt"
    cases = [(False, ()), (True, ()), (True, TOWER_THEN_ALL)]
    outcomes: dict[Any, Outcome] = {(t, f): train(Layout(), tied=t, frozen=f) for t, f in cases}
    outcomes["adapters"] = train(Layout(), tied=True, adapters=True)
    torch.save(outcomes, path)
    return path


@pytest.mark.parametrize(("processes", "check"), [(2, _check_two), (4, _check_four)])
def test_many_ranks_are_one(expected: Path, processes: int, check: Callable[[Path], None]) -> None:
    on_ranks(check, expected, processes=processes)
