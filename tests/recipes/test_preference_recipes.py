"""Recipes of preferences: data with and without a model, stages that refuse what makes no sense."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from qvl.checkpoint import EMBEDDED
from qvl.data.drawn_packs import DrawnPacks
from qvl.data.packing import PackBudget
from qvl.data.packing.cost import CostModel
from qvl.data.packing.planned import plan_packs
from qvl.data.packing.usable import PlanOptions, SampleSet
from qvl.data.preferences import chosen_text, preference_problems
from qvl.data.steps import Dropped, Kept
from qvl.errors import ConfigError
from qvl.messages import Conversation, GenerationResult, SamplingParams
from qvl.model.presets import PRESETS
from qvl.processing.processor import Processor
from qvl.recipes.contrastive import (
    alignment_stage,
    contrastive_stage,
    small_heads,
)
from qvl.recipes.data_preferences import preferences
from qvl.recipes.dpo import dpo_stage, drawn_preferences
from qvl.recipes.fine_tune_pairs import objective_of, rates_of
from qvl.recipes.tiny_all_data import captions
from qvl.training.objectives.answers import AnswerObjective
from qvl.training.objectives.dpo import DpoObjective
from qvl.training.objectives.reward import RewardObjective
from qvl.training.reference import AdapterReference, StoredReference

CONFIG = PRESETS["tiny"]


class Guesses:
    """Says "red" and "3" in turn, whatever is asked."""

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        text = "red" if (params.seed or 0) % 2 else "3"
        result = GenerationResult(
            text=text, token_ids=(), finish_reason="stop", prompt_tokens=1, completion_tokens=1
        )
        return [result for _ in conversations]


def test_without_a_model_faults_are_made() -> None:
    source, steps = preferences(count=6)
    assert not steps
    for number in range(6):
        sample = source[number]
        assert not list(preference_problems(sample))
        assert sample.rejected[0].fault


def test_a_model_is_compared_with_itself_and_the_truth() -> None:
    source, (step,) = preferences(generator=Guesses, answers=2, rejected=2, count=12)
    outcomes = step.apply([source[number] for number in range(12)])
    kept = [outcome.samples[0] for outcome in outcomes if isinstance(outcome, Kept)]
    assert kept
    for sample in kept:
        texts = {answer.text for answer in sample.rejected}
        assert texts <= {"red", "3"}
        assert chosen_text(sample) not in texts
    assert all(o.reason for o in outcomes if isinstance(o, Dropped))


def test_packs_hold_preferences_with_all_their_answers() -> None:
    processor = Processor.from_folder(EMBEDDED)
    budget = PackBudget(max_tokens=700, max_patches=2400)
    options = PlanOptions(
        budget=budget, cost=CostModel.of_parts(CONFIG, ("llm",)), packs_per_step=1, once=True
    )
    source = drawn_preferences(6, seed=5)
    packs, _ = plan_packs([SampleSet(name="drawn", source=source)], processor, options)
    stage = dpo_stage(
        packs, processor.tokenizer, AdapterReference(), rates={"llm": 1e-5, "merger": 1e-5}
    )
    seen = 0
    for step in range(packs.num_steps):
        pack = packs.pack(step, 0).samples
        batch = stage.objective.collate(pack)
        assert len(batch.input_ids) == sum(item.num_tokens for item in pack) <= budget.max_tokens
        seen += len(pack)
    assert seen == 6
    with pytest.raises(ConfigError, match="expected \\['llm', 'merger'\\]"):
        dpo_stage(packs, processor.tokenizer, AdapterReference(), rates={"tower": 1e-5})
    rates = rates_of("reward", {"llm": 1e-5})
    assert rates == {"llm": 1e-5, "heads": pytest.approx(1e-4)}


def test_each_kind_of_run_has_its_objective(tmp_path: Path) -> None:
    processor = Processor.from_folder(EMBEDDED)

    def of(kind: str, *, with_adapter: bool = False, seed: int = 0) -> Any:
        return objective_of(
            kind,  # type: ignore[arg-type]
            processor,
            folder=tmp_path,
            with_adapter=with_adapter,
            width=8,
            seed=seed,
        )

    assert isinstance(of("sft"), AnswerObjective)
    assert isinstance(of("reward"), RewardObjective)
    heads = [of("reward", seed=seed).heads.score.weight for seed in (0, 0, 1)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    stored, switched = of("dpo"), of("dpo", with_adapter=True)
    assert isinstance(stored, DpoObjective)
    assert isinstance(switched, DpoObjective)
    assert stored.reference == StoredReference(tmp_path / "reference")
    assert switched.reference == AdapterReference()
    assert rates_of("sft", {"llm": 1e-5}) == {"llm": 1e-5}


def test_stage_0_trains_the_tower_and_alignment_the_merger() -> None:
    processor = Processor.from_folder(EMBEDDED)
    budget = PackBudget(max_tokens=600, max_patches=600)
    source = DrawnPacks(mixture=captions("train"), budget=budget, processor=processor, seed=(1,))
    heads = small_heads(
        CONFIG, vocab_size=CONFIG.text.vocab_size, kind="siglip", pool="mean", seed=0
    )
    stage = contrastive_stage(source, heads, rates={"tower": 1e-3, "heads": 1e-3}, steps=5)
    batch = stage.objective.collate(source.pack(0, 0).samples)
    assert len(batch.lengths) == len(batch.grid_thw) > 1
    assert alignment_stage(source, rates={"merger": 1e-3}, steps=5).name == "alignment"
    with pytest.raises(ConfigError, match="expected tower and heads"):
        contrastive_stage(source, heads, rates={"merger": 1e-3}, steps=5)
    with pytest.raises(ConfigError, match="expected the merger too"):
        alignment_stage(source, rates={"llm": 1e-3}, steps=5)
