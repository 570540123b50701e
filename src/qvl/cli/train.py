"""Trains: fine-tuning on your own data, and the recipes of this project.

qvl train sft --data my.jsonl
qvl train sft --data my.jsonl --model Qwen/Qwen2.5-VL-3B-Instruct --lora --dry-run
qvl train tiny
qvl train export runs/sft-my --output my-model

Fine-tuning looks at the data first, says what it will do and need, and then does it. Repeating the
command goes on where it stopped. `qvl train WHAT --help` tells more.
"""

import argparse

from qvl.cli import train_export, train_start
from qvl.cli.options import add_model_options

STAGES = ("vision_pretrain", "multimodal_pretrain", "long_context_pretrain", "sft", "dpo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="WHAT")
    sft = actions.add_parser("sft", help="answers: conversations in JSON, JSONL, parquet, shards")
    _add_fine_tuning(sft)
    dpo = actions.add_parser("dpo", help="preferences: records with chosen and rejected answers")
    _add_fine_tuning(dpo)
    reward = actions.add_parser("reward", help="a model that scores answers, from preferences")
    _add_fine_tuning(reward)
    stage = actions.add_parser("stage", help="a stage of the report, on shards or files")
    stage.add_argument("kind", choices=STAGES, metavar="NAME", help=", ".join(STAGES))
    _add_fine_tuning(stage)
    tiny = actions.add_parser("tiny", help="the model that ships inside, from nothing")
    _add_output(tiny, "runs/tiny")
    _add_set(tiny, "stages.reader.steps=500")
    tiny.add_argument(
        "--shards", metavar="DIR", help="train every stage on these samples; see qvl data make"
    )
    tiny.add_argument(
        "--all-stages", action="store_true", help="the report's six stages in small, each measured"
    )
    tiny.add_argument(
        "--processes", type=int, metavar="N", help="ranks; default 2, for all stages 1"
    )
    export = actions.add_parser("export", help="a checkpoint of a run as a model")
    train_export.add_arguments(export)
    start = actions.add_parser("start", help="a model to begin with: a text model and a tower")
    train_start.add_arguments(start)


def _add_fine_tuning(parser: argparse.ArgumentParser) -> None:
    # Defaults are stated once, in `recipes.fine_tune_options`; here None means "the default".
    parser.add_argument(
        "--data", required=True, metavar="FILE", help=".json, .jsonl, .parquet, COCO, or shards"
    )
    parser.add_argument("--root", metavar="DIR", help="folder of the media; default: the data's")
    _add_output(parser, "runs/, what is trained, and the data's name")
    add_model_options(parser, runs=False)
    what = parser.add_argument_group("what is trained")
    ways = what.add_mutually_exclusive_group()
    ways.add_argument(
        "--lora", type=int, nargs="?", const=16, metavar="RANK", help="adapters; default rank 16"
    )
    ways.add_argument(
        "--full", action="store_true", help="language model and merger themselves; the default"
    )
    what.add_argument(
        "--quantise", choices=("int8", "nf4"), help="hold the model under --lora in fewer bits"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--epochs", type=float, metavar="N", help="times each sample is seen")
    how.add_argument("--lr", type=float, metavar="RATE", help="of all trained parts")
    how.add_argument("--max-length", type=int, metavar="N", help="most tokens of a sample")
    how.add_argument("--max-pixels", type=int, metavar="N", help="shrink pictures to at most N")
    how.add_argument("--batch", type=int, metavar="N", help="samples before each update; 16")
    how.add_argument("--validation", type=float, metavar="SHARE", help="held out; 0.05")
    how.add_argument("--skip-bad", action="store_true", help="leave out samples with faults")
    how.add_argument("--seed", type=int, metavar="N", help="of the order of samples; 0")
    how.add_argument("--recompute", choices=("selective", "full"), help="less memory for more time")
    where = parser.add_argument_group("where, and whether")
    where.add_argument("--device", help="cpu or cuda; default: CUDA if there is any")
    where.add_argument(
        "--processes", type=int, metavar="N", help="ranks; default 1, under torchrun its own"
    )
    _add_set(parser, "optimiser.weight_decay=0.01")
    where.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    where.add_argument("--json", action="store_true", help="the plan as JSON, with --dry-run")
    where.add_argument(
        "--anyway", action="store_true", help="start although the memory seems too small"
    )


def _add_output(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--output", metavar="DIR", help=f"folder of the run; default: {default}")


def _add_set(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help=f"changes one field of the run, such as {example}",
    )


def run(args: argparse.Namespace) -> int:
    """Does what the action says."""
    if args.action == "tiny":
        from qvl.cli.train_tiny import train_tiny

        return train_tiny(args)
    if args.action == "export":
        return train_export.export(args)
    if args.action == "start":
        return train_start.start(args)
    from qvl.cli.train_fine_tune import fine_tune

    return fine_tune(args)
