"""Adapters as folders: read, put on a model, merged while a model loads, written.

Owns the files and that they fit the model. Does not own the arithmetic (``model.lora``) or the
spelling of fields and names (``peft_format``).

    folder -> read_adapter -> Adapter -> attach_adapter(model) | MergeAdapter (load_model's replace)
    model with adapters -> save_adapter -> adapter_config.json, adapter_model.safetensors,
        preprocessor_config.json if it was trained on pictures of other sizes
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from qvl.checkpoint import hub
from qvl.checkpoint.export import export_model, write_limits
from qvl.checkpoint.folder import CONFIG, read_config, some
from qvl.checkpoint.load import EMBEDDING, HEAD, load_model
from qvl.checkpoint.new_folder import new_folder
from qvl.checkpoint.peft_format import (
    check_fields,
    config_of,
    spec_of,
    split_name,
    stored_name,
)
from qvl.checkpoint.safetensors_file import (
    canonical_order,
    read_header,
    read_tensor,
    write_safetensors,
)
from qvl.errors import CheckpointError, ConfigError
from qvl.geometry import PixelLimits
from qvl.model.init import empty_model
from qvl.model.lora import (
    LoraLinear,
    adapter_parameters,
    attach_lora,
    lora_layers,
    saved_parameters,
)
from qvl.model.lora_config import LoraSpec
from qvl.model.quantized_linear import QuantizedLinear
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.settings import stated_limits
from qvl.processing.tokenizer import read_json

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
_MAGNITUDE = "lora_magnitude_vector"


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapter:
    """What an adapter's folder holds.

    Attributes:
        base_model: hub name or folder of the model it belongs on, as recorded.
        revision: of a hub name.
        specs: adapters by the published name of their layer.
        tensors: by published name, such as "lm_head.lora_A.weight"; also of what trained whole.
        keeps_tie: embedding and head stay one tensor if the embedding trained whole.
    """

    base_model: str | None
    revision: str | None
    specs: Mapping[str, LoraSpec]
    tensors: Mapping[str, Tensor]
    keeps_tie: bool

    @property
    def saved(self) -> dict[str, Tensor]:
        """What trained whole, by published name."""
        return {name: t for name, t in self.tensors.items() if ".lora_" not in name}


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no model of its own."""
    return (folder / ADAPTER_CONFIG).is_file() and not (folder / CONFIG).is_file()


def base_folder(adapter: Path, *, weights: bool = True) -> Path:
    """The folder of the model that an adapter names as its base; see :func:`hub.resolve`.

    Raises:
        CheckpointError: it names none, or that one cannot be found.
    """
    path = adapter / ADAPTER_CONFIG
    raw = read_json(path)
    name, revision = raw.get("base_model_name_or_path"), raw.get("revision")
    if not isinstance(name, str) or not name:
        raise CheckpointError(f"{path} names no base model", hint="name it with --model")
    if is_adapter(Path(name).expanduser()):
        raise CheckpointError(f"{path}: the base model {name!r} is itself an adapter")
    try:
        return hub.resolve(
            name, revision=revision if isinstance(revision, str) else None, weights=weights
        )
    except CheckpointError as error:
        raise CheckpointError(
            f"the base model of {adapter}: {error.message}", hint="name it with --model"
        ) from error


def read_adapter(folder: Path) -> Adapter:
    """Reads and checks an adapter's folder.

    Raises:
        CheckpointError: a file is missing or damaged, config and tensors contradict each other, or
            a field asks for something that would be computed differently here.
    """
    path, weights = folder / ADAPTER_CONFIG, folder / ADAPTER_WEIGHTS
    if not path.is_file():
        raise CheckpointError(f"{folder} has no {ADAPTER_CONFIG}")
    if not weights.is_file():
        pickled = (folder / "adapter_model.bin").exists()
        hint = "save it as safetensors: pickles can run code and are not read" if pickled else None
        raise CheckpointError(f"{folder} has no {ADAPTER_WEIGHTS}", hint=hint)
    config = read_json(path)
    check_fields(config, path)
    specs: dict[str, LoraSpec] = {}
    tensors: dict[str, Tensor] = {}
    for stored, entry in read_header(weights).entries.items():
        try:
            layer, key = split_name(stored)
        except ValueError as error:
            raise CheckpointError(f"{weights}: {error}") from error
        if not entry.dtype.is_floating_point:
            raise CheckpointError(f"{weights}: {stored!r} is {entry.dtype}, expected floats")
        tensors[f"{layer}.{key}"] = read_tensor(entry, entry.dtype)
        if key == "lora_A.weight":
            try:
                specs[layer] = spec_of(config, _layer_as_stored(stored))
            except ConfigError as error:
                raise CheckpointError(f"{path}: {error.message}") from error
    adapter = Adapter(
        base_model=config.get("base_model_name_or_path"),
        revision=config.get("revision"),
        specs=specs,
        tensors=tensors,
        keeps_tie=bool(config.get("ensure_weight_tying")),
    )
    _check_complete(adapter, weights)
    return adapter


def _layer_as_stored(stored: str) -> str:
    return stored.removeprefix("base_model.model.").removesuffix(".lora_A.weight")


def _check_complete(adapter: Adapter, path: Path) -> None:
    """Each adapter has all its tensors, of its rank, and nothing else."""
    if not adapter.specs:
        raise CheckpointError(f"{path} holds no adapter of a linear layer")
    updates = {name for name in adapter.tensors if ".lora_" in name}
    for layer, spec in adapter.specs.items():
        keys = ["lora_A.weight", "lora_B.weight", *([_MAGNITUDE] if spec.dora else [])]
        absent = [key for key in keys if f"{layer}.{key}" not in updates]
        if absent:
            raise CheckpointError(f"{path}: the adapter of {layer} has no {absent[0]}")
        rank = len(adapter.tensors[f"{layer}.lora_A.weight"])
        if rank != spec.rank:
            raise CheckpointError(
                f"{path}: the adapter of {layer} has rank {rank}, {ADAPTER_CONFIG} says {spec.rank}"
            )
        updates -= {f"{layer}.{key}" for key in keys}
    if updates:
        raise CheckpointError(f"{path} holds {some(sorted(updates))} of no adapter")


def fitted(adapter: Adapter, model: Qwen2_5_VL) -> Adapter:
    """The adapter as a model takes it, once names and shapes are compared; the model may be on the
    meta device.

    Raises:
        CheckpointError: the adapter belongs to another model.
    """
    if model.lm_head is None and EMBEDDING in adapter.saved:
        adapter = _with_one_embedding(adapter)
    modules, problems = dict(model.named_modules()), []
    for layer, spec in adapter.specs.items():
        module = modules.get(layer)
        if not isinstance(module, nn.Linear | QuantizedLinear):
            problems.append(f"{layer} is no linear layer")
            continue
        outputs, inputs = module.weight.shape
        shapes: list[tuple[str, tuple[int, ...]]] = [
            ("lora_A.weight", (spec.rank, inputs)),
            ("lora_B.weight", (outputs, spec.rank)),
            *([(_MAGNITUDE, (outputs,))] if spec.dora else []),
        ]
        for key, shape in shapes:
            found = tuple(adapter.tensors[f"{layer}.{key}"].shape)
            if found != shape:
                problems.append(f"{layer}.{key} {list(found)} instead of {list(shape)}")
    parameters = dict(model.named_parameters())
    for name, tensor in adapter.saved.items():
        if name not in parameters or parameters[name].shape != tensor.shape:
            problems.append(f"{name} {list(tensor.shape)} is no parameter of this shape")
    for layer in {name.rpartition(".")[0] for name in adapter.saved} & set(modules):
        whole = {f"{layer}.{key}" for key, p in modules[layer]._parameters.items() if p is not None}
        problems += [f"{name} is missing" for name in sorted(whole - set(adapter.saved))]
    if problems:
        raise CheckpointError(
            f"the adapter does not fit the model: {some(problems)}",
            hint=f"it was made for {adapter.base_model!r}",
        )
    return adapter


def _with_one_embedding(adapter: Adapter) -> Adapter:
    """For a model whose head is its embedding; peft stores such a one twice."""
    head = adapter.tensors.get(HEAD)
    apart = head is not None and not torch.equal(head, adapter.tensors[EMBEDDING])
    if apart or not adapter.keeps_tie:
        raise CheckpointError(
            "the adapter trained the embedding apart from the head, which in this model are one",
            hint="train it with ensure_weight_tying",
        )
    return replace(adapter, tensors={n: t for n, t in adapter.tensors.items() if n != HEAD})


@torch.no_grad()
def attach_adapter(model: Qwen2_5_VL, adapter: Adapter) -> None:
    """Puts an adapter on a model, in place, ready to be trained further.

    Raises:
        CheckpointError: it does not fit.
        ConfigError: the model has adapters already.
    """
    adapter = fitted(adapter, model)
    layers = dict.fromkeys(name.rpartition(".")[0] for name in adapter.saved)
    attach_lora(model, adapter.specs, layers)
    for name, parameter in adapter_parameters(model).items():
        parameter.copy_(adapter.tensors[name])


def save_adapter(
    model: Qwen2_5_VL,
    folder: Path,
    *,
    base_model: str | None,
    revision: str | None = None,
    limits: PixelLimits | None = None,
) -> None:
    """Writes the adapters of a model; the folder appears complete or not at all.

    Args:
        model: with adapters, not sharded.
        folder: new or empty.
        base_model: hub name or folder that others find the base by.
        revision: of a hub name.
        limits: of the pictures it was trained on; None for those of the base.

    Raises:
        CheckpointError: the folder is not empty or cannot be written.
        ConfigError: the model has no adapters.
    """
    tensors = {name: p.detach() for name, p in adapter_parameters(model).items()}
    write_adapter(model, tensors, folder, base_model=base_model, revision=revision, limits=limits)


def write_adapter(
    model: Qwen2_5_VL,
    tensors: Mapping[str, Tensor],
    folder: Path,
    *,
    base_model: str | None,
    revision: str | None = None,
    limits: PixelLimits | None = None,
) -> None:
    """As :func:`save_adapter`, with the values given apart: gathered from a sharded model, or an
    average."""
    specs = {name: layer.spec for name, layer in lora_layers(model).items()}
    if not specs:
        raise ConfigError("the model has no adapters to save")
    saved = dict.fromkeys(name.rpartition(".")[0] for name in saved_parameters(model))
    config = config_of(
        specs,
        saved,
        layers=[n for n, _ in model.named_modules() if ".lora_" not in n],
        base_model=base_model,
        revision=revision,
        tied=model.lm_head is None,
    )
    if model.lm_head is None and EMBEDDING in tensors:
        tensors = {**tensors, HEAD: tensors[EMBEDDING]}  # peft reads a tied one twice
    stored = canonical_order((stored_name(name), tensor) for name, tensor in tensors.items())
    with new_folder(folder, hint="save to a new folder") as part:
        write_safetensors(part / ADAPTER_WEIGHTS, stored, metadata={"format": "pt"})
        (part / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2) + "\n")
        if limits is not None:
            write_limits(part, model.config, limits)


class MergeAdapter:
    """Takes an adapter into the weights while a model loads; ``replace`` of ``load_model``.

    Only the matrix in hand is ever wide, so peak memory is that of loading the plain model.

    Args:
        adapter: what to merge.
        folder: of the base model; compared with the adapter before any weight is read.

    Raises:
        CheckpointError: the adapter does not fit.
    """

    def __init__(self, adapter: Adapter, folder: Path) -> None:
        model = empty_model(read_config(folder))
        self._adapter = fitted(adapter, model)
        self._tied = model.lm_head is None

    def __call__(self, name: str, module: nn.Module) -> nn.Module:
        tensors = self._adapter.tensors
        if self._tied and f"{name}.weight" == HEAD and EMBEDDING in tensors:
            assert isinstance(module, nn.Linear)
            # The very module: a head that is not replaced is not kept, and the embedding serves.
            module.weight = _frozen(tensors[EMBEDDING], module.weight)
            return module
        if name in self._adapter.specs:
            assert isinstance(module, nn.Linear)
            layer = LoraLinear(module, self._adapter.specs[name])
            with torch.no_grad():
                for key, parameter in layer.named_parameters():
                    if key.startswith("lora_"):
                        parameter.copy_(tensors[f"{name}.{key}"])
            return layer.merged(module.weight.dtype)
        if any(f"{name}.{key}" in tensors for key in module._parameters):
            module = copy.copy(module)  # one that is handed back is read from the file again
            module._parameters = {
                key: None if p is None else _frozen(tensors[f"{name}.{key}"], p)
                for key, p in module._parameters.items()
            }
        return module


def merge_adapter(
    adapter: Path, output: Path, *, base: Path | None = None, dtype: torch.dtype | None = None
) -> None:
    """Writes the merged model in the published layout.

    Args:
        adapter: an adapter's folder.
        output: new or empty.
        base: folder of the base model; None takes the one that the adapter names.
        dtype: of all weights; None keeps the base's.

    Raises:
        CheckpointError: something is missing, damaged, or does not belong together.
    """
    folder = base_folder(adapter) if base is None else base
    merge = MergeAdapter(read_adapter(adapter), folder)
    model = load_model(folder, dtype=dtype, replace=merge)
    export_model(model, output, files_from=folder, limits=stated_limits(adapter))


def _frozen(tensor: Tensor, like: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor.to(like.device, like.dtype), requires_grad=False)
