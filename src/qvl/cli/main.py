"""The command ``qvl``: picks a command, runs it, and turns errors into one line.

Owns: the table of commands, exit codes, how errors look. Does not own: any command.

    argv -> command (or `ask`, when a file comes first) -> add_arguments -> run -> exit code

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Data goes to stdout, all else to
stderr. A command's module is imported only when it is chosen.
"""

import argparse
import difflib
import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple, NoReturn, Protocol, cast

from qvl import __version__
from qvl.cli.terminal import accept_all_characters, note
from qvl.errors import QvlError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Entry(NamedTuple):
    """Where a command lives and what it does, in one line."""

    module: str
    help: str


COMMANDS = {
    "ask": Entry("qvl.cli.ask", "ask a question about pictures and videos"),
    "chat": Entry("qvl.cli.chat", "talk about pictures and videos, turn by turn"),
    "ground": Entry("qvl.cli.ground", "find things: boxes or points in pixels of the picture"),
    "ocr": Entry("qvl.cli.ocr", "read text: all of it, or lines and words with their boxes"),
    "extract": Entry("qvl.cli.extract", "fields of a form, by names or by a JSON schema"),
    "act": Entry("qvl.cli.act", "operate a web page or an Android device until a goal is reached"),
    "parse": Entry("qvl.cli.parse", "read a document: PDF or picture to Markdown, HTML, JSON"),
    "video": Entry("qvl.cli.video", "when something happens in a video, or what happens in it"),
    "plan": Entry("qvl.cli.plan", "what a request will cost, before anything runs"),
    "plan train": Entry("qvl.cli.plan_train", "what training will need: memory, layout, days"),
    "data": Entry("qvl.cli.data", "make training data"),
    "train": Entry("qvl.cli.train", "train a model by a recipe"),
    "eval": Entry("qvl.cli.eval", "score a model on benchmarks, and see what it got wrong"),
    "adapter": Entry("qvl.cli.adapter", "look at an adapter, or merge it into its model"),
    "info": Entry("qvl.cli.info", "the model, its configuration, versions and hardware"),
}


class Command(Protocol):
    """What the module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the command's arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Does the work and returns the exit code."""


class UsageError(Exception):
    """The command line cannot be understood."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line, with the nearest option that exists."""

    def error(self, message: str) -> NoReturn:
        hint = f"{self.prog} --help"
        unknown = message.removeprefix("unrecognized arguments: ")
        if unknown != message:
            message = f"unknown argument {unknown.split()[0]}"
            near = difflib.get_close_matches(
                unknown.split()[0].split("=")[0], self._option_string_actions, n=1
            )
            hint = f"did you mean {near[0]}?" if near else hint
        raise UsageError(message, hint=hint)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    accept_all_characters()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _fail(str(error), error.hint, USAGE)
    except QvlError as error:
        return _fail(error.message, error.hint, FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        _drop_output()
        return FAILED
    except Exception as error:
        shortage = _shortage(error)
        if shortage is not None:
            return _fail(*shortage, FAILED)
        traceback.print_exc()
        return _fail("this is a bug in qvl", "report it with the lines above", FAILED)


def _shortage(error: Exception) -> tuple[str, str] | None:
    """What the machine ran out of, and what helps; None if the error is of another kind."""
    reason = str(error).split("\n")[0]
    if _is_out_of_memory(error):
        return (
            f"the memory is not enough: {reason or 'the system gave no more'}",
            "qvl plan tells what a request needs; lower --max-pixels, --fps or --max-tokens, or "
            "take a smaller model",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        try:
            sys.stdout.flush()
        except OSError:
            _drop_output()
        return f"the disk is full: {reason}", "make room and repeat the command"
    return None


def _is_out_of_memory(error: Exception) -> bool:
    torch = sys.modules.get("torch")  # where it is not imported, it was not torch's memory
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    # On the CPU torch has no error of its own. Source: c10/core/impl/alloc_cpu.cpp.
    return isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)


def _drop_output() -> None:
    """Sends what stdout still holds nowhere, so that leaving does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if arguments else USAGE
    if arguments[0] == "--version":
        print(f"qvl {__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if " ".join(arguments[:2]) in COMMANDS:  # a command of two words
        name, rest = " ".join(arguments[:2]), arguments[2:]
    if name not in COMMANDS:
        _check_shorthand(name)
        name, rest = "ask", arguments
    entry = COMMANDS[name]
    command = cast(Command, import_module(entry.module))
    parser = Parser(
        prog=f"qvl {name}",
        description=command.__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    try:
        return command.run(parser.parse_args(rest))
    except SystemExit as stop:  # argparse, after --help
        return stop.code if isinstance(stop.code, int) else FAILED


def _check_shorthand(first: str) -> None:
    """``qvl photo.jpg "question"`` means ask; a mistyped command does not."""
    if not re.fullmatch(r"[a-z][a-z-]*", first) or os.path.exists(first):
        return
    near = difflib.get_close_matches(first, COMMANDS, n=1)
    raise UsageError(
        f"unknown command {first!r}",
        hint=f"did you mean qvl {near[0]}?" if near else "qvl --help",
    )


def _overview() -> str:
    rows = [f"  qvl {name:<12}{entry.help}" for name, entry in COMMANDS.items()]
    return "\n".join(
        [
            'usage: qvl FILE... "question"     or     qvl COMMAND ...',
            "",
            *rows,
            "",
            "qvl COMMAND --help tells more.",
            "Without --model, the tiny model that ships inside answers.",
        ]
    )


def _fail(message: str, hint: str | None, code: int) -> int:
    note(f"error: {' '.join(message.split())}")
    if hint is not None:
        note(f"hint: {' '.join(hint.split())}")
    return code


if __name__ == "__main__":
    sys.exit(main())
