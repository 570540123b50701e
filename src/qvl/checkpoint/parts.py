"""Parts of a model from other checkpoints: the language model of a text model, the tower of ours.

Owns: which tensors a part has, and that both sides are the same architecture. Does not own: whole
models (``load``), random weights (``model.init``).

    folder of a Qwen2.5 text model -> config and names compared -> model.*, lm_head.weight, in place
    folder of a model of ours -> config and names compared -> visual.*, in place

Nothing is copied before everything is known to fit.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from qvl.checkpoint.folder import CONFIG, list_tensors, read_config, some
from qvl.checkpoint.load import EMBEDDING, HEAD, check_tied_head
from qvl.checkpoint.safetensors_file import TensorEntry, read_tensor
from qvl.errors import CheckpointError, ConfigError
from qvl.model.config import TextConfig
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.tokenizer import read_json

_MERGER = "visual.merger."
# How long a context may be changes no weight.
_NO_WEIGHTS = ("max_position_embeddings",)


def read_text_config(folder: Path) -> TextConfig:
    """The language model that the ``config.json`` of a Qwen2.5 text model describes.

    Raises:
        CheckpointError: the file is missing or damaged, or of another kind of model.
    """
    try:
        return TextConfig.from_text_model(read_json(folder / CONFIG))
    except ConfigError as error:
        raise CheckpointError(f"{folder / CONFIG}: {error.message}", hint=error.hint) from error


def load_language_model(model: Qwen2_5_VL, folder: Path) -> None:
    """Fills decoder, embedding and head, in place, from a published Qwen2.5 text model.

    Its positions have one axis; equal numbers on three axes rotate in the same way, so the weights
    mean the same here. Source: Qwen2.5-VL report, 2.1.3 (M-RoPE of text is 1D-RoPE).

    Args:
        model: on its device, in its dtype.
        folder: with config.json (``model_type`` "qwen2") and safetensors.

    Raises:
        CheckpointError: the folder is damaged or of another architecture or size; tensors are
            named. Nothing was changed.
    """
    theirs, ours = asdict(read_text_config(folder)), asdict(model.config.text)
    unlike = {name: value for name, value in theirs.items() if name not in _NO_WEIGHTS}
    _compare_fields(folder, unlike, ours)
    entries = list_tensors(folder)
    if model.lm_head is None and HEAD in entries and EMBEDDING in entries:
        check_tied_head(entries)
        del entries[HEAD]
    named = dict(model.named_parameters())
    _fill({n: p for n, p in named.items() if not n.startswith("visual.")}, entries, folder)


def load_tower(model: Qwen2_5_VL, folder: Path, *, merger: bool = True) -> None:
    """Fills the vision tower, in place, from another model of this architecture.

    Args:
        model: on its device, in its dtype.
        folder: of a whole model; its language model is not read.
        merger: also fill the merger, which has to lead to a language model of the same width.

    Raises:
        CheckpointError: the folder is damaged, or the towers differ; tensors are named. Nothing was
            changed.
    """
    theirs, ours = asdict(read_config(folder).vision), asdict(model.config.vision)
    if not merger:
        del theirs["out_hidden_size"]
    _compare_fields(folder, theirs, ours)

    def wanted(name: str) -> bool:
        return name.startswith("visual.") and (merger or not name.startswith(_MERGER))

    entries = {name: entry for name, entry in list_tensors(folder).items() if wanted(name)}
    _fill({n: p for n, p in model.named_parameters() if wanted(n)}, entries, folder)


def _compare_fields(folder: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    unlike = [
        f"{name} {value} instead of {ours[name]}"
        for name, value in theirs.items()
        if value != ours[name]
    ]
    if unlike:
        raise CheckpointError(
            f"{folder} is of another size: {some(unlike)}",
            hint="give a model whose language model or tower is the one to be filled",
        )


def _fill(
    parameters: Mapping[str, Tensor], entries: Mapping[str, TensorEntry], folder: Path
) -> None:
    problems = {
        "missing": [name for name in parameters if name not in entries],
        "extra": [name for name in entries if name not in parameters],
        "misshapen": [
            f"{name} {list(entries[name].shape)} instead of {list(parameter.shape)}"
            for name, parameter in parameters.items()
            if name in entries and entries[name].shape != tuple(parameter.shape)
        ],
    }
    found = [f"{len(names)} {what} ({some(names)})" for what, names in problems.items() if names]
    if found:
        raise CheckpointError(f"the weights of {folder} do not fit: {'; '.join(found)}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(read_tensor(entries[name], parameter.dtype, device=parameter.device))
