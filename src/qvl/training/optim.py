"""The optimiser and the shape of the learning rate over a stage."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from qvl.training.stages import Stage, part_of

# A second moment over about 50 steps follows small, changing batches better than the usual 1000.
_BETAS = (0.9, 0.98)


def build_optimiser(
    stage: Stage, trained: Mapping[str, nn.Parameter], *, weight_decay: float
) -> torch.optim.AdamW:
    """Returns AdamW with a group for each rate and decay; ``group["peak"]`` is the stage's rate of
    the part.

    Matrices decay; vectors and the embedding do not. Source: Radford et al. 2018 (GPT), section
    4.1; Karpathy's minGPT for the embedding.

    Args:
        stage: names the rates.
        trained: parameters by their names in the checkpoint.
        weight_decay: of matrices.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in trained.items():
        decay = weight_decay if parameter.ndim >= 2 and "embed_tokens" not in name else 0.0
        groups.setdefault((stage.rates[part_of(name)], decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "peak": peak, "weight_decay": decay}
            for (peak, decay), parameters in groups.items()
        ],
        lr=0.0,
        betas=_BETAS,
        fused=True,
    )


def clip_gradients(grads: list[Tensor], most: float) -> float:
    """Scales gradients in place so that their common norm is at most ``most``; returns the norm
    before."""
    norm = torch.nn.utils.get_total_norm(grads)
    torch._foreach_mul_(grads, torch.clamp(most / (norm + 1e-6), max=1.0))
    return float(norm)


def learning_rate(step: int, *, steps: int, warmup: int, decay_from: float, floor: float) -> float:
    """Returns the share of the peak rate at a step: linear warm-up, constant, linear decay.

    >>> [learning_rate(s, steps=10, warmup=2, decay_from=0.5, floor=0.0) for s in (0, 1, 4, 9)]
    [0.5, 1.0, 1.0, 0.2]

    Args:
        step: from 0.
        steps: of the whole stage.
        warmup: steps until the peak.
        decay_from: share of the stage after which the rate falls.
        floor: share of the peak at the end.
    """
    if step < warmup:
        return (step + 1) / warmup
    start = decay_from * steps
    if step < start:
        return 1.0
    return floor + (1 - floor) * (steps - step) / (steps - start)
