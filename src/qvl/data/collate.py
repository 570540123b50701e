"""Packs become tensors: the only files of ``data`` that know torch are the ``collate`` ones.

Owns: the batch that every objective over answers reads. Does not own: which samples share a pack
(``packing``), labels that only drawn pictures have (``collate_drawings``).

    samples with their model inputs -> one row of tokens, without padding -> TrainBatch

Shapes: T tokens, P patches, S samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qvl.data.packing import Packed
from qvl.processing.patches import PATCH_DIM

Weighting = Literal["token", "sqrt", "sample"]
"""How much a predicted token counts; see `answer_weights`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainBatch:
    """One pack.

    Attributes:
        input_ids: int64[T].
        position_ids: int64[3, T].
        lengths: tokens of each sample.
        labels: int64[T], the token that follows where training predicts it, else -100.
        weights: float32[T], weight of that prediction.
        sample_of_token: int64[T].
        tasks: task of each sample.
        pixel_values: float32[P, 1176].
        grid_thw: patch grids of all pictures.
    """

    input_ids: Tensor
    position_ids: Tensor
    lengths: tuple[int, ...]
    labels: Tensor
    weights: Tensor
    sample_of_token: Tensor
    tasks: tuple[str, ...]
    pixel_values: Tensor
    grid_thw: tuple[tuple[int, int, int], ...]

    def to(self, device: torch.device) -> Self:
        """Returns the batch with its tensors on a device."""
        return replace(self, **tensors_on(self, device))


def tensors_on(record: Any, device: torch.device) -> dict[str, Any]:
    """Returns the tensors among a dataclass's fields, on a device, by their names."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return {k: v.to(device, non_blocking=True) for k, v in values.items() if isinstance(v, Tensor)}


def collate(pack: Sequence[Packed], *, weighting: Weighting) -> TrainBatch:
    """Returns the tensors of a pack.

    Args:
        pack: samples; an empty one becomes a single token that predicts nothing, so that a rank
            without work does what the others do.
        weighting: of the predicted tokens.
    """
    if not pack:
        return _empty()
    labels, weights = [], []
    for item in pack:
        ids, mask = item.inputs.input_ids, item.inputs.loss_mask
        label = np.full(len(ids), -100, np.int64)
        label[:-1] = np.where(mask[1:], ids[1:], -100)
        labels.append(label)
        weights.append(answer_weights(label != -100, weighting))
    lengths = tuple(len(item.inputs.input_ids) for item in pack)
    return TrainBatch(
        input_ids=torch.from_numpy(np.concatenate([item.inputs.input_ids for item in pack])),
        position_ids=torch.from_numpy(
            np.concatenate([item.inputs.position_ids for item in pack], 1)
        ),
        lengths=lengths,
        labels=torch.from_numpy(np.concatenate(labels)),
        weights=torch.from_numpy(np.concatenate(weights)),
        sample_of_token=torch.repeat_interleave(torch.arange(len(pack)), torch.tensor(lengths)),
        tasks=tuple(item.sample.task for item in pack),
        pixel_values=collate_pixels(pack),
        grid_thw=collate_grids(pack),
    )


def answer_weights(
    predicted: npt.NDArray[np.bool_], weighting: Weighting
) -> npt.NDArray[np.float32]:
    """Returns float32[T], the weight of each predicted token of a sample.

    - token: 1. The loss is the mean over tokens; a page outweighs a word.
    - sqrt: an answer of n tokens weighs sqrt(n), shared by its tokens. Counted by tokens alone, one
      boxed object with its brackets and quotes outweighs twenty colours; counted by answers alone,
      a page weighs no more than a word.
    - sample: a sample weighs 1, shared by its tokens.

    >>> predicted = np.array([False, True, False, True, True, True, True])
    >>> answer_weights(predicted, "sqrt").tolist()
    [0.0, 1.0, 0.0, 0.5, 0.5, 0.5, 0.5]
    >>> answer_weights(predicted[2:5], "sample").tolist()
    [0.0, 0.5, 0.5]
    """
    weights = predicted.astype(np.float32)
    if weighting == "sample":
        return weights / np.float32(max(1, predicted.sum()))
    if weighting == "sqrt":
        edges = np.flatnonzero(np.diff(predicted, prepend=False, append=False))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            weights[start:stop] = (stop - start) ** -0.5
    return weights


def collate_pixels(pack: Sequence[Packed]) -> Tensor:
    """Returns the patches of all pictures, float32[P, 1176]."""
    return torch.from_numpy(np.concatenate([item.inputs.pixel_values for item in pack]))


def collate_grids(pack: Sequence[Packed]) -> tuple[tuple[int, int, int], ...]:
    """Returns the patch grids of all pictures of a pack."""
    return tuple((int(t), int(h), int(w)) for item in pack for t, h, w in item.inputs.grid_thw)


def _empty() -> TrainBatch:
    return TrainBatch(
        input_ids=torch.zeros(1, dtype=torch.int64),
        position_ids=torch.zeros(3, 1, dtype=torch.int64),
        lengths=(1,),
        labels=torch.full((1,), -100),
        weights=torch.zeros(1),
        sample_of_token=torch.zeros(1, dtype=torch.int64),
        tasks=(),
        pixel_values=torch.zeros(0, PATCH_DIM),
        grid_thw=(),
    )
