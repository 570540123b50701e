"""A made-up checkpoint folder without weights: byte tokenizer, other ids, tiny limits."""

import json
from pathlib import Path
from typing import Any

from qvl.processing.tokenizer import _BYTE_OF_CHAR

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
MERGES = ("h e", "l l", "he ll", "hell o", "Ċ Ċ", "u s", "us e", "use r")
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def small_tokenizer_spec(*, call_marks: bool = False) -> dict[str, Any]:
    """A ``tokenizer.json`` of 8 special tokens (first, as trainers put them), bytes, 8 merges."""
    special = [*SPECIAL, *(["<tool_call>", "</tool_call>"] if call_marks else [])]
    pieces = [*special, *_BYTE_OF_CHAR, *(merge.replace(" ", "") for merge in MERGES)]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": False,
        "use_regex": False,
    }
    split = {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": index,
                "content": name,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": "tool_call" not in name,
            }
            for index, name in enumerate(special)
        ],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {piece: index for index, piece in enumerate(pieces)},
            "merges": list(MERGES),
        },
    }


def small_config() -> dict[str, Any]:
    """The fields of ``config.json`` that inputs depend on."""
    return {
        "model_type": "qwen2_5_vl",
        "vocab_size": 320,
        "max_position_embeddings": 4096,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "vision_start_token_id": 3,
        "vision_end_token_id": 4,
        "vision_token_id": 5,
        "image_token_id": 6,
        "video_token_id": 7,
        "vision_config": {
            "patch_size": 14,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "tokens_per_second": 2,
        },
    }


def write_small_checkpoint(folder: Path, **config: object) -> Path:
    """Writes the files a processor reads into ``folder``; ``config`` replaces fields."""
    files = {
        "tokenizer.json": small_tokenizer_spec(),
        "config.json": {**small_config(), **config},
        "preprocessor_config.json": {"min_pixels": 3136, "max_pixels": 50176},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder
