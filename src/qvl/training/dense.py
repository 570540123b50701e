"""Throw-away heads that teach the tower what stands where, and where it is itself.

The answer loss alone tells a random tower almost nothing; these labels, exact in drawn pictures,
do. They read the tower's merged output and are dropped after training, so the architecture and the
files stay as published.

    merged features float[M, D] -> characters by strip, kind and colour and box at an object's
    centre, own row and column
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.data.collate import NUM_BINS, DenseBatch
from qvl.data.records import ALPHABET

# Log-odds of a rare label, so that training does not begin by learning that nearly everything is
# absent.
_RARE = -5.0
# Boxes are learnt in units of this many pixels.
_BOX_UNIT_PX = 224.0
MAX_SIDE_TOKENS = 32
"""Rows or columns beyond this share the last class."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DenseLosses:
    """Loss terms, each a sum over labels divided by the merged tokens, and the counts behind two
    accuracies.

    Attributes:
        total: float[], the weighted sum to minimise.
        glyphs_right: characters named rightly in their strip.
        num_glyphs: characters.
        places_right: tokens whose row and column are both named rightly.
        num_places: tokens.
        box_error_px: sum over objects of the mean error of a coordinate.
        num_objects: objects.
    """

    total: Tensor
    glyphs_right: Tensor
    num_glyphs: int
    places_right: Tensor
    num_places: int
    box_error_px: Tensor
    num_objects: int


class DenseHeads(nn.Module):
    """One linear layer per question.

    Args:
        width: channels of the tower's output.
        num_kinds: kinds of object.
        num_colours: colours of objects.
    """

    def __init__(self, width: int, *, num_kinds: int, num_colours: int) -> None:
        super().__init__()
        self.glyphs = nn.Linear(width, NUM_BINS * len(ALPHABET))
        self.kinds = nn.Linear(width, num_kinds)
        self.colours = nn.Linear(width, num_colours)
        self.boxes = nn.Linear(width, 4)
        self.rows = nn.Linear(width, MAX_SIDE_TOKENS)
        self.columns = nn.Linear(width, MAX_SIDE_TOKENS)
        for rare in (self.glyphs, self.kinds, self.colours):
            nn.init.constant_(rare.bias, _RARE)

    def forward(self, features: Tensor, dense: DenseBatch) -> DenseLosses:
        """Returns the losses of float[M, D] against its labels."""
        features = features.float()
        glyph_logits = self.glyphs(features)
        by_strip = glyph_logits.view(-1, len(ALPHABET))
        strip, letter = dense.glyphs // len(ALPHABET), dense.glyphs % len(ALPHABET)
        rows, columns = self.rows(features), self.columns(features)
        last = MAX_SIDE_TOKENS - 1
        row_labels, column_labels = dense.rows.clamp_max(last), dense.columns.clamp_max(last)
        at = features[dense.objects]
        boxes = self.boxes(at) * _BOX_UNIT_PX
        box_error = (boxes - dense.boxes).abs().sum() / 4
        # Which letters are there, and, where there is one, which of all letters it is: the second
        # alone tells similar letters apart from the first step on.
        losses = (
            _binary(glyph_logits.flatten(), dense.glyphs)
            + F.cross_entropy(by_strip[strip], letter, reduction="sum")
            + _binary(
                self.kinds(features).flatten(),
                dense.objects * self.kinds.out_features + dense.kinds,
            )
            + _binary(
                self.colours(features).flatten(),
                dense.objects * self.colours.out_features + dense.colours,
            )
            + 0.5 * F.cross_entropy(rows, row_labels, reduction="sum")
            + 0.5 * F.cross_entropy(columns, column_labels, reduction="sum")
            + 5 * box_error / _BOX_UNIT_PX
        )
        with torch.no_grad():
            guessed = by_strip[strip].argmax(-1)
            places = (rows.argmax(-1) == row_labels) & (columns.argmax(-1) == column_labels)
        return DenseLosses(
            total=losses,
            glyphs_right=(guessed == letter).sum(),
            num_glyphs=len(letter),
            places_right=places.sum(),
            num_places=len(places),
            box_error_px=box_error.detach(),
            num_objects=len(boxes),
        )


def _binary(logits: Tensor, present: Tensor) -> Tensor:
    """Summed binary cross-entropy where the flat indices ``present`` are 1 and all else 0."""
    # softplus(x) is the loss of label 0 and softplus(x) - x that of label 1.
    return F.softplus(logits).sum() - logits[present.unique()].sum()
