"""The whole model: what it refuses, what it computes only where asked, how training starts."""

from __future__ import annotations

import pytest
import torch

from qvl.errors import ContextLengthError, InputError
from qvl.model.attention import Segments
from qvl.model.init import init_weights
from qvl.model.kv_cache import KVCache
from qvl.model.presets import PRESETS
from qvl.model.rotary import inverse_frequencies, text_rotary
from qvl.model.vlm import Qwen2_5_VL

CONFIG = PRESETS["tiny"]


@pytest.fixture(scope="module")
def model() -> Qwen2_5_VL:
    model = Qwen2_5_VL(CONFIG).eval()
    init_weights(model, torch.Generator().manual_seed(0))
    return model


def _ids(*values: int) -> torch.Tensor:
    return torch.tensor(values)


def _positions(length: int) -> torch.Tensor:
    return torch.arange(length).expand(3, -1)


@pytest.mark.parametrize("num_features", [0, 1, 3])
def test_count_of_media_tokens_must_match(model: Qwen2_5_VL, num_features: int) -> None:
    ids = _ids(5, CONFIG.image_token_id, CONFIG.video_token_id, 6)
    media = torch.zeros(num_features, CONFIG.text.hidden_size) if num_features else None
    with pytest.raises(InputError, match=f"2 image and video tokens; expected {num_features}"):
        model.embed(ids, media)


def test_features_take_the_places_of_their_tokens_in_order(model: Qwen2_5_VL) -> None:
    ids = _ids(5, CONFIG.image_token_id, 7, CONFIG.video_token_id)
    media = torch.randn(2, CONFIG.text.hidden_size)
    embeds = model.embed(ids, media)
    assert torch.equal(embeds[[1, 3]], media)
    assert torch.equal(embeds[[0, 2]], model.model.embed_tokens.weight[[5, 7]])


@pytest.mark.parametrize("grid", [(1, 3, 4), (1, 4, 5), (0, 4, 4), (1, 4, 6)])
def test_grid_that_does_not_fit_the_patches(model: Qwen2_5_VL, grid: tuple[int, int, int]) -> None:
    with pytest.raises(InputError):
        model.encode_media(torch.zeros(16, 1176), [grid])


def test_without_pictures_every_weight_of_the_tower_gets_a_gradient_of_zero(
    model: Qwen2_5_VL,
) -> None:
    features = model.encode_media(torch.zeros(0, 1176), [])
    assert features.shape == (0, CONFIG.text.hidden_size)
    embeds = model.embed(_ids(5, 6), features)
    grads = torch.autograd.grad(embeds.square().sum(), list(model.visual.parameters()))
    assert all(torch.equal(grad, torch.zeros_like(grad)) for grad in grads)
    with pytest.raises(InputError, match="for 0 grids"):
        model.encode_media(torch.zeros(4, 1176), [])


def test_numbers_of_tokens_must_agree(model: Qwen2_5_VL) -> None:
    with pytest.raises(InputError, match="3 tokens"):
        model(_ids(1, 2, 3), _positions(3), segments=Segments([4]))
    with pytest.raises(InputError, match="3 tokens"):
        model(_ids(1, 2, 3), _positions(2), segments=Segments([3]))


def test_patches_need_their_grid(model: Qwen2_5_VL) -> None:
    with pytest.raises(InputError, match="grid_thw"):
        model(_ids(1), _positions(1), segments=Segments([1]), pixel_values=torch.zeros(4, 1176))


def test_unknown_backend(model: Qwen2_5_VL) -> None:
    with pytest.raises(InputError, match="'flash'"):
        model.attention_backend = "flash"


def test_logits_only_where_asked(model: Qwen2_5_VL) -> None:
    ids, segments = torch.arange(10), Segments([4, 6])
    everything = model(ids, _positions(10), segments=segments)
    some = model(ids, _positions(10), segments=segments, logits_at=torch.tensor([3, 9]))
    torch.testing.assert_close(some, everything[[3, 9]])


def test_head_can_be_replaced_while_tied(model: Qwen2_5_VL) -> None:
    """Prepared heads take the place of the tied embedding."""
    hidden = torch.randn(3, CONFIG.text.hidden_size)
    tied = model.logits(hidden)
    model.lm_head = torch.nn.Linear(CONFIG.text.hidden_size, CONFIG.text.vocab_size, bias=False)
    try:
        model.lm_head.weight = model.model.embed_tokens.weight
        torch.testing.assert_close(model.logits(hidden), tied)
    finally:
        model.lm_head = None
    assert "lm_head.weight" not in model.state_dict()


@torch.inference_mode()
def test_full_cache_is_refused(model: Qwen2_5_VL) -> None:
    cache = KVCache(CONFIG.text, num_slots=1, max_tokens=4, dtype=torch.float32)
    model(torch.arange(3), _positions(3), segments=Segments([3]), cache=cache.view([0]))
    with pytest.raises(ContextLengthError, match=r"3 \+ 2 tokens; expected at most 4"):
        model(torch.arange(2), _positions(2), segments=Segments([2]), cache=cache.view([0]))
    assert cache.lengths == [3]


def test_cache_slots_are_checked() -> None:
    cache = KVCache(CONFIG.text, num_slots=2, max_tokens=4, dtype=torch.float32)
    with pytest.raises(ValueError, match="once"):
        cache.view([1, 1])
    with pytest.raises(ValueError, match="1 segments for 2 slots"):
        cache.view([0, 1]).step(Segments([1]), "sdpa")
    with pytest.raises(ValueError, match="cannot cut"):
        cache.truncate(0, 1)


def test_one_seed_gives_one_model() -> None:
    weights = []
    for seed in (3, 3, 4):
        other = Qwen2_5_VL(CONFIG)
        init_weights(other, torch.Generator().manual_seed(seed))
        weights.append(other.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    name = "visual.blocks.0.attn.qkv.weight"
    assert not torch.equal(weights[0][name], weights[2][name])


def test_activations_keep_their_size_at_the_start(model: Qwen2_5_VL) -> None:
    features = model.encode_media(torch.randn(64, 1176), [(1, 8, 8)])
    assert 0.1 < features.std() < 3
    logits = model(torch.arange(50), _positions(50), segments=Segments([50]))
    assert logits.std() < 1


def test_equal_axes_are_ordinary_rotation() -> None:
    positions = torch.tensor([0, 1, 500])
    cos, sin = text_rotary(positions.expand(3, -1), head_dim=128, theta=1e6, sections=(16, 24, 24))
    angles = positions[:, None] * inverse_frequencies(128, 1e6)
    torch.testing.assert_close(cos, angles.cos())
    torch.testing.assert_close(sin, angles.sin())


def test_sections_turn_with_their_own_axis() -> None:
    positions = torch.tensor([[3], [5], [7]])
    cos, _ = text_rotary(positions, head_dim=128, theta=1e6, sections=(16, 24, 24))
    frequencies = inverse_frequencies(128, 1e6)
    axis = torch.tensor([3.0] * 16 + [5.0] * 24 + [7.0] * 24)
    torch.testing.assert_close(cos[0], (axis * frequencies).cos())


def test_first_tower_frequencies() -> None:
    """Source: transformers' Qwen2_5_VisionRotaryEmbedding(40)."""
    frequencies = inverse_frequencies(40, 10000.0)
    torch.testing.assert_close(frequencies[:3], torch.tensor([1.0, 0.630957, 0.398107]))
    torch.testing.assert_close(frequencies[-1], torch.tensor(1.58489e-4))
