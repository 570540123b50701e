"""The objective of every generative stage: predict the tokens of the answers.

Owns: the way from a batch to its loss. Does not own: which tokens are answers (the renderer), their
weights (``data.collate``), the arithmetic of the loss (``losses``).

    batch -> tower -> language model -> hidden states before answer tokens -> loss in chunks
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from qvl.data.collate import TrainBatch, Weighting, collate
from qvl.data.packing import Packed
from qvl.errors import ConfigError
from qvl.model.segments import Segments
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.losses import HeadLoss, head_loss
from qvl.training.metrics import Meter


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerObjective:
    """Mean cross-entropy of answer tokens.

    Attributes:
        weighting: what the mean is over; see `qvl.data.collate.answer_weights`.
        z_loss: weight of the squared logarithm of the softmax's denominator; 0 leaves it out.
    """

    weighting: Weighting = "token"
    z_loss: float = 0.0

    def __post_init__(self) -> None:
        if self.z_loss < 0:
            raise ConfigError(f"z_loss is {self.z_loss}, expected 0 or more")

    @property
    def heads(self) -> None:
        return None

    def collate(self, pack: Sequence[Packed]) -> TrainBatch:
        return collate(pack, weighting=self.weighting)

    def counts(self, batch: TrainBatch) -> Tensor:
        return batch.weights.sum(dtype=torch.float64)[None]

    def loss(self, model: Qwen2_5_VL, batch: TrainBatch, totals: Tensor, meter: Meter) -> Tensor:
        features = media_features(model, batch)
        hidden = model.hidden_states(
            batch.input_ids,
            batch.position_ids,
            segments=Segments(batch.lengths),
            media_embeds=features,
        )
        weight_sum = float(totals[0])
        return answer_loss(model, hidden, batch, weight_sum, meter, z_loss=self.z_loss).total


class HasMedia(Protocol):
    """A batch with pictures."""

    @property
    def pixel_values(self) -> Tensor: ...
    @property
    def grid_thw(self) -> tuple[tuple[int, int, int], ...]: ...


def media_features(model: Qwen2_5_VL, batch: HasMedia) -> Tensor:
    """Returns float[M, D]; keeps nothing for gradients when the tower and merger are frozen."""
    trained = any(parameter.requires_grad for parameter in model.visual.parameters())
    with torch.set_grad_enabled(trained and torch.is_grad_enabled()):
        return model.encode_media(batch.pixel_values, batch.grid_thw)


def answer_loss(
    model: Qwen2_5_VL,
    hidden: Tensor,
    batch: TrainBatch,
    weight_sum: float,
    meter: Meter,
    *,
    z_loss: float = 0.0,
) -> HeadLoss:
    """Returns the weighted sum of the losses of a batch's answer tokens over ``weight_sum``.

    Args:
        hidden: float[T, D], after the final norm.
        weight_sum: of the answers of the whole step; 0 if there are none.
    """
    at = batch.labels != -100
    found = head_loss(
        model, hidden[at], batch.labels[at], batch.weights[at] / (weight_sum or 1.0), z_loss=z_loss
    )
    meter.answers(batch, at, found.losses, found.right)
    return found
