"""``qvl video``: times and frames of the file, drawings, and bad input before a model is loaded."""

import argparse
import json
from pathlib import Path

import pytest
from PIL import Image

from qvl.cli import options
from qvl.processing.processor import Processor
from tests.answers.scripted import ScriptedModel
from tests.cli.conftest import Run
from tests.material import EMBEDDED
from tests.processing.clips import make_clip

ANSWER = "The event happens in 00:01.00 - 00:02.50."


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("clips") / "a clip.mp4"
    path.write_bytes(make_clip(50, fps=10))
    return str(path)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """The real processor of the tiny model, and a script in place of its weights."""
    scripted = ScriptedModel(ANSWER)

    def load(folder: Path, args: argparse.Namespace) -> ScriptedModel:
        return scripted

    monkeypatch.setattr(options, "model_folder", lambda args: EMBEDDED)
    monkeypatch.setattr(
        options, "load_processor", lambda folder, args: Processor.from_folder(folder)
    )
    monkeypatch.setattr(options, "load_model", load)
    return scripted


def test_prints_moments(run: Run, model: ScriptedModel, clip: str) -> None:
    assert run("video", clip, "the jump") == (0, "1.00 - 2.50 s  frames 10 - 25\n", "")
    assert len(model.engine.asked) == 1
    assert model.engine.params[0].max_tokens == 2048


def test_describes_without_a_query(run: Run, model: ScriptedModel, clip: str) -> None:
    model.engine.answers = ['[{"start_time": "00:01", "end_time": "00:03", "description": "Up."}]']
    code, out, err = run("video", clip, "--json", "--max-tokens", "100")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert record["moments"][0]["label"] == "Up."
    assert "query" not in record


def test_draws(run: Run, model: ScriptedModel, clip: str, tmp_path: Path) -> None:
    sheet, line = tmp_path / "sheet.png", tmp_path / "line.svg"
    arguments = ("--sheet", str(sheet), "--timeline", str(line), "--time-format", "seconds")
    code, _, err = run("video", clip, "the jump", *arguments)
    assert (code, err) == (0, f"drawn: {sheet}\ndrawn: {line}\n")
    assert Image.open(sheet).width > 500
    assert line.read_text("utf-8").startswith("<svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.svg", "sheet.png"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("I see none.", "no times in the answer: 'I see none.'"),
        ("[]", "found nothing"),
        ("The event happens in 00:75 - 01:10.", "left out: no time: 00:75 - 01:10"),
        ("The event happens in 00:03 - 00:01.", "1 had the end before the start"),
        ("The event happens in 00:03 - 00:30.", "1 reached beyond what the model saw"),
        ("The event happens in 00:00.10 - 00:00.12.", "1 lie between two frames"),
        ('[{"start_time": "00:01", "end', "the answer was cut off; --max-tokens gives it more"),
    ],
)
def test_says_what_is_doubtful(
    run: Run, model: ScriptedModel, clip: str, answer: str, said: str
) -> None:
    model.engine.answers = [answer]
    code, _, err = run("video", clip, "the jump")
    assert code == 0
    assert said in err


def test_windows_are_counted(run: Run, model: ScriptedModel, clip: str) -> None:
    # Room for two pairs of frames of 224 x 84 px.
    small = ("--total-pixels", str(2 * 24 * 784), "--min-pixels", "12544", "--max-pixels", "12544")
    code, _, err = run("video", clip, "the jump", "--min-fps", "2", *small)
    assert code == 0
    assert "window 3 of 3" in err
    assert len(model.engine.asked) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.mp4", "x"), "does not exist"),
        (("{clip}", " "), "nothing to look for"),
        (("{clip}", "x", "--sheet", "out.svg"), "would hold frames"),
        (("{clip}", "x", "--timeline", "no/such/out.png"), "does not exist"),
        (("{clip}", "x", "--min-fps", "-1"), "min_fps is -1.0, expected"),
        (("{picture}", "x"), "is a picture by its name"),
        (("{clip}", "x", "--video-start", "99"), "fewer than 2 frames"),
    ],
)
def test_bad_input_is_refused_before_a_model_is_loaded(
    run: Run,
    model: ScriptedModel,
    monkeypatch: pytest.MonkeyPatch,
    clip: str,
    picture: str,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setattr(options, "load_model", lambda folder, args: pytest.fail("loads the model"))
    code, out, err = run("video", *(a.format(clip=clip, picture=picture) for a in arguments))
    assert (code, out) == (1, "")
    assert said in err
    assert err.startswith("error: ")
