"""A checkpoint of a run as a folder that others load.

Owns: which tensors of a checkpoint make the model. Does not own the layouts
(``qvl.checkpoint.export``, ``qvl.checkpoint.adapter``). No group is needed, whatever number of
ranks saved: every tensor is read into its place in one model, in the dtype it will have.

    Saved + config.json -> empty model, filled in place -> folder for transformers and vLLM
    Saved of adapters + base model -> adapters filled -> folder for peft, or merged as above
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from qvl.checkpoint.adapter import write_adapter
from qvl.checkpoint.export import export_model
from qvl.checkpoint.folder import INDEX, WEIGHTS, list_tensors, read_config, some
from qvl.checkpoint.load import load_model, stored_dtype
from qvl.errors import CheckpointError
from qvl.model.init import empty_model
from qvl.model.lora import adapter_parameters, add_lora, merge_lora
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.checkpoint.adapters import check_base, sums_of
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.reader import Saved
from qvl.training.checkpoint.state import EMA, PARAMETERS
from qvl.training.checkpoint.storage import read_tensors


def export_checkpoint(
    saved: Saved,
    output: Path,
    *,
    inputs: Path,
    ema: bool = False,
    dtype: torch.dtype | None = None,
) -> None:
    """Writes the model of a checkpoint; the folder appears complete or not at all.

    A checkpoint of adapters is merged into its base model.

    Args:
        saved: from `open_checkpoint`.
        output: new or empty.
        inputs: config.json, tokenizer, template and preprocessing files, which are copied; with
            adapters, the folder of the base model.
        ema: averaged parameters, where there are averages; parts that were frozen have none.
        dtype: of the result; None is that of the weights in ``inputs``, or, if there are none, as
            every tensor was trained.

    Raises:
        CheckpointError: the checkpoint is of another model or holds no averages, or the folder
            cannot be written.
    """
    make = whole_model if saved.marker.adapters is None else merged_model
    model = make(saved, inputs, ema=ema, dtype=dtype or _dtype_of(inputs))
    export_model(model, output, files_from=inputs, limits=saved.marker.limits)


def _dtype_of(folder: Path) -> torch.dtype | None:
    """The dtype of a folder's weights, or None if it has none."""
    if not any((folder / name).is_file() for name in (WEIGHTS, INDEX)):
        return None
    return stored_dtype(list_tensors(folder))


def export_adapter(saved: Saved, output: Path, *, base: Path, ema: bool = False) -> None:
    """Writes the adapters of a checkpoint in peft's layout; the base's weights are not read.

    Args:
        saved: of a run that trained adapters.
        output: new or empty.
        base: folder with the config.json of the base model.
        ema: see `export_checkpoint`.

    Raises:
        CheckpointError: the checkpoint holds no adapters, or they do not fit.
    """
    adapters = saved.marker.adapters
    if adapters is None:
        raise CheckpointError(
            f"{saved.path} holds a whole model, no adapters", hint="export it without --adapter"
        )
    model = empty_model(read_config(base))
    add_lora(model, adapters.config)
    tensors = _filled(saved, adapter_parameters(model), ema=ema, dtype=None, inputs=base)
    marker = saved.marker
    write_adapter(
        model, tensors, output, base_model=marker.base_model or None, limits=marker.limits
    )


def whole_model(saved: Saved, inputs: Path, *, ema: bool, dtype: torch.dtype | None) -> Qwen2_5_VL:
    """Returns the model of a checkpoint that holds all of it; see `export_checkpoint`."""
    model = empty_model(read_config(inputs))
    tensors = _filled(saved, dict(model.named_parameters()), ema=ema, dtype=dtype, inputs=inputs)
    for name, tensor in tensors.items():
        module, _, key = name.rpartition(".")
        setattr(model.get_submodule(module), key, nn.Parameter(tensor))
    return model


def merged_model(saved: Saved, base: Path, *, ema: bool, dtype: torch.dtype | None) -> Qwen2_5_VL:
    """Returns the base model with a checkpoint's adapters in its weights; see
    `export_checkpoint`."""
    adapters = saved.marker.adapters
    assert adapters is not None
    model = load_model(base, dtype=getattr(torch, adapters.base_dtype))
    sums = sums_of(dict(model.named_parameters()), CheckpointGroup())
    check_base(adapters, sums, where=str(saved.path))
    add_lora(model, adapters.config)
    parameters = adapter_parameters(model)
    tensors = _filled(saved, dict(parameters), ema=ema, dtype=None, inputs=base)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])
    merge_lora(model)
    return model if dtype is None else model.to(dtype)


def _filled(
    saved: Saved,
    parameters: dict[str, nn.Parameter],
    *,
    ema: bool,
    dtype: torch.dtype | None,
    inputs: Path,
) -> dict[str, Tensor]:
    """New tensors in the shapes of parameters, with what the checkpoint holds of the same name."""
    stored, averages = saved.shapes(PARAMETERS), saved.shapes(EMA)
    if ema and not averages:
        raise CheckpointError(
            f"{saved.path} holds no averaged parameters", hint="export it without --ema"
        )
    wrong = [n for n, p in parameters.items() if n not in stored or stored[n][0] != p.shape]
    if wrong:
        raise CheckpointError(
            f"{saved.path} does not hold {len(wrong)} of the {len(parameters)} parameters that "
            f"{inputs} describes: {some(wrong)}",
            hint="name the folder of the model that was trained",
        )
    found = {n: torch.empty(p.shape, dtype=dtype or stored[n][1]) for n, p in parameters.items()}
    keys = {n: f"{EMA if ema and n in averages else PARAMETERS}/{n}" for n in found}
    targets = {keys[name]: tensor for name, tensor in found.items()}
    read_tensors(saved.path, targets, saved.listing, CheckpointGroup())
    return found
