"""The released sizes, and the tiny one that ships with the package.

Source: released config.json files of Qwen2.5-VL-{3B,7B}-Instruct (verbatim copies); 32B and 72B
from partial copies, with the vision width 3456 confirmed by the published sizes of the
repositories. The report's Table 1 (arXiv 2502.13923) differs from the files in three places, and
the files win because only they fit the weights: vision intermediate size (3456 for every model in
the table; 3420 in the 3B and 7B files), language intermediate size of 3B (4864; 11008), and
vocabulary (151646; 151936 rows for 3B, 152064 for the others).
"""

from __future__ import annotations

from qvl.model.config import ModelConfig, TextConfig, VisionConfig


def _released(
    *,
    vision_intermediate_size: int,
    hidden_size: int,
    intermediate_size: int,
    num_hidden_layers: int,
    num_attention_heads: int,
    num_key_value_heads: int,
    vocab_size: int,
    tie_word_embeddings: bool,
) -> ModelConfig:
    """One released model: what differs is in the arguments, what all four share is below."""
    return ModelConfig(
        vision=VisionConfig(
            depth=32,
            hidden_size=1280,
            intermediate_size=vision_intermediate_size,
            num_heads=16,
            in_channels=3,
            patch_size=14,
            temporal_patch_size=2,
            spatial_merge_size=2,
            window_size=112,
            fullatt_block_indexes=(7, 15, 23, 31),
            out_hidden_size=hidden_size,
            # Source: every released file; transformers' class default is 4 and its documentation
            # says 25.
            tokens_per_second=2,
        ),
        text=TextConfig(
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            num_hidden_layers=num_hidden_layers,
            num_attention_heads=num_attention_heads,
            num_key_value_heads=num_key_value_heads,
            head_dim=128,
            rms_norm_eps=1e-6,
            rope_theta=1e6,
            mrope_section=(16, 24, 24),
            max_position_embeddings=128000,
            tie_word_embeddings=tie_word_embeddings,
        ),
        image_token_id=151655,
        video_token_id=151656,
        vision_start_token_id=151652,
        vision_end_token_id=151653,
        vision_token_id=151654,
        bos_token_id=151643,
        eos_token_id=151645,
    )


PRESETS: dict[str, ModelConfig] = {
    "3b": _released(
        vision_intermediate_size=3420,
        hidden_size=2048,
        intermediate_size=11008,
        num_hidden_layers=36,
        num_attention_heads=16,
        num_key_value_heads=2,
        vocab_size=151936,
        tie_word_embeddings=True,
    ),
    "7b": _released(
        vision_intermediate_size=3420,
        hidden_size=3584,
        intermediate_size=18944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        vocab_size=152064,
        tie_word_embeddings=False,
    ),
    "32b": _released(
        vision_intermediate_size=3456,
        hidden_size=5120,
        intermediate_size=27648,
        num_hidden_layers=64,
        num_attention_heads=40,
        num_key_value_heads=8,
        vocab_size=152064,
        tie_word_embeddings=False,
    ),
    "72b": _released(
        vision_intermediate_size=3456,
        hidden_size=8192,
        intermediate_size=29568,
        num_hidden_layers=80,
        num_attention_heads=64,
        num_key_value_heads=8,
        vocab_size=152064,
        tie_word_embeddings=False,
    ),
    # Ours, trained by this repository. A small rope_theta keeps neighbouring columns apart in 64
    # wide heads.
    "tiny": ModelConfig(
        vision=VisionConfig(
            depth=4,
            hidden_size=192,
            intermediate_size=512,
            num_heads=3,
            in_channels=3,
            patch_size=14,
            temporal_patch_size=2,
            spatial_merge_size=2,
            window_size=112,
            fullatt_block_indexes=(1, 3),
            out_hidden_size=192,
            tokens_per_second=2,
        ),
        text=TextConfig(
            vocab_size=512,
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=6,
            num_attention_heads=3,
            num_key_value_heads=3,
            head_dim=64,
            rms_norm_eps=1e-6,
            rope_theta=1000.0,
            mrope_section=(8, 12, 12),
            max_position_embeddings=4096,
            tie_word_embeddings=True,
        ),
        image_token_id=502,
        video_token_id=503,
        vision_start_token_id=499,
        vision_end_token_id=500,
        vision_token_id=501,
        bos_token_id=490,
        eos_token_id=492,
    ),
}

RELEASED = tuple(name for name in PRESETS if name != "tiny")
"""Sizes whose scores the report gives."""
