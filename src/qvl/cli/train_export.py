"""``qvl train export``: a run's checkpoint as a folder that `qvl ask --model`, vLLM or peft load.

The newest checkpoint, or the one of ``--step``, while the run goes on or after it. A run that
trained adapters is merged into its base model, or with ``--adapter`` written alone.
"""

import argparse
from pathlib import Path

from qvl.cli.terminal import note, write

DTYPES = ("float32", "bfloat16", "float16")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("run", metavar="RUN", help="folder of the run")
    parser.add_argument("--output", required=True, metavar="DIR", help="new folder of the model")
    parser.add_argument("--step", type=int, metavar="N", help="checkpoint; default: the newest")
    parser.add_argument("--ema", action="store_true", help="averaged weights, if it keeps them")
    parser.add_argument("--dtype", choices=DTYPES, help="default: as the model it began from")
    parser.add_argument("--adapter", action="store_true", help="the adapters alone, for peft")
    parser.add_argument(
        "--model", metavar="NAME", help="what the run began from; default: what it recorded"
    )


def export(args: argparse.Namespace) -> int:
    """Writes the folder and prints its name."""
    import torch

    from qvl.training.checkpoint.published import export_adapter, export_checkpoint
    from qvl.training.checkpoint.reader import open_checkpoint

    run, output = Path(args.run), Path(args.output)
    saved = open_checkpoint(run, updates=args.step)
    inputs = _inputs(run, args.model, saved.marker.base_model)
    note(f"{saved.path.name} of {run}: stage {saved.position.stage_name}, {inputs}")
    if args.adapter:
        export_adapter(saved, output, base=inputs, ema=args.ema)
    else:
        dtype = None if args.dtype is None else getattr(torch, args.dtype)
        export_checkpoint(saved, output, inputs=inputs, ema=args.ema, dtype=dtype)
    write(str(output))
    return 0


def _inputs(run: Path, named: str | None, recorded: str) -> Path:
    """The folder with configuration and tokenizer, and of adapters' base model."""
    from qvl.checkpoint import hub
    from qvl.errors import CheckpointError

    own = run / "inputs"
    if named is None and (own / "config.json").is_file():
        return own
    name = named or recorded
    if not name:
        raise CheckpointError(
            f"{run} does not say what model it began from", hint="name it with --model"
        )
    return hub.resolve(name)
