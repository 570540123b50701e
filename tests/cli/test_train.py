"""``qvl train``: the recipe's run with the user's changes, and where the model is on stdout."""

from pathlib import Path
from typing import Any

import pytest

from qvl.cli import train as command
from qvl.recipes import tiny
from tests.cli.conftest import Run


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Records the runs that would be trained."""
    seen: list[Any] = []

    def train(run: Any, *, processes: int, report: Any) -> Path:
        seen.append((run, processes))
        report({"stage": "reader", "step": 1, "steps": 2, "loss": 0.5})
        return Path(run.folder / "model")

    monkeypatch.setattr(tiny, "train", train)
    return seen


def test_trains_with_the_changes_and_prints_the_folder(
    run: Run, runs: list[Any], tmp_path: Path
) -> None:
    code, out, err = run(
        "train",
        "tiny",
        "--output",
        str(tmp_path),
        "--set",
        "stages.reader.steps=5",
        "--set",
        "seed=9",
        "--processes",
        "1",
    )
    assert (code, out) == (0, f"{tmp_path}/model\n")
    assert err == f"run: {tmp_path}\nreader 1/2  loss 0.5\n"
    ((config, processes),) = runs
    steps = {stage.name: stage.steps for stage in config.stages}
    assert (config.seed, steps["reader"], processes) == (9, 5, 1)


def test_slips_are_refused_before_anything_is_written(
    run: Run, runs: list[Any], tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    code, out, err = run("train", "tiny", "--output", str(folder), "--set", "stages.raeder.steps=5")
    assert (code, out, runs) == (1, "", [])
    assert err.endswith("hint: did you mean 'reader'?\n")
    assert not folder.exists()
    assert run("train", "large")[0] == 2


def test_interrupt_says_how_to_go_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tiny, "train", stop)
    code, _, err = run("train", "tiny", "--output", "x")
    assert code == 130
    assert "the same command goes on" in err


def test_progress_stays_on_one_line_of_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for step in (1, 2):
        command.show({"stage": "reader", "step": step, "steps": 2})
    assert capsys.readouterr().err == "\r\x1b[2Kreader 1/2\r\x1b[2Kreader 2/2\n"
