"""What is packed up comes out, with one open file for all its tensors."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qvl.training.parcel import Parcel, opened, packed_up


@dataclass(frozen=True)
class Batch:
    """Tensors of many kinds, one inside another value."""

    many: tuple[Tensor, ...]
    inner: dict[str, Tensor]
    names: tuple[str, ...]
    array: np.ndarray


def made(seed: int) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    return Batch(
        many=(
            torch.randn(3, 5, generator=draw),
            torch.randn(7, generator=draw).bfloat16(),
            torch.randint(9, (2, 3, 4), generator=draw).transpose(0, 2),
            torch.tensor([True, False]),
            torch.tensor(2.5),
            torch.zeros(0, 1176),
        ),
        inner={"x": torch.arange(100, dtype=torch.int32)},
        names=("a", "b"),
        array=np.arange(6).reshape(2, 3),
    )


def same(one: Batch, other: Batch) -> bool:
    pairs = zip((*one.many, one.inner["x"]), (*other.many, other.inner["x"]), strict=True)
    tensors = all(a.dtype == b.dtype and torch.equal(a, b) for a, b in pairs)
    return tensors and one.names == other.names and np.array_equal(one.array, other.array)


class Batches(torch.utils.data.IterableDataset[Parcel]):
    def __iter__(self) -> Iterator[Parcel]:
        return (packed_up(made(seed)) for seed in range(20))


def test_what_is_packed_up_comes_out() -> None:
    parcel = packed_up(made(1))
    assert parcel.body.is_shared()
    assert same(opened(parcel), made(1))
    assert opened(packed_up(("no tensors", 3))) == ("no tensors", 3)


def test_a_batch_holds_one_file_open() -> None:
    files = len(os.listdir("/proc/self/fd"))
    loader = torch.utils.data.DataLoader(Batches(), batch_size=None, num_workers=1)
    held = [opened(parcel) for parcel in loader]
    assert all(same(batch, made(seed)) for seed, batch in enumerate(held))
    assert len(os.listdir("/proc/self/fd")) - files <= len(held) + 4
    del held
    assert len(os.listdir("/proc/self/fd")) - files <= 4
