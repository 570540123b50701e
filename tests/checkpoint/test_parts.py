"""A language model and a tower come from other checkpoints, whole or not at all."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from qvl.checkpoint.load import load_model
from qvl.checkpoint.parts import load_language_model, load_tower
from qvl.errors import CheckpointError
from qvl.model.config import ModelConfig
from qvl.model.init import init_weights
from qvl.model.vlm import Qwen2_5_VL
from qvl.recipes.start import start_model
from tests.checkpoint.small import CONFIG, random_weights

# As Qwen/Qwen2.5-*/config.json has it.
TEXT_CONFIG: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    **{
        name: CONFIG[name]
        for name in (
            "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
            "num_attention_heads", "num_key_value_heads", "rms_norm_eps", "rope_theta",
            "tie_word_embeddings",
        )
    },
    "max_position_embeddings": 99,
}  # fmt: skip


def fresh() -> Qwen2_5_VL:
    model = Qwen2_5_VL(ModelConfig.from_hf(CONFIG))
    init_weights(model, torch.Generator().manual_seed(1))
    return model


def text_folder(folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**TEXT_CONFIG, **changes}))
    weights = random_weights(CONFIG, torch.bfloat16)
    text = {name: value for name, value in weights.items() if not name.startswith("visual.")}
    save_file(text, folder / "model.safetensors")
    return folder


def test_the_language_model_is_that_of_the_text_model(tmp_path: Path) -> None:
    model, before = fresh(), fresh()
    load_language_model(model, text_folder(tmp_path))
    stored = random_weights(CONFIG, torch.bfloat16)
    for name, value in model.named_parameters():
        visual = name.startswith("visual.")
        expected = before.get_parameter(name) if visual else stored[name].float()
        assert torch.equal(value, expected), name
        assert value.requires_grad


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llama"}, "model_type is 'llama'; expected 'qwen2'"),
        ({"num_hidden_layers": 3}, "num_hidden_layers 3 instead of 2"),
        ({"tie_word_embeddings": True}, "tie_word_embeddings True instead of False"),
        ({"rope_parameters": {"rope_theta": 5.0}}, r"rope_theta 5\.0 instead of 1000000\.0"),
    ],
)
def test_another_language_model_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    model, before = fresh(), fresh()
    with pytest.raises(CheckpointError, match=message):
        load_language_model(model, text_folder(tmp_path, **changes))
    assert all(torch.equal(p, before.get_parameter(n)) for n, p in model.named_parameters())


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    folder, model = text_folder(tmp_path), fresh()
    weights = random_weights(CONFIG, torch.bfloat16)
    text = {name: value for name, value in weights.items() if not name.startswith("visual.")}
    text["model.norm.bias"] = text.pop("model.norm.weight")
    text["lm_head.weight"] = text["lm_head.weight"][:5].clone()
    save_file(text, folder / "model.safetensors")
    with pytest.raises(CheckpointError) as caught:
        load_language_model(model, folder)
    for part in (
        r"1 missing (model.norm.weight)", "1 extra (model.norm.bias)",
        "1 misshapen (lm_head.weight [5, 32] instead of [96, 32])",
    ):  # fmt: skip
        assert part in str(caught.value)


@pytest.mark.parametrize("merger", [True, False])
def test_the_tower_is_that_of_the_other_model(tmp_path: Path, merger: bool) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    stored = random_weights(CONFIG, torch.float32)
    save_file(stored, tmp_path / "model.safetensors")
    model, before = fresh(), fresh()
    load_tower(model, tmp_path, merger=merger)
    for name, value in model.named_parameters():
        loaded = name.startswith("visual.") and (merger or ".merger." not in name)
        assert torch.equal(value, stored[name] if loaded else before.get_parameter(name)), name


@pytest.mark.parametrize("with_tower", [True, False])
def test_a_start_has_the_parts_it_is_made_of(tmp_path: Path, with_tower: bool) -> None:
    text = text_folder(tmp_path / "text", num_attention_heads=2)
    tower = tmp_path / "tower"
    tower.mkdir()
    (tower / "config.json").write_text(json.dumps(CONFIG))
    stored = random_weights(CONFIG, torch.float32)
    save_file(stored, tower / "model.safetensors")
    small = ModelConfig.from_hf(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qvl.recipes.start._RELEASED", small)
        config = start_model(
            text, tmp_path / "start", tower=tower if with_tower else None, dtype=torch.float32
        )
    assert config == replace(small, text=replace(small.text, max_position_embeddings=99))
    model = load_model(tmp_path / "start")
    half = random_weights(CONFIG, torch.bfloat16)
    for name, value in model.named_parameters():
        if not name.startswith("visual."):
            assert torch.equal(value, half[name].float()), name
        elif with_tower:
            assert torch.equal(value, stored[name]), name


def test_another_tower_is_refused(tmp_path: Path) -> None:
    vision = {**CONFIG["vision_config"], "depth": 3}
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "vision_config": vision}))
    save_file(random_weights(CONFIG, torch.float32), tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="depth 3 instead of 2"):
        load_tower(fresh(), tmp_path)
