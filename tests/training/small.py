"""A run small enough for a test: real trainer, font-free generators, a narrow model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from qvl.data.mixture import Mixture
from qvl.data.pack_source import PackError, PackSource
from qvl.data.packing import FilledPack, PackBudget, Packed
from qvl.data.synth.canvas import KINDS
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.data.synth.shapes import shapes_sample
from qvl.data.vocabulary import save_tokenizer, train_tokenizer
from qvl.errors import DataError
from qvl.model.config import ModelConfig
from qvl.model.init import init_weights
from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.recipes.tiny import TinyRun, run_config, write_input_side
from qvl.recipes.tiny_stages import TinyStage
from qvl.training.config import RunConfig
from qvl.training.objectives.answers import AnswerObjective
from qvl.training.objectives.dense import DenseHeads
from qvl.training.optim import OptimiserConfig
from qvl.training.schedule import Schedule
from qvl.training.stages import Part, Stage
from qvl.training.trainer import Trainer


def small_config() -> ModelConfig:
    """The tiny preset, narrower."""
    tiny = PRESETS["tiny"]
    vision = replace(
        tiny.vision, depth=2, hidden_size=32, intermediate_size=48, num_heads=2,
        fullatt_block_indexes=(1,), out_hidden_size=32,
    )  # fmt: skip
    text = replace(
        tiny.text, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, mrope_section=(2, 3, 3),
    )  # fmt: skip
    return replace(tiny, vision=vision, text=text)


def small_inputs(folder: Path, sentences: Sequence[str] = ()) -> Path:
    """Tokenizer, configuration and pixel limits of the small model; the words of the sentences
    become tokens."""
    size = PRESETS["tiny"].text.vocab_size
    letters = ["the image of a red circle and what is there", *sentences] * 20
    words = [f"{a}{b}{c}" for a in "abcdefgh" for b in "ijklmnop" for c in "qrstuvwx"]
    save_tokenizer(train_tokenizer(letters + words * 3, vocab_size=size), folder)
    write_input_side(folder, small_config())
    return folder


def small_run(folder: Path, **changes: object) -> TinyRun:
    """Two stages: the tower alone, then everything."""
    mixture = Mixture(parts={"shapes": (1.0, shapes_sample)})
    budget = PackBudget(max_tokens=600, max_patches=400)
    tower = TinyStage(
        name="vision_pretrain", steps=3, rates={"tower": 3e-3, "merger": 3e-3, "heads": 3e-3},
        mixture=mixture, budget=budget, answer_weight=0.0, dense_weight=1.0, warmup=1,
    )  # fmt: skip
    joint = TinyStage(
        name="multimodal_pretrain", steps=4,
        rates={"tower": 1e-3, "merger": 1e-3, "llm": 3e-3, "heads": 1e-3},
        mixture=mixture, budget=budget, dense_weight=0.3, warmup=1, digit_weight=3.0,
    )  # fmt: skip
    run = TinyRun(
        folder=folder, stages=(tower, joint), seed=0, workers=0, log_every=1, save_every=1,
        coordinate_tasks=frozenset({"shapes"}), packs_per_step=1,
    )  # fmt: skip
    return replace(run, **changes)  # type: ignore[arg-type]


def small_trainer(run: TinyRun, inputs: Path, **options: object) -> Trainer:
    """A fresh model of the run's seed in a trainer."""
    model = Qwen2_5_VL(small_config())
    init_weights(model, torch.Generator().manual_seed(run.seed))
    model.attention_backend = "matmul"
    torch.manual_seed(run.seed)
    heads = DenseHeads(32, num_kinds=len(KINDS), num_colours=len(COLOUR_NAMES))
    config = run_config(run, model, heads, Processor.from_folder(inputs))
    return Trainer(config, model, **options)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedPacks:
    """Samples 0, 1, 2, ... of shapes, dealt out in order: ``per_pack`` to each pack.

    Attributes:
        bad: numbers of samples that cannot be read.
    """

    processor: Processor
    packs_per_step: int = 1
    per_pack: int = 1
    bad: tuple[int, ...] = ()

    budget = PackBudget(max_tokens=1000, max_patches=4000)
    num_steps = None
    identity = "counted"
    budget = PackBudget(max_tokens=4000, max_patches=4000)

    def pack(self, step: int, pack: int) -> FilledPack:
        first = (step * self.packs_per_step + pack) * self.per_pack
        numbers = range(first, first + self.per_pack)
        made = FilledPack([self._make(n) for n in numbers if n not in self.bad])
        failures = [(f"sample {n}", DataError("it is torn")) for n in numbers if n in self.bad]
        if failures:
            raise PackError(failures, made)
        return made

    def _make(self, number: int) -> Packed:
        sample = shapes_sample(np.random.default_rng(number), seed=(number,), side_tokens=(4, 5))
        inputs = self.processor(sample.conversation, add_generation_prompt=False)
        return Packed(sample=sample, inputs=inputs)


def small_model(seed: int = 0) -> Qwen2_5_VL:
    """A fresh model of a seed."""
    model = Qwen2_5_VL(small_config())
    init_weights(model, torch.Generator().manual_seed(seed))
    model.attention_backend = "matmul"
    return model


def counted_run(
    folder: Path,
    source: PackSource,
    *,
    steps: int,
    objective: AnswerObjective | None = None,
    rates: dict[Part, float] | None = None,
    **changes: object,
) -> RunConfig:
    """One stage over counted packs that trains everything."""
    stage = Stage(
        name="sft", steps=steps, rates=rates or {"tower": 1e-3, "merger": 1e-3, "llm": 1e-3},
        objective=objective or AnswerObjective(), source=source,
        schedule=Schedule(shape="constant"),
    )  # fmt: skip
    run = RunConfig(folder=folder, stages=(stage,), workers=0, log_every=1, save_every=1000)
    return replace(run, **changes)  # type: ignore[arg-type]


def gradients_of_a_step(folder: Path, inputs: Path, **packs: int) -> dict[str, torch.Tensor]:
    """Gradients that the optimiser gets in one step over counted packs."""
    source = CountedPacks(processor=Processor.from_folder(inputs), **packs)
    found: dict[str, torch.Tensor] = {}
    model = small_model()

    def keep(optimiser: torch.optim.Optimizer, args: object, kwargs: object) -> None:
        found.update({n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})

    hook = register_optimizer_step_pre_hook(keep)
    try:
        unclipped = OptimiserConfig(clip=1e9)
        Trainer(counted_run(folder, source, steps=1, optimiser=unclipped), model).run()
    finally:
        hook.remove()
    return found
