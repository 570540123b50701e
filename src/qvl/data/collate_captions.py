"""Pictures with their captions become tensors, for contrastive training.

Owns: the batch of pictures and captions. Does not own: which answer is a caption: the last one.

    samples of one picture -> tokens of the last answer, patches -> CaptionBatch

Shapes: T tokens, P patches, S samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from qvl.data.collate import collate_grids, collate_pixels, tensors_on
from qvl.data.packing import Packed
from qvl.errors import DataError
from qvl.processing.patches import PATCH_DIM


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptionBatch:
    """One pack.

    Attributes:
        input_ids: int64[T], the captions in a row, each with the token that ends an answer.
        lengths: tokens of each caption.
        pixel_values: float32[P, 1176].
        grid_thw: patch grid of each picture, in the order of the captions.
    """

    input_ids: Tensor
    lengths: tuple[int, ...]
    pixel_values: Tensor
    grid_thw: tuple[tuple[int, int, int], ...]

    def to(self, device: torch.device) -> Self:
        """Returns the batch with its tensors on a device."""
        return replace(self, **tensors_on(self, device))


def collate_captions(pack: Sequence[Packed]) -> CaptionBatch:
    """Returns the tensors of a pack; of none if it is empty.

    Raises:
        DataError: a sample has no picture, several, or no answer.
    """
    if not pack:
        return CaptionBatch(
            input_ids=torch.zeros(0, dtype=torch.int64),
            lengths=(),
            pixel_values=torch.zeros(0, PATCH_DIM),
            grid_thw=(),
        )
    captions = []
    for item in pack:
        if len(item.inputs.grid_thw) != 1:
            raise DataError(
                f"a {item.sample.task!r} sample has {len(item.inputs.grid_thw)} pictures, expected "
                "one with its caption"
            )
        mask = item.inputs.loss_mask
        if not mask.any():
            raise DataError(f"a {item.sample.task!r} sample has no answer, expected a caption")
        before = np.flatnonzero(~mask)
        captions.append(item.inputs.input_ids[int(before[-1]) + 1 if len(before) else 0 :])
    if not all(map(len, captions)):
        raise DataError("a sample ends with a turn that is no answer, expected a caption")
    return CaptionBatch(
        input_ids=torch.from_numpy(np.concatenate(captions)),
        lengths=tuple(map(len, captions)),
        pixel_values=collate_pixels(pack),
        grid_thw=collate_grids(pack),
    )
