"""The action ``qvl eval miniwob``: plays MiniWoB++ in a real browser and scores it.

Owns: arguments into tasks, a model and a folder. Does not own playing or scoring
(``agents.miniwob``).
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qvl.cli import options
from qvl.cli.terminal import note

if TYPE_CHECKING:
    from qvl.agents.miniwob.run import Policy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--tasks", default="all", metavar="A,B", help="such as click-test,enter-text; default: all"
    )
    parser.add_argument(
        "--episodes", type=int, default=5, metavar="N", help="of each task; default 5"
    )
    parser.add_argument(
        "--first-seed", type=int, default=0, metavar="N", help="of the episodes; default 0"
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="most turns of an episode; default 10"
    )
    parser.add_argument(
        "--scale", type=float, default=2.0, metavar="X", help="screenshot pixels per page pixel"
    )
    parser.add_argument(
        "--real-time", action="store_true", help="the pages' own limit holds, mostly 10 s"
    )
    parser.add_argument(
        "--random", action="store_true", help="click anywhere instead of asking the model"
    )
    parser.add_argument("--browser", metavar="PATH", help="Chromium; default: the one on PATH")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the run")
    options.add_model_options(parser)


def play_miniwob(args: argparse.Namespace) -> int:
    """Plays what was not played yet, scores all of it and writes the pages."""
    from qvl.agents.miniwob.benchmark import MINIWOB, episode_keys, questions_of
    from qvl.agents.miniwob.run import LIMITS, Playing, play_all
    from qvl.agents.miniwob.screen import MiniWobScreen, ScreenOptions
    from qvl.agents.miniwob.tasks import task_names
    from qvl.cli.eval_run import begin_playing, show_progress, write_outcomes
    from qvl.data.folder_lock import only_writer
    from qvl.evaluation.evaluate import score_questions

    shown = ScreenOptions(scale=args.scale, real_time=args.real_time, executable_path=args.browser)
    limits = LIMITS if args.steps is None else replace(LIMITS, steps=args.steps)
    episodes = {
        "tasks": task_names(args.tasks),
        "episodes": args.episodes,
        "first_seed": args.first_seed,
    }
    keys = episode_keys(**episodes)
    folder = Path(args.output) / MINIWOB.name
    policy, identity, computing = _policy(args)
    playing = Playing(policy=policy, params=MINIWOB.params, limits=limits)
    with only_writer(folder):
        begin_playing(
            MINIWOB,
            questions_of(keys),
            folder,
            model=identity,
            computing=computing,
            inputs={"limits": asdict(limits), "scale": shown.scale, "real_time": shown.real_time},
            episodes=episodes,
        )
        note(f"{MINIWOB.title}: {len(keys):,} episodes")
        with MiniWobScreen(shown) as screen:
            play_all(keys, folder, screen, playing, report=show_progress)
        outcome = score_questions(MINIWOB, list(questions_of(keys, folder)), folder)
    write_outcomes([outcome], as_json=args.json)
    return 0


def _policy(args: argparse.Namespace) -> "tuple[Policy, Mapping[str, Any], Mapping[str, str]]":
    """Who plays, and what the manifest says of it and of how it computes."""
    from qvl.agents.miniwob.random_clicks import RandomClicks
    from qvl.cli.eval_subject import computing_of, identity_of
    from qvl.cli.late_engine import LateEngine

    folder = options.model_folder(args, weights=not args.random)
    if args.random:
        processor = options.load_processor(folder, args)
        return (lambda key: RandomClicks(processor, key)), {"name": "random clicks"}, {}
    engine = LateEngine(folder, args)
    return (lambda key: engine), identity_of(folder, args), computing_of(folder, args)
