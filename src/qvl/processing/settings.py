"""What a checkpoint's files say about its inputs, checked against what this package implements.

Owns: reading ``preprocessor_config.json`` and the input side of ``config.json``. Does not own the
architecture (model/config), nor the tokenizer's file.

    folder, folder of an adapter -> load_settings -> InputSettings -> check_tokenizer
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvl.errors import CheckpointError, ConfigError
from qvl.geometry import MERGE, PATCH, TEMPORAL_PATCH, PixelLimits
from qvl.processing.patches import CLIP_MEAN, CLIP_STD
from qvl.processing.tokenizer import Tokenizer, read_json

_MODEL_TYPE = "qwen2_5_vl"

DEFAULT_LIMITS = PixelLimits(min_pixels=3136, max_pixels=12_845_056)
"""Limits of a folder without ``preprocessor_config.json``: 4 to 16384 tokens an image.
Source: released preprocessor_config.json; transformers' class default is 13 times smaller."""

# Name of the field in config.json -> attribute of the tokenizer.
_TOKEN_FIELDS = {
    "image_token_id": "image_pad",
    "video_token_id": "video_pad",
    "vision_start_token_id": "vision_start",
    "vision_end_token_id": "vision_end",
    "vision_token_id": "vision_pad",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings:
    """The numbers that turn messages into model inputs.

    Attributes:
        limits: pixel limits where a message sets none.
        tokens_per_second: temporal position ids per second of video.
        context_length: most tokens of a sequence (``max_position_embeddings``).
        vocab_size: rows of the embedding.
        token_ids: token ids that ``config.json`` states, by the names of its fields.
    """

    limits: PixelLimits
    tokens_per_second: float
    context_length: int
    vocab_size: int
    token_ids: dict[str, int]


def load_settings(folder: str | Path, adapter: str | Path | None = None) -> InputSettings:
    """Reads the settings of a checkpoint folder.

    Args:
        folder: of the model.
        adapter: folder of an adapter on it; the pixel limits are those of its training, if it
            states them.

    Raises:
        CheckpointError: a file is missing or unreadable, or asks for inputs of another make.
    """
    folder = Path(folder)
    path = folder / "config.json"
    config = read_json(path)
    model_type = config.get("model_type", _MODEL_TYPE)
    if model_type != _MODEL_TYPE:
        raise CheckpointError(
            f"{path}: model_type is {model_type!r}, expected {_MODEL_TYPE!r}",
            hint="only models of the Qwen2.5-VL architecture are run here",
        )
    # Newer transformers nests what the released files hold at the top.
    text = config.get("text_config")
    flat = {**text, **config} if isinstance(text, dict) else config
    vision = config.get("vision_config")
    if not isinstance(vision, dict):
        raise CheckpointError(
            f"{path} has no vision_config", hint="is this the folder of a Qwen2.5-VL model?"
        )
    _expect(vision, {"patch_size": PATCH, "spatial_merge_size": MERGE}, path)
    _expect(vision, {"temporal_patch_size": TEMPORAL_PATCH}, path)
    return InputSettings(
        limits=(adapter and stated_limits(adapter)) or stated_limits(folder) or DEFAULT_LIMITS,
        tokens_per_second=_number(vision, "tokens_per_second", path),
        context_length=int(_number(flat, "max_position_embeddings", path)),
        vocab_size=int(_number(flat, "vocab_size", path)),
        token_ids={name: int(_number(flat, name, path)) for name in _TOKEN_FIELDS if name in flat},
    )


def check_tokenizer(tokenizer: Tokenizer, settings: InputSettings) -> None:
    """Refuses a tokenizer that does not belong to the checkpoint.

    Raises:
        CheckpointError: an id has no row in the embedding, or a vision token has another id.
    """
    hint = "use the tokenizer.json and config.json that came with the weights"
    if tokenizer.vocab_size > settings.vocab_size:
        raise CheckpointError(
            f"the tokenizer has ids up to {tokenizer.vocab_size - 1}, "
            f"the model embeds {settings.vocab_size} ids",
            hint=hint,
        )
    for name, stated in settings.token_ids.items():
        found = getattr(tokenizer, _TOKEN_FIELDS[name])
        if found != stated:
            raise CheckpointError(
                f"{name} is {stated} in config.json, "
                f"but <|{_TOKEN_FIELDS[name]}|> has the id {found} in tokenizer.json",
                hint=hint,
            )


def stated_limits(folder: str | Path) -> PixelLimits | None:
    """Returns the pixel limits that a folder's ``preprocessor_config.json`` states, if it has one.

    Raises:
        CheckpointError: it is unreadable, or asks for inputs of another make.
    """
    path = Path(folder) / "preprocessor_config.json"
    if not path.exists():
        return None
    config = read_json(path)
    sizes = {"patch_size": PATCH, "merge_size": MERGE, "temporal_patch_size": TEMPORAL_PATCH}
    _expect(config, {name: size for name, size in sizes.items() if name in config}, path)
    for name, wanted in (("image_mean", CLIP_MEAN), ("image_std", CLIP_STD)):
        values = config.get(name, wanted)
        if not _is_close(values, wanted):
            raise CheckpointError(f"{path}: {name} is {values!r}, expected {list(wanted)}")
    # Newer transformers writes the same two numbers as the edges of `size`.
    size = config.get("size")
    edges = size if isinstance(size, dict) else {}
    minimum = config.get("min_pixels") or edges.get("shortest_edge") or DEFAULT_LIMITS.min_pixels
    maximum = config.get("max_pixels") or edges.get("longest_edge") or DEFAULT_LIMITS.max_pixels
    limits = {"min_pixels": minimum, "max_pixels": maximum}
    try:
        return PixelLimits(**{name: int(_number(limits, name, path)) for name in limits})
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error.message}") from error


def _expect(values: dict[str, Any], wanted: dict[str, int], path: Path) -> None:
    for name, value in wanted.items():
        if values.get(name) != value:
            raise CheckpointError(f"{path}: {name} is {values.get(name)!r}, expected {value}")


def _number(values: dict[str, Any], name: str, path: Path) -> float:
    value = values.get(name)
    if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
        return float(value)
    raise CheckpointError(f"{path}: {name} is {value!r}, expected a number of 0 or more")


def _is_close(values: object, wanted: tuple[float, ...]) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == len(wanted)
        and all(isinstance(value, int | float) for value in values)
        and all(abs(a - b) < 1e-6 for a, b in zip(values, wanted, strict=True))
    )
