"""Pairs of the same random weights in our model and in transformers', and prompts to run through
both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from qvl.model.config import ModelConfig, TextConfig, VisionConfig
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.positions import TextRun, VisionRun, mrope_positions

Grid = tuple[int, int, int]
IMAGE, VIDEO, VISION_START, VISION_END, VISION_PAD = range(90, 95)


def _pattern(
    *,
    vision_intermediate_size: int,
    vision_heads: tuple[int, int],
    heads: tuple[int, int, int],
    mrope_section: tuple[int, int, int],
    intermediate_size: int,
    tied: bool,
    fullatt_block_indexes: tuple[int, ...] = (1, 3),
    window_size: int = 112,
) -> ModelConfig:
    """``vision_heads`` = (heads, width of one), ``heads`` = (query heads, key heads, width of
    one)."""
    hidden_size = heads[0] * heads[2]
    return ModelConfig(
        vision=VisionConfig(
            depth=4,
            hidden_size=vision_heads[0] * vision_heads[1],
            intermediate_size=vision_intermediate_size,
            num_heads=vision_heads[0],
            in_channels=3,
            patch_size=14,
            temporal_patch_size=2,
            spatial_merge_size=2,
            window_size=window_size,
            fullatt_block_indexes=fullatt_block_indexes,
            out_hidden_size=hidden_size,
            tokens_per_second=2,
        ),
        text=TextConfig(
            vocab_size=128,
            hidden_size=hidden_size,
            intermediate_size=intermediate_size,
            num_hidden_layers=2,
            num_attention_heads=heads[0],
            num_key_value_heads=heads[1],
            head_dim=heads[2],
            rms_norm_eps=1e-6,
            rope_theta=1e6,
            mrope_section=mrope_section,
            max_position_embeddings=4096,
            tie_word_embeddings=tied,
        ),
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
        vision_token_id=VISION_PAD,
        bos_token_id=1,
        eos_token_id=2,
    )


# What makes each released model's shapes different from the others', at a fraction of the size:
# tied or not, 8, 7, 5 or 8 query heads to a key head, a tower width that 32 does not divide (3420)
# or does (3456), the true widths of heads.
PATTERNS: dict[str, ModelConfig] = {
    "3b": _pattern(
        vision_intermediate_size=172,
        vision_heads=(2, 80),
        heads=(8, 1, 128),
        mrope_section=(16, 24, 24),
        intermediate_size=344,
        tied=True,
    ),
    "7b": _pattern(
        vision_intermediate_size=172,
        vision_heads=(2, 80),
        heads=(14, 2, 64),
        mrope_section=(8, 12, 12),
        intermediate_size=592,
        tied=False,
    ),
    "32b": _pattern(
        vision_intermediate_size=128,
        vision_heads=(4, 16),
        heads=(10, 2, 32),
        mrope_section=(4, 6, 6),
        intermediate_size=216,
        tied=False,
        fullatt_block_indexes=(0, 2),
    ),
    "72b": _pattern(
        vision_intermediate_size=128,
        vision_heads=(4, 32),
        heads=(16, 2, 16),
        mrope_section=(2, 3, 3),
        intermediate_size=231,
        tied=False,
        window_size=56,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One conversation as both models take it."""

    input_ids: Tensor
    position_ids: Tensor
    pixel_values: Tensor | None
    grids: tuple[Grid, ...]
    is_video: bool


def make_prompt(
    parts: Sequence[int | Grid], generator: torch.Generator, *, video: bool = False
) -> Prompt:
    """Numbers are runs of that many random text tokens, grids are pictures (or videos, one second
    a step)."""
    ids: list[Tensor] = []
    runs: list[TextRun | VisionRun] = []
    grids: list[Grid] = []
    for part in parts:
        if isinstance(part, int):
            ids.append(torch.randint(3, 90, (part,), generator=generator))
            runs.append(TextRun(part))
            continue
        t, h, w = part
        middle = torch.full((t * h * w // 4,), VIDEO if video else IMAGE)
        ids += [torch.tensor([VISION_START]), middle, torch.tensor([VISION_END])]
        runs += [TextRun(1), VisionRun(part, 1.0 if video else None), TextRun(1)]
        grids.append(part)
    patches = sum(math.prod(grid) for grid in grids)
    positions = mrope_positions(runs, tokens_per_second=2).position_ids
    return Prompt(
        input_ids=torch.cat(ids),
        position_ids=torch.from_numpy(positions),
        pixel_values=torch.randn(patches, 1176, generator=generator) if grids else None,
        grids=tuple(grids),
        is_video=video,
    )


def random_model(config: ModelConfig, generator: torch.Generator) -> Qwen2_5_VL:
    """Every parameter random (norms around 1, biases not 0), so that none can be left out
    unnoticed."""
    model = Qwen2_5_VL(config).eval()
    for parameter in model.parameters():
        with torch.no_grad():
            parameter.normal_(generator=generator)
            if parameter.dim() > 1:
                parameter.div_(math.sqrt(parameter[0].numel()))
            else:
                parameter.mul_(0.1)
    for name, parameter in model.named_parameters():
        if "norm" in name or "ln_q" in name:
            parameter.data.add_(1)
    return model


def to_transformers(model: Qwen2_5_VL) -> Qwen2_5_VLForConditionalGeneration:
    """The same weights in the oracle."""
    config = model.config.to_hf()
    config["torch_dtype"] = "float32"
    oracle = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config)).eval()
    renamed = {oracle_name(name): tensor for name, tensor in model.state_dict().items()}
    if config["tie_word_embeddings"]:
        renamed["lm_head.weight"] = model.model.embed_tokens.weight
    oracle.load_state_dict(renamed)
    return oracle


def oracle_name(name: str) -> str:
    """The name that transformers 5 gives in memory to a tensor of the published files."""
    head, _, rest = name.partition(".")
    new = {"visual": "model.visual.", "model": "model.language_model."}.get(head)
    return name if new is None else new + rest


def oracle_logits(
    oracle: Qwen2_5_VLForConditionalGeneration, prompt: Prompt, *, own_positions: bool
) -> Tensor:
    """Logits of one prompt, float[T, V].

    Args:
        oracle: transformers' model.
        prompt: what to run.
        own_positions: pass ours. Needed for videos, whose following text transformers 5 places
            wrongly.
    """
    ids = prompt.input_ids[None]
    kinds = (ids == IMAGE).int() + 2 * (ids == VIDEO).int()
    media = {}
    if prompt.pixel_values is not None:
        names = (
            ("pixel_values_videos", "video_grid_thw")
            if prompt.is_video
            else ("pixel_values", "image_grid_thw")
        )
        dtype = oracle.dtype
        media = {names[0]: prompt.pixel_values.to(dtype), names[1]: torch.tensor(prompt.grids)}
    output = oracle(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=kinds,
        position_ids=prompt.position_ids[:, None] if own_positions else None,
        use_cache=False,
        **media,
    )
    return output.logits[0]
