"""Adapters that travel between this package and peft on transformers' model, with equal logits."""

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from qvl.checkpoint.adapter import attach_adapter, read_adapter, save_adapter
from qvl.errors import CheckpointError
from qvl.model.lora import add_lora, merge_lora
from qvl.model.lora_config import LoraConfig
from qvl.model.vlm import Qwen2_5_VL
from tests.model.test_lora import generator, logits, prompt, shake, small_model
from tests.parity.oracle import oracle_logits, to_transformers

OURS = {
    "lora": (False, LoraConfig(rank=4)),
    "rslora": (False, LoraConfig(rank=4, rank_stabilised=True, targets=("llm",))),
    "dora": (True, LoraConfig(rank=4, dora=True, dropout=0.1)),
    "patterns": (
        False,
        LoraConfig(
            rank=4,
            targets=("tower", "q_proj", r"model\.layers\.1\.mlp\..*"),
            rank_pattern={"attn.qkv": 2, "layers.1.mlp.up_proj": 8},
            alpha_pattern={"q_proj": 3.5},
        ),
    ),
    "saved": (
        False,
        LoraConfig(rank=4, targets=("all-linear",), modules_to_save=("merger", "lm_head")),
    ),
    "head": (False, LoraConfig(rank=4, targets=("lm_head", "o_proj"))),
    "tied embedding": (
        True,
        LoraConfig(rank=4, targets=("llm",), modules_to_save=("embed_tokens",)),
    ),
}


def theirs_with(adapter: Path, base: Qwen2_5_VL) -> Tensor:
    """Logits of transformers' model with an adapter that peft loaded."""
    loaded = peft.PeftModel.from_pretrained(to_transformers(base), str(adapter)).eval()
    return oracle_logits(loaded, prompt(), own_positions=False)


@torch.no_grad()
@pytest.mark.parametrize("name", OURS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_peft_loads_what_we_write(name: str, tmp_path: Path) -> None:
    tied, config = OURS[name]
    base, model = small_model(tied=tied), small_model(tied=tied)
    add_lora(model, config, generator=generator())
    shake(model)
    save_adapter(model, tmp_path / "adapter", base_model=None)
    ours = logits(model.eval(), [prompt()])
    assert (ours - logits(base, [prompt()])).abs().max() > 0.01
    torch.testing.assert_close(theirs_with(tmp_path / "adapter", base), ours, rtol=1e-3, atol=2e-4)
    again = small_model(tied=tied)
    attach_adapter(again, read_adapter(tmp_path / "adapter"))
    assert torch.equal(logits(again.eval(), [prompt()]), ours)
    save_adapter(again, tmp_path / "again", base_model=None)
    first, second = (
        (tmp_path / folder / "adapter_model.safetensors").read_bytes()
        for folder in ("adapter", "again")
    )
    assert first == second


THEIRS: dict[str, tuple[bool, dict[str, Any]]] = {
    "lora": (False, {"target_modules": ["q_proj", "v_proj", "qkv", "mlp.0"]}),
    "rslora": (True, {"target_modules": "all-linear", "use_rslora": True, "lora_dropout": 0.2}),
    "dora": (False, {"target_modules": r".*layers\.\d+\.mlp\..*_proj", "use_dora": True}),
    "patterns": (
        False,
        {
            "target_modules": ["q_proj", "up_proj"],
            "rank_pattern": {"q_proj": 3, r"blocks\.\d+\.mlp\.up_proj": 5},
            "alpha_pattern": {"model.language_model.layers.1.self_attn.q_proj": 11},
            "layers_to_transform": [1],
        },
    ),
    "saved": (False, {"target_modules": ["o_proj"], "modules_to_save": ["merger", "embed_tokens"]}),
    "tied embedding": (
        True,
        {
            "target_modules": ["o_proj"],
            "modules_to_save": ["embed_tokens"],
            "ensure_weight_tying": True,
        },
    ),
}


def write_theirs(folder: Path, base: Qwen2_5_VL, options: dict[str, Any]) -> Tensor:
    """An adapter made and saved by peft, and its logits there."""
    config = peft.LoraConfig(r=4, lora_alpha=6, init_lora_weights=False, **options)
    model = peft.get_peft_model(to_transformers(base), config).eval()
    draw = generator(11)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=draw))
    model.save_pretrained(str(folder))
    return oracle_logits(model, prompt(), own_positions=False)


@torch.no_grad()
@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_we_load_what_peft_writes(name: str, tmp_path: Path) -> None:
    tied, options = THEIRS[name]
    base = small_model(tied=tied)
    theirs = write_theirs(tmp_path, base, options)
    attach_adapter(base, read_adapter(tmp_path))
    base.eval()
    torch.testing.assert_close(logits(base, [prompt()]), theirs, rtol=1e-3, atol=2e-4)
    merge_lora(base)
    torch.testing.assert_close(logits(base, [prompt()]), theirs, rtol=1e-3, atol=5e-4)


@torch.no_grad()
def test_names_of_older_transformers_are_read(tmp_path: Path) -> None:
    base = small_model()
    theirs = write_theirs(tmp_path, base, {"target_modules": ["q_proj", "qkv"]})
    path = tmp_path / "adapter_model.safetensors"
    old = {
        name.replace("model.language_model.", "model.").replace("model.visual.", "visual."): t
        for name, t in load_file(path).items()
    }
    assert not any("language_model" in name for name in old)
    save_file(old, path, metadata={"format": "pt"})
    attach_adapter(base, read_adapter(tmp_path))
    torch.testing.assert_close(logits(base, [prompt()]), theirs, rtol=1e-3, atol=2e-4)


@torch.no_grad()
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_embedding_trained_apart_from_its_tied_head_is_refused(tmp_path: Path) -> None:
    base = small_model(tied=True)
    write_theirs(
        tmp_path, base, {"target_modules": ["o_proj"], "modules_to_save": ["embed_tokens"]}
    )
    with pytest.raises(CheckpointError, match="apart from the head"):
        attach_adapter(base, read_adapter(tmp_path))


@torch.no_grad()
@pytest.mark.parametrize(
    "options",
    [
        {"target_modules": ["o_proj"], "bias": "lora_only"},
        {"target_modules": ["q_proj"], "lora_bias": True},
        {"target_modules": ["embed_tokens"]},
        {"target_modules": ["o_proj"], "trainable_token_indices": [1, 2]},
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_peft_computes_otherwise_is_refused(options: dict[str, Any], tmp_path: Path) -> None:
    write_theirs(tmp_path, small_model(), options)
    with pytest.raises(CheckpointError):
        read_adapter(tmp_path)


@torch.no_grad()
def test_every_field_of_peft_s_default_is_known(tmp_path: Path) -> None:
    """A new default that is not off would otherwise make every new adapter unreadable."""
    write_theirs(tmp_path, small_model(), {"target_modules": ["o_proj"]})
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["peft_type"] == "LORA"
    read_adapter(tmp_path)
