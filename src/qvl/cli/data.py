"""Makes, filters, converts, checks and shows training data.

qvl data make shapes -n 10000 -o shards/shapes
qvl data run grounding --limit 10000 -o shards/grounding --report report.html
qvl data convert annotations.json -o shards/mine --root pictures
qvl data dedup shards/mine -o shards/unique
qvl data decontaminate shards/unique --against benchmark.jsonl -o shards/clean
qvl data mix shards/clean=2 shards/text=1 -o shards/mixed
qvl data lint annotations.json --root pictures
qvl data show shards/shapes 7 -o sample
qvl train tiny --shards shards/shapes

Data is a folder of shards, an annotation file (.json, .jsonl) or parquet. Work that was stopped
goes on when the command is repeated.
"""

import argparse

from qvl.cli.options import add_model_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = actions.add_parser("make", help="draw samples into shards")
    make.add_argument("generator", help="such as word, line, page, shapes or screen")
    make.add_argument("-n", "--number", type=int, default=1000, help="samples; default 1000")
    make.add_argument("--seed", type=int, default=0)
    _add_output(make)

    run = actions.add_parser("run", help="take samples through the steps of a recipe into shards")
    run.add_argument(
        "recipe",
        help="a built-in one, such as charts or video (a wrong name lists them all), or "
        "MODULE:FUNCTION that returns (source, steps)",
    )
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an argument of the recipe, such as coco=instances.json, or, for one that asks a "
        "model, endpoint=http://...; with --model it asks that one, with neither it asks none",
    )
    run.add_argument("--limit", type=int, metavar="N", help="only N samples, from all over")
    run.add_argument("--ray", action="store_true", help="on Ray instead of processes")
    _add_run_options(run)

    _add_curation(actions)

    convert = actions.add_parser("convert", help="from one format into another")
    _add_input(convert)
    convert.add_argument("--licence", default="", help="SPDX name of the terms of the data")
    _add_output(
        convert, help="a .json, .jsonl, .coco.json or .parquet file, or a folder for shards"
    )

    lint = actions.add_parser("lint", help="name every bad sample and why; exit code 1 if any")
    _add_input(lint)
    lint.add_argument(
        "--max-length", type=int, metavar="N", help="most tokens of a sample that is trained on"
    )
    lint.add_argument("--max-pixels", type=int, metavar="N", help="shrink pictures to at most N")
    lint.add_argument("--json", action="store_true", help="print the report as JSON")
    add_model_options(lint, runs=False)

    show = actions.add_parser("show", help="print one sample, or write its files")
    _add_input(show)
    show.add_argument("number", type=int, help="of the sample, from 0")
    show.add_argument("-o", "--output", metavar="DIR", help="write its files and drawings here")
    show.add_argument("--json", action="store_true", help="print its record as JSON")

    index = actions.add_parser("index", help="make the index of tars that came without")
    index.add_argument("folder")


def _add_curation(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What is done with whole sets: without duplicates, without evaluation sets, mixed."""
    dedup = actions.add_parser("dedup", help="leave out exact and near duplicates")
    _add_inputs(dedup)
    dedup.add_argument(
        "--by",
        choices=("both", "text", "picture"),
        default="both",
        help="what has to be nearly equal; default both",
    )
    dedup.add_argument(
        "--similarity", type=float, metavar="S", help="of texts, from which they are near; 0.8"
    )
    dedup.add_argument(
        "--best", metavar="SCORE", help="score by which one of a group is kept; default: the first"
    )
    _add_run_options(dedup)

    clean = actions.add_parser("decontaminate", help="leave out what is in evaluation sets")
    _add_inputs(clean)
    clean.add_argument(
        "--against",
        nargs="+",
        required=True,
        metavar="SET",
        help="evaluation sets: data, .txt files of a text a line, or one index (.npz)",
    )
    clean.add_argument(
        "--prompt",
        action="append",
        default=[],
        metavar="TEXT",
        help="a wording that many samples share and that is no leak",
    )
    clean.add_argument("--index", metavar="FILE", help="keep the index of the sets here (.npz)")
    _add_run_options(clean)

    mix = actions.add_parser(
        "mix",
        help="take turns between sets by whole shares; one set alone: half text, half media",
    )
    mix.add_argument("data", nargs="+", metavar="DATA[=SHARE]", help="such as shards/text=2")
    mix.add_argument("--root", metavar="DIR", help="folder of the media; default: the file's")
    mix.add_argument("--licence", default="", help="SPDX name of the terms of the data")
    mix.add_argument(
        "--tokens", metavar="N", help="a budget; shares are then of tokens, sets may be repeated"
    )
    mix.add_argument(
        "--epochs", type=float, metavar="N", help="most repetitions of a set; default 4"
    )
    mix.add_argument("--plan", action="store_true", help="print the plan of tokens, write nothing")
    mix.add_argument("--seed", type=int, default=0, help="of the order under a budget")
    _add_run_options(mix, is_optional=True)


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", nargs="+", help="folders of shards, .json, .jsonl or .parquet")
    parser.add_argument("--root", metavar="DIR", help="folder of the media; default: the file's")
    parser.add_argument("--licence", default="", help="SPDX name of the terms of the data")


def _add_run_options(parser: argparse.ArgumentParser, *, is_optional: bool = False) -> None:
    """How a run is done and told."""
    parser.add_argument("--report", metavar="FILE", help="write a page about the run, in HTML")
    parser.add_argument("--keep-rejects", action="store_true", help="put all dropped samples aside")
    parser.add_argument(
        "--failures",
        type=float,
        metavar="SHARE",
        help="share of samples that may fail before the run stops; default 0.01",
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="do finished parts with failed samples again"
    )
    parser.add_argument(
        "--per-shard", type=int, metavar="N", help="samples read for one shard; default 1000"
    )
    parser.add_argument(
        "--sample-seconds",
        type=float,
        metavar="S",
        help="what a step may take for a sample, which fails after that; default 1800",
    )
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    _add_output(parser, is_optional=is_optional)
    add_model_options(parser, runs=False)


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="folder of shards, .json, .jsonl or .parquet")
    parser.add_argument("--root", metavar="DIR", help="folder of the media; default: the file's")


def _add_output(
    parser: argparse.ArgumentParser,
    help: str = "folder of the shards; a stopped run goes on",
    *,
    is_optional: bool = False,
) -> None:
    parser.add_argument("-o", "--output", required=not is_optional, metavar="DIR", help=help)
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="that share the shards; default 1"
    )


def run(args: argparse.Namespace) -> int:
    """Does what the action says."""
    from qvl.cli import data_curate, data_look, data_run

    actions = {
        "make": data_run.make,
        "run": data_run.run_recipe,
        "dedup": data_curate.dedup,
        "decontaminate": data_curate.decontaminate,
        "mix": data_curate.mix,
        "convert": data_run.convert,
        "lint": data_look.lint,
        "show": data_look.show,
        "index": data_look.index,
    }
    return actions[args.action](args)
