"""Packs of drawn pictures become tensors, with the labels that only drawings have.

Owns: what stands at each token of the tower's output, which tokens are digits of coordinates, and
which object a token is about. Does not own: the losses that use them (``training.objectives``).

    pack -> collate -> TrainBatch + labels of its drawings -> DrawingBatch

Shapes: T tokens, M merged tokens, G glyphs, O objects.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qvl.data.asked import asked_objects, centre_tokens
from qvl.data.collate import TrainBatch, collate, tensors_on
from qvl.data.packing import Packed
from qvl.data.records import ALPHABET
from qvl.geometry import FACTOR

NUM_BINS = 4
"""Vertical strips of a merged token (28 px) in which characters are told apart: 7 px each, about a
narrow letter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DenseBatch:
    """What stands at each merged token of the tower's output.

    Attributes:
        glyphs: int64[G], flat index into [M, NUM_BINS, len(ALPHABET)].
        objects: int64[O], merged token at an object's centre.
        tokens: int64[O], the same place among the tokens of the pack.
        kinds: int64[O].
        colours: int64[O].
        boxes: float32[O, 4] in resized_px.
        counts: int64[O, 3], objects in the picture: all, of this kind, of this kind and colour.
        rows: int64[M], the token's own row.
        columns: int64[M], the token's own column.
    """

    glyphs: Tensor
    objects: Tensor
    tokens: Tensor
    kinds: Tensor
    colours: Tensor
    boxes: Tensor
    counts: Tensor
    rows: Tensor
    columns: Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawingBatch(TrainBatch):
    """One pack of drawings.

    Attributes:
        is_coordinate: bool[T], True where a digit of a coordinate is predicted.
        asked: int64[T], number of the object that a token is about, -1 if there is none.
        said: bool[T, 2], whether the words before it say the object's kind, and its colour.
        dense: labels of the tower's output.
    """

    is_coordinate: Tensor
    asked: Tensor
    said: Tensor
    dense: DenseBatch

    def to(self, device: torch.device) -> Self:
        """Returns the batch with its tensors on a device."""
        dense = replace(self.dense, **tensors_on(self.dense, device))
        return replace(self, dense=dense, **tensors_on(self, device))


def collate_drawings(
    pack: Sequence[Packed],
    *,
    encode: Callable[[str], Sequence[int]],
    digit_weight: float,
    coordinate_tasks: frozenset[str],
) -> DrawingBatch:
    """Returns the tensors of a pack; an answer of n tokens weighs sqrt(n).

    Args:
        pack: samples, or none.
        encode: text to tokens; a digit is one token.
        digit_weight: factor on the digits of a coordinate in answers of ``coordinate_tasks`` but
            its last, which is mostly noise.
        coordinate_tasks: tasks whose digits are coordinates, which are few among many easy tokens.
    """
    batch = collate(pack, weighting="sqrt")
    digits = np.array([encode(digit)[0] for digit in "0123456789"])
    coordinates, asked, said = [], [], []
    num_objects = 0
    for item, label in zip(pack, batch.labels.split(list(batch.lengths)), strict=False):
        label_T = label.numpy()
        coordinate = np.isin(label_T, digits) & (item.sample.task in coordinate_tasks)
        values = np.where(coordinate, np.argmax(label_T[:, None] == digits, 1), -1)
        about = asked_objects(item, values, label_T != -100, encode)
        asked.append(np.where(about.objects < 0, -1, about.objects + num_objects))
        said.append(about.said)
        num_objects += 0 if item.sample.targets is None else len(item.sample.targets.objects)
        coordinates.append(coordinate)
    nothing = len(batch.input_ids) if not pack else 0  # the one token of an empty pack
    is_coordinate = np.concatenate([*coordinates, np.zeros(nothing, np.bool_)])
    weights = batch.weights.numpy().copy()
    weights[_leading(is_coordinate)] *= digit_weight
    common = {f.name: getattr(batch, f.name) for f in fields(batch) if f.name != "weights"}
    return DrawingBatch(
        **common,
        weights=torch.from_numpy(weights),
        is_coordinate=torch.from_numpy(is_coordinate),
        asked=torch.from_numpy(np.concatenate([*asked, np.full(nothing, -1, np.int64)])),
        said=torch.from_numpy(np.concatenate([*said, np.zeros((nothing, 2), np.bool_)])),
        dense=_dense(pack),
    )


def _leading(coordinate: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Returns bool[T]: the digits that another digit follows.

    >>> _leading(np.array([True, True, False, True, False])).tolist()
    [True, False, False, False, False]
    """
    return coordinate & np.append(coordinate[1:], False)


def _dense(pack: Sequence[Packed]) -> DenseBatch:
    """Labels of samples with one picture; others have positions but nothing else."""
    glyphs, objects, tokens, rows, columns = [], [], [], [], []
    rest = []
    offset = text_offset = 0
    for item in pack:
        for number, (_, h, w) in enumerate(item.inputs.grid_thw):
            height, width = int(h) // 2, int(w) // 2
            rows.append(np.repeat(np.arange(height), width))
            columns.append(np.tile(np.arange(width), height))
            targets = item.sample.targets
            if targets is not None and number == 0:
                x, y, letter = targets.glyphs.T
                token = (
                    offset + (y // FACTOR).astype(np.int64) * width + (x // FACTOR).astype(np.int64)
                )
                strip = (x % FACTOR * NUM_BINS // FACTOR).astype(np.int64)
                glyphs.append((token * NUM_BINS + strip) * len(ALPHABET) + letter.astype(np.int64))
                centres = centre_tokens(item)
                objects.append(offset + centres)
                tokens.append(text_offset + item.inputs.media[0].span[0] + centres)
                rest.append(targets.objects)
            offset += height * width
        text_offset += len(item.inputs.input_ids)
    counts = [_counts(found) for found in rest]
    return DenseBatch(
        glyphs=_int64(glyphs),
        objects=_int64(objects),
        tokens=_int64(tokens),
        kinds=_int64([r[:, 4] for r in rest]),
        colours=_int64([r[:, 5] for r in rest]),
        boxes=torch.from_numpy(
            np.concatenate([r[:, :4] for r in rest]) if rest else np.zeros((0, 4), np.float32)
        ),
        counts=_int64(counts).reshape(-1, 3),
        rows=_int64(rows),
        columns=_int64(columns),
    )


def _counts(objects: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Returns int64[O, 3]: how many objects there are, how many like this one in kind, in kind and
    colour."""
    kinds, colours = objects[:, 4], objects[:, 5]
    same_kind = kinds[:, None] == kinds
    same = same_kind & (colours[:, None] == colours)
    total = np.full(len(objects), len(objects))
    return np.stack([total, same_kind.sum(1), same.sum(1)], 1)


def _int64(parts: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(
        np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, np.int64)
    )
