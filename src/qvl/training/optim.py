"""The optimiser of a stage.

Owns: which parameter gets which rate and decay. Does not own: the shape of the rate (``schedule``),
the norm of gradients (``parallel.gradients``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qvl.errors import ConfigError
from qvl.training.master import MasterAdamW
from qvl.training.parallel.gradients import shared_by
from qvl.training.stages import Part, part_of


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimiserConfig:
    """AdamW. Source: Loshchilov and Hutter (arXiv 1711.05101); the defaults are those of the
    official fine-tuning scripts (qwen-vl-finetune/scripts/sft.sh with adamw_torch).

    Attributes:
        betas: decay of the first and second moment.
        eps: added to the root of the second moment.
        weight_decay: of matrices; see `decays`.
        decay_embeddings: whether the embedding decays like other matrices.
        clip: most norm of the gradient of all parts together.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decay_embeddings: bool = False
    clip: float = 1.0

    def __post_init__(self) -> None:
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"optimiser.betas is {self.betas}, expected two numbers in [0, 1)")
        for name in ("eps", "clip"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    f"optimiser.{name} is {getattr(self, name)}, expected more than 0"
                )
        if self.weight_decay < 0:
            raise ConfigError(f"optimiser.weight_decay is {self.weight_decay}, expected 0 or more")


def build_optimiser(
    config: OptimiserConfig,
    rates: Mapping[Part, float],
    trained: Mapping[str, nn.Parameter],
    *,
    master: bool = False,
) -> torch.optim.AdamW:
    """Returns AdamW with a group for each rate and decay; ``group["peak"]`` is the rate of the
    part, ``group["lr"]`` is to be set before each step.

    Args:
        config: the numbers.
        rates: peak rate of each trained part.
        trained: parameters by their names in the checkpoint.
        master: keep a float32 master of every parameter; see `qvl.training.master`.
    """
    groups: dict[tuple[float, float, object], list[nn.Parameter]] = {}
    for name, parameter in trained.items():
        decay = config.weight_decay if decays(name, parameter, config) else 0.0
        kind = (rates[part_of(name)], decay, shared_by(parameter))
        groups.setdefault(kind, []).append(parameter)
    kind_of_optimiser = MasterAdamW if master else torch.optim.AdamW
    return kind_of_optimiser(
        [
            {"params": parameters, "peak": peak, "weight_decay": decay}
            for (peak, decay, _), parameters in groups.items()
        ],
        lr=0.0,
        betas=config.betas,
        eps=config.eps,
        fused=True,
    )


def decays(name: str, parameter: Tensor, config: OptimiserConfig) -> bool:
    """Whether weight decay acts on a parameter: on matrices; not on norms and biases, nor on the
    embedding unless the configuration says so.

    Source: Radford et al. 2018 (GPT), section 4.1; Karpathy's minGPT for the embedding;
    qwen-vl-finetune trainer.py for norms and biases.
    """
    return parameter.ndim >= 2 and (config.decay_embeddings or "embed_tokens" not in name)
