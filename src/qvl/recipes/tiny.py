"""The embedded model: how it was made, and the function that makes it again.

    vocabulary from our own prompts -> random weights, whitened patch embedding
    -> tower alone on labelled pages -> language model reads it out, tower frozen -> everything
    together -> folder in the published layout

It is the report's sequence of stages in small; what did not work in its place is in docs/log.md.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qvl.checkpoint.export import export_model
from qvl.data.collate import collate_pixels
from qvl.data.drawn_packs import DrawnPacks
from qvl.data.mixture import Mixture
from qvl.data.packing import Packed
from qvl.data.records import Sample
from qvl.data.shards import ShardReader
from qvl.data.synth.canvas import KINDS, SHAPES
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.data.vocabulary import save_tokenizer, train_tokenizer
from qvl.messages import Text
from qvl.model.config import ModelConfig
from qvl.model.init import init_weights
from qvl.model.presets import PRESETS
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.patches import CLIP_MEAN, CLIP_STD
from qvl.processing.processor import Processor
from qvl.recipes.tiny_card import write_card
from qvl.recipes.tiny_stages import TinyStage, draw_from, tiny_stages
from qvl.training.config import Precision, RunConfig
from qvl.training.objectives.dense import DenseHeads
from qvl.training.objectives.drawings import DrawingObjective
from qvl.training.objectives.finding import check_finding_layer, name_tokens
from qvl.training.optim import OptimiserConfig
from qvl.training.parallel.processes import launch
from qvl.training.patch_init import whiten_patch_embedding
from qvl.training.record import write_record
from qvl.training.schedule import Schedule
from qvl.training.stages import Stage
from qvl.training.trainer import Trainer

COORDINATE_TASKS = frozenset({"shapes", "screen", "spot"})

# Pixel limits of the model: the sizes it is trained on.
MIN_PIXELS = 4 * 28 * 28
MAX_PIXELS = 144 * 28 * 28

_WHITENING_PICTURES = 400
_VOCABULARY_SAMPLES = 3000


# A second moment over about 50 steps follows small, changing batches better than the usual 1000.
OPTIMISER = OptimiserConfig(betas=(0.9, 0.98), weight_decay=0.02)


@dataclass(frozen=True, kw_only=True, slots=True)
class TinyRun:
    """The whole run; see `qvl.training.config.RunConfig` and the objective of drawings.

    Attributes:
        folder: where everything goes; repeating a run with the same folder resumes it.
        stages: in order.
        seed: of everything random.
        device: "cpu" or "cuda".
        precision: of products.
        coordinate_tasks: tasks whose digits are coordinates.
        kind_names: of the kinds of object that questions name, in the order of their numbers.
        colour_names: of colours, in the order of their numbers.
        finding_layer: the decoder layer whose first head learns to find what is asked about.
        packs_per_step: over all ranks.
        log_every: steps between log lines.
        save_every: steps between saved states.
        workers: processes per rank that make samples.
    """

    folder: Path
    stages: tuple[TinyStage, ...]
    seed: int = 1
    device: str = "cpu"
    precision: Precision = "float32"
    coordinate_tasks: frozenset[str] = COORDINATE_TASKS
    kind_names: tuple[str, ...] = SHAPES
    colour_names: tuple[str, ...] = COLOUR_NAMES
    finding_layer: int = 2
    packs_per_step: int = 2
    log_every: int = 20
    save_every: int = 200
    workers: int = 1


def tiny_run(folder: Path) -> TinyRun:
    """Returns the configuration of the whole run, to be kept in ``folder``."""
    return TinyRun(folder=folder, stages=tiny_stages())


def run_config(
    run: TinyRun, model: Qwen2_5_VL, heads: DenseHeads | None, processor: Processor
) -> RunConfig:
    """Returns the run for a model with its heads and processor."""
    finds = any(stage.finding_weight for stage in run.stages)
    if finds:
        check_finding_layer(model, run.finding_layer)
    named = (run.kind_names, run.colour_names) if finds else ((), ())
    names = name_tokens(processor.tokenizer.encode, *named)

    def stage_of(number: int, stage: TinyStage) -> Stage:
        objective = DrawingObjective(
            heads=heads,
            encode=processor.tokenizer.encode,
            names=names,
            answer_weight=stage.answer_weight,
            dense_weight=stage.dense_weight,
            finding_weight=stage.finding_weight,
            finding_layer=run.finding_layer,
            digit_weight=stage.digit_weight,
            coordinate_tasks=run.coordinate_tasks,
        )
        source = DrawnPacks(
            mixture=stage.mixture,
            budget=stage.budget,
            processor=processor,
            seed=(run.seed, number),
            packs_per_step=run.packs_per_step,
        )
        schedule = Schedule(
            shape="wsd", warmup=stage.warmup, decay_from=stage.decay_from, floor=stage.floor
        )
        return Stage(
            name=stage.name,
            steps=stage.steps,
            rates=stage.rates,
            objective=objective,
            source=source,
            schedule=schedule,
        )

    return RunConfig(
        folder=run.folder,
        stages=tuple(stage_of(number, stage) for number, stage in enumerate(run.stages)),
        seed=run.seed,
        device=run.device,
        precision=run.precision,
        optimiser=OPTIMISER,
        log_every=run.log_every,
        save_every=run.save_every,
        workers=run.workers,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """A generator of stored samples; another one when what is stored is another."""

    folder: Path
    contents: str

    def __call__(self, rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
        return _reader(self.folder).draw(rng, seed=seed)


@lru_cache(maxsize=4)
def _reader(folder: Path) -> ShardReader:
    return ShardReader(folder)


def on_shards(run: TinyRun, folder: Path) -> TinyRun:
    """Returns the run with every stage trained on samples from a folder of shards."""
    reader = ShardReader(folder)
    stored = _Stored(folder=folder, contents=reader.fingerprint(0, len(reader)))
    mixture = Mixture(parts={"shards": (1.0, stored)})
    return replace(run, stages=tuple(replace(stage, mixture=mixture) for stage in run.stages))


def make_vocabulary(folder: Path, *, vocab_size: int) -> None:
    """Writes a tokenizer learnt from the prompts and answers of the generators."""
    mixture = draw_from(word=0.2, line=0.2, spot=0.2, shapes=0.3, screen=0.3)
    texts = [
        part.text
        for i in range(_VOCABULARY_SAMPLES)
        for message in mixture.sample(i).conversation.messages
        if message.role == "user" or mixture.sample(i).task in COORDINATE_TASKS
        for part in message.content
        if isinstance(part, Text)
    ]
    chat = [
        "You are a helpful assistant.",
        "system\n",
        "user\n",
        "assistant\n",
    ] * _VOCABULARY_SAMPLES
    save_tokenizer(train_tokenizer([*texts, *chat], vocab_size=vocab_size), folder)


def make_inputs(folder: Path) -> None:
    """Writes what a checkpoint has besides weights: vocabulary, configuration, pixel limits."""
    config = PRESETS["tiny"]
    make_vocabulary(folder, vocab_size=config.text.vocab_size)
    write_input_side(folder, config)


def write_input_side(folder: Path, config: ModelConfig) -> None:
    """Writes the configuration and the pixel limits of the sizes trained on."""
    (folder / "config.json").write_text(json.dumps(config.to_hf(), indent=2) + "\n")
    preprocessor = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
        "min_pixels": MIN_PIXELS,
        "max_pixels": MAX_PIXELS,
        "patch_size": config.vision.patch_size,
        "temporal_patch_size": config.vision.temporal_patch_size,
        "merge_size": config.vision.spatial_merge_size,
        "image_mean": list(CLIP_MEAN),
        "image_std": list(CLIP_STD),
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")


def build(run: TinyRun, folder: Path) -> tuple[Qwen2_5_VL, DenseHeads, Processor]:
    """Returns the untrained model with its heads and processor, a function of the seed alone."""
    config: ModelConfig = PRESETS["tiny"]
    processor = Processor.from_folder(folder)
    torch.manual_seed(run.seed)
    model = Qwen2_5_VL(config)
    init_weights(model, torch.Generator().manual_seed(run.seed))
    model.attention_backend = "matmul" if run.device == "cpu" else "sdpa"
    heads = DenseHeads(
        config.vision.out_hidden_size, num_kinds=len(KINDS), num_colours=len(COLOUR_NAMES)
    )
    whiten(model, run.stages[0].mixture, processor, seed=run.seed)
    return model.to(run.device), heads.to(run.device), processor


def whiten(model: Qwen2_5_VL, mixture: Mixture, processor: Processor, *, seed: int) -> None:
    """Sets a new tower's first layer by the pictures that it will see first."""
    samples = [mixture.sample(seed, i) for i in range(_WHITENING_PICTURES)]
    packed = [
        Packed(sample=s, inputs=processor(s.conversation, add_generation_prompt=False))
        for s in samples
    ]
    whiten_patch_embedding(model, collate_pixels(packed))


def train(
    run: TinyRun,
    *,
    processes: int = 2,
    report: Callable[[dict[str, Any]], None] = lambda line: None,
) -> Path | None:
    """Trains, scores the result, and returns its folder; goes on where an earlier call stopped.

    Returns None when it is stopped, by Ctrl-C or SIGTERM, before the end.

    Args:
        run: from `tiny_run`, changed or not.
        processes: ranks on this machine; under torchrun its own count holds.
        report: called with log lines on the first rank; must pickle.
    """
    inputs, result = run.folder / "inputs", run.folder / "model"
    if not (inputs / "config.json").exists():
        make_inputs(inputs)
    write_record(run.folder, run)
    launch(_train_rank, run, report, processes=processes)
    if not result.exists():
        return None
    if not (result / "MODEL_CARD.md").exists():
        write_card(run.folder, result)
    return result


def _train_rank(run: TinyRun, report: Callable[[dict[str, Any]], None]) -> None:
    inputs, result = run.folder / "inputs", run.folder / "model"
    model, heads, processor = build(run, inputs)
    trainer = Trainer(run_config(run, model, heads, processor), model, report=report)
    finished = trainer.run()
    if finished and trainer.rank == 0 and not result.exists():
        # Half the size; it computes in float32 all the same.
        export_model(model.cpu().half(), result, files_from=inputs)
