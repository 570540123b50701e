"""The cost formulas against published sizes, counted modules and counted operations."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from qvl.model.attention import Segments
from qvl.model.config import ModelConfig
from qvl.model.cost import kv_bytes_per_token, num_parameters, text_flops, vision_flops
from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL

TINY = PRESETS["tiny"]


def _model(config: ModelConfig) -> Qwen2_5_VL:
    model = Qwen2_5_VL(config).eval()
    model.attention_backend = "matmul"  # the fused kernels are not counted
    return model


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("3b", 3_754_622_976),
        ("7b", 8_292_166_656),
        ("32b", 33_452_718_336),
        ("72b", 73_410_777_344),
    ],
)
def test_parameters_of_the_published_models(name: str, published: int) -> None:
    assert num_parameters(PRESETS[name]) == published


def test_parameters_of_a_built_model() -> None:
    assert num_parameters(TINY) == sum(p.numel() for p in Qwen2_5_VL(TINY).parameters())


@pytest.mark.parametrize("grid", [(1, 16, 16), (3, 8, 24), (2, 4, 4)])
@torch.no_grad()
def test_operations_of_the_tower(grid: tuple[int, int, int]) -> None:
    t, h, w = grid
    pixel_values = torch.zeros(t * h * w, TINY.vision.patch_dim)
    with FlopCounterMode(display=False) as counter:
        _model(TINY).visual(pixel_values, [grid])
    assert vision_flops(TINY.vision, grid) == counter.get_total_flops()


def test_a_window_at_the_edge_is_smaller() -> None:
    # 12 x 20 patches: windows of 8 x 8, 8 x 4, 4 x 8, 4 x 4; one more full window costs 64 * 64.
    def pairs(grid: tuple[int, int, int]) -> int:
        vision = TINY.vision
        alone = vision_flops(vision, (1, 2, 2)) // 4
        attention = vision_flops(vision, grid) - alone * grid[1] * grid[2]
        return attention // (4 * vision.hidden_size)

    num_windowed = TINY.vision.depth - len(TINY.vision.fullatt_block_indexes)
    num_full = len(TINY.vision.fullatt_block_indexes)
    seen = 2 * 64**2 + 3 * 32**2 + 16**2  # 2 whole, 2 + 1 half, 1 quarter
    # `alone` has attention too: 4 patches that see each other in every block.
    expected = num_windowed * seen + num_full * 240**2 - TINY.vision.depth * 4 * 240
    assert pairs((1, 12, 20)) == expected


@torch.no_grad()
def test_operations_of_the_language_model() -> None:
    num_tokens, text = 48, TINY.text
    ids = torch.zeros(num_tokens, dtype=torch.int64)
    with FlopCounterMode(display=False) as counter:
        _model(TINY)(
            ids,
            torch.arange(num_tokens).expand(3, -1),
            segments=Segments((num_tokens,)),
            logits_at=torch.tensor([num_tokens - 1]),
        )
    # The plain back end computes the whole square and hides its upper half.
    hidden_pairs = num_tokens * (num_tokens - 1) // 2
    hidden_flops = 4 * text.hidden_size * text.num_hidden_layers * hidden_pairs
    assert text_flops(text, num_tokens=num_tokens) + hidden_flops == counter.get_total_flops()


def test_reading_in_two_steps_costs_the_same() -> None:
    text = TINY.text
    whole = text_flops(text, num_tokens=100, num_logits=0)
    first = text_flops(text, num_tokens=60, num_logits=0)
    second = text_flops(text, num_tokens=40, num_past=60, num_logits=0)
    assert whole == first + second


def test_cache_of_the_published_models() -> None:
    # 36 layers x 2 heads x 128 x keys and values x 2 bytes
    assert kv_bytes_per_token(PRESETS["3b"].text, value_bytes=2) == 36_864
    assert kv_bytes_per_token(PRESETS["7b"].text, value_bytes=2) == 57_344
