"""The report's whole sequence in small, carried out: each stage measured before and after.

Owns: what each stage begins with, its packs and held-out packs, going on. Does not own: the stages
(``tiny_all_stages``), the loop (``training.trainer``), kinds of stages (``contrastive``, ``dpo``),
the numbers (``stage_results``).

    random tower -> contrastive_pretrain -+
    language model of a text model -------+-> start -> vision_pretrain -> ... -> dpo -> model

Each stage begins with the folder of the model before it and leaves one behind, so a run goes on at
any stage, within it at the last checkpoint, and each of the models can be asked.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from qvl.checkpoint.export import export_model
from qvl.checkpoint.folder import read_config
from qvl.checkpoint.load import load_model
from qvl.checkpoint.text_export import export_language_model
from qvl.data.atomic import whole_file
from qvl.data.drawn_packs import DrawnPacks
from qvl.data.mixture import Mixture
from qvl.data.packing import PackBudget
from qvl.data.packing.cost import CostModel
from qvl.data.packing.planned import PlannedPacks, plan_packs
from qvl.data.packing.usable import PlanOptions, SampleSet
from qvl.data.sources import DrawnSource, JoinedSource
from qvl.model.init import init_weights
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.recipes.contrastive import contrastive_stage, small_heads
from qvl.recipes.dpo import dpo_stage
from qvl.recipes.fine_tune_pairs import before_training
from qvl.recipes.stage_results import StageResult, check_measured, measure, write_results
from qvl.recipes.start import start_model
from qvl.recipes.tiny import OPTIMISER, whiten
from qvl.recipes.tiny_all_stages import CONTRASTIVE, PREFERENCES, AllStagesRun, SmallStage
from qvl.training.config import Precision, RunConfig
from qvl.training.objectives.answers import AnswerObjective
from qvl.training.parallel.processes import launch
from qvl.training.record import write_record
from qvl.training.reference import StoredReference
from qvl.training.schedule import Schedule
from qvl.training.stages import Stage
from qvl.training.trainer import Trainer

Report = Callable[[dict[str, Any]], None]

# Of the run and of the reference that it is compared with.
_PRECISION: Precision = "float32"
# Among the numbers of a seed, where training has steps: far more than a stage has.
_HELD_OUT = 987_654_321
# Wide, so that no kind is rare for its length.
_HELD_OUT_BUDGET = PackBudget(max_tokens=4000, max_patches=4800)


def train_all_stages(
    run: AllStagesRun, *, processes: int = 1, report: Report = lambda line: None
) -> Path | None:
    """Trains one stage after the other and returns the folder of the last model; goes on where an
    earlier call stopped.

    Returns None when it is stopped, by Ctrl-C or SIGTERM, before the end.

    Args:
        run: from `all_stages_run`, changed or not.
        processes: ranks on this machine, which share the packs of a step.
        report: called with log lines on the first rank; must pickle.

    Raises:
        ConfigError: the folder was begun with other stages before the one that is next.
        QvlError: what stops any training.
    """
    write_record(run.folder, run)
    results: list[StageResult] = []
    for number, stage in enumerate(run.stages):
        folder = run.folder / stage.name
        if number == 1 and not (run.folder / "start").exists():
            _put_together(run)
        if not (folder / "model").exists():
            launch(_train_rank, run, number, report, processes=processes)
        if not (folder / "model").exists():
            return None
        results.append(_result(run, stage))
        write_results(run.folder, results)
    last = run.folder / run.stages[-1].name / "model"
    result = run.folder / "model"
    if not result.exists():
        # Half the size; it computes in float32 all the same.
        export_model(load_model(last).half(), result, files_from=run.base)
    return result


def _put_together(run: AllStagesRun) -> None:
    """What stage 1 begins with: the language model as a text model has it, and the new tower."""
    text = run.folder / "text"
    if not text.exists():
        export_language_model(run.base, text)
    part = run.folder / "start.part"
    shutil.rmtree(part, ignore_errors=True)
    tower = run.folder / run.stages[0].name / "model"
    start_model(text, part, tower=tower, dtype=torch.float32, seed=run.seed)
    part.rename(run.folder / "start")


def _train_rank(run: AllStagesRun, number: int, report: Report) -> None:
    small = run.stages[number]
    folder = run.folder / small.name
    model, processor = _begin(run, number)
    make = _preference_stages if small.name == PREFERENCES else _drawn_stages
    stage, held_out = make(run, number, model, processor)
    config = RunConfig(
        folder=folder,
        stages=(stage,),
        seed=run.seed,
        optimiser=OPTIMISER,
        precision=_PRECISION,
        log_every=run.log_every,
        save_every=run.save_every,
        base_model=str(run.base),
        workers=run.workers,
    )
    trainer = Trainer(config, model, report=report)

    def measured(name: str) -> None:
        path = folder / f"{name}.json"
        if path.exists():
            return
        instructed = (
            []
            if small.keeps is None
            else [
                small.keeps.sample(run.seed, number, _HELD_OUT, 0, 0, i)
                for i in range(4 * run.cases)
            ]
        )
        numbers = measure(
            trainer,
            held_out,
            processor,
            worlds=small.worlds,
            instructed=[one for one in instructed if "form" in one.facts][: run.cases],
            cases=run.cases,
        )
        if trainer.rank == 0:
            check_measured(small.name, small.shows, numbers)
            with whole_file(path) as file:
                file.write(json.dumps(numbers, indent=2).encode())

    measured("before")
    if not trainer.run():
        return
    measured("after")
    if trainer.rank == 0:
        result = _result(run, small)
        line = {"stage": small.name, "step": result.steps, "steps": result.steps}
        trainer.journal.log({**line, "result": result.to_json()})
        report({**line, "note": result.summary})
        export_model(model, folder / "model", files_from=run.base)


def _begin(run: AllStagesRun, number: int) -> tuple[Qwen2_5_VL, Processor]:
    """The model that a stage begins with, the same on every rank."""
    if number:
        before = run.folder / (run.stages[number - 1].name if number > 1 else "start")
        folder = before / "model" if number > 1 else before
        return load_model(folder, dtype=torch.float32), Processor.from_folder(folder)
    processor = Processor.from_folder(run.base)
    model = Qwen2_5_VL(read_config(run.base))
    init_weights(model, torch.Generator().manual_seed(run.seed))
    whiten(model, run.stages[0].train, processor, seed=run.seed)
    return model, processor


def _drawn_stages(
    run: AllStagesRun, number: int, model: Qwen2_5_VL, processor: Processor
) -> tuple[Stage, dict[str, Stage]]:
    """A stage over drawn samples, and the same over held-out ones."""
    small = run.stages[number]
    assert small.steps is not None
    source = _packs(run, small.train, small.budget, processor, seed=(run.seed, number))
    if small.name == CONTRASTIVE:
        heads = small_heads(
            model.config,
            vocab_size=model.config.text.vocab_size,
            kind="clip",
            pool="attention",
            seed=run.seed,
        )
        stage = contrastive_stage(source, heads, rates=small.rates, steps=small.steps)
        # As many pictures to choose from as in training.
        unseen = _held_out_packs(run, number, small.held_out, processor, budget=small.budget)
        return stage, {"": _stage_like(stage, unseen, run.held_out_packs)}
    stage = Stage(
        name=small.name,
        steps=small.steps,
        rates=small.rates,
        objective=AnswerObjective(weighting="sqrt"),
        source=source,
        schedule=Schedule(shape="cosine", warmup=max(1, small.steps // 15), floor=0.05),
    )
    unseen = _held_out_packs(run, number, small.held_out, processor)
    return stage, {"": _stage_like(stage, unseen, run.held_out_packs)}


def _preference_stages(
    run: AllStagesRun, number: int, model: Qwen2_5_VL, processor: Processor
) -> tuple[Stage, dict[str, Stage]]:
    """The stage over pairs that are seen once; held-out pairs, and answers that should stay."""
    small = run.stages[number]
    assert small.samples is not None
    folder = run.folder / small.name
    pairs = DrawnSource(mixture=small.train, count=small.samples, seed=run.seed)
    unseen = DrawnSource(
        mixture=small.held_out, count=run.held_out_pairs, seed=run.seed + _HELD_OUT
    )

    def planned(source: DrawnSource, name: str) -> PlannedPacks:
        options = PlanOptions(
            budget=small.budget,
            cost=CostModel.of_parts(model.config, tuple(small.rates)),
            packs_per_step=run.packs_per_step,
            seed=run.seed,
            too_long="drop",
            once=True,
        )
        one = SampleSet(name=name, source=source)
        return plan_packs([one], processor, options, folder=folder / name)[0]

    stage = dpo_stage(
        planned(pairs, "pairs"),
        processor.tokenizer,
        StoredReference(folder / "reference"),
        rates=small.rates,
        # The likelihood of right answers must not fall with that of the faulty ones, and with the
        # paper's beta of 0.1 other answers got 12 % worse; see docs/log.md.
        beta=1.0,
        sft_weight=1.0,
    )
    both = JoinedSource(sources=(pairs, unseen))
    before_training(
        stage.objective,
        model,
        both,
        processor,
        budget=small.budget,
        bf16=_PRECISION != "float32",
    )
    held_out = {"": _stage_like(stage, planned(unseen, "held_out"), None)}
    if small.keeps is not None:
        answers = Stage(
            name="sft",
            steps=run.held_out_packs,
            rates=small.rates,
            objective=AnswerObjective(weighting="sqrt"),
            source=_held_out_packs(run, number, small.keeps, processor),
        )
        held_out["keeps"] = answers
    return stage, held_out


def _stage_like(stage: Stage, source: DrawnPacks | PlannedPacks, steps: int | None) -> Stage:
    return Stage(
        name=stage.name, rates=stage.rates, objective=stage.objective, source=source, steps=steps
    )


def _held_out_packs(
    run: AllStagesRun,
    number: int,
    mixture: Mixture,
    processor: Processor,
    *,
    budget: PackBudget = _HELD_OUT_BUDGET,
) -> DrawnPacks:
    """Packs with as many samples of each kind, however rare it is in training."""
    even = Mixture(parts={name: (1.0, part) for name, (_, part) in mixture.parts.items()})
    return _packs(run, even, budget, processor, seed=(run.seed, number, _HELD_OUT))


def _packs(
    run: AllStagesRun,
    mixture: Mixture,
    budget: PackBudget,
    processor: Processor,
    *,
    seed: tuple[int, ...],
) -> DrawnPacks:
    return DrawnPacks(
        mixture=mixture,
        budget=budget,
        processor=processor,
        seed=seed,
        packs_per_step=run.packs_per_step,
    )


def _result(run: AllStagesRun, stage: SmallStage) -> StageResult:
    """The result of a stage that has ended, from its folder."""
    folder = run.folder / stage.name
    lines = [json.loads(text) for text in (folder / "log.jsonl").read_text().splitlines()]
    # A run that goes on logs the steps since its last checkpoint once more.
    seconds = {line["step"]: line["seconds"] for line in lines if "seconds" in line}
    return StageResult(
        stage=stage.name,
        trains=tuple(stage.rates),
        steps=max(seconds, default=0),
        minutes=sum(seconds.values()) / 60,
        before=json.loads((folder / "before.json").read_text()),
        after=json.loads((folder / "after.json").read_text()),
        shows=stage.shows,
    )
