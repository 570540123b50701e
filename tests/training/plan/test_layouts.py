"""Estimates against published runs of other trainers, and the laws of the search."""

from dataclasses import replace

import pytest

from qvl.errors import ConfigError
from qvl.model.config import ModelConfig
from qvl.model.presets import PRESETS
from qvl.training.parallel.layout import Checkpointing, Layout
from qvl.training.plan.hardware import GPUS, find_gpu
from qvl.training.plan.layouts import Run, suggest_layouts
from qvl.training.plan.memory import Widths, train_memory
from qvl.training.plan.speed import step_time
from qvl.training.plan.typical import typical_pack
from qvl.training.plan.work import Pack, Trained

TEXT_ONLY = Trained(tower=False, merger=False)
SEVEN = PRESETS["7b"]
PACK = typical_pack(8192, SEVEN.vision)


def _llama(*, size: int, inner: int, layers: int, heads: int) -> ModelConfig:
    """Llama 3 in our terms; its tower is small beside it and never runs."""
    text = replace(
        SEVEN.text,
        hidden_size=size,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=8,
    )
    return replace(SEVEN, text=text, vision=replace(SEVEN.vision, out_hidden_size=size))


def _shards(ranks: int, kind: Checkpointing = "none") -> Layout:
    return Layout(dp_replicate=1, dp_shard=ranks, activation_checkpointing=kind)


EIGHT = _llama(size=4096, inner=14336, layers=32, heads=32)
SEVENTY = _llama(size=8192, inner=28672, layers=80, heads=64)


@pytest.mark.parametrize(
    ("config", "gpu", "layout", "packs", "tokens_per_s"),
    [
        # torchtitan, docs/performance.md: FSDP2, 64 A100
        (EIGHT, "a100", _shards(64, "selective"), 1, 2973),
        (SEVENTY, "a100", _shards(64, "full"), 1, 331),
        # torchtitan, benchmarks of December 2024: FSDP2 with compiled blocks
        (EIGHT, "h100", _shards(8, "selective"), 2, 6667),
        (EIGHT, "h100", _shards(128, "selective"), 2, 6514),
    ],
)
def test_speed_is_that_of_published_runs(
    config: ModelConfig, gpu: str, layout: Layout, packs: int, tokens_per_s: float
) -> None:
    pack = Pack(lengths=(8192,) * packs)
    time = step_time(config, pack, TEXT_ONLY, layout, GPUS[gpu])
    assert pack.num_tokens / time.total_s == pytest.approx(tokens_per_s, rel=0.15)


@pytest.mark.parametrize(("shard", "gib"), [(8, 77.0), (128, 62.0)])
def test_memory_is_that_of_published_runs(shard: int, gib: float) -> None:
    memory = train_memory(
        EIGHT,
        Pack(lengths=(8192, 8192)),
        TEXT_ONLY,
        layout=_shards(shard, "selective"),
    )
    assert memory.total / 2**30 == pytest.approx(gib, rel=0.1)


def test_suggestions_use_every_accelerator_and_fit_the_fastest_first() -> None:
    run = Run(config=SEVEN, trained=Trained(), pack=PACK, gpu=GPUS["h100"], count=32)
    found = suggest_layouts(run)
    assert all(item.layout.resolve(32) == item.layout and item.fits for item in found)
    speeds = [item.tokens_per_s for item in found]
    assert speeds == sorted(speeds, reverse=True)


def test_what_cannot_fit_is_said_with_the_nearest_layout() -> None:
    run = Run(config=PRESETS["72b"], trained=Trained(), pack=PACK, gpu=GPUS["rtx4090"], count=8)
    (nearest,) = suggest_layouts(run)
    assert not nearest.fits


def test_sharding_saves_and_checkpointing_costs() -> None:
    whole = train_memory(SEVEN, PACK, Trained())
    eighth = train_memory(SEVEN, PACK, Trained(), layout=_shards(8))
    assert eighth.optimiser * 8 == pytest.approx(whole.optimiser, rel=1e-6)
    full = train_memory(SEVEN, PACK, Trained(), layout=_shards(1, "full"))
    # What autocast copies in half precision stays, whatever is computed again.
    assert full.activations < 0.25 * whole.activations
    plain, again = (
        step_time(SEVEN, PACK, Trained(), _shards(1, kind), GPUS["h100"])
        for kind in ("none", "full")
    )
    assert again.compute_s == pytest.approx(plain.compute_s * 4 / 3, rel=0.02)
    assert again.utilisation(GPUS["h100"]) < plain.utilisation(GPUS["h100"])


def test_adapters_on_four_bits_hold_a_quarter_of_the_base() -> None:
    adapters = Trained(tower=False, merger=False, lora_rank=16)
    wide = train_memory(SEVEN, PACK, adapters)
    narrow = train_memory(SEVEN, PACK, adapters, widths=Widths(frozen=0.5))
    assert 0.25 < narrow.weights / wide.weights < 0.45  # embeddings stay as they are


def test_a_typical_pack_has_the_tokens_that_were_asked_for() -> None:
    pack = typical_pack(8192, SEVEN.vision, media_share=0.25, sample_tokens=3000)
    assert pack.lengths == (3000, 3000, 2192)
    assert pack.num_patches / 4 == pytest.approx(0.25 * 8192, rel=0.15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: find_gpu("h900"), "no accelerator named 'h900'"),
        (lambda: typical_pack(100, SEVEN.vision, media_share=1), "media_share is 1"),
        (lambda: typical_pack(100, SEVEN.vision, sample_tokens=101), "expected from 1 to 100"),
        (lambda: typical_pack(8192, SEVEN.vision, picture_px=(10, 100)), "at least 28 x 28"),
        (lambda: Pack(lengths=(0,)), "expected positive ones"),
        (lambda: Trained(tower=False, merger=False, llm=False), "nothing trains"),
        (lambda: Trained(lora_rank=-1), "lora_rank is -1"),
        (
            lambda: Run(config=SEVEN, trained=Trained(), pack=PACK, gpu=GPUS["h100"], count=0),
            "count is 0",
        ),
    ],
)
def test_what_makes_no_sense_is_named(make, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=message):
        make()
