"""The edge: which command runs, how errors look, what the exit code is."""

import argparse
import os
import subprocess
import sys
from importlib import import_module

import pytest
import torch

from qvl.cli import ask
from qvl.cli.main import COMMANDS
from qvl.errors import InputError
from tests.cli.conftest import Run, ScriptedModel


def test_overview_names_every_command(run: Run) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    assert all(f"qvl {name}" in out for name in COMMANDS)
    assert run()[0] == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    code, out, err = run(name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: qvl {name}")


def test_help_is_fast_and_needs_no_torch() -> None:
    probe = (
        "import sys, qvl.cli.main as m\n"
        "for name in m.COMMANDS: assert m.main([name, '--help']) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)


def test_version(run: Run) -> None:
    assert run("--version") == (0, "qvl 0.1.0\n", "")


def test_a_file_first_means_ask(run: Run, model: ScriptedModel, picture: str) -> None:
    assert run(picture, "What is the total?")[:2] == (0, "It is 8.75. \n")
    assert run("What is the capital of France?")[0] == 0
    assert run("图片里有什么")[0] == 0
    assert run("?" * 5000)[0] == 0
    assert len(model.asked) == 4


def test_a_mistyped_command_is_not_asked(run: Run, model: ScriptedModel) -> None:
    code, out, err = run("grond", "a.png", "cup")
    assert (code, out) == (2, "")
    assert err == "error: unknown command 'grond'\nhint: did you mean qvl ground?\n"
    assert model.asked == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["ask", "--max-tokns", "3", "hi"], "unknown argument --max-tokns"),
        (["ask", "--max-tokens", "many", "hi"], "argument --max-tokens: invalid int value"),
        (["ask"], "the following arguments are required"),
        (["ground", "a.png"], "the following arguments are required: thing"),
        (["ask", "--dtype", "int3", "hi"], "argument --dtype: invalid choice"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(run: Run, arguments: list[str], error: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {error}")
    assert err.count("\n") == 2
    assert "hint: " in err


def test_nearest_option_is_suggested(run: Run) -> None:
    assert "hint: did you mean --max-tokens?" in run("ask", "--max-tokns=3", "hi")[2]


def _raise(error: BaseException) -> None:
    raise error


def test_errors_are_one_line_with_a_hint(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = InputError("the prompt\nis bad", hint="write\nanother")
    monkeypatch.setattr(ask, "run", lambda args: _raise(failure))
    assert run("ask", "hi") == (1, "", "error: the prompt is bad\nhint: write another\n")


def test_interrupt_is_quiet(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "run", lambda args: _raise(KeyboardInterrupt()))
    assert run("ask", "hi") == (130, "", "")


def test_our_own_bug_shows_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "run", lambda args: _raise(ZeroDivisionError("x")))
    code, out, err = run("ask", "hi")
    assert (code, out) == (1, "")
    assert "ZeroDivisionError: x" in err
    assert "error: this is a bug in qvl" in err


def test_too_little_memory_is_no_bug_of_ours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore.")
    for error in (cuda, MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate")):
        monkeypatch.setattr(ask, "run", lambda args, error=error: _raise(error))
        code, out, err = run("ask", "hi")
        assert (code, out) == (1, "")
        assert err.startswith("error: the memory is not enough: ")
        assert err.count("\n") == 2


def test_a_full_disk_is_said_once() -> None:
    command = f"{sys.executable} -m qvl.cli.main --help > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the disk is full: ")
    assert done.stderr.count("\n") == 2


def test_characters_that_the_output_lacks_are_escaped() -> None:
    probe = "import qvl.cli.main as m; m._overview = lambda: 'é 图'; m.main(['help'])"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-c", probe]
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert done.stdout == b"\xe9 \\u56fe\n"


def test_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m qvl.cli.main ask --help | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_the_installed_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "qvl.cli.main", "ask", "missing.png", "hi"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: image file 'missing.png' does not exist\n"


# Every option of every command. A new one is added here on purpose, never by accident.
MODEL = {"--model", "--adapter", "--device", "--dtype"}
MEDIA = {
    "--min-pixels",
    "--max-pixels",
    "--fps",
    "--nframes",
    "--max-frames",
    "--total-pixels",
    "--video-start",
    "--video-end",
}
SAMPLING = {
    "--max-tokens",
    "--temperature",
    "--top-p",
    "--top-k",
    "--min-p",
    "--repetition-penalty",
    "--seed",
    "--stop",
}
OPTIONS = {
    "act": MODEL
    | SAMPLING
    | {"--url", "--android", "--mobile", "--allow", "--accept-dialogs", "--downloads"}
    | {"--browser", "--show", "--max-pixels", "--steps", "--seconds", "--record", "--yes"}
    | {"--json"},
    "ask": MODEL | MEDIA | SAMPLING | {"--system", "--json"},
    "chat": MODEL | MEDIA | SAMPLING | {"--system"},
    "ground": MODEL
    | MEDIA
    | SAMPLING
    | {"--points", "--detect", "--count", "--region", "--draw", "--json"},
    "parse": MODEL
    | SAMPLING
    | {
        "-o",
        "--output",
        "--pages",
        "--format",
        "--json",
        "--variant",
        "--password",
        "--rounds",
        "--min-pixels",
        "--max-pixels",
    },
    "video": MODEL
    | MEDIA
    | SAMPLING
    | {"--time-format", "--min-fps", "--sheet", "--timeline", "--json"},
    "ocr": MODEL | MEDIA | SAMPLING | {"--lines", "--words", "--order", "--draw", "--json"},
    "extract": MODEL
    | MEDIA
    | SAMPLING
    | {"--schema", "--fields", "--attempts", "--evidence", "--draw", "--json"},
    "plan": MEDIA | {"--model", "--dtype", "--max-tokens", "--memory", "--system", "--json"},
    "eval": MODEL
    | {"--endpoint", "--name", "--split", "--limit", "--batch", "--shard", "--data", "--json"}
    | {"--judge", "--judge-name", "-o", "--output", "--ray", "--ray-gpus", "--allow-code"}
    | {"--request-seconds", "--tries"}
    | {"--tasks", "--episodes", "--first-seed", "--steps", "--scale", "--real-time", "--random"}
    | {"--browser", "--server", "--seed", "--examples", "--provider", "--machine"},
    "plan train": {"--model", "--gpu", "--count", "--length", "--frozen", "--lora", "--base-bits"}
    | {"--tokens", "--step-tokens", "--report", "--media-share", "--picture", "--sample-tokens"}
    | {"--data", "--root", "--json"},
    "train": {"--output", "--set", "--shards", "--processes", "--model", "--data", "--root"}
    | {"--lora", "--full", "--quantise", "--epochs", "--lr", "--max-length", "--max-pixels"}
    | {"--batch", "--validation", "--skip-bad", "--seed", "--recompute", "--device"}
    | {"--dry-run", "--json", "--anyway", "--step", "--ema", "--dtype", "--adapter"}
    | {"--text", "--tower", "--all-stages"},
    "data": {"-n", "--number", "-o", "--output", "--seed", "--processes", "--model", "--json"}
    | {
        "--limit",
        "--report",
        "--keep-rejects",
        "--failures",
        "--retry-failed",
        "--ray",
        "--root",
        "--licence",
    }
    | {"--set", "--by", "--similarity", "--best", "--against", "--prompt", "--index"}
    | {"--tokens", "--epochs", "--plan", "--sample-seconds", "--per-shard"}
    | {"--max-length", "--max-pixels"},
    "adapter": {"--json", "--output", "-o", "--model", "--dtype"},
    "info": {"--model", "--json"},
}


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Options of a parser and of the actions below it."""
    found: set[str] = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found |= _options(inner) - {"-h", "--help"}
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_frozen(name: str) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    import_module(COMMANDS[name].module).add_arguments(parser)
    assert _options(parser) == OPTIONS[name]
