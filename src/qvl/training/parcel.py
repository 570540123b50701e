"""Whatever holds tensors, sent to another process as one piece of memory.

Owns: packing up and opening. Does not own: the processes (``loader``).

    value in a worker -> packed_up() -> Parcel(one shared tensor) -> queue -> opened() -> value

A tensor that is sent on its own keeps a file open until it is freed. Batches have many tensors, and
many batches wait in queues: a few workers pass the limit of open files.
"""

import io
import pickle
from typing import Any, NamedTuple

import torch
from torch import Tensor

_ALIGNED = 64
"""Bytes; a line of the processor's cache."""


class Parcel(NamedTuple):
    """A value without its tensors, and the bytes of all of them."""

    head: bytes
    sizes: tuple[int, ...]
    body: Tensor


def packed_up(value: object, *, shared: bool = True) -> Parcel:
    """Returns a value that pickles as a parcel; its tensors are on the CPU.

    Args:
        value: to send.
        shared: in memory that another process can open.
    """
    buffers: list[pickle.PickleBuffer] = []
    head = io.BytesIO()
    _Pickler(head, protocol=5, buffer_callback=buffers.append).dump(value)
    parts = [torch.frombuffer(buffer, dtype=torch.uint8) for buffer in buffers]
    body = torch.empty(sum(map(_room, map(len, parts))), dtype=torch.uint8)
    if shared:
        body.share_memory_()
    at = 0
    for part in parts:
        body[at : at + len(part)] = part
        at += _room(len(part))
    return Parcel(head.getvalue(), tuple(map(len, parts)), body)


def opened(parcel: Parcel) -> Any:
    """Returns the value; its tensors are parts of the parcel's memory, which is not copied."""
    memory = parcel.body.numpy().data
    buffers, at = [], 0
    for size in parcel.sizes:
        buffers.append(memory[at : at + size])
        at += _room(size)
    return pickle.loads(parcel.head, buffers=buffers)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: object) -> Any:
        if not isinstance(value, Tensor) or not value.numel():
            return NotImplemented
        flat = value.detach().contiguous().view(-1).view(torch.uint8)
        return _tensor, (pickle.PickleBuffer(flat.numpy().data), value.dtype, value.shape)


def _tensor(buffer: Any, dtype: torch.dtype, shape: torch.Size) -> Tensor:
    return torch.frombuffer(buffer, dtype=torch.uint8).view(dtype).view(shape)


def _room(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
