"""Scores a model on benchmarks, and looks at what it got wrong.

qvl eval list
qvl eval run suite -o runs/tiny
qvl eval run chartqa docvqa --model Qwen/Qwen2.5-VL-7B-Instruct --data datasets -o runs/7b
qvl eval run mmmu --endpoint http://127.0.0.1:8000/v1 --name my-model -o runs/mine
qvl eval miniwob --tasks click-test,enter-text --episodes 5 -o runs/tiny
qvl eval play android-world --server http://127.0.0.1:5000 -o runs/7b
qvl eval score runs/7b
qvl eval compare runs/7b runs/mine
qvl eval merge runs/part-1 runs/part-2 -o runs/all

A run that was stopped goes on when the command is repeated. Each benchmark gets a folder with its
manifest, raw answers, scores, result and pages. The exit code is 1 when questions got no answer:
everything is written, and the same command asks those again.
"""

import argparse

from qvl.cli import eval_miniwob, eval_world
from qvl.cli.options import add_model_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="all benchmarks, and the published scores")
    listed.add_argument("--json", action="store_true", help="print as JSON")

    run = actions.add_parser("run", help="ask a model, score its answers, write pages")
    run.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help="names, areas, or suite")
    run.add_argument("--endpoint", metavar="URL", help="an OpenAI-style server instead of --model")
    run.add_argument("--name", metavar="NAME", help="by which the server knows the model")
    run.add_argument("--split", metavar="SPLIT", help="instead of the benchmark's own")
    run.add_argument("--limit", type=int, metavar="N", help="only the first N questions")
    run.add_argument("--ray", type=int, metavar="N", help="N parts on a Ray cluster, then merged")
    run.add_argument(
        "--ray-gpus", type=float, default=0.0, metavar="N", help="GPUs of a part; default 0"
    )
    run.add_argument("--batch", type=int, default=16, metavar="N", help="asked at once; default 16")
    run.add_argument(
        "--shard", default="1/1", metavar="I/N", help="only one of N parts; see qvl eval merge"
    )
    _add_scoring(run)
    run.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the run")
    add_model_options(run)

    played = actions.add_parser("miniwob", help="play MiniWoB++ in a real browser")
    eval_miniwob.add_arguments(played)

    lived = actions.add_parser("play", help="play AndroidWorld or OSWorld on its own machine")
    eval_world.add_arguments(lived)

    score = actions.add_parser("score", help="score raw answers again, without a model")
    score.add_argument("folder", help="of a run, or of one benchmark in it")
    _add_scoring(score)

    compare = actions.add_parser("compare", help="two runs, question by question")
    compare.add_argument("first")
    compare.add_argument("second")
    compare.add_argument("--json", action="store_true", help="print as JSON")

    merge = actions.add_parser("merge", help="put the parts of a run together")
    merge.add_argument("folders", nargs="+", metavar="DIR", help="runs with --shard")
    merge.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the whole")


def _add_scoring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", help="files of the benchmarks; default: the hub's")
    parser.add_argument("--judge", metavar="URL", help="server that judges where rules cannot")
    parser.add_argument("--judge-name", metavar="NAME", help="by which it knows the model")
    parser.add_argument(
        "--request-seconds",
        type=float,
        metavar="S",
        help="that a server has for an answer; default 120",
    )
    parser.add_argument(
        "--tries", type=int, metavar="N", help="of each request to a server; default 5"
    )
    parser.add_argument(
        "--allow-code", action="store_true", help="run programs that the model wrote, confined"
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    """Does what the action says."""
    from qvl.cli import eval_look, eval_run

    actions = {
        "list": eval_look.list_benchmarks,
        "run": eval_run.run_benchmarks,
        "miniwob": eval_miniwob.play_miniwob,
        "play": eval_world.play_world,
        "score": eval_run.score_again,
        "compare": eval_look.compare,
        "merge": eval_run.merge,
    }
    return actions[args.action](args)
