"""Throw-away heads that teach the tower what stands where, and where it is itself.

The answer loss alone tells a random tower almost nothing; these labels, exact in drawn pictures,
do. They read the tower's merged output and are dropped after training, so the architecture and the
files stay as published.

    merged features float[M, D] -> characters by strip, own row and column, and at an object's
    centre its kind, colour, box, coordinates digit by digit, and how many are like it

Digits and counts are the answers that the language model will have to give: told apart here, they
are there to be read out.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.data.collate_drawings import NUM_BINS, DenseBatch
from qvl.data.records import ALPHABET

# Log-odds of a rare label, so that training does not begin by learning that nearly everything is
# absent.
_RARE = -5.0
# Boxes are learnt in units of this many pixels.
_BOX_UNIT_PX = 224.0
MAX_SIDE_TOKENS = 32
"""Rows or columns beyond this share the last class."""
# Digits of a coordinate, hundreds first, and coordinates told digit by digit: the box and its
# centre.
_PLACES = (100, 10, 1)
_NUMBERS = 6
# Counts beyond this share the last class.
_MAX_COUNT = 9


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
        digits_right: digits of objects' coordinates named rightly.
        counts_right: objects whose three counts are all right.
        num_objects: objects.
    """

    total: Tensor
    glyphs_right: Tensor
    num_glyphs: int
    places_right: Tensor
    num_places: int
    box_error_px: Tensor
    digits_right: Tensor
    counts_right: Tensor
    num_objects: int

    @property
    def num_digits(self) -> int:
        """Digits behind ``digits_right``."""
        return self.num_objects * _NUMBERS * len(_PLACES)


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
        self.digits = nn.Linear(width, _NUMBERS * len(_PLACES) * 10)
        self.counts = nn.Linear(width, 3 * (_MAX_COUNT + 1))
        # Read from the language model's states where an object is asked about (`finding`).
        self.carried = nn.Linear(width, _NUMBERS * len(_PLACES) * 10)
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
        digits, digit_labels = self.digits(at).view(-1, 10), box_digits(dense.boxes).flatten()
        counts = self.counts(at).view(-1, _MAX_COUNT + 1)
        count_labels = dense.counts.clamp_max(_MAX_COUNT).flatten()
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
            + 20 * box_error / _BOX_UNIT_PX
            + 0.5 * F.cross_entropy(digits, digit_labels, reduction="sum")
            + F.cross_entropy(counts, count_labels, reduction="sum")
        )
        with torch.no_grad():
            guessed = by_strip[strip].argmax(-1)
            digits_right = (digits.argmax(-1) == digit_labels).sum()
            counts_right = (counts.argmax(-1) == count_labels).view(-1, 3).all(-1).sum()
            places = (rows.argmax(-1) == row_labels) & (columns.argmax(-1) == column_labels)
        return DenseLosses(
            total=losses,
            glyphs_right=(guessed == letter).sum(),
            num_glyphs=len(letter),
            places_right=places.sum(),
            num_places=len(places),
            box_error_px=box_error.detach(),
            digits_right=digits_right,
            counts_right=counts_right,
            num_objects=len(boxes),
        )


def box_digits(boxes: Tensor) -> Tensor:
    """Returns int64[O, 6, 3], the hundreds, tens and ones of x1 y1 x2 y2 and the centre's x y.

    >>> box_digits(torch.tensor([[8.0, 20.0, 108.0, 31.0]])).tolist()[0][2:5]
    [[1, 0, 8], [0, 3, 1], [0, 5, 8]]

    Args:
        boxes: float[O, 4] in pixels; rounded, and cut off at 999.
    """
    corners, centres = boxes, (boxes[:, :2] + boxes[:, 2:]) / 2
    numbers = torch.cat([corners, centres], 1).round().long().clamp(0, 999)
    return numbers[..., None] // torch.tensor(_PLACES, device=boxes.device) % 10


def _binary(logits: Tensor, present: Tensor) -> Tensor:
    """Summed binary cross-entropy where the flat indices ``present`` are 1 and all else 0."""
    # softplus(x) is the loss of label 0 and softplus(x) - x that of label 1.
    return F.softplus(logits).sum() - logits[present.unique()].sum()
