"""A checkpoint of a run as a model in the published layout.

Owns: which tensors of a checkpoint make the model. Does not own the layout
(``qvl.checkpoint.export``). No group is needed, whatever number of ranks saved: every tensor is
read into its place in one model, in the dtype it will have.

    Saved + config.json -> empty model, filled in place -> folder for transformers and vLLM
"""

from pathlib import Path

import torch

from qvl.checkpoint.export import export_model
from qvl.checkpoint.folder import read_config, some
from qvl.errors import CheckpointError
from qvl.model.init import empty_model
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.reader import Saved
from qvl.training.checkpoint.state import EMA, PARAMETERS
from qvl.training.checkpoint.storage import read_tensors


def model_of(
    saved: Saved, inputs: Path, *, ema: bool = False, dtype: torch.dtype | None = None
) -> Qwen2_5_VL:
    """Returns the model of a checkpoint, in main memory.

    Args:
        saved: a checkpoint that holds the whole model.
        inputs: folder with the model's config.json.
        ema: averaged parameters, where there are averages; parts that were frozen have none.
        dtype: of the result; None leaves every tensor as it was trained.

    Raises:
        CheckpointError: the checkpoint is of another model, holds no averages, or adapters only.
    """
    stored, averages = saved.shapes(PARAMETERS), saved.shapes(EMA)
    if ema and not averages:
        raise CheckpointError(
            f"{saved.path} holds no averaged parameters", hint="export it without --ema"
        )
    model = empty_model(read_config(inputs))
    expected = {name: parameter.shape for name, parameter in model.named_parameters()}
    wrong = [n for n, shape in expected.items() if n not in stored or stored[n][0] != shape]
    if wrong:
        raise CheckpointError(
            f"{saved.path} does not hold {len(wrong)} of the {len(expected)} parameters that "
            f"{inputs} describes: {some(wrong)}",
            hint="give --inputs the folder of the model that was trained",
        )
    tensors = {}
    for name, parameter in list(model.named_parameters()):
        chosen = dtype or stored[name][1]
        module, _, key = name.rpartition(".")
        value = torch.nn.Parameter(torch.empty(parameter.shape, dtype=chosen))
        setattr(model.get_submodule(module), key, value)
        tensors[f"{EMA if ema and name in averages else PARAMETERS}/{name}"] = value.detach()
    read_tensors(saved.path, tensors, saved.listing, CheckpointGroup())
    return model


def export_checkpoint(
    saved: Saved,
    output: Path,
    *,
    inputs: Path,
    ema: bool = False,
    dtype: torch.dtype | None = None,
) -> None:
    """Writes the model of a checkpoint; the folder appears complete or not at all.

    Args:
        saved: from `open_checkpoint`.
        output: new or empty.
        inputs: config.json, tokenizer, template and preprocessing files, which are copied.
        ema: see `model_of`.
        dtype: see `model_of`.

    Raises:
        CheckpointError: see `model_of`, or the folder cannot be written.
    """
    export_model(model_of(saved, inputs, ema=ema, dtype=dtype), output, files_from=inputs)
