"""Log-probabilities of whole answers: what the objectives over pairs of answers share.

Owns: from a batch of pairs to hidden states and to a number for each answer, and how often the
better one is ahead. Does not own: the losses (``dpo``, ``reward``), the row (``data.branches``).

    PairBatch -> tower, once per picture -> language model, once per question and answer
        -> hidden states -> logp of each answer
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from qvl.data.collate_pairs import PairBatch
from qvl.model.branches import Branches
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.losses import answer_losses
from qvl.training.metrics import Meter


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerLogps:
    """How likely the A answers of a batch are.

    Attributes:
        sums: float32[A], log-probability of the answer, its end included.
        tokens: float32[A], predicted tokens.
        losses: float32[n], cross-entropy of each predicted token.
    """

    sums: Tensor
    tokens: Tensor
    losses: Tensor


def pair_states(model: Qwen2_5_VL, batch: PairBatch, features: Tensor) -> Tensor:
    """Returns float[T, D], hidden states of a batch.

    Args:
        model: the language model runs.
        batch: on its device.
        features: float[M, D], of the batch's pictures.
    """
    return model.hidden_states(
        batch.input_ids,
        batch.position_ids,
        segments=Branches(batch.branches),
        media_embeds=features,
    )


def answer_logps(model: Qwen2_5_VL, batch: PairBatch, features: Tensor) -> AnswerLogps:
    """Returns the log-probabilities of the answers; arguments as in `pair_states`."""
    hidden = pair_states(model, batch, features)
    losses, _ = answer_losses(hidden[batch.places], batch.targets, model.logits)
    zeros = losses.new_zeros(batch.num_answers)
    return AnswerLogps(
        sums=zeros.index_add(0, batch.answers, -losses),
        tokens=zeros.index_add(0, batch.answers, torch.ones_like(losses)),
        losses=losses,
    )


def count_pairs(meter: Meter, batch: PairBatch, margins: Tensor) -> None:
    """Counts how often and by how much better answers are ahead, and how often by fault.

    Args:
        meter: takes the counts.
        batch: has the faults.
        margins: float[R], what the better answer has more than the worse one.
    """
    right = margins > 0
    meter.ratio("pairs/accuracy", right.sum(), len(right))
    meter.ratio("pairs/margin", margins.sum(), len(right))
    for fault in sorted(set(filter(None, batch.faults))):
        of_fault = torch.tensor([name == fault for name in batch.faults], device=right.device)
        meter.ratio(f"pairs/accuracy/{fault}", right[of_fault].sum(), of_fault.sum())
