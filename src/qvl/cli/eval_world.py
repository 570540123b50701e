"""The action ``qvl eval play``: plays AndroidWorld or OSWorld and scores it.

Owns: arguments into a world, a model and a folder. Does not own worlds or scores
(``agents.environments``).
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qvl.cli import options
from qvl.cli.terminal import note
from qvl.errors import ConfigError, InputError, MissingDependencyError

if TYPE_CHECKING:
    from qvl.agents.environments.environment import Environment

_STEPS = {"android-world": 30, "osworld": 15}
"""Turns of an episode. Source: OSWorld run.py, max_steps. AndroidWorld's authors give each task a
limit of its own, which the server does not tell: 30 is ours."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("world", choices=tuple(_STEPS))
    parser.add_argument(
        "--tasks", metavar="A,B", help="kinds or names of tasks, such as ClockStopWatchRunning"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="most turns of an episode")
    parser.add_argument("--server", metavar="URL", help="of AndroidWorld's server")
    parser.add_argument("--seed", type=int, default=30, metavar="N", help="of AndroidWorld's tasks")
    parser.add_argument("--examples", metavar="DIR", help="OSWorld's folder evaluation_examples")
    parser.add_argument(
        "--provider", default="docker", metavar="NAME", help="of OSWorld's machine; default docker"
    )
    parser.add_argument("--machine", metavar="PATH", help="OSWorld's machine, if it is a file")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the run")
    options.add_model_options(parser)


def play_world(args: argparse.Namespace) -> int:
    """Plays what was not played yet, scores all of it and writes the pages."""
    from qvl.agents.environments.environment import WORLDS, play, questions_of
    from qvl.agents.episode import Limits
    from qvl.agents.playing import play_each
    from qvl.cli.eval_run import begin_playing, show_progress, write_outcomes
    from qvl.cli.eval_subject import computing_of, identity_of
    from qvl.cli.late_engine import LateEngine
    from qvl.data.folder_lock import only_writer
    from qvl.evaluation.evaluate import score_questions

    benchmark = WORLDS[args.world]
    limits = replace(Limits(seconds=1800.0), steps=args.steps or _STEPS[args.world])
    model_folder = options.model_folder(args)
    folder = Path(args.output) / benchmark.name
    with _world(args) as world, only_writer(folder):
        tasks = _chosen(world, args.tasks)
        begin_playing(
            benchmark,
            questions_of(tasks),
            folder,
            model=identity_of(model_folder, args),
            computing=computing_of(model_folder, args),
            inputs={"limits": asdict(limits), "seed": args.seed},
            tasks=tasks,
        )
        note(f"{benchmark.title}: {len(tasks):,} tasks")
        engine = LateEngine(model_folder, args)

        def one(task: str) -> str:
            record = play(task, folder, world, engine, limits=limits, params=benchmark.params)
            return record.to_text()

        play_each(tasks, folder, one, report=show_progress)
        outcome = score_questions(benchmark, list(questions_of(tasks, folder)), folder)
    write_outcomes([outcome], as_json=args.json)
    return 0


def _chosen(world: "Environment", wanted: str | None) -> list[str]:
    """Tasks of the world that were named, by their whole name or their kind; all without names."""
    names = list(world.tasks())
    if wanted is None:
        return names
    asked = [name.strip() for name in wanted.split(",") if name.strip()]
    found = [name for name in names if name in asked or name.split("/")[0] in asked]
    known = {*found, *(name.split("/")[0] for name in found)}
    unknown = [name for name in asked if name not in known]
    if unknown or not found:
        raise InputError(f"no task named {', '.join(unknown) or wanted!r}; there are {len(names)}")
    return found


def _world(args: argparse.Namespace) -> "Environment":
    """The world, checked but not yet reached."""
    if args.world == "android-world":
        from qvl.agents.environments.android_world import AndroidWorld

        if args.server is None:
            raise InputError(
                "AndroidWorld needs --server, the address of its server",
                hint="docker run --privileged -p 5000:5000 android_world:latest, built from its "
                "repository",
            )
        return AndroidWorld(args.server, seed=args.seed)
    from qvl.agents.environments.osworld import OSWorld

    if args.examples is None:
        raise InputError(
            "OSWorld needs --examples", hint="the folder evaluation_examples of its repository"
        )
    try:
        from desktop_env.desktop_env import DesktopEnv
    except ImportError as error:
        raise MissingDependencyError(
            "OSWorld needs its package desktop_env", hint="pip install desktop-env"
        ) from error
    try:
        desktop = DesktopEnv(
            provider_name=args.provider,
            path_to_vm=args.machine,
            action_space="pyautogui",
            headless=True,
            require_a11y_tree=False,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"OSWorld's machine does not start: {error}") from error
    return OSWorld(desktop, args.examples)
