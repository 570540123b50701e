"""``qvl train tiny``: the embedded model from nothing; repeating the command goes on.

The folder gets run.json (configuration, versions, hardware), log.jsonl, the state, and at the end
model/, a checkpoint in the published layout. With ``--all-stages`` it is the report's sequence in
small instead, with a folder for each stage, and stages.json and stages.md that say what each
improved.
"""

import argparse
from pathlib import Path

from qvl.cli.overrides import apply_overrides
from qvl.cli.terminal import note, write
from qvl.cli.train_show import Show
from qvl.errors import ConfigError
from qvl.recipes.tiny import on_shards, tiny_run, train


def train_tiny(args: argparse.Namespace) -> int:
    """Trains and prints the folder of the finished model."""
    if args.all_stages:
        return _train_all_stages(args)
    folder = Path(args.output or "runs/tiny")
    config = apply_overrides(tiny_run(folder), args.set)
    if args.shards:
        config = on_shards(config, Path(args.shards))
    note(f"run: {config.folder}")
    stages = [(stage.name, stage.steps) for stage in config.stages]
    report = Show(stages)
    try:
        model = train(config, processes=args.processes or 2, report=report)
    except KeyboardInterrupt:
        note("\nstopped; the same command goes on from the last saved state")
        raise
    return _end(model)


def _train_all_stages(args: argparse.Namespace) -> int:
    from qvl.recipes.tiny_all_run import train_all_stages
    from qvl.recipes.tiny_all_stages import all_stages_run

    if args.shards:
        raise ConfigError("--shards with --all-stages, whose stages have data of their own")
    folder = Path(args.output or "runs/all-stages")
    config = apply_overrides(all_stages_run(folder), args.set)
    note(f"run: {config.folder}")
    # Pairs of answers are packed when they are reached; about eight make a step.
    stages = [(stage.name, stage.steps or (stage.samples or 0) // 8) for stage in config.stages]
    report = Show(stages)
    return _end(train_all_stages(config, processes=args.processes or 1, report=report))


def _end(model: Path | None) -> int:
    if model is None:
        note("\nstopped; the same command goes on from here")
    else:
        write(str(model))
    return 0
