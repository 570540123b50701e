"""The objective of the embedded model's stages: answers, and labels that only drawings have.

Owns: which of its losses a stage uses, and their sum. Does not own: the losses (``dense``,
``finding``, ``answers``), the labels (``data.collate_drawings``).

    batch -> tower -> dense heads -> what stands where --------------------+
               +----> language model -> finding: names, attention, boxes --+-> weighted sum
                            +---------> answers ---------------------------+
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qvl.data.collate_drawings import DrawingBatch, collate_drawings
from qvl.data.packing import Packed
from qvl.errors import ConfigError
from qvl.model.segments import Segments
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.metrics import Meter
from qvl.training.objectives.answers import answer_loss, media_features
from qvl.training.objectives.dense import DenseHeads, DenseLosses
from qvl.training.objectives.finding import FindingLosses, Names, finding_losses, watching


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawingObjective:
    """A weighted sum of the losses of answers, dense heads and finding.

    Attributes:
        heads: throw-away heads; None if no weight needs them.
        encode: text to tokens; a digit is one token.
        names: tokens that name what is seen.
        answer_weight: of the loss of answers; 0 leaves the language model out altogether.
        dense_weight: of the loss of the dense heads; 0 leaves them out.
        finding_weight: of the losses that teach to find the object that is asked about.
        finding_layer: the decoder layer whose first head learns to find it.
        digit_weight: of coordinates' digits in answers.
        coordinate_tasks: tasks whose digits are coordinates.
    """

    heads: DenseHeads | None
    encode: Callable[[str], Sequence[int]]
    names: Names
    answer_weight: float = 1.0
    dense_weight: float = 0.0
    finding_weight: float = 0.0
    finding_layer: int = 2
    digit_weight: float = 1.0
    coordinate_tasks: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.answer_weight <= 0 and self.dense_weight <= 0:
            raise ConfigError("a stage has neither answer_weight nor dense_weight")
        if self.dense_weight and self.heads is None:
            raise ConfigError("a stage has dense_weight but there are no dense heads")
        if self.finding_weight and (self.heads is None or not len(self.names.kinds)):
            raise ConfigError(
                "a stage has finding_weight but there are no dense heads or kind_names"
            )

    def collate(self, pack: Sequence[Packed]) -> DrawingBatch:
        return collate_drawings(
            pack,
            encode=self.encode,
            digit_weight=self.digit_weight,
            coordinate_tasks=self.coordinate_tasks,
        )

    def counts(self, batch: DrawingBatch) -> Tensor:
        merged = torch.tensor(len(batch.dense.rows), dtype=torch.float64)
        return torch.stack([batch.weights.sum(dtype=torch.float64).cpu(), merged])

    def loss(self, model: Qwen2_5_VL, batch: DrawingBatch, totals: Tensor, meter: Meter) -> Tensor:
        features = media_features(model, batch)
        loss = features.new_zeros((), dtype=torch.float32)
        if self.dense_weight and self.heads is not None:
            dense = self.heads(features, batch.dense)
            _count_dense(meter, dense)
            loss = loss + self.dense_weight * dense.total / (float(totals[1]) or 1.0)
        if not self.answer_weight:
            return loss
        watched_layers = 2 if self.finding_weight else 0
        layers = model.model.layers[self.finding_layer : self.finding_layer + watched_layers]
        with watching(layers) as watched:
            hidden = model.hidden_states(
                batch.input_ids,
                batch.position_ids,
                segments=Segments(batch.lengths),
                media_embeds=features,
            )
        if self.finding_weight and self.heads is not None:
            found = finding_losses(
                watched,
                features,
                batch,
                table=model.model.embed_tokens.weight,
                names=self.names,
                carried=self.heads.carried,
            )
            _count_finding(meter, found)
            loss = loss + self.finding_weight * found.total
        answers = answer_loss(model, hidden, batch, float(totals[0]), meter)
        if batch.is_coordinate.any():
            digits = batch.is_coordinate[batch.labels != -100]
            meter.tokens("digits", answers.losses[digits], answers.right[digits])
        return loss + self.answer_weight * answers.total


def _count_dense(meter: Meter, losses: DenseLosses) -> None:
    meter.ratio("glyph_acc", losses.glyphs_right, losses.num_glyphs)
    meter.ratio("place_acc", losses.places_right, losses.num_places)
    meter.ratio("box_error_px", losses.box_error_px, losses.num_objects)
    meter.ratio("digit_acc", losses.digits_right, losses.num_digits)
    meter.ratio("count_acc", losses.counts_right, losses.num_objects)


def _count_finding(meter: Meter, losses: FindingLosses) -> None:
    meter.ratio("named_acc", losses.named_right, losses.num_named)
    meter.ratio("found_acc", losses.found_right, losses.num_found)
    meter.ratio("carried_acc", losses.carried_right, losses.num_carried)
