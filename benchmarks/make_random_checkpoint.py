"""Writes a checkpoint of a published shape with random weights, for speed and memory alone.

python benchmarks/make_random_checkpoint.py 3b FOLDER

bfloat16, sharded, in the published layout, with a byte-level tokenizer whose added tokens have the
published ids. Memory stays at one shard.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from qvl.data.vocabulary import PLAIN_ADDED_TOKENS, SPECIAL_TOKENS
from qvl.model.config import ModelConfig
from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.patches import CLIP_MEAN, CLIP_STD

SHARD_BYTES = 2 << 30
BASE_VOCABULARY = 151_643
STD = 0.02


def half_billion() -> ModelConfig:
    """The language model of Qwen2.5-0.5B under a tower of four blocks.

    Source: the published config.json of Qwen/Qwen2.5-0.5B.
    """
    large = PRESETS["3b"]
    text = replace(
        large.text, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
        num_attention_heads=14, num_key_value_heads=2, head_dim=64, mrope_section=(8, 12, 12),
    )  # fmt: skip
    vision = replace(
        large.vision, depth=4, hidden_size=640, intermediate_size=1712, num_heads=8,
        fullatt_block_indexes=(3,), out_hidden_size=896,
    )  # fmt: skip
    return replace(large, text=text, vision=vision)


def make_tokenizer() -> Tokenizer:
    """Returns a tokenizer of single bytes, filled up to the published number of ids."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: i for i, letter in enumerate(letters)}
    for i in range(len(letters), BASE_VOCABULARY):
        vocabulary[f"<unused {i}>"] = i
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    plain = {"normalized": False}
    tokenizer.add_special_tokens([AddedToken(t, special=True, **plain) for t in SPECIAL_TOKENS])
    tokenizer.add_tokens([AddedToken(t, special=False, **plain) for t in PLAIN_ADDED_TOKENS])
    return tokenizer


def main() -> None:
    """Writes the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=sorted(PRESETS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = PRESETS[args.size]
    args.folder.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        shapes = {name: p.shape for name, p in Qwen2_5_VL(config).state_dict().items()}
    generator = torch.Generator().manual_seed(args.seed)
    # Repeating one block of numbers from changing places is fast and nowhere constant.
    block = (torch.randn(1 << 22, generator=generator) * STD).to(torch.bfloat16)
    weight_map, shard, size, shards = {}, {}, 0, []
    for name, shape in shapes.items():
        count = shape.numel()
        start = int(torch.randint(1 << 20, (1,), generator=generator))
        if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "ln_q.weight")) or (
            "layernorm" in name
        ):
            tensor = torch.ones(shape, dtype=torch.bfloat16)
        else:
            tensor = block.repeat((start + count) // len(block) + 1)[start : start + count]
        shard[name] = tensor.clone().view(shape)
        size += 2 * count
        if size > SHARD_BYTES:
            shards.append(list(shard))
            save_file(shard, args.folder / f"part-{len(shards)}.safetensors", {"format": "pt"})
            shard, size = {}, 0
    if shard:
        shards.append(list(shard))
        save_file(shard, args.folder / f"part-{len(shards)}.safetensors", {"format": "pt"})
    for number, names in enumerate(shards, start=1):
        final = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        (args.folder / f"part-{number}.safetensors").rename(args.folder / final)
        weight_map.update(dict.fromkeys(names, final))
    total = sum(2 * shape.numel() for shape in shapes.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    files = {
        "model.safetensors.index.json": index,
        "config.json": {**config.to_hf(), "torch_dtype": "bfloat16"},
        "generation_config.json": {"eos_token_id": [config.eos_token_id], "do_sample": False},
        "preprocessor_config.json": {
            "image_processor_type": "Qwen2VLImageProcessor",
            "min_pixels": 3136,
            "max_pixels": 12_845_056,
            "patch_size": 14,
            "temporal_patch_size": 2,
            "merge_size": 2,
            "image_mean": list(CLIP_MEAN),
            "image_std": list(CLIP_STD),
        },
        "tokenizer_config.json": {"tokenizer_class": "Qwen2Tokenizer"},
    }
    for name, value in files.items():
        (args.folder / name).write_text(json.dumps(value, indent=1))
    make_tokenizer().save(str(args.folder / "tokenizer.json"))


if __name__ == "__main__":
    main()
