"""What a model folder holds, checked before any weight is read.

Owns: config.json, the list of tensors over one or many files, old and new names. Does not own the
bytes (``safetensors_file``), the model (``load``) or the tokenizer (``processing.processor``).

    folder -> read_config -> ModelConfig
    folder -> list_tensors -> {published name: TensorEntry}
"""

from pathlib import Path

from qvl.checkpoint.safetensors_file import TensorEntry, read_header
from qvl.errors import CheckpointError, ConfigError
from qvl.model.config import ModelConfig
from qvl.processing.tokenizer import read_json

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"

# As newer transformers can spell them, and as released files do.
_PREFIXES = (("model.language_model.", "model."), ("model.visual.", "visual."))


def read_config(folder: Path) -> ModelConfig:
    """The architecture that ``config.json`` describes.

    Raises:
        CheckpointError: the file is missing or damaged, describes another architecture, or the
            weights are quantized.
    """
    path = folder / CONFIG
    if not path.is_file():
        hint = "give the folder that holds config.json, tokenizer.json and *.safetensors"
        raise CheckpointError(f"{folder} has no {CONFIG}", hint=hint)
    raw = read_json(path)
    if "quantization_config" in raw:
        raise CheckpointError(
            f"{path}: the weights are quantized", hint="use the checkpoint in bfloat16"
        )
    try:
        return ModelConfig.from_hf(raw)
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error.message}", hint=error.hint) from error


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model: the one file, or those that the index names.

    Raises:
        CheckpointError: there are none, or one that the index names is absent.
    """
    single, index = folder / WEIGHTS, folder / INDEX
    if single.is_file():
        return [single]
    if not index.is_file():
        others = sorted(p.name for p in folder.glob("*") if p.suffix in (".bin", ".pt", ".gguf"))
        found = f" (it has {others[0]})" if others else ""
        raise CheckpointError(
            f"{folder} has neither {WEIGHTS} nor {INDEX}{found}",
            hint="only safetensors weights are read",
        )
    names = sorted(set(_weight_map(index).values()))
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise CheckpointError(
            f"{INDEX} names {len(names)} files, {len(absent)} of them absent: {some(absent)}",
            hint="the download is incomplete: repeat it",
        )
    return [folder / name for name in names]


def list_tensors(folder: Path) -> dict[str, TensorEntry]:
    """Every tensor of a model by its published name; reads the headers of all files.

    Raises:
        CheckpointError: a file is damaged, or files and index contradict each other.
    """
    files = weight_files(folder)
    entries: dict[str, TensorEntry] = {}
    stored: dict[str, str] = {}
    for path in files:
        for name, entry in read_header(path).entries.items():
            if published_name(name) in entries:
                other = entries[published_name(name)].path.name
                raise CheckpointError(f"tensor {name!r} is in {path.name} and in {other}")
            entries[published_name(name)] = entry
            stored[name] = path.name
    if files[0].name != WEIGHTS:
        _check_index(_weight_map(folder / INDEX), stored)
    return entries


def published_name(name: str) -> str:
    """The name as released files spell it; newer transformers can save other prefixes.

    Source: transformers conversion_mapping.py, Qwen2VLForConditionalGeneration.

    >>> published_name("model.language_model.layers.0.mlp.up_proj.weight")
    'model.layers.0.mlp.up_proj.weight'
    >>> published_name("model.visual.patch_embed.proj.weight")
    'visual.patch_embed.proj.weight'
    >>> published_name("lm_head.weight")
    'lm_head.weight'
    """
    for new, published in _PREFIXES:
        if name.startswith(new):
            return published + name.removeprefix(new)
    return name


def some(names: list[str], *, limit: int = 4) -> str:
    """The first few of many names, for an error."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _weight_map(index: Path) -> dict[str, str]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index} has no weight_map, expected tensor names with their files")
    for name, file in weight_map.items():
        # A file beside the index: a name with a path could reach anything on this machine.
        if not isinstance(file, str) or Path(file).name != file or "\0" in file:
            raise CheckpointError(f"{index} gives {name!r} the file {file!r}, expected a file name")
    return weight_map


def _check_index(weight_map: dict[str, str], stored: dict[str, str]) -> None:
    absent = [name for name, file in weight_map.items() if stored.get(name) != file]
    if absent:
        raise CheckpointError(
            f"{INDEX} names {len(absent)} tensors that its files lack: {some(absent)}",
            hint="index and files belong to different checkpoints",
        )
