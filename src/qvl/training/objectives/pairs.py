"""Log-probabilities of whole answers: what the objectives over pairs of answers share.

Owns: from a batch of pairs to hidden states and to a number for each answer. Does not own: the
losses (``dpo``, ``reward``), the row (``data.branches``).

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
