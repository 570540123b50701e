"""Packs become tensors: the only file of ``data`` that knows torch.

Shapes: T tokens, P patches, M merged tokens, N pictures, S samples, G glyphs, O objects.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qvl.data.asked import asked_objects, centre_tokens
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
class TrainBatch:
    """One pack.

    Attributes:
        input_ids: int64[T].
        position_ids: int64[3, T].
        lengths: tokens of each sample.
        labels: int64[T], the token that follows where training predicts it, else -100.
        weights: float32[T], weight of that prediction.
        is_coordinate: bool[T], True where a digit of a coordinate is predicted.
        asked: int64[T], number of the object that a token is about, -1 if there is none.
        sample_of_token: int64[T].
        tasks: task of each sample.
        pixel_values: float32[P, 1176].
        grid_thw: patch grids of all pictures.
        dense: labels of the tower's output.
    """

    input_ids: Tensor
    position_ids: Tensor
    lengths: tuple[int, ...]
    labels: Tensor
    weights: Tensor
    is_coordinate: Tensor
    asked: Tensor
    sample_of_token: Tensor
    tasks: tuple[str, ...]
    pixel_values: Tensor
    grid_thw: tuple[tuple[int, int, int], ...]
    dense: DenseBatch

    def to(self, device: torch.device) -> "TrainBatch":
        """Returns the batch with its tensors on a device."""
        return replace(self, dense=_on_device(self.dense, device), **_tensors(self, device))


def _tensors(record: "TrainBatch | DenseBatch", device: torch.device) -> dict[str, Any]:
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return {k: v.to(device, non_blocking=True) for k, v in values.items() if isinstance(v, Tensor)}


def _on_device(dense: DenseBatch, device: torch.device) -> DenseBatch:
    return replace(dense, **_tensors(dense, device))


def collate(
    pack: Sequence[Packed],
    *,
    encode: Callable[[str], Sequence[int]],
    digit_weight: float,
    coordinate_tasks: frozenset[str],
) -> TrainBatch:
    """Returns the tensors of a pack.

    Args:
        pack: at least one sample.
        encode: text to tokens; a digit is one token.
        digit_weight: factor on the digits of a coordinate in answers of ``coordinate_tasks`` but
            its last, which is mostly noise.
        coordinate_tasks: tasks whose digits are coordinates, which are few among many easy tokens.
    """
    labels, weights, coordinates, asked = [], [], [], []
    digits = np.array([encode(digit)[0] for digit in "0123456789"])
    num_objects = 0
    for item in pack:
        ids, mask = item.inputs.input_ids, item.inputs.loss_mask
        label = np.full(len(ids), -100, np.int64)
        label[:-1] = np.where(mask[1:], ids[1:], -100)
        weight = _answer_weights(label != -100)
        coordinate = np.isin(label, digits) & (item.sample.task in coordinate_tasks)
        weight[_leading(coordinate)] *= digit_weight
        values = np.where(coordinate, np.argmax(label[:, None] == digits, 1), -1)
        about = asked_objects(item, values, label != -100, encode)
        asked.append(np.where(about < 0, about, about + num_objects))
        num_objects += 0 if item.sample.targets is None else len(item.sample.targets.objects)
        coordinates.append(coordinate)
        labels.append(label)
        weights.append(weight)
    lengths = tuple(len(item.inputs.input_ids) for item in pack)
    return TrainBatch(
        input_ids=torch.from_numpy(np.concatenate([item.inputs.input_ids for item in pack])),
        position_ids=torch.from_numpy(
            np.concatenate([item.inputs.position_ids for item in pack], 1)
        ),
        lengths=lengths,
        labels=torch.from_numpy(np.concatenate(labels)),
        weights=torch.from_numpy(np.concatenate(weights)),
        is_coordinate=torch.from_numpy(np.concatenate(coordinates)),
        asked=torch.from_numpy(np.concatenate(asked)),
        sample_of_token=torch.repeat_interleave(torch.arange(len(pack)), torch.tensor(lengths)),
        tasks=tuple(item.sample.task for item in pack),
        pixel_values=collate_pixels(pack),
        grid_thw=tuple(
            (int(t), int(h), int(w)) for item in pack for t, h, w in item.inputs.grid_thw
        ),
        dense=_dense(pack),
    )


def _leading(coordinate: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Returns bool[T]: the digits that another digit follows.

    >>> _leading(np.array([True, True, False, True, False])).tolist()
    [True, False, False, False, False]
    """
    return coordinate & np.append(coordinate[1:], False)


def _answer_weights(predicted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Returns float32[T]: an answer of n tokens weighs sqrt(n), shared by its tokens.

    Counted by tokens alone, one boxed object with its brackets and quotes outweighs twenty
    colours; counted by answers alone, a page weighs no more than a word.

    >>> _answer_weights(np.array([False, True, False, True, True, True, True])).tolist()
    [0.0, 1.0, 0.0, 0.5, 0.5, 0.5, 0.5]
    """
    edges = np.flatnonzero(np.diff(predicted, prepend=False, append=False))
    weights = np.zeros(len(predicted), np.float32)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        weights[start:stop] = (stop - start) ** -0.5
    return weights


def collate_pixels(pack: Sequence[Packed]) -> Tensor:
    """Returns the patches of all pictures, float32[P, 1176]."""
    return torch.from_numpy(np.concatenate([item.inputs.pixel_values for item in pack]))


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
