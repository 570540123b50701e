"""Lets the model operate a page in a browser, or an Android device, until a goal is reached.

qvl act --url http://localhost:8000/ "Fill in the form and save it." --record run/
qvl act --url https://shop.example/ "Find the cheapest red shoes." --mobile --allow "*.shop.example"
qvl act --android emulator-5554 "Turn on the alarm at seven."

Asks before every action that may change something; --yes does not ask. Pages reach the site of
--url and those of --allow, nothing else. Prints one line a step; the exit code is 0 when the model
says that the goal is reached.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from qvl.cli import options
from qvl.cli.terminal import note, write, write_json
from qvl.errors import InputError
from qvl.tasks import agent
from qvl.tasks.actions import describe

if TYPE_CHECKING:
    from qvl.agents.adb import Android
    from qvl.agents.browser import Browser
    from qvl.agents.episode import Episode, Limits, Step, Watcher
    from qvl.agents.loop import Confirm, Proposal, Verdict
    from qvl.tasks.agent_tools import ToolName

ONLY_DEVICE = ""
"""``--android`` without a serial."""

_ANSWERS: "dict[str, Verdict]" = {
    "y": "perform",
    "yes": "perform",
    "n": "decline",
    "no": "decline",
    "q": "stop",
    "quit": "stop",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("goal", help="what is to be done, such as 'Log in as guest.'")
    group = parser.add_argument_group("screen")
    group.add_argument("--url", metavar="URL", help="page to begin with")
    group.add_argument(
        "--android",
        metavar="SERIAL",
        nargs="?",
        const=ONLY_DEVICE,
        help="a device that adb knows, instead of a page",
    )
    group.add_argument("--mobile", action="store_true", help="the page on a small touchscreen")
    group.add_argument(
        "--allow",
        metavar="HOST",
        action="append",
        default=[],
        help="another site pages may reach: host, host:port or *.host; may be repeated",
    )
    group.add_argument(
        "--accept-dialogs", action="store_true", help="answer OK to what pages ask, not Cancel"
    )
    group.add_argument("--downloads", metavar="DIR", help="keep files that pages offer in DIR")
    group.add_argument("--browser", metavar="PATH", help="Chromium; default: the one on PATH")
    group.add_argument("--show", action="store_true", help="show the window of the browser")
    group.add_argument(
        "--max-pixels", type=int, metavar="N", help="shrink screenshots to at most N pixels"
    )
    group = parser.add_argument_group("run")
    group.add_argument("--steps", type=int, metavar="N", help="end after N steps")
    group.add_argument("--seconds", type=float, metavar="S", help="end after S seconds")
    group.add_argument("--record", metavar="DIR", help="write pictures, steps and a page to DIR")
    group.add_argument("--yes", action="store_true", help="do not ask before actions")
    group.add_argument("--json", action="store_true", help="the whole run at the end, as JSON")
    options.add_sampling_options(parser, max_tokens=512)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints one line a step; returns 0 when the model says that the goal is reached."""
    from qvl.agents.loop import act
    from qvl.agents.recorder import Recorder
    from qvl.cli.late_model import LateModel

    agent.prompt(args.goal)  # refuses an empty one
    params = options.sampling_params(args)
    limits = _limits(args)
    if not args.yes and not sys.stdin.isatty():
        raise InputError(
            "nobody can be asked before an action: the input is no terminal",
            hint="--yes does not ask",
        )
    screen = _screen(args)
    watchers: list[Watcher] = [] if args.json else [_Teller()]
    if args.record is not None:
        watchers.append(Recorder(args.record))
    model = LateModel(options.model_folder(args), args)
    with screen as executor:
        episode = act(
            model.engine,
            executor,
            args.goal,
            limits=limits,
            confirm=None if args.yes else _asking(),
            watchers=watchers,
            params=params,
            max_pixels=args.max_pixels,
        )
    if args.json:
        write_json(episode.to_json())
    detail = f" ({episode.detail})" if episode.detail else ""
    note(f"ended: {episode.ending}{detail}")
    if args.record is not None:
        note(f"recorded: {Path(args.record) / 'index.html'}")
    return 0 if episode.succeeded else 1


def _limits(args: argparse.Namespace) -> "Limits":
    from qvl.agents.episode import Limits

    given = {name: getattr(args, name) for name in ("steps", "seconds")}
    return Limits(**{name: value for name, value in given.items() if value is not None})


def _screen(args: argparse.Namespace) -> "Browser | Android":
    """The screen, checked but not yet opened."""
    if (args.url is None) == (args.android is None):
        raise InputError("a screen is needed: --url or --android, and not both")
    if args.android is not None:
        from qvl.agents.adb import Android, AndroidOptions

        of_pages = ("mobile", "allow", "accept_dialogs", "downloads", "browser", "show")
        for name in of_pages:
            if getattr(args, name):
                raise InputError(f"--{name.replace('_', '-')} goes with --url, not with --android")
        return Android(AndroidOptions(serial=args.android or None))
    from qvl.agents.browser import Browser
    from qvl.agents.browser_options import BrowserOptions

    return Browser(
        args.url,
        BrowserOptions(
            allow=tuple(args.allow),
            mobile=args.mobile,
            accept_dialogs=args.accept_dialogs,
            downloads=None if args.downloads is None else Path(args.downloads),
            executable_path=args.browser,
            headless=not args.show,
        ),
    )


class _Teller:
    """A watcher that prints steps."""

    def began(self, goal: str, tool: "ToolName", limits: "Limits") -> None:
        """Says nothing; the user knows."""

    def stepped(self, step: "Step") -> None:
        """Prints a line, and what happened beside it to stderr."""
        write(str(step))
        for event in step.events:
            note(f"   {event}")

    def ended(self, episode: "Episode") -> None:
        """Says nothing; `run` does."""


def _asking() -> "Confirm":
    """Asks on the terminal; after "all" no more."""
    from qvl.agents.episode import plain

    asks = True

    def ask(proposal: "Proposal") -> "Verdict":
        nonlocal asks
        while asks:
            thought = plain(proposal.thought)[:200]
            note(f"{plain(proposal.where)}{f': {thought}' if thought else ''}")
            try:
                answer = input(f"{plain(describe(proposal.action))}? [y]es [n]o [a]ll [q]uit ")
            except EOFError:
                return "stop"
            word = answer.strip().lower()
            if word in _ANSWERS:
                return _ANSWERS[word]
            asks = word not in ("a", "all")
        return "perform"

    return ask
