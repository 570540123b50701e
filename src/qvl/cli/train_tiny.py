"""``qvl train tiny``: the embedded model from nothing; repeating the command goes on.

The folder gets run.json (configuration, versions, hardware), log.jsonl, the state, and at the end
model/, a checkpoint in the published layout.
"""

import argparse
from pathlib import Path

from qvl.cli.overrides import apply_overrides
from qvl.cli.terminal import note, write
from qvl.cli.train_show import Show
from qvl.recipes.tiny import on_shards, tiny_run, train


def train_tiny(args: argparse.Namespace) -> int:
    """Trains and prints the folder of the finished model."""
    folder = Path(args.output or "runs/tiny")
    config = apply_overrides(tiny_run(folder), args.set)
    if args.shards:
        config = on_shards(config, Path(args.shards))
    note(f"run: {config.folder}")
    stages = [(stage.name, stage.steps) for stage in config.stages]
    report = Show(stages, log_every=config.log_every)
    try:
        model = train(config, processes=args.processes, report=report)
    except KeyboardInterrupt:
        note("\nstopped; the same command goes on from the last saved state")
        raise
    if model is None:
        note("\nstopped; the same command goes on from here")
    else:
        write(str(model))
    return 0
