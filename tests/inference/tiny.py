"""A tiny random model with a byte tokenizer: everything generation needs, in milliseconds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qvl.inference.engine import Engine
from qvl.inference.engine_options import EngineOptions
from qvl.inference.sequence import SequenceState
from qvl.messages import Image, SamplingParams, Video
from qvl.model.config import ModelConfig, TextConfig, VisionConfig
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import ModelInputs, Processor
from qvl.processing.tokenizer import Tokenizer

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
NUM_TOKENS = 256 + len(SPECIAL)
NUM_ROWS = NUM_TOKENS + 24
"""Embedding rows; the last 24 belong to no token, as in the published checkpoints."""


def _byte_characters() -> list[str]:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return [
        chr(byte) if byte in printable else chr(0x100 + others.index(byte)) for byte in range(256)
    ]


def tokenizer_spec() -> dict[str, Any]:
    """A ``tokenizer.json`` without merges: token i is byte i."""
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": False,
        "use_regex": False,
    }
    added = [
        {
            "id": 256 + index,
            "content": name,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for index, name in enumerate(SPECIAL)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "vocab": {character: byte for byte, character in enumerate(_byte_characters())},
            "merges": [],
        },
    }


def tiny_tokenizer() -> Tokenizer:
    return Tokenizer(tokenizer_spec())


def tiny_config(*, context: int = 4096) -> ModelConfig:
    ids = {name: 256 + index for index, name in enumerate(SPECIAL)}
    return ModelConfig(
        vision=VisionConfig(
            depth=2,
            hidden_size=32,
            intermediate_size=40,
            num_heads=2,
            in_channels=3,
            patch_size=14,
            temporal_patch_size=2,
            spatial_merge_size=2,
            window_size=112,
            fullatt_block_indexes=(1,),
            out_hidden_size=48,
            tokens_per_second=2,
        ),
        text=TextConfig(
            vocab_size=NUM_ROWS,
            hidden_size=48,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=6,
            num_key_value_heads=2,
            head_dim=8,
            rms_norm_eps=1e-6,
            rope_theta=10000.0,
            mrope_section=(1, 1, 2),
            max_position_embeddings=context,
            tie_word_embeddings=True,
        ),
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        vision_token_id=ids["<|vision_pad|>"],
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|im_end|>"],
    )


def tiny_model(*, seed: int = 0, context: int = 4096) -> Qwen2_5_VL:
    """Random weights, large enough that the likeliest token depends on the whole prompt."""
    model = Qwen2_5_VL(tiny_config(context=context)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                scale = 1.6 / parameter[0].numel() ** 0.5
                parameter.normal_(0.0, scale, generator=generator)
            else:
                parameter.normal_(0.0, 0.1, generator=generator)
                parameter.add_(1.0)
    return model


def write_processor_files(folder: Path, *, context: int = 4096) -> None:
    """The files of a checkpoint that a processor reads."""
    limits = {"min_pixels": 28 * 28, "max_pixels": 28 * 28 * 64}
    files = {
        "config.json": tiny_config(context=context).to_hf(),
        "tokenizer.json": tokenizer_spec(),
        "preprocessor_config.json": limits,
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")


def tiny_engine(
    folder: Path, *, context: int = 4096, seed: int = 0, **options: int | None
) -> Engine:
    """An engine over `tiny_model`; ``options`` are fields of `EngineOptions`."""
    write_processor_files(folder, context=context)
    return Engine(
        tiny_model(seed=seed, context=context),
        Processor.from_folder(folder),
        options=EngineOptions(**options),
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """These models are too small to share among threads; on a busy machine they only wait."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(height: int, width: int, seed: int) -> Image:
    """Noise; sides in pixels."""
    return Image(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def clip(num_frames: int, seed: int) -> Video:
    """Noise at two frames a second, 56 x 84 px."""
    frames = np.random.default_rng(seed).integers(0, 256, (num_frames, 56, 84, 3), dtype=np.uint8)
    return Video(list(frames), fps=2.0)


def text_inputs(text: str) -> ModelInputs:
    """The inputs of a bare text, without any template."""
    ids = np.array(tiny_tokenizer().encode(text), dtype=np.int64)
    return ModelInputs(
        input_ids=ids,
        position_ids=np.tile(np.arange(len(ids)), (3, 1)),
        next_position=len(ids),
        loss_mask=np.zeros(len(ids), dtype=bool),
        pixel_values=np.zeros((0, 1176), dtype=np.float32),
        grid_thw=np.zeros((0, 3), dtype=np.int64),
        media=(),
    )


def sequence(
    text: str = "hello", *, index: int = 0, params: SamplingParams | None = None
) -> SequenceState:
    """A request for the text's continuation."""
    params = params or SamplingParams()
    tokenizer = tiny_tokenizer()
    return SequenceState(
        index,
        text_inputs(text),
        params,
        max_tokens=params.max_tokens,
        tokenizer=tokenizer,
        eos_ids=tokenizer.eos_ids,
    )
