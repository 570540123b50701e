"""Our logits are transformers', for the shape pattern of every released size."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from transformers import Qwen2_5_VLForConditionalGeneration

from qvl.model.attention import Segments
from qvl.model.vlm import Qwen2_5_VL
from tests.parity.oracle import (
    PATTERNS,
    Prompt,
    make_prompt,
    oracle_logits,
    oracle_name,
    random_model,
    to_transformers,
)

Pair = tuple[Qwen2_5_VL, Qwen2_5_VLForConditionalGeneration]

# Of the largest logit, in float32.
_RELATIVE = 1e-5


@pytest.fixture(scope="module", params=sorted(PATTERNS))
def pair(request: pytest.FixtureRequest) -> Pair:
    model = random_model(PATTERNS[request.param], torch.Generator().manual_seed(7))
    return model, to_transformers(model)


@torch.inference_mode()
def _ours(model: Qwen2_5_VL, prompts: Sequence[Prompt]) -> list[Tensor]:
    """Logits of several prompts in one packed row, one tensor each."""
    lengths = [len(prompt.input_ids) for prompt in prompts]
    pixels = [p.pixel_values for p in prompts if p.pixel_values is not None]
    logits = model(
        torch.cat([p.input_ids for p in prompts]),
        torch.cat([p.position_ids for p in prompts], dim=1),
        segments=Segments(lengths),
        pixel_values=torch.cat(pixels) if pixels else None,
        grid_thw=[grid for p in prompts for grid in p.grids],
    )
    return list(logits.split(lengths))


def _assert_same(ours: Tensor, theirs: Tensor) -> None:
    difference = (ours - theirs).abs().max() / theirs.abs().max()
    assert theirs.std() > 0.1, "the oracle's logits say nothing"
    assert difference < _RELATIVE


@torch.inference_mode()
def test_text(pair: Pair) -> None:
    prompt = make_prompt([33], torch.Generator().manual_seed(1))
    _assert_same(_ours(pair[0], [prompt])[0], oracle_logits(pair[1], prompt, own_positions=False))


@pytest.mark.parametrize("grid", [(1, 2, 2), (1, 8, 8), (1, 4, 14), (1, 18, 10), (1, 2, 60)])
@torch.inference_mode()
def test_one_image(pair: Pair, grid: tuple[int, int, int]) -> None:
    prompt = make_prompt([4, grid, 6], torch.Generator().manual_seed(2))
    _assert_same(_ours(pair[0], [prompt])[0], oracle_logits(pair[1], prompt, own_positions=False))


@pytest.mark.parametrize("backend", ["matmul", "sdpa"])
@torch.inference_mode()
def test_batch_of_unlike_conversations(pair: Pair, backend: str) -> None:
    """Packed in one row by us; each alone, without padding, by the oracle."""
    generator = torch.Generator().manual_seed(3)
    shapes: list[list[int | tuple[int, int, int]]] = [
        [5, (1, 6, 10), 3, (1, 16, 4), (1, 2, 2), 7],
        [12],
        [1, (1, 10, 10), 1],
        [3, (1, 10, 10), 20, (1, 12, 14), 2],
    ]
    prompts = [make_prompt(shape, generator) for shape in shapes]
    model, oracle = pair
    model.attention_backend = backend
    for ours, prompt in zip(_ours(model, prompts), prompts, strict=True):
        _assert_same(ours, oracle_logits(oracle, prompt, own_positions=False))
    model.attention_backend = "sdpa"


@torch.inference_mode()
def test_video_at_our_positions(pair: Pair) -> None:
    """A frame pair sees only itself in the tower, and text goes on behind the last moment."""
    prompt = make_prompt([4, (5, 6, 10), 9], torch.Generator().manual_seed(4), video=True)
    _assert_same(_ours(pair[0], [prompt])[0], oracle_logits(pair[1], prompt, own_positions=True))


@torch.inference_mode()
def test_bfloat16_is_as_near_as_transformers(pair: Pair) -> None:
    """KL divergence of next-token distributions from float32's; below 1e-3 and level with
    theirs."""
    generator = torch.Generator().manual_seed(5)
    prompt = make_prompt([8, (1, 10, 14), 30], generator)
    exact = _ours(pair[0], [prompt])[0].log_softmax(-1)
    narrow = _ours(copy.deepcopy(pair[0]).bfloat16(), [prompt])[0]
    theirs = oracle_logits(copy.deepcopy(pair[1]).bfloat16(), prompt, own_positions=False)
    ours_kl, their_kl = (_divergence(exact, x) for x in (narrow, theirs))
    assert ours_kl < 1e-3
    assert ours_kl < 1.5 * their_kl


def test_gradients(pair: Pair) -> None:
    """RMSNorm, rotation and reordering have hand-written gradients; every parameter's must be
    theirs."""
    model, oracle = pair
    prompt = make_prompt([4, (1, 10, 6), 6], torch.Generator().manual_seed(6))
    weights = torch.randn(len(prompt.input_ids), 128, generator=torch.Generator().manual_seed(7))
    logits = model(
        prompt.input_ids,
        prompt.position_ids,
        segments=Segments([len(prompt.input_ids)]),
        pixel_values=prompt.pixel_values,
        grid_thw=prompt.grids,
    )
    (logits * weights).sum().backward()
    (oracle_logits(oracle, prompt, own_positions=False) * weights).sum().backward()
    theirs = dict(oracle.named_parameters())
    for name, parameter in model.named_parameters():
        expected = theirs[oracle_name(name)].grad
        assert parameter.grad is not None, name
        assert expected is not None, name
        difference = (parameter.grad - expected).abs().max() / expected.abs().max()
        assert difference < 5e-5, name
    model.zero_grad()
    oracle.zero_grad()


def _divergence(exact: Tensor, logits: Tensor) -> float:
    """Mean over tokens of KL(exact || softmax(logits))."""
    other = logits.float().log_softmax(-1)
    return float((exact.exp() * (exact - other)).sum(-1).mean())
