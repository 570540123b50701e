"""What must give the same numbers whichever way the model is called."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from qvl.model.attention import Segments
from qvl.model.kv_cache import KVCache
from qvl.model.vlm import Qwen2_5_VL
from qvl.model.windows import tower_plan
from tests.parity.oracle import PATTERNS, Prompt, make_prompt, random_model

# Of the largest value, in float32: the same sums in another order.
_RELATIVE = 1e-5
_SHAPES: list[list[int | tuple[int, int, int]]] = [
    [5, (1, 6, 10), 3, (1, 16, 4), 7],
    [12],
    [2, (1, 4, 4), 1],
    [31],
]


@pytest.fixture(scope="module")
def model() -> Qwen2_5_VL:
    return random_model(PATTERNS["32b"], torch.Generator().manual_seed(11))


@pytest.fixture(scope="module")
def prompts() -> list[Prompt]:
    generator = torch.Generator().manual_seed(12)
    return [make_prompt(shape, generator) for shape in _SHAPES]


def _close(ours: Tensor, reference: Tensor, relative: float = _RELATIVE) -> None:
    assert ours.shape == reference.shape
    assert (ours - reference).abs().max() <= relative * reference.abs().max()


def _inputs(prompts: Sequence[Prompt]) -> tuple[Tensor, Tensor, Segments]:
    return (
        torch.cat([p.input_ids for p in prompts]),
        torch.cat([p.position_ids for p in prompts], dim=1),
        Segments([len(p.input_ids) for p in prompts]),
    )


def _media(prompts: Sequence[Prompt]) -> tuple[Tensor, list[tuple[int, int, int]]]:
    pixels = [p.pixel_values for p in prompts if p.pixel_values is not None]
    return torch.cat(pixels), [grid for p in prompts for grid in p.grids]


def _hidden(model: Qwen2_5_VL, prompts: Sequence[Prompt]) -> Tensor:
    ids, positions, segments = _inputs(prompts)
    pixels, grids = _media(prompts)
    return model.hidden_states(
        ids, positions, segments=segments, pixel_values=pixels, grid_thw=grids
    )


def _alone(model: Qwen2_5_VL, prompt: Prompt) -> Tensor:
    ids, positions, segments = _inputs([prompt])
    return model(
        ids,
        positions,
        segments=segments,
        pixel_values=prompt.pixel_values,
        grid_thw=prompt.grids or None,
    )


@pytest.mark.parametrize("backend", ["matmul", "sdpa"])
def test_packed_is_single(model: Qwen2_5_VL, prompts: list[Prompt], backend: str) -> None:
    model.attention_backend = backend
    with torch.inference_mode():
        packed = model.logits(_hidden(model, prompts))
        _close(packed, torch.cat([_alone(model, p) for p in prompts]))


@pytest.mark.parametrize("backend", ["matmul", "sdpa"])
def test_gradients_of_packed_are_the_sum_of_single(
    model: Qwen2_5_VL, prompts: list[Prompt], backend: str
) -> None:
    model.attention_backend = backend
    weights = [
        torch.randn(len(p.input_ids), 128, generator=torch.Generator().manual_seed(i))
        for i, p in enumerate(prompts)
    ]

    model.zero_grad()
    (model.logits(_hidden(model, prompts)) * torch.cat(weights)).sum().backward()
    packed = {name: p.grad for name, p in model.named_parameters()}

    model.zero_grad()
    for prompt, weight in zip(prompts, weights, strict=True):
        (_alone(model, prompt) * weight).sum().backward()
    for name, parameter in model.named_parameters():
        gradient = packed[name]
        assert gradient is not None, name
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
        _close(gradient, parameter.grad, relative=5e-5)
    model.zero_grad()


def test_gradients_do_not_depend_on_the_backend(model: Qwen2_5_VL, prompts: list[Prompt]) -> None:
    gradients = []
    for backend in ("sdpa", "matmul"):
        model.attention_backend = backend
        model.zero_grad()
        _hidden(model, prompts).square().mean().backward()
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    for first, second in zip(*gradients, strict=True):
        _close(first, second, relative=5e-5)
    model.zero_grad()


@torch.inference_mode()
def test_prefill_then_decode_is_uncached(model: Qwen2_5_VL, prompts: list[Prompt]) -> None:
    """Slots out of order, so that neighbouring and lonely slots both decode."""
    model.attention_backend = "sdpa"
    slots = [2, 3, 0, 5]
    keep = [20, 7, 5, 1]
    cache = KVCache(model.config.text, num_slots=6, max_tokens=64, dtype=torch.float32)
    features = [
        None if p.pixel_values is None else model.encode_media(p.pixel_values, p.grids)
        for p in prompts
    ]
    keep = [
        n if f is None else max(n, int((p.input_ids == 90).nonzero().max()) + 1)
        for n, f, p in zip(keep, features, prompts, strict=True)
    ]
    got: list[list[Tensor]] = [[] for _ in prompts]

    def run(active: list[int], spans: list[slice], media: Tensor | None) -> None:
        pieces = [prompts[i].input_ids[span] for i, span in zip(active, spans, strict=True)]
        logits = model(
            torch.cat(pieces),
            torch.cat(
                [prompts[i].position_ids[:, s] for i, s in zip(active, spans, strict=True)], dim=1
            ),
            segments=Segments([len(piece) for piece in pieces]),
            media_embeds=media,
            cache=cache.view([slots[i] for i in active]),
        )
        for i, part in zip(active, logits.split([len(p) for p in pieces]), strict=True):
            got[i].append(part)

    everything = list(range(len(prompts)))
    run(everything, [slice(n) for n in keep], torch.cat([f for f in features if f is not None]))
    while True:
        active = [i for i in everything if cache.lengths[slots[i]] < len(prompts[i].input_ids)]
        if not active:
            break
        places = [cache.lengths[slots[i]] for i in active]
        run(active, [slice(place, place + 1) for place in places], None)

    for parts, prompt in zip(got, prompts, strict=True):
        _close(torch.cat(parts), _alone(model, prompt))


@pytest.mark.parametrize("size", [1, 7, 300])
@torch.inference_mode()
def test_chunked_prefill_is_whole(model: Qwen2_5_VL, size: int) -> None:
    """Beside it in the same calls, another sequence decodes and a third begins."""
    generator = torch.Generator().manual_seed(21)
    long = make_prompt([{1: 20, 7: 60, 300: 310}[size]], generator)
    short = make_prompt([40], generator)
    cache = KVCache(model.config.text, num_slots=3, max_tokens=320, dtype=torch.float32)
    got_long, got_short = [], []
    for step, start in enumerate(range(0, len(long.input_ids), size)):
        piece = slice(start, start + size)
        ids, positions = [long.input_ids[piece]], [long.position_ids[:, piece]]
        slots = [1]
        if step < 6:
            one = slice(step, step + 1)
            ids.append(short.input_ids[one])
            positions.append(short.position_ids[:, one])
            slots.append(0)
        if step == 1:
            ids.append(short.input_ids[:5])
            positions.append(short.position_ids[:, :5])
            slots.append(2)
        lengths = [len(x) for x in ids]
        parts = model(
            torch.cat(ids),
            torch.cat(positions, dim=1),
            segments=Segments(lengths),
            cache=cache.view(slots),
        ).split(lengths)
        got_long.append(parts[0])
        got_short += list(parts[1:2])
        if step == 1:
            _close(parts[-1], _alone(model, short)[:5])
    _close(torch.cat(got_long), _alone(model, long))
    _close(torch.cat(got_short), _alone(model, short)[: len(got_short)])


@torch.inference_mode()
def test_truncated_slot_forgets(model: Qwen2_5_VL, prompts: list[Prompt]) -> None:
    first, second = prompts[1], prompts[3]
    cache = KVCache(model.config.text, num_slots=1, max_tokens=64, dtype=torch.float32)
    ids, positions, segments = _inputs([first])
    model(ids, positions, segments=segments, cache=cache.view([0]))
    cache.truncate(0)
    ids, positions, segments = _inputs([second])
    again = model(ids, positions, segments=segments, cache=cache.view([0]))
    _close(again, _alone(model, second))
    assert cache.lengths == [len(second.input_ids)]


@pytest.mark.parametrize("most", [1, 100, 130, 10_000])
@torch.inference_mode()
def test_chunked_tower_is_whole(model: Qwen2_5_VL, most: int) -> None:
    """Equal to rounding, not bit for bit: matrix products of other heights add in other orders."""
    grids = [(1, 6, 10), (5, 4, 6), (1, 2, 2), (2, 10, 10), (1, 14, 8)]
    pixels = torch.randn(
        sum(t * h * w for t, h, w in grids), 1176, generator=torch.Generator().manual_seed(6)
    )
    whole = model.encode_media(pixels, grids)
    _close(model.encode_media(pixels, grids, max_patches_per_chunk=most), whole)


@pytest.mark.parametrize("grids", [((1, 18, 10),), ((2, 10, 10), (1, 2, 2)), ((1, 16, 16),)])
def test_window_order_then_its_inverse_is_identity(
    model: Qwen2_5_VL, grids: tuple[tuple[int, int, int], ...]
) -> None:
    plan = tower_plan(grids, model.config.vision, torch.device("cpu"))
    units = torch.arange(sum(t * h * w for t, h, w in grids) // 4)
    assert torch.equal(units[plan.order][plan.inverse], units)
    assert torch.equal(plan.order.sort().values, units)


@torch.inference_mode()
def test_frame_pairs_do_not_see_each_other(model: Qwen2_5_VL) -> None:
    pixels = torch.randn(3 * 48, 1176, generator=torch.Generator().manual_seed(8))
    video = model.encode_media(pixels, [(3, 8, 6)])
    frames = [model.encode_media(part, [(1, 8, 6)]) for part in pixels.split(48)]
    _close(video, torch.cat(frames))
