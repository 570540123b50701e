"""The numbers that define one Qwen2.5-VL model, and the published ``config.json`` they stand in.

Owns: the dataclasses, their validation, and both published layouts (flat, as released; nested, as
newer transformers saves it). Does not own: the sizes of the released models (``presets``), or any
tensor: this module needs no torch.

    config.json -> ModelConfig.from_hf -> ModelConfig -> Qwen2_5_VL
                                          ModelConfig.to_hf -> config.json
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from qvl.errors import ConfigError

_REQUIRED = object()

# transformers' class defaults, which saved files may leave out.
# Source: transformers models/qwen2_5_vl/configuration_qwen2_5_vl.py (Qwen2_5_VLConfig)
_DEFAULT_IDS = {
    "image_token_id": 151655,
    "video_token_id": 151656,
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
    "vision_token_id": 151654,
}


# What text models may leave out. Source: transformers Qwen2Config.
_TEXT_MODEL_DEFAULTS = {"rms_norm_eps": 1e-6, "rope_theta": 10000.0}


def _check_positive(config: object, *, zero_ok: tuple[str, ...] = ()) -> None:
    """Every int or float field must be positive (or at least 0 where ``zero_ok``)."""
    for field in fields(config):  # type: ignore[arg-type]
        value = getattr(config, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if value < 0 or (value == 0 and field.name not in zero_ok):
            raise ConfigError(
                f"{type(config).__name__}.{field.name} is {value}; expected more than 0"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionConfig:
    """The vision tower; sizes in pixels unless named otherwise."""

    depth: int
    hidden_size: int
    intermediate_size: int
    num_heads: int
    in_channels: int
    patch_size: int
    temporal_patch_size: int
    spatial_merge_size: int
    window_size: int
    fullatt_block_indexes: tuple[int, ...]
    out_hidden_size: int
    tokens_per_second: int

    def __post_init__(self) -> None:
        _check_positive(self)
        if self.hidden_size % self.num_heads or self.head_dim % 4:
            raise ConfigError(
                f"VisionConfig.hidden_size is {self.hidden_size} with num_heads {self.num_heads}; "
                "expected a head size divisible by 4 (two rotary axes of pairs)"
            )
        if self.window_size % (self.patch_size * self.spatial_merge_size):
            raise ConfigError(
                f"VisionConfig.window_size is {self.window_size}; expected a multiple of "
                f"patch_size * spatial_merge_size = {self.patch_size * self.spatial_merge_size}"
            )
        bad = [i for i in self.fullatt_block_indexes if not 0 <= i < self.depth]
        if bad:
            raise ConfigError(
                f"VisionConfig.fullatt_block_indexes has {bad[0]}; expected 0..{self.depth - 1}"
            )

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def patch_dim(self) -> int:
        """Numbers in one flattened patch (1176 in every released model)."""
        return self.in_channels * self.temporal_patch_size * self.patch_size**2

    @property
    def merge_unit(self) -> int:
        """Patches merged into one token (4 in every released model)."""
        return self.spatial_merge_size**2

    @property
    def window_units(self) -> int:
        """Side of an attention window, in merged tokens (4 in every released model)."""
        return self.window_size // self.spatial_merge_size // self.patch_size


@dataclass(frozen=True, kw_only=True, slots=True)
class TextConfig:
    """The language model."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    mrope_section: tuple[int, int, int]
    max_position_embeddings: int
    tie_word_embeddings: bool

    def __post_init__(self) -> None:
        _check_positive(self)
        if self.num_attention_heads % self.num_key_value_heads:
            raise ConfigError(
                f"TextConfig.num_attention_heads is {self.num_attention_heads}; expected a "
                f"multiple of num_key_value_heads = {self.num_key_value_heads}"
            )
        if self.head_dim * self.num_attention_heads != self.hidden_size:
            raise ConfigError(
                f"TextConfig.head_dim is {self.head_dim}; expected hidden_size / "
                f"num_attention_heads = {self.hidden_size} / {self.num_attention_heads}, "
                "the only size that the published format can say"
            )
        if len(self.mrope_section) != 3 or 2 * sum(self.mrope_section) != self.head_dim:
            raise ConfigError(
                f"TextConfig.mrope_section is {list(self.mrope_section)}; expected three numbers "
                f"(time, height, width) that add up to half of head_dim = {self.head_dim}"
            )

    @classmethod
    def from_text_model(cls, raw: Mapping[str, Any]) -> TextConfig:
        """Read the ``config.json`` of a Qwen2.5 text model, whose positions have one axis.

        Here they get three: a quarter of a head's angles for time, three eighths for each side of a
        picture. Source: mrope_section 16, 24, 24 of the 64 angles in every released model.

        Raises:
            ConfigError: a field is missing or impossible, or it is another kind of model.
        """
        if raw.get("model_type") != "qwen2":
            raise ConfigError(
                f"config: model_type is {raw.get('model_type')!r}; expected 'qwen2'",
                hint="give a Qwen2.5 text model, such as Qwen/Qwen2.5-3B",
            )
        reader = _Reader({**_TEXT_MODEL_DEFAULTS, **raw}, "config")
        heads, hidden = reader.integer("num_attention_heads"), reader.integer("hidden_size")
        angles = reader.integer("head_dim", hidden // max(heads, 1)) // 2
        section = [angles // 4, angles * 3 // 8, angles * 3 // 8]
        rope = {**(raw.get("rope_parameters") or {}), "mrope_section": section}
        whole = _Reader({**_TEXT_MODEL_DEFAULTS, **raw, "rope_parameters": rope}, "config")
        return _text_from_hf(whole, tied=reader.flag("tie_word_embeddings", False))

    @property
    def num_groups(self) -> int:
        """Query heads per key/value head."""
        return self.num_attention_heads // self.num_key_value_heads


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Everything needed to build one model: tower, language model and the ids that join them."""

    vision: VisionConfig
    text: TextConfig
    image_token_id: int
    video_token_id: int
    vision_start_token_id: int
    vision_end_token_id: int
    vision_token_id: int
    bos_token_id: int
    eos_token_id: int

    def __post_init__(self) -> None:
        _check_positive(self, zero_ok=("bos_token_id", "eos_token_id"))
        if self.vision.out_hidden_size != self.text.hidden_size:
            raise ConfigError(
                f"VisionConfig.out_hidden_size is {self.vision.out_hidden_size}; expected the "
                f"language model's hidden_size = {self.text.hidden_size}"
            )
        for name in _DEFAULT_IDS:
            value = getattr(self, name)
            if value >= self.text.vocab_size:
                raise ConfigError(
                    f"ModelConfig.{name} is {value}; expected less than vocab_size = "
                    f"{self.text.vocab_size}"
                )

    @classmethod
    def from_hf(cls, raw: Mapping[str, Any]) -> ModelConfig:
        """Read a ``config.json`` in the flat (released) or the nested (``text_config``) layout.

        Raises:
            ConfigError: a field is missing or impossible, or the file asks for something the
                architecture lacks (another model type, sliding-window attention, YaRN).
        """
        model_type = raw.get("model_type", "qwen2_5_vl")
        if model_type != "qwen2_5_vl":
            raise ConfigError(f"config: model_type is {model_type!r}; expected 'qwen2_5_vl'")
        nested = raw.get("text_config") or {}
        if not isinstance(nested, Mapping):
            raise ConfigError(f"config: text_config is {nested!r}; expected an object")
        # A nested file keeps ids and the tie flag on the outer level, some also inside: inner
        # first, then outer.
        text = _Reader({**raw, **nested}, "text_config")
        outer = _Reader({**nested, **raw}, "config")
        vision_raw = raw.get("vision_config")
        if not isinstance(vision_raw, Mapping):
            raise ConfigError(
                "config: vision_config is missing; expected the settings of the vision tower",
                hint="is this the config.json of a Qwen2.5-VL model?",
            )
        text_config = _text_from_hf(text, tied=outer.flag("tie_word_embeddings", False))
        ids = {name: outer.integer(name, default) for name, default in _DEFAULT_IDS.items()}
        return cls(
            vision=_vision_from_hf(_Reader(vision_raw, "vision_config")),
            text=text_config,
            bos_token_id=outer.integer("bos_token_id", 151643),
            eos_token_id=outer.integer("eos_token_id", 151645),
            **ids,
        )

    def to_hf(self) -> dict[str, Any]:
        """The flat layout of the released files, which transformers and vLLM read."""
        text, vision = self.text, self.vision
        return {
            "architectures": ["Qwen2_5_VLForConditionalGeneration"],
            "attention_dropout": 0.0,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": self.eos_token_id,
            **{name: getattr(self, name) for name in _DEFAULT_IDS},
            "hidden_act": "silu",
            "hidden_size": text.hidden_size,
            "initializer_range": 0.02,
            "intermediate_size": text.intermediate_size,
            "max_position_embeddings": text.max_position_embeddings,
            "max_window_layers": text.num_hidden_layers,
            "model_type": "qwen2_5_vl",
            "num_attention_heads": text.num_attention_heads,
            "num_hidden_layers": text.num_hidden_layers,
            "num_key_value_heads": text.num_key_value_heads,
            "rms_norm_eps": text.rms_norm_eps,
            "rope_scaling": {"type": "mrope", "mrope_section": list(text.mrope_section)},
            "rope_theta": text.rope_theta,
            "sliding_window": 32768,
            "tie_word_embeddings": text.tie_word_embeddings,
            "torch_dtype": "bfloat16",
            "use_cache": True,
            "use_sliding_window": False,
            "vision_config": {
                "depth": vision.depth,
                "fullatt_block_indexes": list(vision.fullatt_block_indexes),
                "hidden_act": "silu",
                "hidden_size": vision.hidden_size,
                "in_chans": vision.in_channels,
                "intermediate_size": vision.intermediate_size,
                "model_type": "qwen2_5_vl",
                "num_heads": vision.num_heads,
                "out_hidden_size": vision.out_hidden_size,
                "patch_size": vision.patch_size,
                "spatial_merge_size": vision.spatial_merge_size,
                "spatial_patch_size": vision.patch_size,
                "temporal_patch_size": vision.temporal_patch_size,
                "tokens_per_second": vision.tokens_per_second,
                "window_size": vision.window_size,
            },
            "vocab_size": text.vocab_size,
        }


class _Reader:
    """Typed look-ups in one level of a JSON file, with errors that name the level and the field."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._where = where

    def get(self, name: str, default: Any = _REQUIRED) -> Any:
        value = self._values.get(name)
        if value is not None:
            return value
        if default is _REQUIRED:
            raise ConfigError(f"{self._where}: {name} is missing; expected a value")
        return default

    def integer(self, name: str, default: Any = _REQUIRED) -> int:
        value = self.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigError(f"{self._where}: {name} is {value!r}; expected a whole number")
        return value

    def number(self, name: str) -> float:
        value = self.get(name)
        # `not <=` refuses nan too.
        if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
            raise ConfigError(f"{self._where}: {name} is {value!r}; expected a number")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.get(name, default)
        if not isinstance(value, bool):
            raise ConfigError(f"{self._where}: {name} is {value!r}; expected true or false")
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        value = self.get(name)
        if not isinstance(value, list | tuple) or any(type(item) is not int for item in value):
            raise ConfigError(
                f"{self._where}: {name} is {value!r}; expected a list of whole numbers"
            )
        return tuple(value)

    def expect(self, name: str, wanted: Any, *, why: str) -> None:
        value = self.get(name, wanted)
        if value != wanted:
            raise ConfigError(f"{self._where}: {name} is {value!r}; expected {wanted!r}", hint=why)


def _text_from_hf(raw: _Reader, *, tied: bool) -> TextConfig:
    raw.expect("hidden_act", "silu", why="no other activation is used by this architecture")
    raw.expect("use_sliding_window", False, why="no released model uses sliding-window attention")
    # Newest transformers: one dictionary `rope_parameters` that also holds theta; before:
    # `rope_scaling` beside it.
    rope = {"rope_theta": raw.get("rope_theta", None)}
    for key in ("rope_scaling", "rope_parameters"):
        value = raw.get(key, {})
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"text_config: {key} is {value!r}; expected an object with mrope_section"
            )
        rope |= value
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("mrope", "default"):
        raise ConfigError(
            f"text_config: rope type is {kind!r}; expected 'mrope' or 'default'",
            hint="for longer contexts raise max_position_embeddings: pictures take few ids",
        )
    rotary = _Reader(rope, "text_config.rope_scaling")
    section = rotary.integers("mrope_section")
    if len(section) != 3:
        raise ConfigError(f"text_config: mrope_section is {list(section)}; expected three numbers")
    heads, hidden = raw.integer("num_attention_heads"), raw.integer("hidden_size")
    return TextConfig(
        vocab_size=raw.integer("vocab_size"),
        hidden_size=hidden,
        intermediate_size=raw.integer("intermediate_size"),
        num_hidden_layers=raw.integer("num_hidden_layers"),
        num_attention_heads=heads,
        num_key_value_heads=raw.integer("num_key_value_heads"),
        head_dim=raw.integer("head_dim", hidden // max(heads, 1)),
        rms_norm_eps=raw.number("rms_norm_eps"),
        rope_theta=rotary.number("rope_theta"),
        mrope_section=(section[0], section[1], section[2]),
        max_position_embeddings=raw.integer("max_position_embeddings"),
        tie_word_embeddings=tied,
    )


def _vision_from_hf(raw: _Reader) -> VisionConfig:
    raw.expect("hidden_act", "silu", why="no other activation is used by this architecture")
    return VisionConfig(
        depth=raw.integer("depth"),
        hidden_size=raw.integer("hidden_size"),
        intermediate_size=raw.integer("intermediate_size"),
        num_heads=raw.integer("num_heads"),
        # Released files say `in_chans`, files saved by newer transformers `in_channels`.
        in_channels=raw.integer("in_chans", raw.get("in_channels", 3)),
        patch_size=raw.integer("patch_size"),
        temporal_patch_size=raw.integer("temporal_patch_size"),
        spatial_merge_size=raw.integer("spatial_merge_size"),
        window_size=raw.integer("window_size"),
        fullatt_block_indexes=raw.integers("fullatt_block_indexes"),
        out_hidden_size=raw.integer("out_hidden_size"),
        tokens_per_second=raw.integer("tokens_per_second"),
    )
