"""Small random checkpoints, written by the safetensors library and not by the code under test."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from qvl.model.config import ModelConfig
from qvl.model.init import init_weights
from qvl.model.vlm import Qwen2_5_VL

CONFIG: dict[str, Any] = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "model_type": "qwen2_5_vl",
    "hidden_act": "silu",
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 52,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
    "max_position_embeddings": 512,
    "tie_word_embeddings": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "vision_start_token_id": 90,
    "vision_end_token_id": 91,
    "vision_token_id": 92,
    "image_token_id": 93,
    "video_token_id": 94,
    "vision_config": {
        "hidden_act": "silu",
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 21,
        "num_heads": 2,
        "in_chans": 3,
        "patch_size": 14,
        "temporal_patch_size": 2,
        "spatial_merge_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [1],
        "out_hidden_size": 32,
        "tokens_per_second": 2,
    },
}


def random_weights(config: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Tensor]:
    """Weights by published name, biases and norms random too."""
    model = Qwen2_5_VL(ModelConfig.from_hf(config))
    generator = torch.Generator().manual_seed(7)
    init_weights(model, generator)
    return {
        name: (tensor + 0.02 * torch.randn(tensor.shape, generator=generator)).to(dtype)
        for name, tensor in model.state_dict().items()
    }


def write_checkpoint(
    folder: Path,
    *,
    dtype: torch.dtype = torch.float32,
    tied: bool = False,
    shards: int = 1,
    config: Mapping[str, Any] = CONFIG,
) -> dict[str, Tensor]:
    """Writes config.json and weights in the published layout; returns the weights."""
    raw = {**config, "tie_word_embeddings": tied}
    weights = random_weights(raw, dtype)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(raw))
    write_weights(folder, weights, shards=shards)
    return weights


def write_weights(folder: Path, weights: Mapping[str, Tensor], *, shards: int = 1) -> None:
    """One file, or shards that deal the tensors out in turn, with their index."""
    for old in folder.glob("*.safetensors*"):
        old.unlink()
    if shards == 1:
        save_file(dict(weights), folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(weights)
    weight_map = {}
    for i in range(shards):
        file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        part = names[i::shards]
        save_file({n: weights[n] for n in part}, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    total = sum(tensor.nbytes for tensor in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
