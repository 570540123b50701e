"""``qvl act``: bad input is refused first, people are asked, steps are printed and recorded."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qvl.agents import adb
from qvl.agents import browser as browsers
from qvl.cli import act, options
from qvl.geometry import Point
from qvl.tasks.actions import Click, MoveTo, Type
from tests.agents.screens import DrawnScreen, answers
from tests.cli.conftest import Run

SIZE = (1120, 700)
URL = "http://127.0.0.1:8000/"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> DrawnScreen:
    """A drawn screen in place of the one that is asked for."""
    drawn = DrawnScreen(SIZE)
    monkeypatch.setattr(act, "_screen", lambda args: drawn)
    return drawn


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = answers(
        MoveTo(point=Point(9, 9)), Click(point=Point(560, 350)), Type(text="a"), size=SIZE
    )
    monkeypatch.setattr(options, "load_model", lambda folder, args: model)


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(folder: Path, args: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(options, "load_processor", load)


def test_prints_a_line_a_step_and_records(run: Run, screen: DrawnScreen, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    code, out, err = run("act", "--url", URL, "Do it.", "--yes", "--record", str(folder))
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[1] for line in lines] == ["performed:"] * 3 + ["terminated:"]
    assert lines[2] == "3. performed: type 'a'"
    assert "ended: success" in err
    assert f"recorded: {folder}/index.html" in err
    assert (folder / "001.png").is_file()


def test_json(run: Run, screen: DrawnScreen) -> None:
    code, out, _ = run("act", "--url", URL, "Do it.", "--yes", "--json", "--steps", "2")
    assert code == 1  # the model did not get to say that it is done
    episode = json.loads(out)
    assert (episode["ending"], len(episode["steps"])) == ("steps", 2)


@pytest.mark.parametrize(
    ("typed", "done", "code"),
    [
        (["y", "n"], [MoveTo, Click], 0),
        (["what?", "n", "yes"], [MoveTo, Type], 0),
        (["a"], [MoveTo, Click, Type], 0),
        (["q"], [MoveTo], 1),
        ([], [MoveTo], 1),
    ],
)
def test_asks_before_what_may_change_something(
    run: Run,
    screen: DrawnScreen,
    monkeypatch: pytest.MonkeyPatch,
    typed: list[str],
    done: list[type],
    code: int,
) -> None:
    words: Iterator[str] = iter(typed)

    def read(prompt: str) -> str:
        try:
            return next(words)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", read)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert run("act", "--url", URL, "Do it.")[0] == code
    assert [type(action) for action in screen.done] == done


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Do it.", "--yes"], "a screen is needed: --url or --android, and not both"),
        (["Do it.", "--yes", "--url", URL, "--android"], "a screen is needed"),
        ([" ", "--yes", "--url", URL], "the goal is empty"),
        (["Do it.", "--url", URL], "hint: --yes does not ask"),
        (["Do it.", "--yes", "--url", "shop.example"], "hint: https://shop.example"),
        (["Do it.", "--yes", "--url", "file:///etc/passwd"], "is a file"),
        (["Do it.", "--yes", "--url", URL, "--allow", "a b"], "'a b' is no site"),
        (["Do it.", "--yes", "--url", URL, "--steps", "0"], "limit steps is 0"),
        (["Do it.", "--yes", "--url", URL, "--downloads", "no/such"], "does not exist"),
        (["Do it.", "--yes", "--android", "--mobile"], "--mobile goes with --url"),
        (["Do it.", "--yes", "--url", URL, "--record", "."], "is not empty"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "mine.txt").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(browsers, "import_playwright", lambda: None)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    code, out, err = run("act", *arguments)
    assert (code, out) == (1, "")
    assert said in err


def test_a_device_is_named_by_its_serial(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Device(DrawnScreen):
        def __init__(self, options: adb.AndroidOptions) -> None:
            super().__init__(SIZE)
            seen.append(options.serial)

    monkeypatch.setattr(adb, "Android", Device)
    run("act", "Do it.", "--yes", "--android", "emulator-5554")
    run("act", "Do it.", "--yes", "--android")
    assert seen == ["emulator-5554", None]
