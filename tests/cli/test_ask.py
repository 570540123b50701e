"""``qvl ask``: inputs in order, the answer on stdout, nothing else there."""

import json
import subprocess
import sys

import pytest

from qvl.cli import options
from qvl.cli.main import main
from qvl.messages import Image, Text
from tests.cli.conftest import Run, ScriptedModel


def test_prints_the_answer_and_nothing_else(run: Run, model: ScriptedModel, picture: str) -> None:
    assert run("ask", picture, picture, "What changed?") == (0, "It is 8.75. \n", "")
    (turn,) = model.asked[0].conversation.messages  # type: ignore[attr-defined]
    assert turn.content == (Image(picture), Image(picture), Text("What changed?"))


def test_json_tells_tokens_and_reason(run: Run, model: ScriptedModel, picture: str) -> None:
    code, out, _ = run("ask", picture, "hi", "--json", "--max-tokens", "5", "--stop", "x")
    assert code == 0
    answer = json.loads(out)
    assert (answer["text"], answer["finish_reason"]) == ("It is 8.75.", "stop")
    assert (model.params[0].max_tokens, model.params[0].stop) == (5, ("x",))


def test_options_reach_the_picture(run: Run, model: ScriptedModel, picture: str) -> None:
    assert run("ask", picture, "hi", "--max-pixels", "7840", "--system", "Be brief.")[0] == 0
    system, turn = model.asked[0].conversation.messages  # type: ignore[attr-defined]
    assert system.content == (Text("Be brief."),)
    assert turn.content[0] == Image(picture, max_pixels=7840)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["{picture}"], "is a file, expected a question"),
        (["{picture}", " "], "the question is empty"),
        (["{picture}", "hi", "--fps", "2"], "--fps was given, but no video"),
        (["hi", "--max-pixels", "9"], "--max-pixels was given, but no picture or video"),
        (["{picture}", "hi", "--max-pixels", "0"], "max_pixels"),
        (["{picture}", "hi", "--temperature", "-1"], "temperature"),
        (["http://localhost/a.png", "hi"], "is an address"),
        (["/", "hi"], "is a directory"),
    ],
)
def test_what_cannot_be_used_is_refused_before_the_model_loads(
    run: Run, model: ScriptedModel, picture: str, arguments: list[str], error: str
) -> None:
    code, out, err = run("ask", *(argument.format(picture=picture) for argument in arguments))
    assert (code, out) == (1, "")
    assert error in err
    assert model.asked == []


def test_model_comes_from_option_or_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(options.MODEL_VARIABLE, "/no/such/folder")
    assert main(["ask", "hi"]) == 1
    assert "/no/such/folder" in capsys.readouterr().err


def test_a_prompt_without_room_for_an_answer_is_refused_before_the_model_loads(
    run: Run, model: ScriptedModel
) -> None:
    assert run("ask", "hi")[0] == 0
    assert model.asked[0].options["max_length"] == 4095  # type: ignore[attr-defined]


def test_a_missing_file_is_refused_before_anything_large_is_imported() -> None:
    probe = (
        "import sys, qvl.cli.main as m\n"
        "assert m.main(['ask', 'missing.png', 'hi']) == 1\n"
        "assert not {'torch', 'av', 'tokenizers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)
