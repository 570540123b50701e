"""Writes trl_vectors.json: losses and gradients that TRL gives for stated log-probabilities.

Run where TRL is installed: python -m tests.training.objectives.make_trl_vectors. Importing it takes
minutes on a small machine, so the tests read the file. What runs is TRL's own loss code, as methods
of its trainers, with a model that answers with given numbers.
"""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import trl
from trl import DPOTrainer, RewardTrainer

OUT = Path(__file__).with_name("trl_vectors.json")
LENGTHS = [(3, 5), (7, 2), (1, 1), (4, 9)]  # tokens of the better and the worse answer
CASES: list[dict[str, Any]] = [
    {"losses": ["sigmoid"], "weights": [1.0], "beta": 0.1},
    {"losses": ["sigmoid"], "weights": [1.0], "beta": 0.7},
    {"losses": ["ipo"], "weights": [1.0], "beta": 0.1},
    {"losses": ["sigmoid_norm"], "weights": [1.0], "beta": 2.5},
    {"losses": ["sigmoid", "sft"], "weights": [1.0, 0.3], "beta": 0.1},
]


class Accelerator:
    """One process."""

    device = torch.device("cpu")

    def gather(self, x: torch.Tensor) -> torch.Tensor:
        return x

    gather_for_metrics = gather


def trainer(**values: Any) -> Any:
    return SimpleNamespace(
        model=SimpleNamespace(training=True), accelerator=Accelerator(), _tp_size=1,
        _metrics={"train": defaultdict(list)}, _total_train_tokens=0, **values,
    )  # fmt: skip


def main() -> None:
    torch.manual_seed(0)
    pairs, longest = len(LENGTHS), max(map(max, LENGTHS))
    lengths = [pair[0] for pair in LENGTHS] + [pair[1] for pair in LENGTHS]
    mask = torch.zeros(2 * pairs, longest + 1, dtype=torch.int64)
    for row, length in zip(mask, lengths, strict=True):
        row[1 : length + 1] = 1
    logps = torch.where(mask[:, 1:] > 0, -3 * torch.rand(2 * pairs, longest).double(), 0.0)
    reference = (logps + 0.4 * torch.randn_like(logps)).where(mask[:, 1:] > 0, 0).sum(1)
    found: dict[str, Any] = {
        "trl": trl.__version__,
        "lengths": lengths,
        "logps": logps.tolist(),
        "reference": reference.tolist(),
        "dpo": [dpo(case, logps, mask, reference) for case in CASES],
        "reward": [reward(margin, centre) for margin in (False, True) for centre in (None, 0.01)],
    }
    OUT.write_text(json.dumps(found, indent=1) + "\n")


def dpo(
    case: dict[str, Any], logps: torch.Tensor, mask: torch.Tensor, reference: torch.Tensor
) -> dict[str, Any]:
    policy = logps.clone().requires_grad_(True)
    outputs = SimpleNamespace(
        log_probs=policy, entropy=policy.detach(), mean_logits=policy.detach(),
        is_top1=mask[:, 1:] > 0,
    )  # fmt: skip
    this = trainer(
        aux_loss_enabled=False, ld_alpha=None, precompute_ref_logps=True,
        f_divergence_type="reverse_kl", loss_types=case["losses"], loss_weights=case["weights"],
        beta=case["beta"], label_smoothing=0.0, use_weighting=False,
    )  # fmt: skip
    better, worse = reference.chunk(2)
    inputs = {
        "input_ids": torch.zeros_like(mask), "attention_mask": mask, "completion_mask": mask,
        "ref_chosen_logps": better, "ref_rejected_logps": worse,
    }  # fmt: skip
    loss = DPOTrainer._compute_loss(this, lambda **_: outputs, inputs, False)
    (grad,) = torch.autograd.grad(loss, policy)
    metrics = {name: values[0] for name, values in this._metrics["train"].items()}
    shown = {name: metrics[f"rewards/{name}"] for name in ("accuracies", "margins")}
    return {**case, "loss": float(loss.detach()), "grad": grad.tolist(), **shown}


def reward(margin: bool, centre: float | None) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    rewards = torch.randn(8, 1, generator=generator, dtype=torch.float64).requires_grad_(True)
    margins = torch.rand(4, generator=generator, dtype=torch.float64)
    this = trainer(args=SimpleNamespace(center_rewards_coefficient=centre))
    inputs: dict[str, Any] = {"attention_mask": torch.ones(8, 1)}
    if margin:
        inputs["margin"] = margins
    outputs = SimpleNamespace(logits=rewards)
    loss = RewardTrainer.compute_loss(this, lambda **_: outputs, inputs)
    (grad,) = torch.autograd.grad(loss, rewards)
    return {
        "rewards": rewards.detach()[:, 0].tolist(),
        "margins": margins.tolist() if margin else [0.0] * 4, "centre": centre or 0.0,
        "loss": float(loss.detach()), "grad": grad[:, 0].tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    main()
