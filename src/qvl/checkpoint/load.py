"""Weights from a model folder into a model, one module at a time.

Owns: the order of the work and the memory it takes. Does not own file formats
(``safetensors_file``) or folders (``folder``).

    folder -> config, tensor list -> empty model -> all names and shapes compared
           -> module by module: map (same dtype, CPU) or read and convert its tensors

Everything that can be wrong is found before the first weight is read. Peak memory is the weights
and a piece of one tensor.
"""

import mmap
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from qvl.checkpoint.folder import list_tensors, read_config, some
from qvl.checkpoint.safetensors_file import TensorEntry, map_file, map_tensor, read_tensor
from qvl.errors import CheckpointError
from qvl.model.config import ModelConfig
from qvl.model.vlm import Qwen2_5_VL

HEAD = "lm_head.weight"
EMBEDDING = "model.embed_tokens.weight"

# Smaller tensors are copied: each mapped one keeps pages of its neighbours in memory.
_MAPPED_BYTES = 1 << 20

Replace = Callable[[nn.Module], nn.Module]


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
        replace: called with each module that has weights of its own, as soon as it has them; what
            it returns takes the module's place. A tied head comes first, as a Linear with weights
            of its own, and is dropped again if it is not replaced.

    Raises:
        CheckpointError: something is missing, damaged or does not belong together. Nothing was
            loaded.
    """
    config = read_config(folder)
    entries = list_tensors(folder)
    model = _empty_model(config, entries)
    source = _Source(entries, dtype or _stored_dtype(entries), torch.device(device))
    names = [name for name, _ in model.named_modules()]
    if replace is not None and config.text.tie_word_embeddings:
        head = _tied_head(config, source)
        replaced = replace(head)
        model.lm_head = None if replaced is head else replaced
        del head, replaced  # before all the others take their place
    for name in names:
        module = model.get_submodule(name)
        if not module._parameters:
            continue
        # What is replaced needs no file behind it; only embeddings stay as they are.
        mapped = replace is None or isinstance(module, nn.Embedding)
        source.fill(module, name, mapped=mapped)
        if replace is not None:
            _put(model, name, replace(module))
    return model.eval()


class _Source:
    """Makes parameters out of the entries."""

    def __init__(
        self, entries: Mapping[str, TensorEntry], dtype: torch.dtype, device: torch.device
    ) -> None:
        self._entries = entries
        self._dtype = dtype
        self._device = device
        self._mappings: dict[Path, mmap.mmap] = {}

    def fill(self, module: nn.Module, name: str, *, mapped: bool) -> None:
        for key, empty in module._parameters.items():
            if empty is not None:
                tensor = self.tensor(f"{name}.{key}", mapped=mapped)
                module._parameters[key] = nn.Parameter(tensor, requires_grad=empty.requires_grad)

    def tensor(self, name: str, *, mapped: bool) -> Tensor:
        entry = self._entries[name]
        in_place = self._device.type == "cpu" and entry.dtype == self._dtype
        if mapped and in_place and entry.num_bytes >= _MAPPED_BYTES:
            if entry.path not in self._mappings:
                self._mappings[entry.path] = map_file(entry.path)
            return map_tensor(entry, self._mappings[entry.path])
        return read_tensor(entry, self._dtype, device=self._device)


def _tied_head(config: ModelConfig, source: _Source) -> nn.Linear:
    with torch.device("meta"):
        head = nn.Linear(config.text.hidden_size, config.text.vocab_size, bias=False)
    head.weight = nn.Parameter(source.tensor(EMBEDDING, mapped=False), requires_grad=False)
    return head


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, key = name.rpartition(".")
    setattr(model.get_submodule(parent), key, module)


def _empty_model(config: ModelConfig, entries: dict[str, TensorEntry]) -> Qwen2_5_VL:
    """The model without memory, once every tensor is known to fit it; drops a redundant head."""
    num_layers = config.vision.depth + config.text.num_hidden_layers
    if num_layers > len(entries):
        raise CheckpointError(
            f"config.json describes {num_layers} layers, the files hold {len(entries)} tensors",
            hint="config.json and weights belong to different models",
        )
    try:
        with torch.device("meta"):
            model = Qwen2_5_VL(config)
    except (RuntimeError, TypeError, OverflowError) as error:  # a size beyond 64 bits
        raise CheckpointError("config.json describes a model too large to exist") from error
    if config.text.tie_word_embeddings and HEAD in entries and EMBEDDING in entries:
        _check_tied_head(entries)
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


def _check_tied_head(entries: Mapping[str, TensorEntry]) -> None:
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


def _stored_dtype(entries: Mapping[str, TensorEntry]) -> torch.dtype:
    sizes: Counter[torch.dtype] = Counter()
    for entry in entries.values():
        sizes[entry.dtype] += entry.num_bytes
    return sizes.most_common(1)[0][0]
