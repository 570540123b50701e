"""The whole way from the command line to an answer, with random weights."""

import json
from pathlib import Path

import PIL.Image

from tests.e2e.conftest import Run


def test_ask_and_ground(run: Run, random_folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    PIL.Image.new("RGB", (90, 60), "red").save(picture)
    options = ("--model", random_folder, "--max-tokens", "8")
    code, out, err = run("ask", picture, picture, "What changed?", *options)
    assert (code, err) == (0, "")
    assert out.endswith("\n")
    code, whole, _ = run("ask", picture, picture, "What changed?", *options, "--json")
    answer = json.loads(whole)
    assert (code, answer["text"] + "\n") == (0, out)
    assert answer["completion_tokens"] <= 8
    drawn = tmp_path / "drawn.png"
    code, out, err = run("ground", picture, "a cup", *options, "--draw", drawn)
    assert (code, out) == (0, "")
    assert "no coordinates in the answer" in err
    assert drawn.is_file()


def test_info(run: Run, random_folder: Path) -> None:
    code, out, _ = run("info", "--model", random_folder, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["config"]["text"]["hidden_size"] == 48
    assert told["versions"]["qvl"] == "0.1.0"
    assert run("info", "--model", random_folder)[1].startswith("folder")
