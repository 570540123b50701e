"""qvl eval: run, score again, compare, merge, list; a scripted model in place of a loaded one."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import pytest

from qvl.cli import options
from qvl.cli.main import main
from qvl.endpoint.wire import MOST_FRAMES
from qvl.evaluation.answers import read_answers
from qvl.evaluation.manifest import read_manifest
from qvl.messages import GenerationResult
from tests.endpoint.bad_server import answer, replying, serving

Says = Callable[[str], None]
GOOD = replying(answer("red"))


class Red:
    """Answers every question with one colour."""

    def __init__(self, colour: str) -> None:
        self.colour = colour

    def generate(self, conversations, params):  # type: ignore[no-untyped-def]
        return [
            GenerationResult(
                text=self.colour,
                token_ids=(1,),
                finish_reason="stop",
                prompt_tokens=1,
                completion_tokens=1,
            )
            for _ in conversations
        ]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    def model(colour: str) -> None:
        monkeypatch.setattr(options, "load_model", lambda folder, args: Red(colour))

    return model


def _eval(*arguments: str) -> int:
    return main(["eval", *arguments])


def _run(output: Path, *more: str) -> int:
    return _eval("run", "own-colour", "--limit", "30", "-o", str(output), *more)


def test_a_run_is_scored_and_scored_again_alike(
    tmp_path: Path,
    says: Says,
    capsys: pytest.CaptureFixture[str],
) -> None:
    says("red")
    assert _run(tmp_path, "--json") == 0
    (first,) = json.loads(capsys.readouterr().out)
    assert first["count"] == 30
    assert first["numbers"]["seen"] == first["numbers"]["blank"]  # it does not look
    says("blue")  # what is answered is not asked again
    assert _run(tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out) == [first]
    assert _eval("score", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out) == [first]
    assert (tmp_path / "own-colour" / "report" / "index.html").exists()


def test_two_runs_are_compared(
    tmp_path: Path,
    says: Says,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for colour, dtype in (("red", "float32"), ("blue", "bfloat16")):
        says(colour)
        for name in ("own-colour", "own-shape"):
            told = ("--limit", "20", "--dtype", dtype, "-o", str(tmp_path / colour))
            assert _eval("run", name, *told) == 0
    capsys.readouterr()
    assert _eval("compare", str(tmp_path / "red"), str(tmp_path / "blue")) == 0
    out, err = capsys.readouterr()
    assert err.count("the runs differ in computing") == 1
    lines = out.splitlines()
    names = ["", "own-colour", "  picture: blank", "  picture: seen", "own-shape"]
    assert [line[:16].rstrip() for line in lines[:5]] == names
    assert len({len(line) for line in lines[:7]}) == 1  # one table
    assert "own-colour: " in out
    assert "  2-seen: 0 -> 100  'blue' for 'blue'" in lines
    shutil.rmtree(tmp_path / "blue" / "own-shape")
    assert _eval("compare", str(tmp_path / "blue"), str(tmp_path / "red")) == 0
    assert f"not compared, only in {tmp_path / 'red'}: own-shape" in capsys.readouterr().err


def test_parts_are_merged(
    tmp_path: Path,
    says: Says,
    capsys: pytest.CaptureFixture[str],
) -> None:
    says("red")
    parts = [tmp_path / "1", tmp_path / "2"]
    for number, part in enumerate(parts, 1):
        assert _run(part, "--shard", f"{number}/2") == 0
    whole = tmp_path / "whole"
    assert _eval("merge", *map(str, parts), "-o", str(whole)) == 0
    assert _run(tmp_path / "one") == 0
    capsys.readouterr()
    for folder in (whole, tmp_path / "one"):
        assert _eval("score", str(folder), "--json") == 0
    merged, one = (json.loads(text) for text in _documents(capsys.readouterr().out))
    assert merged == one


def test_two_runs_at_once_share_no_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """While one asks, another is refused, and so is scoring; a part elsewhere is not."""
    folder, elsewhere = tmp_path / "one", tmp_path / "part"
    codes: list[int] = []

    class Meanwhile(Red):
        def generate(self, conversations, params):  # type: ignore[no-untyped-def]
            if not codes:
                monkeypatch.setattr(options, "load_model", lambda folder, args: Red("blue"))
                codes.extend([_run(folder), _eval("score", str(folder))])
                codes.append(_run(elsewhere, "--shard", "1/2"))
            return super().generate(conversations, params)

    monkeypatch.setattr(options, "load_model", lambda folder, args: Meanwhile("red"))
    assert _run(folder) == 0
    assert codes == [1, 1, 0]
    refused = f"another run is writing into {folder / 'own-colour'}: process {os.getpid()}"
    assert capsys.readouterr().err.count(refused) == 2
    texts = [answer.text for answer in read_answers(folder / "own-colour")]
    assert texts == ["red"] * 30


def _documents(text: str) -> list[str]:
    """JSON arrays that were printed one after another."""
    return [part + "\n]" for part in text.split("\n]\n") if part.strip()]


def test_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _eval("list") == 0
    assert "own-colour" in capsys.readouterr().out
    assert _eval("list", "--json") == 0
    assert any(row["name"] == "own-colour" for row in json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "own-colur", "-o", "x"], "no benchmark named 'own-colur'"),
        (["run", "own-colour", "-o", "x", "--limit", "0"], "--limit is 0"),
        (["run", "own-colour", "-o", "x", "--shard", "3/2"], "expected one such as 2/8"),
        (["run", "own-colour", "-o", "x", "--split", "sky"], "no split 'sky'"),
        (["run", "own-colour", "-o", "x", "--endpoint", "http://127.0.0.1:9"], "needs --name"),
        (["run", "mmvet", "-o", "x", "--judge", "http://127.0.0.1:9"], "needs --judge-name"),
        (["run", "mmvet", "-o", "x", "--judge-name", "j"], "--judge needs --judge-name"),
        (["run", "own-colour", "-o", "x", "--tries", "2"], "for servers, and none is asked"),
        (["run", "own-colour", "-o", "x", "--request-seconds", "nan"], "--request-seconds is nan"),
        (["run", "mmvet", "-o", "x", "--judge", "u", "--tries", "0"], "--tries is 0"),
        (["score", "nowhere"], "not the folder of a run"),
        (["compare", "nowhere", "nothing"], "not the folder of a run"),
    ],
)
def test_slips_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _eval(*arguments) == 1
    assert message in capsys.readouterr().err


def test_answers_of_another_model_are_not_mixed_in(
    tmp_path: Path,
    says: Says,
    capsys: pytest.CaptureFixture[str],
) -> None:
    says("red")
    assert _run(tmp_path) == 0
    assert _run(tmp_path, "--split", "everyday") == 1
    assert "answers of another run: split" in capsys.readouterr().err


def test_what_the_model_computes_in_is_part_of_the_run(
    tmp_path: Path,
    says: Says,
    capsys: pytest.CaptureFixture[str],
) -> None:
    says("red")
    exact, coarse = tmp_path / "exact", tmp_path / "coarse"
    assert _run(exact, "--device", "cpu") == 0
    manifest = read_manifest(exact / "own-colour")
    assert manifest["computing"] == {"dtype": "float32", "device": "cpu"}
    assert _run(exact, "--device", "cpu", "--dtype", "bfloat16") == 1
    assert "answers of another run: computing" in capsys.readouterr().err
    assert _run(coarse, "--device", "cpu", "--dtype", "bfloat16") == 0
    assert _eval("compare", str(exact), str(coarse)) == 0
    assert "the runs differ in computing: {'dtype': 'float32'" in capsys.readouterr().err


def test_of_an_endpoint_is_said_what_is_known(tmp_path: Path) -> None:
    with serving(replying(answer("red"))) as server:
        assert _run(tmp_path, "--endpoint", server.url, "--name", "m") == 0
    manifest = read_manifest(tmp_path / "own-colour")
    assert manifest["computing"] == {"device": "endpoint"}
    assert manifest["inputs"]["most_frames"] == MOST_FRAMES


def test_questions_that_a_hanging_server_left_are_told_and_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = threading.Event()
    replies = chain(repeat(lambda connection, request: over.wait(30), 8), repeat(GOOD))
    with serving(iter(replies)) as server:
        asked = ("--endpoint", server.url, "--name", "m", "--limit", "8", "--json")
        run = ("run", "own-colour", "-o", str(tmp_path), *asked)
        began = time.monotonic()
        assert _eval(*run, "--request-seconds", "0.3", "--tries", "1") == 1
        assert time.monotonic() - began < 20  # of 120 s and 5 tries: 20 minutes
        out, err = capsys.readouterr()
        assert json.loads(out)[0]["unanswered"] == len(server.requests) == 8
        assert "8 questions got no answer" in err
        assert "the same command asks them again" in err
        assert "failed once: no whole response in 0.3 s" in err
        assert (tmp_path / "own-colour" / "report" / "index.html").exists()
        assert _eval(*run) == 0  # with more patience it is the same run
    over.set()
    assert json.loads(capsys.readouterr().out)[0]["unanswered"] == 0
    assert len(server.requests) == 16
