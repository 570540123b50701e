"""A model written as a folder that transformers and vLLM read unchanged.

Owns: the published layout (flat config.json, old tensor names, shards with an index). Does not own
the bytes of a file (``safetensors_file``) or putting the folder in place (``new_folder``).

    model (+ the folder it came from) -> shards in a new folder -> renamed to its place
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qvl.checkpoint.folder import CONFIG, INDEX, TOKENIZER, WEIGHTS, weight_files
from qvl.checkpoint.new_folder import new_folder
from qvl.checkpoint.safetensors_file import (
    Header,
    canonical_order,
    read_header,
    write_safetensors,
)
from qvl.errors import CheckpointError
from qvl.geometry import PixelLimits
from qvl.model.config import ModelConfig
from qvl.model.init import empty_model
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.tokenizer import read_json

# Source: transformers modeling_utils.py, the default max_shard_size of the releases' time.
MAX_SHARD_BYTES = 5_000_000_000

_GENERATION = "generation_config.json"
_PREPROCESSOR = "preprocessor_config.json"
# Files of a checkpoint that are neither its weights nor its architecture.
_COPIED = (
    TOKENIZER,
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
    "chat_template.jinja",
    "video_preprocessor_config.json",
    _PREPROCESSOR,
    _GENERATION,
)
# As transformers marks files that hold torch tensors.
_METADATA = {"format": "pt"}

# file name -> its tensors in order, and the metadata of its header
_Layout = Mapping[str, tuple[Sequence[str], Mapping[str, str]]]

_TEMPLATES = ("chat_template.json", "chat_template.jinja")
CHAT_TEMPLATE = Path(__file__).with_name("chat_template.jinja").read_text(encoding="utf-8")
"""What `qvl.processing.chat_template` renders, for readers that render themselves."""


def export_model(
    model: Qwen2_5_VL,
    folder: Path,
    *,
    files_from: Path | None = None,
    limits: PixelLimits | None = None,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> None:
    """Writes the model; the folder appears complete or not at all.

    If ``files_from`` holds the same tensors (names, shapes and dtypes), its layout is repeated:
    same shards, same order, same metadata and index, so that a checkpoint that was loaded in the
    dtype it is stored in is written back byte for byte. Otherwise the layout is transformers': one
    file up to ``max_shard_bytes``, beyond that shards in the order of the state dict.

    Args:
        model: any dtype and device; a tied model is written without a head.
        folder: new or empty.
        files_from: a model's folder whose tokenizer, template and preprocessing files are copied.
        limits: of the pictures it was trained on; None keeps those of ``files_from``.
        max_shard_bytes: a file is at most this large, unless one tensor is larger.

    Raises:
        CheckpointError: the folder is not empty or cannot be written, or the model was made for
            inference only and has given up its weights.
    """
    with new_folder(folder, hint="export to a new folder") as part:
        state = _state(model)
        repeated = _layout_of(files_from, state)
        copied = (*_COPIED, INDEX) if repeated else _COPIED
        _write_weights(part, state, repeated or _new_layout(state, max_shard_bytes))
        for file in copied:
            if files_from is not None and (files_from / file).is_file():
                shutil.copyfile(files_from / file, part / file)
        _write_configs(part, model.config, model.dtype)
        if limits is not None:
            write_limits(part, model.config, limits)


def _state(model: Qwen2_5_VL) -> dict[str, Tensor]:
    """The weights by published name, checked to be all of them."""
    state = dict(model.state_dict())
    expected = empty_model(model.config).state_dict()
    if set(state) != set(expected):
        raise CheckpointError(
            f"the model has {len(state)} tensors, its configuration describes {len(expected)}",
            hint="a model loaded for inference has packed its weights; export one from load_model",
        )
    return state


def _layout_of(source: Path | None, state: Mapping[str, Tensor]) -> _Layout | None:
    """The layout of another checkpoint, if it holds exactly these tensors."""
    if source is None or not ((source / WEIGHTS).is_file() or (source / INDEX).is_file()):
        return None
    headers: dict[str, Header] = {path.name: read_header(path) for path in weight_files(source)}
    stored = {
        name: (entry.dtype, entry.shape)
        for header in headers.values()
        for name, entry in header.entries.items()
    }
    if stored != {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in state.items()}:
        return None
    return {
        file: (
            sorted(header.entries, key=lambda name, h=header: h.entries[name].start),  # type: ignore[misc]
            header.metadata,
        )
        for file, header in headers.items()
    }


def _new_layout(state: Mapping[str, Tensor], max_shard_bytes: int) -> _Layout:
    """Shards filled in the order of the state dict; inside a file, the order of the library.

    Source: huggingface_hub serialization/_base.py, split_state_dict_into_shards_factory.
    """
    shards: list[list[str]] = [[]]
    room = max_shard_bytes
    for name, tensor in state.items():
        if shards[-1] and tensor.nbytes > room:
            shards.append([])
            room = max_shard_bytes
        shards[-1].append(name)
        room -= tensor.nbytes
    files = (
        [WEIGHTS]
        if len(shards) == 1
        else [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    )
    ordered = ([name for name, _ in canonical_order((n, state[n]) for n in s)] for s in shards)
    return {file: (names, _METADATA) for file, names in zip(files, ordered, strict=True)}


def _write_weights(folder: Path, state: Mapping[str, Tensor], layout: _Layout) -> None:
    for file, (names, metadata) in layout.items():
        write_safetensors(folder / file, [(n, state[n]) for n in names], metadata=metadata)
    if WEIGHTS not in layout:
        weight_map = {name: file for file, (names, _) in layout.items() for name in names}
        total = sum(tensor.nbytes for tensor in state.values())
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
        _write_json(folder / INDEX, index)


def _write_configs(folder: Path, config: ModelConfig, dtype: torch.dtype) -> None:
    """config.json, and what transformers and vLLM cannot do without if it was not copied."""
    _write_json(folder / CONFIG, {**config.to_hf(), "torch_dtype": str(dtype).split(".")[-1]})
    if not (folder / _GENERATION).exists():
        _write_json(folder / _GENERATION, _generation_config(config))
    if not (folder / _PREPROCESSOR).exists():
        _write_json(folder / _PREPROCESSOR, _preprocessor_config(config))
    if not any((folder / name).exists() for name in _TEMPLATES):
        _write_json(folder / _TEMPLATES[0], {"chat_template": CHAT_TEMPLATE})


def write_limits(folder: Path, config: ModelConfig, limits: PixelLimits) -> None:
    """Writes pixel limits into a folder's ``preprocessor_config.json``, which is made if there is
    none. Asked with other limits than it was trained with, a model would see other pictures."""
    path = folder / _PREPROCESSOR
    there = read_json(path) if path.exists() else _preprocessor_config(config)
    _write_json(path, {**there, **asdict(limits)})


def _generation_config(config: ModelConfig) -> dict[str, Any]:
    """Greedy, as a file from which sampling settings were not copied should be."""
    ends = [config.eos_token_id, config.bos_token_id]  # <|im_end|>, <|endoftext|>
    return {
        "bos_token_id": config.bos_token_id,
        "do_sample": False,
        "eos_token_id": ends,
        "pad_token_id": config.bos_token_id,
    }


def _preprocessor_config(config: ModelConfig) -> dict[str, Any]:
    """The released settings for this tower's patches.

    Source: preprocessor_config.json of Qwen/Qwen2.5-VL-7B-Instruct.
    """
    return {
        "min_pixels": 3136,
        "max_pixels": 12845056,
        "patch_size": config.vision.patch_size,
        "temporal_patch_size": config.vision.temporal_patch_size,
        "merge_size": config.vision.spatial_merge_size,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
    }


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
