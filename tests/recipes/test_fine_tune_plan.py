"""The plan of a run: what is chosen where nothing was said, and what is proposed where it is too
much."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from qvl.data.lengths import Lengths
from qvl.data.packing import PackBudget
from qvl.data.packing.plan import PackPlan
from qvl.errors import ConfigError
from qvl.model.presets import PRESETS
from qvl.recipes.fine_tune_options import FineTuneOptions, choose_packs
from qvl.recipes.fine_tune_plan import (
    FineTunePlan,
    data_counts,
    describe,
    heaviest_packs,
    make_plan,
    trained_parameters,
)
from qvl.training.config import RunConfig
from qvl.training.objectives.answers import AnswerObjective
from qvl.training.parallel.layout import Layout
from qvl.training.stages import Part, Stage

OPTIONS = FineTuneOptions(model=Path("m"), data=Path("d.jsonl"), folder=Path("f"))
LARGE = PRESETS["3b"]


def lengths(tokens: list[int], *, pictures: bool = False) -> Lengths:
    count = len(tokens)
    return Lengths(
        tokens=np.array(tokens, np.int32),
        answers=np.array(tokens, np.int32) // 4,
        grids=np.array([[1, 8, 10]] * count if pictures else np.zeros((0, 3)), np.int32),
        items=np.full(count, int(pictures), np.int32),
    )


def packs(*members: list[int], per_step: int = 1) -> PackPlan:
    return PackPlan(
        samples=np.concatenate([np.array(m, np.int64) for m in members]),
        offsets=np.cumsum([0, *map(len, members)]),
        packs_per_step=per_step,
        epoch_steps=(len(members) // per_step,),
    )


def plan(
    options: FineTuneOptions,
    *,
    at_hand: int | None,
    config: object = LARGE,
    rates: dict[Part, float] | None = None,
    **changes: object,
) -> FineTunePlan:
    sizes = lengths([2000] * 8, pictures=True)
    stage = Stage(
        name="sft",
        rates=options.rates(config) if rates is None else rates,  # type: ignore[arg-type]
        objective=AnswerObjective(),
        source=SimpleNamespace(num_steps=6),  # type: ignore[arg-type]
    )
    run = RunConfig(
        folder=options.folder,
        stages=(stage,),
        precision="bf16" if options.device == "cuda" else "float32",
        layout=Layout(activation_checkpointing=options.recompute),
    )
    return make_plan(
        options,
        replace(run, **changes),  # type: ignore[arg-type]
        config,  # type: ignore[arg-type]
        sizes,
        data_counts(sizes, samples=10, validated=1, packs=2),
        budget=PackBudget(max_tokens=8192, max_patches=32768),
        packs=packs([0, 1, 2, 3], [4, 5, 6, 7]),
        at_hand=at_hand,
    )


def test_the_heaviest_packs_are_found_where_they_are() -> None:
    sizes = lengths([100, 900, 50, 60], pictures=True)
    (most,) = heaviest_packs(sizes, packs([0], [1, 2], [3], [], per_step=2))
    assert most.lengths == (900, 50)
    assert most.grids == ((1, 8, 10), (1, 8, 10))
    assert most.answers == 225 + 12


def test_full_training_of_a_published_size_counts_sixteen_bytes_a_number() -> None:
    found = plan(OPTIONS, at_hand=None)
    learning = sum(trained_parameters(LARGE, OPTIONS, found.rates).values())
    memory = found.memory
    assert memory.weights + memory.gradients + memory.optimiser >= 16 * learning
    assert found.fits  # nothing is known of the memory, so nothing is refused


def test_what_does_not_fit_gets_proposals_that_do() -> None:
    found = plan(replace(OPTIONS, device="cuda"), at_hand=24 * 2**30)
    assert not found.fits
    assert found.proposals
    assert all("--lora" in text for text in found.proposals)  # full training needs twice as much
    assert plan(replace(OPTIONS, device="cuda"), at_hand=2**30).proposals == ()
    # What is proposed is what would be planned.
    text, _, size = found.proposals[0].partition(" (about ")
    changes = {"lora_rank": 16}
    changes |= {"recompute": "full"} if "--recompute full" in text else {}
    changes |= {"quantise": "nf4"} if "nf4" in text else {}
    again = plan(replace(OPTIONS, device="cuda", **changes), at_hand=24 * 2**30)  # type: ignore[arg-type]
    assert again.fits
    assert float(size.split()[0]) == pytest.approx(again.memory.total / 2**30, abs=0.06)


def test_steps_too_few_to_change_anything_are_said() -> None:
    (note,) = plan(OPTIONS, at_hand=None).notes
    assert "hardly change" in note
    assert plan(replace(OPTIONS, rate=1e-4), at_hand=None).notes == ()


def test_the_plan_says_what_a_person_asks() -> None:
    rows = describe(plan(replace(OPTIONS, lora_rank=8), at_hand=64 * 2**30))
    assert rows["data"] == "d.jsonl: 8 samples to train on, 1 to validate on, 1 left out"
    assert rows["trains"].startswith("adapters of rank 8 on llm (")
    assert rows["frozen"] == "tower, merger and the model under the adapters"
    assert rows["steps"] == "6 (3 epochs, 1 pack a step)"
    assert "of 64.0 GiB" in rows["memory"]


def test_the_plan_counts_what_trains_and_no_more() -> None:
    """Where there is no picture, the merger does not train."""
    whole = plan(OPTIONS, at_hand=None)
    text = plan(OPTIONS, at_hand=None, rates={"llm": 1e-5})
    assert text.memory.total < whole.memory.total
    assert "merger" not in describe(text)["trains"]
    assert describe(text)["frozen"] == "tower, merger"


def test_defaults_follow_the_model_and_what_is_trained() -> None:
    tiny = PRESETS["tiny"]
    assert OPTIONS.rates(LARGE) == {"llm": 1e-6, "merger": 1e-5}
    assert OPTIONS.rates(tiny)["llm"] > 100 * OPTIONS.rates(LARGE)["llm"]
    assert list(replace(OPTIONS, lora_rank=8).rates(LARGE)) == ["llm"]
    assert set(replace(OPTIONS, rate=3e-5).rates(LARGE).values()) == {3e-5}
    assert (OPTIONS.longest(LARGE), OPTIONS.longest(tiny)) == (8192, 4096)


def test_every_rank_has_packs_of_its_own() -> None:
    sizes = lengths([200] * 100)
    budget, count = choose_packs(sizes, replace(OPTIONS, processes=4), 8192)
    assert (budget.max_tokens, count) == (800, 4)
    budget, count = choose_packs(sizes, replace(OPTIONS, processes=4), 300)
    assert (budget.max_tokens, count) == (300, 12)
    # A step has no more samples than there are.
    _, count = choose_packs(sizes, replace(OPTIONS, samples_per_step=10**9), 8192)
    assert count == 2
    # The longest sample fits, even when it is longer than sixteen of the others.
    budget, _ = choose_packs(lengths([10] * 99 + [4000]), OPTIONS, 8192)
    assert budget.max_tokens == 4000


def test_the_plan_is_of_the_run_as_it_was_changed() -> None:
    gpus = replace(OPTIONS, device="cuda", processes=8)
    whole = plan(gpus, at_hand=None)
    shards = plan(gpus, at_hand=None, layout=Layout(dp_replicate=1, dp_shard=None))
    assert shards.memory.optimiser == pytest.approx(whole.memory.optimiser / 8, rel=0.01)
    assert describe(shards)["computes"] == "bfloat16 on cuda x 8 processes, dp_shard 8"
    averaged = plan(gpus, at_hand=None, ema=0.9)
    assert averaged.memory.ema == whole.memory.optimiser // 2
    wide = plan(gpus, at_hand=None, precision="float32")
    assert wide.memory.working == 2 * whole.memory.working
    with pytest.raises(ConfigError, match="tp"):
        plan(gpus, at_hand=None, layout=Layout(dp_replicate=1, tp=8))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"rate": -1.0}, "learning rate is -1"),
        ({"quantise": "nf4"}, "nf4 cannot be trained itself"),
        ({"lora_rank": 0}, "lora_rank is 0"),
        ({"validation": 1.0}, "validation is 1"),
    ],
)
def test_impossible_options_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(OPTIONS, **changes)  # type: ignore[arg-type]


def test_more_tokens_than_the_model_takes_are_refused() -> None:
    with pytest.raises(ConfigError, match="takes at most 4,096"):
        replace(OPTIONS, max_tokens=5000).longest(PRESETS["tiny"])
