"""Trains a model by a recipe; repeating the command goes on where it stopped.

qvl train tiny
qvl train tiny --output runs/short --set stages.reader.steps=500 --set seed=2

The folder gets run.json (configuration, versions, hardware), log.jsonl, the state, and at the end
model/, a checkpoint in the published layout.
"""

import argparse
from pathlib import Path
from typing import Any

from qvl.cli.overrides import apply_overrides
from qvl.cli.terminal import note, progress, write

RECIPES = ("tiny",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("recipe", choices=RECIPES, help="tiny: the model that ships inside")
    parser.add_argument("--output", metavar="DIR", help="default: runs/ and the recipe's name")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="changes one field of the run, such as device=cuda or stages.reader.steps=500",
    )
    parser.add_argument(
        "--shards", metavar="DIR", help="train every stage on these samples; see qvl data make"
    )
    parser.add_argument(
        "--processes", type=int, default=2, metavar="N", help="ranks on this machine; default 2"
    )


def run(args: argparse.Namespace) -> int:
    """Trains and prints the folder of the finished model."""
    from qvl.recipes.tiny import on_shards, tiny_run, train  # imports torch

    folder = Path(args.output or f"runs/{args.recipe}")
    config = apply_overrides(tiny_run(folder), args.set)
    if args.shards:
        config = on_shards(config, Path(args.shards))
    note(f"run: {config.folder}")
    try:
        model = train(config, processes=args.processes, report=show)
    except KeyboardInterrupt:
        note("\nstopped; the same command goes on from the last saved state")
        raise
    write(str(model))
    return 0


def show(line: dict[str, Any]) -> None:
    """Shows one line of the log; called in the process of the first rank."""
    progress(describe(line), done=line["step"] == line["steps"])


def describe(line: dict[str, Any]) -> str:
    """A line of the log for people: where the run is, then its numbers.

    >>> describe({"stage": "reader", "step": 20, "steps": 400, "loss": 1.23456, "rate": 1})
    'reader 20/400  loss 1.235  rate 1'
    """
    place = f"{line['stage']} {line['step']}/{line['steps']}"
    numbers = [
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in line.items()
        if name not in ("stage", "step", "steps")
    ]
    return "  ".join([place, *numbers])
