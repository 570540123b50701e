"""Weights from a model folder into a model, one module at a time.

Owns: the order of the work and the memory it takes. Does not own file formats
(``safetensors_file``) or folders (``folder``).

    folder -> config, tensor list -> empty model -> all names and shapes compared
           -> module by module: map (same dtype, CPU) or read and convert its tensors

Everything that can be wrong is found before the first weight is read. Peak memory is the weights
and a piece of one tensor.
"""

import math
import mmap
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from qvl.checkpoint.folder import list_tensors, read_config, some
from qvl.checkpoint.safetensors_file import (
    TensorEntry,
    Workspace,
    map_file,
    map_tensor,
    read_tensor,
)
from qvl.errors import CheckpointError
from qvl.model.config import ModelConfig
from qvl.model.init import empty_model
from qvl.model.vision import PatchProjection
from qvl.model.vlm import Qwen2_5_VL

_HEAD_MODULE = "lm_head"
HEAD = f"{_HEAD_MODULE}.weight"
EMBEDDING = "model.embed_tokens.weight"

# Smaller tensors are copied: each mapped one keeps pages of its neighbours in memory.
_MAPPED_BYTES = 1 << 20
# Modules that are replaced at a time, largest first: each is held two or three times meanwhile.
_MAX_THREADS = 4

Replace = Callable[[str, nn.Module], nn.Module]


def load_model(
    folder: Path,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    replace: Replace | None = None,
) -> Qwen2_5_VL:
    """Loads a model, in eval mode.

    On the CPU and without a change of dtype the weights stay in the files and are read when first
    used; writing to them never changes a file.

    Args:
        folder: a model's folder; see :func:`qvl.checkpoint.hub.resolve` for names.
        dtype: of all weights; None keeps the dtype that most of them are stored in.
        device: where to put them.
        replace: called with the name of each module that has weights of its own and the module, as
            soon as it has them and from several threads; what it returns takes the module's place.
            It must keep no part of the matrix of a Linear or PatchProjection that it replaces: that
            memory is used again. A tied head comes as a Linear too, and is dropped if it is not
            replaced.

    Raises:
        CheckpointError: something is missing, damaged or does not belong together. Nothing was
            loaded.
    """
    config = read_config(folder)
    entries = list_tensors(folder)
    model = _empty_model(config, entries)
    source = _Source(entries, dtype or stored_dtype(entries), torch.device(device))
    names = [name for name, module in model.named_modules() if module._parameters]
    if replace is None:
        for name in names:
            source.fill(model.get_submodule(name), name)
        return model.eval()
    if config.text.tie_word_embeddings:
        names.append(_HEAD_MODULE)
    names.sort(key=source.num_bytes_of, reverse=True)
    with ThreadPoolExecutor(min(_MAX_THREADS, torch.get_num_threads())) as pool:
        for _ in pool.map(partial(_fill_and_replace, model, source, replace), names):
            pass
    return model.eval()


def _fill_and_replace(model: Qwen2_5_VL, source: "_Source", replace: Replace, name: str) -> None:
    if name == _HEAD_MODULE and model.lm_head is None:
        model.lm_head = _tied_head(source, replace)
        return
    module = model.get_submodule(name)
    lend = isinstance(module, nn.Linear | PatchProjection)
    source.fill(module, name, lend=lend)
    replaced = replace(name, module)
    if replaced is not module:
        replaced = replaced.to(source.device)
    elif lend:
        source.fill(module, name)
    parent, _, key = name.rpartition(".")
    setattr(model.get_submodule(parent), key, replaced)


def _tied_head(source: "_Source", replace: Replace) -> nn.Module | None:
    """What takes the place of a Linear with the embedding as its weight; None if nothing does."""
    embedding = source.tensor(EMBEDDING, lend=True)
    head = nn.utils.skip_init(nn.Linear, *reversed(embedding.shape), bias=False, device="meta")
    head.weight = nn.Parameter(embedding, requires_grad=False)
    replaced = replace(_HEAD_MODULE, head)
    return None if replaced is head else replaced.to(source.device)


class _Source:
    """Makes parameters out of the entries."""

    def __init__(
        self, entries: Mapping[str, TensorEntry], dtype: torch.dtype, device: torch.device
    ) -> None:
        self._entries = entries
        self._dtype = dtype
        self.device = device
        self._mappings: dict[Path, mmap.mmap] = {}
        self._lent = Workspace()

    def fill(self, module: nn.Module, name: str, *, lend: bool = False) -> None:
        """Gives a module its parameters; see :meth:`tensor`, only a weight is ever lent."""
        for key, empty in module._parameters.items():
            if empty is not None:
                tensor = self.tensor(f"{name}.{key}", lend=lend and key == "weight")
                module._parameters[key] = nn.Parameter(tensor, requires_grad=empty.requires_grad)

    def tensor(self, name: str, *, lend: bool = False) -> Tensor:
        """One tensor; if it is lent, its memory is used again for this thread's next."""
        entry = self._entries[name]
        if lend:
            memory = self._lent.take(math.prod(entry.shape), self._dtype)
            return read_tensor(entry, self._dtype, out=memory)
        in_place = self.device.type == "cpu" and entry.dtype == self._dtype
        if not in_place or entry.num_bytes < _MAPPED_BYTES:
            return read_tensor(entry, self._dtype, device=self.device)
        mapping = self._mappings.get(entry.path)
        if mapping is None:
            mapping = self._mappings.setdefault(entry.path, map_file(entry.path))
        return map_tensor(entry, mapping)

    def num_bytes_of(self, module_name: str) -> int:
        """Of a module's weight as stored; of a head that has none, the embedding's."""
        entry = self._entries.get(f"{module_name}.weight", self._entries[EMBEDDING])
        return entry.num_bytes


def _empty_model(config: ModelConfig, entries: dict[str, TensorEntry]) -> Qwen2_5_VL:
    """The model without memory, once every tensor is known to fit it; drops a redundant head."""
    num_layers = config.vision.depth + config.text.num_hidden_layers
    if num_layers > len(entries):
        raise CheckpointError(
            f"config.json describes {num_layers} layers, the files hold {len(entries)} tensors",
            hint="config.json and weights belong to different models",
        )
    try:
        model = empty_model(config)
    except (RuntimeError, TypeError, OverflowError) as error:  # a size beyond 64 bits
        raise CheckpointError("config.json describes a model too large to exist") from error
    if config.text.tie_word_embeddings and HEAD in entries and EMBEDDING in entries:
        check_tied_head(entries)
        del entries[HEAD]
    _compare({k: tuple(v.shape) for k, v in model.state_dict().items()}, entries)
    return model


def _compare(expected: Mapping[str, tuple[int, ...]], entries: Mapping[str, TensorEntry]) -> None:
    missing = [name for name in expected if name not in entries]
    extra = [repr(name) for name in entries if name not in expected]
    misshapen = [
        f"{name} {list(entries[name].shape)} instead of {list(shape)}"
        for name, shape in expected.items()
        if name in entries and entries[name].shape != shape
    ]
    not_float = [
        f"{name} {entries[name].dtype}"
        for name in expected
        if name in entries and entries[name].dtype not in _WEIGHT_DTYPES
    ]
    problems = {
        "missing": missing,
        "extra": extra,
        "misshapen": misshapen,
        "not in floating point": not_float,
    }
    found = [f"{len(names)} {what} ({some(names)})" for what, names in problems.items() if names]
    if found:
        raise CheckpointError(
            f"the weights do not fit config.json: {'; '.join(found)}",
            hint="config.json and weights belong to different models",
        )


_WEIGHT_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def check_tied_head(entries: Mapping[str, TensorEntry]) -> None:
    """A tied checkpoint may store its head again, as long as it is the embedding."""
    head, embedding = entries[HEAD], entries[EMBEDDING]
    same = head.shape == embedding.shape and head.dtype == embedding.dtype
    if not same or not _equal_bytes(head, embedding):
        raise CheckpointError(
            "config.json says tie_word_embeddings, but the files hold an lm_head.weight that is "
            "not the embedding",
            hint="set tie_word_embeddings to false if the head was trained apart",
        )


def _equal_bytes(one: TensorEntry, other: TensorEntry, *, piece: int = 16 << 20) -> bool:
    with one.path.open("rb") as a, other.path.open("rb") as b:
        a.seek(one.start)
        b.seek(other.start)
        sizes = (min(piece, one.num_bytes - at) for at in range(0, one.num_bytes, piece))
        return all(a.read(size) == b.read(size) for size in sizes)


def stored_dtype(entries: Mapping[str, TensorEntry]) -> torch.dtype:
    """The dtype that most bytes are stored in."""
    sizes: Counter[torch.dtype] = Counter()
    for entry in entries.values():
        sizes[entry.dtype] += entry.num_bytes
    return sizes.most_common(1)[0][0]
