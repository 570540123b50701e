"""Rates and decays by part; averages; small updates that bfloat16 alone would lose."""

import pytest
import torch
from torch import nn

from qvl.errors import ConfigError
from qvl.training.ema import Averages
from qvl.training.master import MasterAdamW
from qvl.training.optim import OptimiserConfig, build_optimiser
from qvl.training.schedule import Schedule
from tests.training.small import small_model


def test_every_parameter_gets_its_parts_rate_and_its_decay() -> None:
    model = small_model()
    config = OptimiserConfig(weight_decay=0.1)
    rates = {"tower": 1e-4, "merger": 2e-4, "llm": 3e-4}
    optimiser = build_optimiser(config, rates, dict(model.named_parameters()))
    found = {
        id(parameter): (group["peak"], group["weight_decay"])
        for group in optimiser.param_groups
        for parameter in group["params"]
    }
    named = {name: found[id(parameter)] for name, parameter in model.named_parameters()}
    assert len(found) == len(named)
    assert named["visual.blocks.0.attn.qkv.weight"] == (1e-4, 0.1)
    assert named["visual.blocks.0.attn.qkv.bias"] == (1e-4, 0.0)
    assert named["visual.merger.mlp.0.weight"] == (2e-4, 0.1)
    assert named["visual.merger.ln_q.weight"] == (2e-4, 0.0)
    assert named["model.layers.0.mlp.up_proj.weight"] == (3e-4, 0.1)
    assert named["model.embed_tokens.weight"] == (3e-4, 0.0)


def drift(optimiser: type[torch.optim.AdamW], parameter: nn.Parameter, steps: int = 100) -> None:
    stepper = optimiser([parameter], lr=1e-4, weight_decay=0.0)
    for _ in range(steps):
        parameter.grad = torch.ones_like(parameter)
        stepper.step()


def test_small_updates_are_not_lost_in_bfloat16() -> None:
    alone, kept = (nn.Parameter(torch.full((4,), 2.0, dtype=torch.bfloat16)) for _ in range(2))
    drift(torch.optim.AdamW, alone)
    drift(MasterAdamW, kept)
    # 100 updates of 1e-4 each; neighbours of 2 are 1/128 away from it, or 1/256 below.
    assert alone.float().tolist() == [2.0] * 4
    assert kept.float().tolist() == pytest.approx([1.99] * 4, abs=1 / 256)


def test_masters_follow_float32_exactly() -> None:
    single = nn.Parameter(torch.linspace(-1, 1, 8))
    half = nn.Parameter(single.detach().to(torch.bfloat16))
    single.data = half.detach().float()
    plain = torch.optim.AdamW([single], lr=1e-2, weight_decay=0.1, fused=True)
    master = MasterAdamW([half], lr=1e-2, weight_decay=0.1)
    for step in range(5):
        gradient = torch.full((8,), 0.5 + step, dtype=torch.bfloat16)
        single.grad, half.grad = gradient.float(), gradient
        plain.step()
        master.step()
        again = MasterAdamW([half], lr=1e-2, weight_decay=0.1)
        again.load_state_dict(master.state_dict())  # keeps the masters' last bits
        master = again
    assert master.state[half]["master"].equal(single)
    assert half.equal(single.to(torch.bfloat16))


def test_averages_follow_late_parameters_slowly() -> None:
    parameter = nn.Parameter(torch.zeros(1))
    averages = Averages({"w": parameter}, decay=0.9)
    parameter.data.fill_(1.0)
    averages.update(0)
    assert averages.values["w"].item() == pytest.approx(0.9)  # a short average at first
    parameter.data.fill_(2.0)
    averages.update(1000)
    assert averages.values["w"].item() == pytest.approx(0.9 * 0.9 + 0.1 * 2.0)
    with pytest.raises(ConfigError, match=r"ema is 1\.0"):
        Averages({"w": parameter}, decay=1.0)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (OptimiserConfig, {"betas": (0.9, 1.0)}),
        (OptimiserConfig, {"clip": 0.0}),
        (OptimiserConfig, {"weight_decay": -1.0}),
        (Schedule, {"shape": "step"}),
        (Schedule, {"decay": "exp"}),
        (Schedule, {"floor": 2.0}),
        (Schedule, {"warmup": -1}),
    ],
)
def test_impossible_numbers_are_refused(kind: type, wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        kind(**wrong)
