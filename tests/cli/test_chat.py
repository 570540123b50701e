"""``qvl chat``: turns from stdin, files with the next turn, one bad turn is not the end."""

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from qvl.errors import InputError
from qvl.messages import Video
from tests.cli.conftest import Run, ScriptedModel


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> object:
    def feed(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return feed


def test_turns_and_files(run: Run, model: ScriptedModel, picture: str, say: object) -> None:
    say("What is it?", "", "And now?", f"/add '{picture}'", "Compare.")  # type: ignore[operator]
    code, out, err = run("chat", picture)
    assert (code, err) == (0, "")
    assert out == "turn 1, 2 parts\nturn 2, 1 parts\nturn 3, 2 parts\n"


def test_new_forgets_and_quit_leaves(run: Run, model: ScriptedModel, say: object) -> None:
    say("one", "/new", "two", "/quit", "three")  # type: ignore[operator]
    assert run("chat")[1] == "turn 1, 1 parts\nturn 1, 1 parts\n"


def test_a_bad_turn_is_reported_and_forgotten(run: Run, model: ScriptedModel, say: object) -> None:
    say("/add missing.png", "/ad x", "/add 'open", "still here")  # type: ignore[operator]
    code, out, err = run("chat")
    assert (code, out) == (0, "turn 1, 1 parts\n")
    errors = err.splitlines()
    assert len(errors) == 3
    assert errors[0] == "error: image file 'missing.png' does not exist"
    assert errors[1].startswith("error: unknown command /ad; hint: /add FILE")


def test_a_picture_that_fails_a_turn_does_not_fail_the_next(
    run: Run,
    model: ScriptedModel,
    picture: str,
    say: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stream(*parts: object, **sampling: object) -> Iterator[str]:
        if len(parts) > 1:
            raise InputError("the picture is damaged")
        yield "fine"

    monkeypatch.setattr(model, "chat", lambda **options: SimpleNamespace(stream=stream))
    say(f"/add '{picture}'", "What is it?", "And without it?")  # type: ignore[operator]
    code, out, err = run("chat")
    assert (code, out) == (0, "fine\n")
    assert err.splitlines() == [
        "error: the picture is damaged",
        "this turn is forgotten, with what was added to it",
    ]


def test_options_are_for_what_is_added_later_too(
    run: Run, model: ScriptedModel, tmp_path: Path, say: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def stream(*parts: object, **sampling: object) -> Iterator[str]:
        seen.extend(parts)
        yield "fine"

    monkeypatch.setattr(model, "chat", lambda **options: SimpleNamespace(stream=stream))
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"film")
    say(f"/add {clip}", "Who scores?")  # type: ignore[operator]
    assert run("chat", "--fps", "0.5") == (0, "fine\n", "")
    assert seen[0] == Video(str(clip), fps=0.5)
