"""``qvl train sft`` and its like: a person's data, a plan, a run, and what to do with its result.

Owns: options into `FineTuneOptions`, what is said in which order. Does not own: any of the work
(``recipes.fine_tune``).

    look at the data -> name what is bad -> plan -> train -> "ask it with ..."
"""

import argparse
import os
import shlex
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from qvl.cli.options import model_folder, named_model
from qvl.cli.overrides import apply_overrides
from qvl.cli.terminal import note, progress, write, write_json, write_pairs
from qvl.cli.train_show import Show
from qvl.data.folder_lock import only_writer
from qvl.errors import ConfigError, DataError
from qvl.recipes.fine_tune import Looked, Prepared, look, prepare, train
from qvl.recipes.fine_tune_faults import fault_lines, refuse_faults
from qvl.recipes.fine_tune_options import FineTuneOptions
from qvl.recipes.fine_tune_plan import FineTunePlan, describe
from qvl.training.machine import device_to_train_on
from qvl.training.parallel.processes import first_rank_first, started_ranks

_LONGEST_QUESTION = 200


def fine_tune(args: argparse.Namespace) -> int:
    """Trains and prints the folder of the finished model."""
    options = fine_tune_options(args)
    # Under torchrun every rank comes here; one of them speaks, and looks before the others.
    speaks = os.environ.get("RANK", "0") == "0"
    with first_rank_first():
        looked = look(options, progress=_show_look if speaks else _show_nothing)
        if speaks:
            _name_faults(looked)
        refuse_faults(looked.examined, skip_bad=options.skip_bad)
        base = _name_of_model(args, options.model)
        prepared = prepare(
            looked,
            change=lambda run: apply_overrides(replace(run, base_model=base), args.set),
        )
    prepared = replace(prepared, changes=tuple(args.set))
    if args.dry_run:
        if speaks:
            _show_plan(prepared.plan, as_json=args.json)
        return 0
    if speaks:
        for name, value in describe(prepared.plan).items():
            note(f"{name:<10} {value}")
        _advise(prepared.plan)
    if not prepared.plan.fits and not args.anyway:
        raise ConfigError(
            "the memory at hand is too small for this run",
            hint="use one of the lines above, or --anyway to try",
        )
    return _train(prepared, speaks=speaks)


def _name_of_model(args: argparse.Namespace, folder: Path) -> str:
    """What adapters name as their base: a hub name as it is, which is as good elsewhere."""
    name = named_model(args)
    is_folder = name is None or Path(name).expanduser().is_dir()
    return str(folder.absolute()) if is_folder else str(name)


def _show_plan(plan: FineTunePlan, *, as_json: bool) -> None:
    if as_json:
        write_json(plan.to_json())
    else:
        write_pairs(describe(plan))
    _advise(plan)


def _train(prepared: Prepared, *, speaks: bool) -> int:
    run = prepared.run
    stages = [(stage.name, stage.num_steps) for stage in run.stages]
    if speaks:
        note(f"run: {run.folder}   tensorboard --logdir {run.folder / 'events'}")
    # Under torchrun the first rank keeps other runs out for all.
    with only_writer(run.folder) if speaks else nullcontext():
        result = train(prepared, report=Show(stages))
    if not speaks:
        return 0
    if result is None:
        note("\nstopped; the same command goes on from here")
        return 0
    write(str(result))
    if prepared.options.minimises != "reward" and prepared.example is not None:
        note(f"ask it: {_question(prepared.example, result)}")
    return 0


def _question(example: tuple[Path | None, str], result: Path) -> str:
    """A command that asks the result something it was trained for."""
    picture, question = example
    file = "" if picture is None else f"{shlex.quote(str(picture))} "
    if len(question) > _LONGEST_QUESTION:
        question = "..."
    return f"qvl ask {file}{shlex.quote(question)} --model {shlex.quote(str(result))}"


def fine_tune_options(args: argparse.Namespace) -> FineTuneOptions:
    """What was said on the command line; what was not said keeps its default."""
    if args.json and not args.dry_run:
        raise ConfigError("--json prints the plan, expected together with --dry-run")
    data = Path(args.data)
    if not data.exists():
        raise DataError(f"{data} does not exist, expected a file or folder of training data")
    device = device_to_train_on(args.device)
    kind = args.kind if args.action == "stage" else args.action
    given = {
        "root": None if args.root is None else Path(args.root),
        "epochs": args.epochs,
        "rate": args.lr,
        "lora_rank": args.lora,
        "quantise": args.quantise,
        "max_tokens": args.max_length,
        "max_pixels": args.max_pixels,
        "samples_per_step": args.batch,
        "validation": args.validation,
        "seed": args.seed,
        "recompute": args.recompute,
    }
    said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    model = model_folder(args)
    if (adapter := getattr(args, "adapter", None)) is not None:
        raise ConfigError(
            f"{adapter} is an adapter, expected a model to begin from",
            hint=f"qvl adapter merge {shlex.quote(adapter)} --output merged writes one",
        )
    return FineTuneOptions(
        kind=kind,
        model=model,
        data=data,
        folder=Path(args.output or f"runs/{kind}-{data.stem}"),
        skip_bad=args.skip_bad,
        device=device,
        processes=started_ranks() or args.processes or 1,
        **said,
    )


def _show_look(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty() or done == of:
        progress(f"{what} {done:,} of {of:,} samples", done=done == of)


def _show_nothing(what: str, done: int, of: int) -> None:
    pass


def _name_faults(looked: Looked) -> None:
    for line in fault_lines(looked.examined):
        note(line)
    for text in looked.examined.notes:
        note(f"note: {text}")


def _advise(plan: FineTunePlan) -> None:
    for text in plan.notes:
        note(f"note: {text}")
    if plan.fits:
        return
    note("does not fit into memory")
    for proposal in plan.proposals:
        note(f"would fit: {proposal}")
    if not plan.proposals:
        note("nothing tried would fit: take a smaller model or a larger machine")
