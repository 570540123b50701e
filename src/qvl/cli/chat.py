"""Talks about pictures and videos, turn by turn; every turn sees all before it.

/add FILE   show a picture or video with the next turn
/new        forget everything and start again
/quit       leave; the end of the input does the same

Ctrl-C stops an answer, and at the prompt leaves.
"""

import argparse
import shlex
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from qvl.cli import options
from qvl.cli.terminal import note, write, write_piece
from qvl.errors import InputError, QvlError
from qvl.messages import Part

if TYPE_CHECKING:
    from qvl.api import Chat
    from qvl.sampling_params import SamplingOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="pictures and videos to show with the first turn"
    )
    parser.add_argument("--system", metavar="TEXT", help="replaces the model's usual system turn")
    options.add_sampling_options(parser, max_tokens=1024)
    options.add_media_options(parser)
    options.add_model_options(parser)


def run(args: argparse.Namespace) -> int:
    """Reads turns from stdin until it ends."""
    sampling = cast("SamplingOptions", asdict(options.sampling_params(args)))
    # Options may be for what is added later.
    waiting: list[Part] = [options.media_part(name, args) for name in args.files]
    model = options.load_model(options.model_folder(args), args)
    chat = model.chat(system=args.system)
    if sys.stdin.isatty():
        import readline  # noqa: F401  (line editing and history for input())

        note("/add FILE shows a picture, /new starts again, /quit leaves")
    while (line := _read_line()) is not None:
        words = line.split(maxsplit=1)
        try:
            match words:
                case []:
                    continue
                case ["/quit"]:
                    break
                case ["/new"]:
                    chat, waiting = model.chat(system=args.system), []
                case ["/add", names]:
                    waiting += [options.media_part(name, args) for name in _names(names)]
                case [command, *_] if command.startswith("/"):
                    raise InputError(f"unknown command {command}", hint="/add FILE, /new, /quit")
                case _:
                    turn, waiting = [*waiting, options.question(line)], []
                    _answer(chat, turn, sampling)
        except QvlError as error:  # one bad turn does not end the conversation
            note(f"error: {error}")
    return 0


def _read_line() -> str | None:
    try:
        return input("> " if sys.stdin.isatty() else "")
    except EOFError:
        return None


def _names(text: str) -> list[str]:
    """File names as a shell would read them, so that quotes can hold spaces."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InputError(f"cannot read the file names: {error}") from error


def _answer(chat: "Chat", parts: list[Part], sampling: "SamplingOptions") -> None:
    """Prints the answer piece by piece; a turn that is stopped or fails is forgotten.

    Its pictures are too: a damaged one would fail every turn after it.
    """
    try:
        for piece in chat.stream(*parts, **sampling):
            write_piece(piece)
    except KeyboardInterrupt:
        note("\nstopped; this turn is forgotten")
    except QvlError as error:
        note(f"error: {error}")
        note("this turn is forgotten, with what was added to it")
    else:
        write("")
