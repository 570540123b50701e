"""``qvl ocr``: text, or lines in pixels of the original picture."""

import json
from pathlib import Path

import pytest
from PIL import Image

from qvl.cli import options
from tests.answers.scripted import ScriptedModel
from tests.cli.conftest import Run

LINES = (
    '[{"bbox_2d": [100, 0, 140, 20], "text_content": "2.50"},'
    ' {"bbox_2d": [0, 1, 60, 21], "text_content": "milk\\nwhole"}]'
)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the model answers; empty means that it must not be asked."""
    script: list[str] = []
    monkeypatch.setattr(options, "load_model", lambda folder, args: ScriptedModel(*script))
    return script


@pytest.fixture
def sheet(tmp_path: Path) -> str:
    path = tmp_path / "sheet.png"
    Image.new("RGB", (196, 112), "white").save(path)
    return str(path)


def test_text(run: Run, answers: list[str], sheet: str) -> None:
    answers[:] = ["The text reads:\n\n```\nmilk\n2.50\n```"]
    code, out, _ = run("ocr", sheet)
    assert (code, out) == (0, "milk\n2.50\n")


def test_lines_and_their_order(run: Run, answers: list[str], sheet: str) -> None:
    answers[:] = [LINES]
    size = ["--max-pixels", "1000000", "--min-pixels", "784"]
    assert run("ocr", sheet, "--lines", *size)[1] == "100 0 140 20\t2.50\n0 1 60 21\tmilk whole\n"
    code, out, _ = run("ocr", sheet, "--words", "--order", "layout", *size)
    assert (code, out) == (0, "0 1 60 21\tmilk whole\n100 0 140 20\t2.50\n")


def test_json_tells_how_sure(run: Run, answers: list[str], sheet: str) -> None:
    answers[:] = [LINES]
    found = json.loads(run("ocr", sheet, "--lines", "--json")[1])
    assert found["lines"][0]["text"] == "2.50"
    assert 0 < found["lines"][0]["confidence"] < 1


def test_draws(run: Run, answers: list[str], sheet: str, tmp_path: Path) -> None:
    answers[:] = [LINES]
    target = tmp_path / "out.png"
    code, _, err = run("ocr", sheet, "--lines", "--draw", str(target))
    assert code == 0
    assert f"drawn: {target}" in err
    assert Image.open(target).width > 196


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "no text found"),
        ("just words", "problem: the answer states no boxes"),
        ('[{"bbox_2d": [1, 2', "the answer was cut off; --max-tokens gives it more room"),
        ('[{"bbox_2d": [1, 2, 900, 4], "text": "a"}]', "1 reached beyond the picture"),
    ],
)
def test_says_what_is_wrong(
    run: Run, answers: list[str], sheet: str, answer: str, said: str
) -> None:
    answers[:] = [answer]
    code, _, err = run("ocr", sheet, "--lines")
    assert code == 0
    assert said in err


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["--order", "layout"], 1, "--order needs boxes"),
        (["--draw", "out.png"], 1, "--draw needs boxes"),
        (["--lines", "--draw", "out.xyz"], 1, "cannot draw a .xyz"),
        (["--lines", "--words"], 2, "not allowed with argument"),
        (["--order", "page"], 2, "invalid choice"),
        (["--fps", "2"], 1, "--fps was given, but no video"),
        (["--temperature", "-1"], 1, "temperature is -1.0"),
    ],
)
def test_bad_requests_are_refused_before_the_model_runs(
    run: Run, answers: list[str], sheet: str, arguments: list[str], code: int, error: str
) -> None:
    got, out, err = run("ocr", sheet, *arguments)
    assert (got, out) == (code, "")
    assert error in err


def test_missing_and_wrong_files(run: Run, answers: list[str], tmp_path: Path) -> None:
    assert run("ocr", str(tmp_path / "no.png"))[0] == 1
    film = tmp_path / "film.mp4"
    film.write_bytes(b"x")
    assert "is a video, expected a picture" in run("ocr", str(film))[2]
