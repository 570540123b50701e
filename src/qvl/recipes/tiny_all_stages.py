"""The report's whole sequence in small, as data: six stages, each with what it should improve.

Owns: the stages with their rates, steps and measures. Does not own: carrying them out
(``tiny_all_run``), what they are trained on (``tiny_all_data``).

    contrastive_pretrain -> vision_pretrain -> multimodal_pretrain -> long_context_pretrain -> sft
        -> dpo

Source of the order and of what trains: Qwen2.5-VL report (arXiv 2502.13923), 2.1.1, 2.2.2, 2.3.
Rates are ours: those of the embedded model's stages, which are of this size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qvl.checkpoint import EMBEDDED
from qvl.data.mixture import Mixture
from qvl.data.packing import PackBudget
from qvl.errors import ConfigError
from qvl.recipes import tiny_all_data as data
from qvl.recipes.stage_results import Shown
from qvl.recipes.stages import STAGES
from qvl.training.stages import Part

CONTRASTIVE, PREFERENCES = "contrastive_pretrain", "dpo"


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallStage:
    """One stage of the sequence.

    Attributes:
        name: the report's, or "contrastive_pretrain".
        rates: peak learning rate of each trained part.
        train: what is trained on.
        held_out: samples of the same kinds with other seeds and words.
        budget: of one pack.
        shows: what should be better afterwards.
        steps: optimiser steps; None where ``samples`` says how many.
        samples: each seen once; for preferences.
        keeps: instructions whose answers are measured too.
        worlds: cases of our own suite that are measured too.
    """

    name: str
    rates: Mapping[Part, float]
    train: Mixture
    held_out: Mixture
    budget: PackBudget
    shows: tuple[Shown, ...]
    steps: int | None = None
    samples: int | None = None
    keeps: Mixture | None = None
    worlds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name != CONTRASTIVE and set(self.rates) != set(STAGES[self.name].trains):
            raise ConfigError(
                f"stage {self.name!r} has rates for {sorted(self.rates)}, expected "
                f"{sorted(STAGES[self.name].trains)}"
            )
        if (self.steps is None) == (self.samples is None) or (self.name == PREFERENCES) != bool(
            self.samples
        ):
            raise ConfigError(
                f"stage {self.name!r} has {self.steps} steps and {self.samples} samples, expected "
                f"samples for {PREFERENCES!r} and steps for every other"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class AllStagesRun:
    """The whole sequence.

    Attributes:
        folder: where everything goes; repeating a run with the same folder resumes it.
        stages: in order.
        base: folder of the model whose language model and sizes are taken.
        seed: of everything random.
        packs_per_step: over all ranks.
        held_out_packs: that are measured before and after each stage.
        held_out_pairs: likewise, for preferences.
        cases: questions of each kind that the model answers before and after.
        log_every: steps between log lines.
        save_every: steps between checkpoints.
        workers: processes per rank that make samples.
    """

    folder: Path
    stages: tuple[SmallStage, ...]
    base: Path = EMBEDDED
    seed: int = 1
    packs_per_step: int = 1
    held_out_packs: int = 6
    held_out_pairs: int = 240
    cases: int = 40
    log_every: int = 20
    save_every: int = 100
    workers: int = 1


def all_stages_run(folder: Path) -> AllStagesRun:
    """Returns the configuration of the whole sequence, to be kept in ``folder``."""
    return AllStagesRun(folder=folder, stages=(*_pre_training(), *_post_training()))


def _pre_training() -> tuple[SmallStage, ...]:
    reads = ("word_characters", "colour")
    kinds = {
        "word": "words", "shapes": "shapes, their places and numbers", "caption": "captions",
        "line": "lines", "vqa": "questions about scenes", "screen": "screens", "flag": "flags",
        "arithmetic": "arithmetic in text", "dialog": "dialogs in text",
        "interleaved": "interleaved articles", "video": "videos",
    }  # fmt: skip
    long = {
        "many pictures": "conversations about many pictures", "interleaved": "long articles",
        "video": "longer videos",
    }  # fmt: skip
    return (
        SmallStage(
            name=CONTRASTIVE,
            steps=350,
            rates={"tower": 1e-3, "heads": 1e-3},
            train=data.captions("train"),
            held_out=data.captions("heldout"),
            budget=PackBudget(max_tokens=100_000, max_patches=1200),
            shows=(
                Shown(
                    name="retrieval/captions",
                    meaning="the picture's caption found among those of a pack",
                    better="higher",
                    chance="retrieval/chance",
                ),
                Shown(
                    name="retrieval/pictures",
                    meaning="the caption's picture found",
                    better="higher",
                    chance="retrieval/chance",
                ),
            ),
        ),
        SmallStage(
            name="vision_pretrain",
            # 200 taught the loss, and neither letters nor colours; see docs/log.md.
            steps=800,
            rates={"tower": 1e-3, "merger": 1e-3},
            train=data.vision("train"),
            held_out=data.vision("heldout"),
            budget=PackBudget(max_tokens=1000, max_patches=1000),
            worlds=reads,
            shows=(
                _lower("loss", "answers, nats a token"),
                _higher("acc/word", "next character of a word"),
                _higher("world/colour", "colour of a shape, asked"),
            ),
        ),
        SmallStage(
            name="multimodal_pretrain",
            # After 200 held-out words were told no better than before; see docs/log.md.
            steps=600,
            rates={"tower": 4e-4, "merger": 4e-4, "llm": 8e-4},
            train=data.multimodal("train"),
            held_out=data.multimodal("heldout"),
            budget=PackBudget(max_tokens=1200, max_patches=1400),
            worlds=reads,
            shows=tuple(
                _lower(f"ce/{task}", f"{words}, nats a token") for task, words in kinds.items()
            ),
        ),
        SmallStage(
            name="long_context_pretrain",
            steps=30,
            rates={"tower": 2e-4, "merger": 2e-4, "llm": 4e-4},
            train=data.long_context("train"),
            held_out=data.long_context("heldout"),
            # About four times the length of the stages before, as in the report.
            budget=PackBudget(max_tokens=4000, max_patches=4800),
            shows=tuple(
                _lower(f"ce/{task}", f"{words}, nats a token") for task, words in long.items()
            ),
        ),
    )


def _post_training() -> tuple[SmallStage, ...]:
    return (
        SmallStage(
            name="sft",
            steps=150,
            rates={"merger": 3e-4, "llm": 6e-4},
            train=data.instructed("train"),
            held_out=data.instructed("heldout"),
            keeps=data.instructed("heldout"),
            budget=PackBudget(max_tokens=1000, max_patches=1200),
            worlds=("colour",),
            shows=(
                _lower("loss", "answers to instructions, nats a token"),
                _higher("form", "answers in the form that is asked for"),
            ),
        ),
        SmallStage(
            name=PREFERENCES,
            samples=960,
            rates={"merger": 3e-5, "llm": 6e-5},
            train=data.preferences("train"),
            held_out=data.preferences("heldout"),
            keeps=data.instructed("heldout"),
            budget=PackBudget(max_tokens=1200, max_patches=1600),
            worlds=("colour",),
            shows=(
                Shown(
                    name="pairs/accuracy",
                    meaning="pairs whose better answer gained on the worse",
                    better="higher",
                    chance=0.5,
                ),
                # A model that cannot see a place or a count finds the faulty one as likely, and no
                # preference tells it which is right: this share stays; see docs/log.md.
                Shown(
                    name="pairs/preferred",
                    meaning="pairs whose better answer is likelier, no more than 2 % fewer",
                    better="higher",
                    slack=0.02,
                ),
                _higher("pairs/margin", "margin of rewards, in nats"),
                Shown(
                    name="keeps/loss",
                    meaning="answers to instructions, nats a token, no more than 2 % worse",
                    better="lower",
                    slack=0.02,
                ),
            ),
        ),
    )


def _lower(name: str, meaning: str) -> Shown:
    return Shown(name=name, meaning=meaning, better="lower")


def _higher(name: str, meaning: str) -> Shown:
    return Shown(name=name, meaning=meaning, better="higher")
