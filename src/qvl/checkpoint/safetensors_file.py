"""One safetensors file: its header checked, its tensors mapped or read, and files written.

Owns the bytes of one file. Does not own which files make a model (``folder``). Not the library's
own reader and writer, for three reasons: a tensor can be read piece by piece into memory of another
dtype, a layout can be written back in the order it had, and what is wrong with a damaged file is
said in one line. Nothing is ever unpickled.

    path -> read_header -> Header of TensorEntry -> map_tensor | read_tensor -> Tensor
    (name, Tensor) pairs -> write_safetensors -> path

Source: the format's description in the README of huggingface/safetensors.
"""

import json
import math
import mmap
import struct
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qvl.errors import CheckpointError

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
"""The format's dtype names that can be read."""
_NAMES = {dtype: name for name, dtype in DTYPES.items()}

# Source: MAX_HEADER_SIZE in safetensors/src/tensor.rs.
_MAX_HEADER_BYTES = 100_000_000
# Read at a time when the dtype changes on the way.
_PIECE_BYTES = 1 << 20
# From here on a tensor gets pages of its own; a full piece does.
_OWN_PAGES_BYTES = 1 << 20

# What people rename to .safetensors, by its first bytes.
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive, as torch.save writes",
    b"\x80": "a Python pickle",
    b"version ": "a Git LFS pointer",
    b"GGUF": "a GGUF file",
    b"<": "an HTML or XML page",
}

_CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorEntry:
    """Where one tensor lies: ``num_bytes`` from ``start``, counted from the file's beginning."""

    path: Path
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    num_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a file holds, in the order of its header."""

    entries: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Reads and checks the header against the file's true size; reads no tensor.

    Raises:
        CheckpointError: the file is not safetensors, is damaged or cut off.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            start = file.read(8)
            num_bytes = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= num_bytes <= min(size - 8, _MAX_HEADER_BYTES):
                raise _not_safetensors(path, start, size, num_bytes)
            raw = file.read(num_bytes)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        if not raw.startswith(b"{"):
            raise ValueError("it does not begin with '{'")
        header = json.loads(raw, object_pairs_hook=_unique)
        return _check(path, header, data_start=8 + num_bytes, size=size)
    except (ValueError, RecursionError) as error:  # includes undecodable and malformed JSON
        raise CheckpointError(
            f"{path.name}: the header is damaged: {error}", hint=f"fetch {path} again"
        ) from error


def map_tensor(entry: TensorEntry, mapping: mmap.mmap) -> Tensor:
    """A tensor whose memory is the file's: read when touched, private to this process when written.

    Args:
        entry: the tensor.
        mapping: the whole file, see :func:`map_file`; it lives as long as any of its tensors.
    """
    if not entry.num_bytes or entry.start % entry.dtype.itemsize:
        return read_tensor(entry, entry.dtype)
    count = entry.num_bytes // entry.dtype.itemsize
    flat = torch.frombuffer(mapping, dtype=entry.dtype, count=count, offset=entry.start)
    return flat.view(entry.shape)


def map_file(path: Path) -> mmap.mmap:
    """Maps a whole file; its pages are read when touched and copied when written."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def read_tensor(
    entry: TensorEntry,
    dtype: torch.dtype,
    *,
    device: torch.device | str = "cpu",
    out: Tensor | None = None,
) -> Tensor:
    """Reads one tensor into new memory, converting piece by piece on the way.

    Args:
        entry: the tensor.
        dtype: of the result.
        device: of the result.
        out: instead of new memory, of that dtype and as many numbers.
    """
    result = _empty(math.prod(entry.shape), dtype, torch.device(device)) if out is None else out
    direct = result.dtype == entry.dtype and result.device.type == "cpu"
    piece = _PIECE_BYTES // entry.dtype.itemsize
    buffer = result if direct else _empty(min(piece, len(result)), entry.dtype, _CPU)
    with entry.path.open("rb", buffering=0) as file:
        file.seek(entry.start)
        for begin in range(0, len(result), piece):
            part = result[begin : begin + piece]
            target = part if direct else buffer[: len(part)]
            _fill(file, target, entry)
            if not direct:
                part.copy_(target)
    return result.view(entry.shape)


def own_pages(num_bytes: int) -> Tensor:
    """uint8[num_bytes] of memory that goes back to the system when it is freed.

    The heap keeps holes where tensors and buffers were: converting or packing a model while loading
    took up to 1.7 times the memory of its weights.
    """
    pages = mmap.mmap(-1, num_bytes, access=mmap.ACCESS_COPY)  # private to this process
    return torch.frombuffer(pages, dtype=torch.uint8)


class Workspace(threading.local):
    """One buffer a thread, used again and again.

    New pages for what is soon dropped cost as much time as reading a file into them.
    """

    def __init__(self) -> None:
        self._memory: Tensor | None = None

    def take(self, count: int, dtype: torch.dtype) -> Tensor:
        """Memory for ``count`` numbers; what this thread took before is overwritten."""
        num_bytes = count * dtype.itemsize
        # One twice too large goes: work from large to small ends with little beside its result.
        if self._memory is None or not num_bytes <= len(self._memory) <= 2 * num_bytes:
            self._memory = None
            self._memory = own_pages(num_bytes)
        return self._memory[:num_bytes].view(dtype)


def _empty(count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    num_bytes = count * dtype.itemsize
    if device.type != "cpu" or num_bytes < _OWN_PAGES_BYTES:
        return torch.empty(count, dtype=dtype, device=device)
    return own_pages(num_bytes).view(dtype)


def _fill(file: Any, target: Tensor, entry: TensorEntry) -> None:
    view = target.view(torch.uint8).numpy().data
    while view:
        count = file.readinto(view)
        if not count:
            raise CheckpointError(
                f"{entry.path.name} ends too early: it was changed while it was being read"
            )
        view = view[count:]


def write_safetensors(
    path: Path, tensors: Sequence[tuple[str, Tensor]], *, metadata: Mapping[str, str]
) -> None:
    """Writes tensors in the order given, one at a time; the bytes are the library's own.

    Args:
        path: a new file.
        tensors: names and values; see :func:`canonical_order`.
        metadata: written first in the header.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, tensor in tensors:
        stop = offset + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, stop],
        }
        offset = stop
    raw = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    raw += b" " * (-len(raw) % 8)
    with path.open("xb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        for _, tensor in tensors:
            flat = tensor.detach().cpu().contiguous().flatten()
            file.write(flat.view(torch.uint8).numpy().data)


def canonical_order(tensors: Iterable[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    """The order in which the safetensors library writes: widest dtype first, then by name.

    Source: safetensors/src/tensor.rs, prepare.
    """
    return sorted(tensors, key=lambda item: (-item[1].element_size(), item[0].encode()))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice")
    return result


def _check(path: Path, header: dict[str, Any], *, data_start: int, size: int) -> Header:
    """Raises ValueError for an inconsistent header, CheckpointError for a file cut off."""
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its metadata is not an object of strings")
    entries = {name: _entry(path, name, value, data_start) for name, value in header.items()}
    end = data_start
    for entry in sorted(entries.values(), key=lambda entry: (entry.start, entry.num_bytes)):
        if entry.start != end:
            raise ValueError(f"its tensors overlap or leave a gap at byte {entry.start}")
        end += entry.num_bytes
    if size < end:
        raise CheckpointError(
            f"{path.name} is cut off: it has {size} bytes, its header describes {end}",
            hint=f"fetch {path} again",
        )
    if size > end:
        raise ValueError(f"the file has {size} bytes, its tensors end at {end}")
    return Header(entries=entries, metadata=metadata)


def _entry(path: Path, name: str, value: Any, data_start: int) -> TensorEntry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r} is not described by dtype, shape and data_offsets")
    dtype = DTYPES.get(value["dtype"]) if isinstance(value["dtype"], str) else None
    if dtype is None:
        raise ValueError(f"tensor {name!r} has the dtype {value['dtype']!r}")
    shape, offsets = value["shape"], value["data_offsets"]
    if not _is_counts(shape) or not _is_counts(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {name!r} has an impossible shape or place")
    start, stop = offsets
    if stop - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"tensor {name!r} has {stop - start} bytes for the shape {shape}")
    return TensorEntry(
        path=path,
        dtype=dtype,
        shape=tuple(shape),
        start=data_start + start,
        num_bytes=stop - start,
    )


def _is_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _not_safetensors(path: Path, start: bytes, size: int, num_bytes: int) -> CheckpointError:
    for magic, what in _OTHER_FORMATS.items():
        if start.startswith(magic):
            hint = (
                "run `git lfs pull` in its folder"
                if magic == b"version "
                else "only safetensors files are read: they hold numbers and run no code"
            )
            return CheckpointError(f"{path.name} is {what}, expected safetensors", hint=hint)
    return CheckpointError(
        f"{path.name} is not a safetensors file or is cut off: {size} bytes, its first 8 promise "
        f"a header of {num_bytes}",
        hint=f"fetch {path} again",
    )
