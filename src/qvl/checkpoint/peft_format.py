"""Adapters as the peft library spells them: adapter_config.json and the names of tensors.

Owns: what each field means to us, which fields are refused, and both spellings of names. Does not
own files or models (``adapter``).

    adapter_config.json -> check_fields -> spec_of(layer) -> LoraSpec
    specs of all layers -> config_of -> adapter_config.json

A field that would change what the adapter computes is understood or refused, also one that is not
known here. Source: peft tuners/lora/config.py and utils/save_and_load.py, version 0.21.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qvl.checkpoint.folder import published_name
from qvl.errors import CheckpointError
from qvl.model.lora_config import LoraSpec

PREFIX = "base_model.model."
# The names that transformers gives in memory, newest spelling; peft attaches adapters by them.
_NEW = {"model": "model.language_model", "visual": "model.visual"}
_UPDATE = re.compile(r"(.+)\.(lora_A\.weight|lora_B\.weight|lora_magnitude_vector)")

# Fields that say nothing about what the tensors compute: how they came about, and which layers they
# belong to, which the tensors' names say too.
_SILENT = {
    "auto_mapping", "corda_config", "eva_config", "exclude_modules", "inference_mode",
    "layers_pattern", "layers_to_transform", "loftq_config", "lora_dropout", "lora_ga_config",
    "megatron_core", "peft_version", "qalora_group_size", "revision", "target_modules", "task_type",
}  # fmt: skip
_UNDERSTOOD = {
    "alpha_pattern", "base_model_name_or_path", "bias", "ensure_weight_tying", "init_lora_weights",
    "lora_alpha", "modules_to_save", "peft_type", "r", "rank_pattern", "use_dora", "use_rslora",
}  # fmt: skip
# Ways to begin that leave the base weights as they are; the others subtract something from them.
_PLAIN_STARTS = (True, False, None, "gaussian", "orthogonal", "eva")
# Patterns come from whoever wrote the file; these cannot take long on the name of a layer.
_MAX_PATTERN, _MAX_REPEATS = 200, 4


def check_fields(config: Mapping[str, Any], path: Path) -> None:
    """Refuses what would be computed differently here.

    Raises:
        CheckpointError: names the field and its value.
    """
    if config.get("peft_type") != "LORA":
        raise _refused(path, "peft_type", config.get("peft_type"), "LORA")
    if config.get("bias", "none") != "none":
        raise _refused(path, "bias", config["bias"], "none")
    start = config.get("init_lora_weights", True)
    if start not in _PLAIN_STARTS:
        raise CheckpointError(
            f"{path}: init_lora_weights is {start!r}, which changes the base model's weights",
            hint="save it with peft's path_initial_model_for_weight_conversion",
        )
    for field, value in config.items():
        if value and field not in _SILENT | _UNDERSTOOD:
            raise _refused(path, field, value, "it to be off")
    numbers = {"r": 8, "lora_alpha": 8, "lora_dropout": 0}  # peft's own defaults
    for field, default in numbers.items():
        value = config.get(field, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _refused(path, field, value, "a number")
    for field in ("rank_pattern", "alpha_pattern"):
        pattern = config.get(field) or {}
        if not isinstance(pattern, dict):
            raise _refused(path, field, pattern, "an object of patterns and numbers")
        for key, value in pattern.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _refused(path, field, {key: value}, "numbers")
            _check_pattern(key, path)


def spec_of(config: Mapping[str, Any], name: str) -> LoraSpec:
    """The adapter of a layer, by its name as the file spells it, from checked fields."""

    def value(field: str, pattern: str, default: float) -> float:
        for key, found in (config.get(pattern) or {}).items():
            if re.match(rf"(.*\.)?({key})$", name):
                return found
        return config.get(field, default)

    return LoraSpec(
        rank=int(value("r", "rank_pattern", 8)),
        alpha=value("lora_alpha", "alpha_pattern", 8),
        dropout=config.get("lora_dropout", 0.0),
        rank_stabilised=bool(config.get("use_rslora")),
        dora=bool(config.get("use_dora")),
    )


def config_of(
    specs: Mapping[str, LoraSpec],
    saved: Iterable[str],
    *,
    layers: Iterable[str],
    base_model: str | None,
    revision: str | None,
    tied: bool,
) -> dict[str, Any]:
    """adapter_config.json of adapters.

    Args:
        specs: by the layer's name, at least one.
        saved: modules that trained whole.
        layers: names of all modules of the model.
        base_model: hub name or folder.
        revision: of a hub name.
        tied: whether embedding and head are one, so that peft must keep them so.
    """
    layers = list(layers)
    rank = Counter(spec.rank for spec in specs.values()).most_common(1)[0][0]
    alpha = Counter(spec.alpha for spec in specs.values()).most_common(1)[0][0]
    some = next(iter(specs.values()))
    ranks: dict[str, int] = {}
    for other in sorted({spec.rank for spec in specs.values()} - {rank}):
        names = [name for name, spec in specs.items() if spec.rank == other]
        ranks |= dict.fromkeys(shortest_ends(names, specs), other)
    alphas: dict[str, float] = {}
    for scale in sorted({spec.alpha for spec in specs.values()} - {alpha}):
        names = [name for name, spec in specs.items() if spec.alpha == scale]
        alphas |= dict.fromkeys(shortest_ends(names, specs), scale)
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "revision": revision,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": _whole(alpha),
        "lora_dropout": some.dropout,
        "target_modules": shortest_ends(specs, layers),
        "rank_pattern": ranks,
        "alpha_pattern": {key: _whole(value) for key, value in alphas.items()},
        "modules_to_save": shortest_ends(saved, layers) or None,
        "ensure_weight_tying": tied and "model.embed_tokens" in saved,
        "use_rslora": some.rank_stabilised,
        "use_dora": some.dora,
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
    }


def shortest_ends(names: Iterable[str], everyone: Iterable[str]) -> list[str]:
    """The shortest ends of names that mean these and no other, in order.

    An end is the same whatever a library puts before "layers" and "blocks".

    >>> everyone = ["model.layers.0.up", "model.layers.1.up", "visual.blocks.0.up", "lm_head"]
    >>> shortest_ends(everyone[:2], everyone), shortest_ends(everyone[:3], everyone)
    (['layers.0.up', 'layers.1.up'], ['up'])
    """
    wanted, counts = list(names), Counter[str]()
    for name in everyone:
        counts.update(_ends(name))
    hits = Counter(end for name in wanted for end in _ends(name))
    ends = (next(end for end in _ends(name) if hits[end] == counts[end]) for name in wanted)
    return list(dict.fromkeys(ends))


def _ends(name: str) -> list[str]:
    """From the shortest on; none begins with a number, which says little to a reader."""
    parts = name.split(".")
    starts = [i for i in range(len(parts) - 1, -1, -1) if not parts[i].isdigit()]
    return [".".join(parts[i:]) for i in starts]


def stored_name(name: str) -> str:
    """How the file spells a parameter.

    >>> stored_name("visual.blocks.0.attn.qkv.lora_A.weight")
    'base_model.model.model.visual.blocks.0.attn.qkv.lora_A.weight'
    """
    head, _, rest = name.partition(".")
    return PREFIX + (f"{_NEW[head]}.{rest}" if head in _NEW else name)


def split_name(stored: str) -> tuple[str, str]:
    """From the file's spelling to the published name of a layer, and the rest: of its update, or of
    a parameter that trained whole. Both spellings of transformers are understood.

    >>> split_name("base_model.model.model.language_model.layers.0.mlp.up_proj.lora_A.weight")
    ('model.layers.0.mlp.up_proj', 'lora_A.weight')
    >>> split_name("base_model.model.lm_head.weight")
    ('lm_head', 'weight')

    Raises:
        ValueError: the name says neither.
    """
    name = published_name(stored.removeprefix(PREFIX))
    update = _UPDATE.fullmatch(name)
    if update is not None:
        return update[1], update[2]
    layer, _, key = name.rpartition(".")
    if not stored.startswith(PREFIX) or not layer or "lora_" in name:
        raise ValueError(f"tensor {stored!r} is not of an adapter of linear layers")
    return layer, key


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value


def _check_pattern(key: str, path: Path) -> None:
    repeats = len(re.findall(r"[*+{?]", key))
    if len(key) > _MAX_PATTERN or repeats > _MAX_REPEATS or re.search(r"\)[*+{]", key):
        raise CheckpointError(f"{path}: the pattern {key[:80]!r} is too involved")
    try:
        re.compile(key)
    except re.error as error:
        raise CheckpointError(f"{path}: {key!r} is no regular expression: {error}") from error


def _refused(path: Path, field: str, value: object, expected: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: {field} is {str(value)[:80]!r}, expected {expected}",
        hint="merge the adapter with the peft library and load the merged model",
    )
