"""The released sizes, counted on modules without memory.

Source of the numbers: transformers' model built from the released configurations.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL

# name: (block of the tower, merger, tower, decoder layer, embedding, whole, tensors)
_RELEASED = {
    "3b": (19702200, 36708608, 668684288, 77076992, 311164928, 3754622976, 824),
    "7b": (19702200, 44574464, 676550144, 233057792, 544997376, 8292166656, 729),
    "32b": (19840512, 52440320, 688841984, 487605248, 778567680, 33452718336, 1161),
    "72b": (19840512, 68172032, 704573696, 877684736, 1245708288, 73410777344, 1353),
}


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", sorted(_RELEASED))
def test_parameters_and_tensors(name: str) -> None:
    with torch.device("meta"):
        model = Qwen2_5_VL(PRESETS[name])
    parts = (
        model.visual.blocks[0],
        model.visual.merger,
        model.visual,
        model.model.layers[0],
        model.model.embed_tokens,
        model,
    )
    assert (*map(_count, parts), len(model.state_dict())) == _RELEASED[name]


def test_tied_model_has_no_head() -> None:
    with torch.device("meta"):
        names = {name: Qwen2_5_VL(PRESETS[name]).state_dict().keys() for name in ("3b", "7b")}
    assert "lm_head.weight" not in names["3b"]
    assert "lm_head.weight" in names["7b"]


def test_published_names() -> None:
    with torch.device("meta"):
        names = Qwen2_5_VL(PRESETS["7b"]).state_dict().keys()
    assert names >= {
        "visual.patch_embed.proj.weight",
        "visual.blocks.31.norm1.weight",
        "visual.blocks.31.norm2.weight",
        "visual.blocks.31.attn.qkv.bias",
        "visual.blocks.31.attn.proj.bias",
        "visual.blocks.31.mlp.gate_proj.bias",
        "visual.blocks.31.mlp.down_proj.weight",
        "visual.merger.ln_q.weight",
        "visual.merger.mlp.0.bias",
        "visual.merger.mlp.2.weight",
        "model.embed_tokens.weight",
        "model.layers.27.self_attn.q_proj.bias",
        "model.layers.27.self_attn.o_proj.weight",
        "model.layers.27.mlp.up_proj.weight",
        "model.layers.27.input_layernorm.weight",
        "model.layers.27.post_attention_layernorm.weight",
        "model.norm.weight",
    }
