"""Fine-tuning from a person's data to a model's folder.

Owns: the order of the work and the run it makes. Does not own: the checks of the data
(``fine_tune_data``), defaults (``fine_tune_options``), the plan's words (``fine_tune_plan``), what
is measured on the way (``fine_tune_watch``), the loop (``training.trainer``).

    options -> look() -> Looked (data, processor, what was found)
        -> prepare() -> Prepared (packs, run, plan) -> train() -> folder of the model or adapter
"""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from qvl.checkpoint.adapter import save_adapter
from qvl.checkpoint.export import export_model
from qvl.checkpoint.folder import list_tensors, read_config
from qvl.checkpoint.load import load_model
from qvl.data.atomic import require_writable, whole_file
from qvl.data.encoding import media_of
from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.opening import Data, open_data
from qvl.data.lengths import Lengths
from qvl.data.packing import PackBudget
from qvl.data.packing.cost import CostModel
from qvl.data.packing.planned import PlannedPacks, plan_packs
from qvl.data.packing.summary import PlanSummary
from qvl.data.packing.usable import PlanOptions, SampleSet
from qvl.data.records import Sample
from qvl.data.sft.mixing import ChosenSource
from qvl.errors import CheckpointError, ConfigError
from qvl.messages import Image, Text
from qvl.model.config import ModelConfig
from qvl.model.lora import adapter_parameters, add_lora, merge_lora
from qvl.model.lora_config import LoraConfig
from qvl.model.quantized_linear import Quantize
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.processing.tokenizer import read_json
from qvl.recipes.fine_tune_data import Examined, Numbers, Progress, examine, split
from qvl.recipes.fine_tune_options import WARMUP, FineTuneOptions, choose_packs
from qvl.recipes.fine_tune_pairs import before_training, objective_of, rates_of
from qvl.recipes.fine_tune_plan import FineTunePlan, data_counts, make_plan
from qvl.recipes.fine_tune_watch import Report, Watch
from qvl.training.checkpoint.folder import CHECKPOINTS, complete
from qvl.training.config import RunConfig
from qvl.training.machine import measured_peak, memory_at_hand
from qvl.training.objectives.reward import RewardObjective
from qvl.training.parallel.layout import Layout
from qvl.training.parallel.prepare import copy_whole
from qvl.training.parallel.processes import launch, threads_of_rank
from qvl.training.record import write_record
from qvl.training.reward_model import save_reward_head
from qvl.training.schedule import Schedule
from qvl.training.stages import Stage
from qvl.training.trainer import Trainer

SHOWN = 3
"""Held-out samples whose answers are shown while the model trains."""
_LOGS, _LOOKS, _SAVES = 100, 5, 10
"""How often in a run."""
_FINISHED = "finished.json"
_OTHER_FOLDER = "give a folder that can be written with --output"
_LONGEST_WAIT = 200
"""At most so many steps between saved states."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A person's data after the first look.

    Attributes:
        options: what was asked for.
        data: all of it.
        processor: of the model, with the pixel limits asked for.
        config: of the model.
        examined: what was found.
    """

    options: FineTuneOptions
    data: Data
    processor: Processor
    config: ModelConfig
    examined: Examined


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A run that is ready to start. It pickles, because ranks are processes.

    Attributes:
        options: what was asked for.
        plan: what will happen.
        run: what the trainer does.
        processor: makes model inputs.
        source: all samples that can be used.
        validation: the stage over samples that are held out; None if there are none.
        shown: samples whose answers are looked at on the way; none of documents.
        changes: what was said of the run beside the options, such as "ema=0.999".
    """

    options: FineTuneOptions
    plan: FineTunePlan
    run: RunConfig
    processor: Processor
    source: ChosenSource
    validation: Stage | None
    shown: tuple[Sample, ...]
    changes: tuple[str, ...] = ()

    @property
    def result(self) -> Path:
        """Where the finished model or adapter goes; a reward model is whole, with its head."""
        whole = self.options.lora_rank is None or self.options.minimises == "reward"
        return self.options.folder / ("model" if whole else "adapter")

    @property
    def example(self) -> tuple[Path | None, str] | None:
        """A picture of the data, if it is a file, and a question to try the result with; None where
        the data asks nothing."""
        if not self.shown:
            return None
        sample = self.shown[0]
        media = media_of(sample.conversation)
        user = next(m for m in sample.conversation.messages if m.role == "user")
        text = " ".join(part.text for part in user.content if isinstance(part, Text))
        source = media[0].source if media and isinstance(media[0], Image) else None
        return (source if isinstance(source, Path) else None), " ".join(text.split())


def _is_question(sample: Sample) -> bool:
    return any(message.role == "user" for message in sample.conversation.messages)


def look(options: FineTuneOptions, *, progress: Progress = lambda what, done, of: None) -> Looked:
    """Opens data and model's inputs, and looks at every sample.

    Args:
        options: what was asked for.
        progress: see `fine_tune_data.Progress`.

    Raises:
        CheckpointError: the model's folder has no weights, or misses something else.
        ConfigError: an option does not fit the model.
        DataError: the data is none, or cannot be read at all; the folder cannot be written into.
    """
    config = read_config(options.model)
    # What would stop the run in the end is refused before minutes of looking.
    list_tensors(options.model)
    require_writable(options.folder, hint=_OTHER_FOLDER)
    processor = Processor.from_folder(options.model)
    if options.max_pixels is not None:
        processor = processor.shrinking_to(options.max_pixels)
    data = open_data(options.data, root=options.root, limits=processor.settings.limits)
    examined = examine(
        data,
        processor,
        max_tokens=options.longest(config),
        folder=options.folder / "data",
        pairs=options.minimises != "sft",
        processes=options.processes,
        progress=progress,
    )
    return Looked(options=options, data=data, processor=processor, config=config, examined=examined)


def prepare(
    looked: Looked, *, change: Callable[[RunConfig], RunConfig] = lambda run: run
) -> Prepared:
    """Plans the packs and makes the run.

    Args:
        looked: from `look`.
        change: makes another run of the one that the options lead to; plan and validation are of
            that one.

    Raises:
        ConfigError: the options do not fit the data.
        DataError: the plan cannot be kept.
    """
    options, config, examined = looked.options, looked.config, looked.examined
    train, held_out = split(examined, share=options.validation)
    lengths = examined.lengths.take(train)
    budget, packs_per_step = _size_of_packs(looked, lengths)
    rates = options.rates(config)
    if not lengths.patches.any():  # text alone: no gradient would reach what sees
        rates = {part: rate for part, rate in rates.items() if part == "llm"}
        if not rates:
            raise ConfigError(
                f"{options.data} has no pictures, and {options.kind} trains only what sees",
                hint="give data with pictures or videos, or choose another stage",
            )
    plan_options = PlanOptions(
        budget=budget,
        cost=CostModel.of_parts(config, tuple(rates)),
        packs_per_step=packs_per_step,
        epochs=math.ceil(options.passes),
        seed=options.seed,
    )
    source, summary = _packs(looked, train, lengths, plan_options)
    steps = max(1, round(source.num_steps * options.passes / math.ceil(options.passes)))
    stage = Stage(
        name=options.kind,
        rates=rates_of(options.minimises, rates),
        objective=objective_of(
            options.minimises,
            looked.processor,
            folder=options.folder,
            with_adapter=options.lora_rank is not None,
            width=config.text.hidden_size,
            seed=options.seed,
        ),
        source=source,
        steps=steps,
        schedule=Schedule(shape="cosine", warmup=math.ceil(WARMUP * steps)),
    )
    run = RunConfig(
        folder=options.folder,
        stages=(stage,),
        seed=options.seed,
        device=options.device,
        base_model=str(options.model.absolute()),
        limits=None if options.max_pixels is None else looked.processor.settings.limits,
        peak_flops=_peak_flops(options),
        precision="bf16" if options.device.startswith("cuda") else "float32",
        layout=Layout(activation_checkpointing=options.recompute),
        log_every=max(1, steps // _LOGS),
        look_every=max(1, math.ceil(steps / _LOOKS)),
        save_every=max(1, min(_LONGEST_WAIT, steps // _SAVES)),
    )
    run = change(run)
    validation = None
    if len(held_out):
        held = _held_out(looked, held_out, plan_options)
        validation = replace(run.stages[0], name="validation", source=held, steps=None)
    counts = data_counts(
        lengths,
        samples=len(examined.is_usable),
        validated=len(held_out),
        packs=summary.steps * packs_per_step // math.ceil(options.passes),
    )
    plan = make_plan(
        options,
        run,
        config,
        lengths,
        counts,
        budget=budget,
        packs=source.plan,
        at_hand=memory_at_hand(torch.device(options.device), processes=options.processes),
    )
    numbers = (held_out if len(held_out) else train)[:SHOWN]
    return Prepared(
        options=options,
        plan=plan,
        run=run,
        processor=looked.processor,
        source=ChosenSource(source=looked.data, numbers=examined.usable),
        validation=validation,
        shown=tuple(
            sample for number in numbers.tolist() if _is_question(sample := looked.data[number])
        ),
    )


def train(prepared: Prepared, *, report: Report) -> Path | None:
    """Trains, going on where an earlier call stopped, and returns the folder of the result; None if
    it was stopped.

    Args:
        prepared: the run.
        report: called on the first rank with each line of the log; must pickle.

    Raises:
        ConfigError: the memory is not enough after all, or the folder has the result of a run with
            other options or on other data.
        QvlError: anything else that a person can mend.
    """
    if prepared.result.exists():
        _check_finished(prepared)
        return prepared.result
    write_record(prepared.options.folder, prepared.run)
    launch(_train_rank, prepared, report, processes=prepared.options.processes)
    return prepared.result if prepared.result.exists() else None


def build(options: FineTuneOptions) -> Qwen2_5_VL:
    """Returns the model to train, with adapters if there are to be some."""
    # Under adapters nothing but the adapters is updated, so half precision is enough on a GPU.
    is_half = options.lora_rank is not None and options.device.startswith("cuda")
    return _loaded(options, torch.bfloat16 if is_half else torch.float32, options.device)


def _loaded(options: FineTuneOptions, dtype: torch.dtype | None, device: str) -> Qwen2_5_VL:
    quantised = None if options.quantise == "none" else Quantize(options.quantise)
    model = load_model(options.model, dtype=dtype, device=device, replace=quantised)
    if options.lora_rank is not None:
        config = LoraConfig(rank=options.lora_rank, alpha=2.0 * options.lora_rank, targets=("llm",))
        add_lora(model, config, generator=torch.Generator().manual_seed(options.seed))
    return model


def _train_rank(prepared: Prepared, report: Report) -> None:
    options, (stage,) = prepared.options, prepared.run.stages
    try:
        model = build(options)
        before_training(
            stage.objective,
            model,
            prepared.source,
            prepared.processor,
            budget=prepared.plan.budget,
            bf16=prepared.run.precision != "float32",
            allow_data_change=prepared.run.allow_data_change,
        )
        if stage.objective.heads is not None:
            stage.objective.heads.to(options.device)
        watch = Watch(prepared, report)
        trainer = Trainer(prepared.run, model, report=watch.report, look=watch.look)
        finished = trainer.run()
        if finished and trainer.ranks.layout.is_sharded:
            model = _whole(options, model, rank=trainer.rank)
        if finished and trainer.rank == 0:
            save(prepared, model)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ConfigError(
            f"the memory of {options.device} is not enough: {str(error).splitlines()[0]}",
            hint="use --recompute full, --lora, --lora --quantise nf4, or a smaller --max-length; "
            "the same command then goes on",
        ) from error


def _whole(options: FineTuneOptions, model: Qwen2_5_VL, *, rank: int) -> Qwen2_5_VL:
    """The model that ranks have parts of, whole on the first of them; every rank calls this."""
    trained = adapter_parameters(model) or dict(model.named_parameters())
    whole = _loaded(options, None, "cpu") if rank == 0 else None
    copy_whole(trained, whole)
    return model if whole is None else whole


def save(prepared: Prepared, model: Qwen2_5_VL) -> None:
    """Writes the model or its adapter where `Prepared.result` says.

    Raises:
        CheckpointError: it cannot be written.
    """
    try:
        path = prepared.options.folder / _FINISHED
        path.write_text(json.dumps(_identity(prepared)) + "\n", encoding="utf-8")
        _save(prepared, model)
    except OSError as error:
        raise CheckpointError(
            f"{prepared.result} cannot be written: {error.strerror or error}",
            hint="free some room; the same command then writes it from the last checkpoint",
        ) from error


def _save(prepared: Prepared, model: Qwen2_5_VL) -> None:
    options, objective = prepared.options, prepared.run.stages[0].objective
    limits = prepared.run.limits
    if prepared.result.name == "adapter":
        save_adapter(model, prepared.result, base_model=prepared.run.base_model, limits=limits)
        return
    stored = next(iter(list_tensors(options.model).values())).dtype
    if options.quantise != "none":  # a whole model has the weights as they are stored
        wide = _loaded(replace(options, quantise="none"), None, "cpu")
        copy_whole(adapter_parameters(model), wide)
        model = wide
    if options.lora_rank is not None:
        merge_lora(model)
    part = options.folder / "model.part"
    shutil.rmtree(part, ignore_errors=True)
    export_model(model.cpu().to(stored), part, files_from=options.model, limits=limits)
    if isinstance(objective, RewardObjective):
        save_reward_head(objective.heads, part, about={"data": str(options.data)})
    part.replace(prepared.result)


def _size_of_packs(looked: Looked, lengths: Lengths) -> tuple[PackBudget, int]:
    """Returns the budget of a pack and the packs of a step: those that the run began with, so that
    it goes on with the same ones on another number of ranks."""
    options, longest = looked.options, looked.options.longest(looked.config)
    path = options.folder / "data" / "packs.json"
    of = fingerprint(lengths.identity, options.samples_per_step, longest)
    has_begun = bool(complete(options.folder / CHECKPOINTS))
    known = read_json(path) if has_begun and path.is_file() else {}
    if known.get("of") == of:
        return PackBudget(**known["budget"]), int(known["packs_per_step"])
    budget, packs_per_step = choose_packs(lengths, options, longest)
    if not has_begun:
        chosen = {"of": of, "budget": asdict(budget), "packs_per_step": packs_per_step}
        with whole_file(path, hint=_OTHER_FOLDER) as file:
            file.write(f"{json.dumps(chosen)}\n".encode())
    return budget, packs_per_step


def _peak_flops(options: FineTuneOptions) -> float:
    """What the device of a rank can do; measured once for a run, which goes on with what it began
    with."""
    path = options.folder / "data" / "peak_flops.json"
    device = torch.device(options.device)
    threads = threads_of_rank(options.processes)
    of = {"device": device.type, "threads": threads}
    known = read_json(path) if path.is_file() else {}
    if known.get("of") == of:
        return float(known["peak_flops"])
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    found = measured_peak(device, dtype, threads=threads)
    with whole_file(path) as file:  # every rank of torchrun comes here
        file.write(f"{json.dumps({'of': of, 'peak_flops': found})}\n".encode())
    return found


def _held_out(looked: Looked, numbers: Numbers, options: PlanOptions) -> PlannedPacks:
    """Packs of the samples that are held out, one for each rank in every step."""
    lengths = looked.examined.lengths.take(numbers)
    room = PackBudget(
        max_tokens=max(options.budget.max_tokens, int(lengths.tokens.max())),
        max_patches=max(options.budget.max_patches, int(lengths.patches.max(initial=0))),
    )
    once = replace(options, budget=room, epochs=1, packs_per_step=looked.options.processes)
    return _packs(looked, numbers, lengths, once)[0]


def _identity(prepared: Prepared) -> dict[str, str]:
    """What decides the result, most of it as hashes; where it is computed does not."""
    options = replace(prepared.options, folder=Path(), device="", processes=1)
    data = prepared.source.fingerprint(0, len(prepared.source))
    said = " ".join(prepared.changes)
    return {"options": fingerprint(options), "settings": said, "data": data}


def _check_finished(prepared: Prepared) -> None:
    path = prepared.options.folder / _FINISHED
    found = read_json(path) if path.is_file() else {}
    unlike = [name for name, now in _identity(prepared).items() if found.get(name, "") != now]
    if unlike:
        raise ConfigError(
            f"{prepared.result} is the result of a run with other {' and '.join(unlike)}",
            # Its checkpoints are of the other run too: without the result alone, that would go on.
            hint=f"give another folder with --output, or delete {prepared.options.folder}",
        )


def _packs(
    looked: Looked, numbers: Numbers, lengths: Lengths, options: PlanOptions
) -> tuple[PlannedPacks, PlanSummary]:
    source = ChosenSource(source=looked.data, numbers=numbers)
    one = SampleSet(name=looked.options.data.name, source=source, lengths=lengths)
    return plan_packs([one], looked.processor, options, folder=looked.options.folder / "data")
