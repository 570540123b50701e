"""qvl eval play: a world over HTTP, the embedded model, scores and what is refused."""

import json
from pathlib import Path

import pytest

from qvl.cli.main import main
from tests.agents.environments.worlds import Phone, serving


def test_a_world_is_played_scored_and_scored_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = Phone()
    with serving(phone) as url:
        command = ["eval", "play", "android-world", "--server", url, "--steps", "1"]
        assert main([*command, "--tasks", "NotesAdd", "-o", str(tmp_path), "--json"]) == 0
        (outcome,) = json.loads(capsys.readouterr().out)
        assert (outcome["benchmark"], outcome["count"]) == ("android-world", 1)
        assert outcome["unanswered"] == 0
        assert (tmp_path / "android-world" / "traces" / "NotesAdd" / "0" / "001.png").is_file()
        assert main([*command, "--tasks", "Nothing", "-o", str(tmp_path)]) == 1
        assert "no task named" in capsys.readouterr().err
    assert main(["eval", "score", str(tmp_path), "--json"]) == 0
    (again,) = json.loads(capsys.readouterr().out)
    assert again["numbers"] == outcome["numbers"]
    assert main(["eval", "score", str(tmp_path)]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[3:5] == ["32b", "72b"]
    assert row.split()[3:5] == ["22", "35"]  # the published scores
    assert "AndroidWorld" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["android-world"], "AndroidWorld needs --server"),
        (["android-world", "--server", "http://127.0.0.1:9"], "cannot be reached"),
        (["osworld"], "OSWorld needs --examples"),
    ],
)
def test_what_is_missing_is_named(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "play", *arguments, "-o", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err
