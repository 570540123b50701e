"""The actions of ``qvl data`` that write data: make, run, convert.

Owns: arguments into sources, steps and options. Does not own: running (``data``).
"""

import argparse
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qvl.cli.late_engine import text_generator
from qvl.cli.options import load_processor, model_folder
from qvl.cli.overrides import keyword_arguments
from qvl.cli.terminal import note, progress, write, write_json
from qvl.data.interchange.annotations import write_annotations
from qvl.data.interchange.coco_writing import write_coco
from qvl.data.interchange.opening import Data, open_data, where
from qvl.data.interchange.parquet import write_parquet
from qvl.data.lengths import lengths_of
from qvl.data.lint import readable
from qvl.data.local import run_local
from qvl.data.mixture import Mixture
from qvl.data.parts import SAMPLE_S, PartResult
from qvl.data.ray import run_ray
from qvl.data.records import Sample
from qvl.data.report import write_report
from qvl.data.run import FAILURE_BUDGET, PER_SHARD, RunOptions, RunSummary
from qvl.data.shards import ShardReader
from qvl.data.sources import DrawnSource, SomeOf, Source
from qvl.data.steps import Step, map_step
from qvl.errors import InputError, QvlError
from qvl.options import nearest, shown
from qvl.recipes.data_recipes import DATA_RECIPES

GENERATOR = "generator"
"""The parameter by which a recipe takes a model that runs in the process."""


def make(args: argparse.Namespace) -> int:
    """Draws samples into shards and prints their folder."""
    from qvl.recipes.tiny_stages import GENERATORS

    if args.generator not in GENERATORS:
        raise InputError(
            f"no generator {args.generator!r}, expected one of {', '.join(GENERATORS)}"
        )
    positive(args.number, "--number")
    mixture = Mixture(parts={args.generator: (1.0, GENERATORS[args.generator])})
    source = DrawnSource(mixture=mixture, count=args.number, seed=args.seed)
    run_local(
        source,
        [],
        Path(args.output),
        processes=positive(args.processes, "--processes"),
        options=RunOptions(progress=_shown_progress()),
    )
    write(args.output)
    return 0


def run_recipe(args: argparse.Namespace) -> int:
    """Runs a recipe, prints what became of the samples, writes the report."""
    options = run_options(args)
    processes = positive(args.processes, "--processes")
    source, steps = _recipe(args)
    if args.limit is not None:
        count = min(positive(args.limit, "--limit"), len(source))
        source = SomeOf(source=source, count=count)
    folder = Path(args.output)
    if args.ray:
        summary = run_ray(source, steps, folder, options=options)
    else:
        summary = run_local(source, steps, folder, processes=processes, options=options)
    return tell(summary, source, args)


def run_options(args: argparse.Namespace) -> RunOptions:
    """How a run is done; slips are refused before any work."""
    if args.report is not None and not Path(args.report).absolute().parent.is_dir():
        raise InputError(f"folder of the report {args.report} does not exist")
    budget = FAILURE_BUDGET if args.failures is None else args.failures
    if not 0 <= budget <= 1:
        raise InputError(f"--failures is {budget:g}, expected a share of 0 to 1")
    return RunOptions(
        per_shard=PER_SHARD if args.per_shard is None else positive(args.per_shard, "--per-shard"),
        keep_rejects=args.keep_rejects,
        failure_budget=budget,
        retry_failed=args.retry_failed,
        sample_s=SAMPLE_S if args.sample_seconds is None else args.sample_seconds,
        progress=_shown_progress(),
    )


def tell(summary: RunSummary, source: Source, args: argparse.Namespace) -> int:
    """Writes the report and prints what became of the samples."""
    if args.report is not None:
        processor = load_processor(model_folder(args, weights=False), args)
        lengths = lengths_of(ShardReader(summary.folder), processor)
        write_report(Path(args.report), summary, source, lengths=lengths)
        note(f"report: {args.report}")
    if args.json:
        write_json(summary.to_json())
    else:
        write(str(summary))
    return 0


def convert(args: argparse.Namespace) -> int:
    """Writes data in another format; records that cannot be read or written are named."""
    target = Path(args.output)
    if target.suffix not in ("", ".json", ".jsonl", ".parquet"):
        raise InputError(
            f"{target} ends in {target.suffix!r}, expected .json, .jsonl, .coco.json, .parquet, "
            "or a folder without an ending"
        )
    data = open_data(
        Path(args.data), root=Path(args.root) if args.root else None, licence=args.licence
    )
    if target.suffix == "":
        # Everything that can be kept is kept; what cannot is named below.
        options = RunOptions(failure_budget=1.0, progress=_shown_progress())
        processes = positive(args.processes, "--processes")
        steps = [map_step("readable", readable)]
        summary = run_local(data, steps, target, processes=processes, options=options)
        count = summary.num_kept
        problems = [f"sample {f.number}: {f.message}" for f in summary.failures]
        num_problems = summary.num_failed
    else:
        unreadable: list[str] = []
        is_parquet, is_coco = target.suffix == ".parquet", target.name.endswith(".coco.json")
        writer: Callable[[Any, Path], Any] = (
            write_parquet if is_parquet else write_coco if is_coco else write_annotations
        )
        count, unwritable = writer(_readable(data, unreadable), target)
        problems = [*unreadable, *map(str, unwritable)]
        num_problems = len(problems)
    for problem in problems:
        note(problem)
    note(f"{count} samples written, {num_problems} not")
    write(args.output)
    return 1 if num_problems else 0


def _readable(data: Data, problems: list[str]) -> Iterator[Sample]:
    for number in range(len(data)):
        try:
            yield readable(data[number])
        except QvlError as error:
            message = error.message
            place = where(data, number)
            problems.append(message if message.startswith(place) else f"{place}: {message}")


def _recipe(args: argparse.Namespace) -> tuple[Source, Sequence[Step]]:
    """The source and the steps of a built-in recipe, or of a function of the user's."""
    name: str = args.recipe
    if name in DATA_RECIPES:
        recipe = DATA_RECIPES[name]
        return recipe(**_arguments(recipe, args))
    module_name, colon, function_name = name.partition(":")
    if not colon:
        raise InputError(
            f"no recipe {name!r}, expected one of {', '.join(DATA_RECIPES)} or MODULE:FUNCTION",
            hint=nearest(name, DATA_RECIPES, else_list=False),
        )
    if "" not in sys.path:
        sys.path.insert(0, "")  # the user's module is in the folder where the command was typed
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, SyntaxError, ValueError) as error:
        raise InputError(f"module {module_name!r} of the recipe cannot be imported: {error}") from (
            error
        )
    except AttributeError as error:
        raise InputError(f"module {module_name!r} has no function {function_name!r}") from error
    made = function(**_arguments(function, args))
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], Sequence):
        source, steps = made
        if hasattr(source, "fingerprint") and all(isinstance(step, Step) for step in steps):
            return source, steps
    raise InputError(
        f"recipe {name!r} returned {shown(made)}, expected (source, steps)",
        hint="see qvl.recipes.data_recipes for one",
    )


def _arguments(recipe: Callable[..., object], args: argparse.Namespace) -> dict[str, Any]:
    """What is set, and the model that was named, for a recipe that asks one."""
    arguments = keyword_arguments(recipe, args.set)
    # A model named by the environment counts tokens, but does not take the place of rules.
    if args.model is not None and GENERATOR in inspect.signature(recipe).parameters:
        arguments[GENERATOR] = partial(text_generator, model_folder(args))
    return arguments


def positive(value: int, name: str) -> int:
    """The number, or an error that names the option."""
    if value < 1:
        raise InputError(f"{name} is {value}, expected at least 1")
    return value


def _shown_progress() -> Callable[[PartResult, int], None]:
    return partial(_show, {})


def _show(done: dict[int, PartResult], result: PartResult, num_parts: int) -> None:
    done[result.part] = result
    read = sum(part.num_read for part in done.values())
    kept = sum(part.num_kept for part in done.values())
    failed = sum(part.num_failed for part in done.values())
    progress(
        f"{len(done)}/{num_parts} shards  read {read}  kept {kept}  failed {failed}",
        done=len(done) == num_parts,
    )
