"""Both published layouts of config.json, and what is refused."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from transformers import Qwen2_5_VLConfig

from qvl.errors import ConfigError
from qvl.model.config import ModelConfig
from qvl.model.presets import PRESETS


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_flat_layout_round_trip(name: str) -> None:
    assert ModelConfig.from_hf(PRESETS[name].to_hf()) == PRESETS[name]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_layout_that_transformers_saves(name: str) -> None:
    """Nested, with ``rope_parameters`` and ``in_channels``."""
    saved = Qwen2_5_VLConfig(**PRESETS[name].to_hf()).to_dict()
    assert "text_config" in saved
    saved.setdefault("vision_token_id", PRESETS[name].vision_token_id)
    assert ModelConfig.from_hf(saved) == PRESETS[name]


def test_transformers_reads_every_number() -> None:
    read = Qwen2_5_VLConfig(**PRESETS["3b"].to_hf())
    text, vision = PRESETS["3b"].text, PRESETS["3b"].vision
    assert read.text_config.rope_parameters["mrope_section"] == list(text.mrope_section)
    assert read.text_config.rope_parameters["rope_theta"] == text.rope_theta
    assert read.text_config.rms_norm_eps == text.rms_norm_eps
    assert read.text_config.intermediate_size == text.intermediate_size
    assert read.tie_word_embeddings is True
    assert tuple(read.vision_config.fullatt_block_indexes) == vision.fullatt_block_indexes
    assert read.vision_config.tokens_per_second == vision.tokens_per_second
    assert read.vision_config.intermediate_size == vision.intermediate_size


def test_older_spellings() -> None:
    raw = PRESETS["7b"].to_hf()
    raw["rope_scaling"] = {"rope_type": "default", "type": "mrope", "mrope_section": [16, 24, 24]}
    raw["vision_config"]["in_channels"] = raw["vision_config"].pop("in_chans")
    assert ModelConfig.from_hf(raw) == PRESETS["7b"]


def _set(raw: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        raw = raw[parent]
    if value is None:
        del raw[last]
    else:
        raw[last] = value


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("hidden_size", None, "hidden_size"),
        ("hidden_size", "2048", "hidden_size"),
        ("rms_norm_eps", True, "rms_norm_eps"),
        ("rope_theta", None, "rope_theta"),
        ("num_hidden_layers", 0, "num_hidden_layers"),
        ("num_attention_heads", 15, "num_attention_heads"),
        ("num_key_value_heads", 3, "num_key_value_heads"),
        ("rope_scaling.mrope_section", [16, 24], "mrope_section"),
        ("rope_scaling.mrope_section", [16, 16, 16], "mrope_section"),
        ("rope_scaling", {"type": "yarn", "mrope_section": [16, 24, 24]}, "yarn"),
        ("rope_scaling", 3, "rope_scaling"),
        ("use_sliding_window", True, "use_sliding_window"),
        ("hidden_act", "gelu", "hidden_act"),
        ("model_type", "qwen3_vl", "model_type"),
        ("image_token_id", 151936, "image_token_id"),
        ("vision_config", None, "vision_config"),
        ("text_config", [1], "text_config"),
        ("vision_config.depth", None, "depth"),
        ("vision_config.out_hidden_size", 2049, "out_hidden_size"),
        ("vision_config.num_heads", 7, "num_heads"),
        ("vision_config.window_size", 100, "window_size"),
        ("vision_config.fullatt_block_indexes", [7, 32], "fullatt_block_indexes"),
        ("vision_config.fullatt_block_indexes", 7, "fullatt_block_indexes"),
    ],
)
def test_impossible_values_are_named(path: str, value: Any, named: str) -> None:
    raw = copy.deepcopy(PRESETS["3b"].to_hf())
    _set(raw, path, value)
    with pytest.raises(ConfigError, match=named):
        ModelConfig.from_hf(raw)


def test_configurations_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS["3b"].text.hidden_size = 1  # type: ignore[misc]
