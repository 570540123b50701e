"""The losses over pairs against TRL's own numbers, and against plain formulas in float64."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from qvl.errors import ConfigError
from qvl.training.objectives.dpo import DpoLoss, DpoObjective, pair_losses
from qvl.training.objectives.reward import reward_losses

VECTORS = json.loads(Path(__file__).with_name("trl_vectors.json").read_text())
NAMES: dict[str, DpoLoss] = {
    "sigmoid": "sigmoid", "ipo": "ipo", "sigmoid_norm": "length_normalised",
}  # fmt: skip


@pytest.mark.parametrize(
    "case", VECTORS["dpo"], ids=lambda c: f"{'+'.join(c['losses'])}-{c['beta']}"
)
def test_dpo_equals_trl(case: dict[str, Any]) -> None:
    logps = torch.tensor(VECTORS["logps"], dtype=torch.float64, requires_grad=True)
    reference = torch.tensor(VECTORS["reference"], dtype=torch.float64)
    tokens = torch.tensor(VECTORS["lengths"], dtype=torch.float64)
    pairs = len(tokens) // 2
    chosen, rejected = torch.arange(pairs), torch.arange(pairs, 2 * pairs)
    losses = pair_losses(
        logps.sum(1), reference, tokens, chosen, rejected,
        kind=NAMES[case["losses"][0]], beta=case["beta"],
    )  # fmt: skip
    loss = losses.sum() / pairs
    if "sft" in case["losses"]:
        loss = loss - case["weights"][1] * logps[:pairs].sum() / tokens[:pairs].sum()
    (grad,) = torch.autograd.grad(loss, logps)
    assert abs(float(loss) - case["loss"]) < 1e-9
    # What is outside an answer is no number of ours.
    inside = torch.arange(logps.shape[1]) < tokens[:, None]
    theirs = torch.tensor(case["grad"], dtype=torch.float64)
    torch.testing.assert_close(grad[inside], theirs[inside], rtol=0, atol=1e-9)
    margins = case["beta"] * (logps.sum(1) - reference)
    margins = (margins[:pairs] - margins[pairs:]).detach()
    assert float(margins.mean()) == pytest.approx(case["margins"], abs=1e-6)
    assert float((margins > 0).double().mean()) == case["accuracies"]


@pytest.mark.parametrize("case", VECTORS["reward"])
def test_reward_equals_trl(case: dict[str, Any]) -> None:
    rewards = torch.tensor(case["rewards"], dtype=torch.float64, requires_grad=True)
    margins = torch.tensor(case["margins"], dtype=torch.float64)
    chosen, rejected = rewards.chunk(2)
    loss = reward_losses(chosen, rejected, margins, centre_weight=case["centre"]).mean()
    (grad,) = torch.autograd.grad(loss, rewards)
    assert abs(float(loss.detach()) - case["loss"]) < 1e-9
    torch.testing.assert_close(
        grad, torch.tensor(case["grad"], dtype=torch.float64), atol=1e-9, rtol=0
    )


def test_label_smoothing_mixes_in_the_pair_turned_round() -> None:
    policy = torch.tensor([-1.0, -2.5], dtype=torch.float64)
    reference = torch.tensor([-1.5, -2.0], dtype=torch.float64)
    one, two = torch.tensor([0]), torch.tensor([1])
    options: dict[str, Any] = {"kind": "sigmoid", "beta": 0.5}
    smooth = pair_losses(policy, reference, torch.ones(2), one, two, label_smoothing=0.2, **options)
    right = pair_losses(policy, reference, torch.ones(2), one, two, **options)
    wrong = pair_losses(policy, reference, torch.ones(2), two, one, **options)
    torch.testing.assert_close(smooth, 0.8 * right + 0.2 * wrong)
    # d = (-1 + 1.5) - (-2.5 + 2) = 1
    assert float(right) == pytest.approx(math.log1p(math.exp(-0.5)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss_kind": "hinge"}, "expected one of sigmoid, ipo, length_normalised"),
        ({"beta": 0.0}, "beta is 0.0"),
        ({"label_smoothing": 0.5}, "label_smoothing is 0.5"),
        ({"label_smoothing": 0.1, "loss_kind": "ipo"}, "no meaning for the loss 'ipo'"),
        ({"sft_weight": -1.0}, "sft_weight -1.0"),
    ],
)
def test_impossible_settings_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        DpoObjective(tokenizer=None, reference=None, **options)  # type: ignore[arg-type]
