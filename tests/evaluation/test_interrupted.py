"""Runs that end too early: a server that dies, Ctrl-C. What was answered stays, and is not asked
again."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from qvl.endpoint.client import Endpoint
from qvl.errors import DataError
from qvl.evaluation.answers import ANSWERS, LONGEST_TEXT, Answer, AnswerFile, read_answers
from qvl.evaluation.run import Asking, Progress, ask_all, read_failures
from qvl.evaluation.scoring import score_run
from tests.endpoint.bad_server import answer, replying, serving
from tests.evaluation.quiz import COUNT, QUIZ, Scripted, load, right
from tests.material import requires_embedded

ASKED = COUNT - 3
"""Three questions of the quiz cannot be asked."""


def _right(connection: Any, request: dict[str, Any]) -> None:
    """What a good server does."""
    (text,) = [p["text"] for p in request["messages"][0]["content"] if p["type"] == "text"]
    replying(answer(right(text)))(connection, request)


def _ask(folder: Path, url: str) -> None:
    endpoint = Endpoint(url=url, model="m", most_tries=2, concurrency=4, request_s=5.0)
    ask_all(
        load(Path(), "test"), folder, Asking(generator=endpoint, params=QUIZ.params, batch_size=4)
    )


def test_a_server_that_dies_midway_costs_no_answer(tmp_path: Path) -> None:
    served, lock = [0], threading.Lock()

    def dies_after_nine(connection: Any, request: dict[str, Any]) -> None:
        with lock:
            served[0] += 1
            if served[0] > 9:
                server.is_over.set()  # it listens no more, and this connection gets nothing
                return
        _right(connection, request)

    with (
        serving(dies_after_nine) as server,
        pytest.raises(DataError, match="3 batches in a row got no answer") as raised,
    ):
        _ask(tmp_path, server.url)
    assert "goes on" in str(raised.value.hint)
    answers = list(read_answers(tmp_path))
    assert len(answers) == 9
    assert len(read_failures(tmp_path)) == ASKED - 9
    outcome = score_run(QUIZ, load(Path(), "test"), tmp_path)
    assert (outcome.count, outcome.unanswered) == (COUNT, ASKED - 9)
    assert outcome.headline == pytest.approx(100 * 9 / COUNT)

    with serving(_right) as server:
        _ask(tmp_path, server.url)
    assert len(server.requests) == ASKED - 9
    assert read_failures(tmp_path) == {}
    assert score_run(QUIZ, load(Path(), "test"), tmp_path).unanswered == 0


def test_ctrl_c_keeps_what_was_answered_and_why_others_failed(tmp_path: Path) -> None:
    class Impatient(Scripted):
        def generate(self, conversations, params):  # type: ignore[no-untyped-def]
            if self.calls == 3:
                raise KeyboardInterrupt
            return super().generate(conversations, params)

    seen: list[Progress] = []
    asking = Asking(generator=Impatient(right), params=QUIZ.params, batch_size=4)
    with pytest.raises(KeyboardInterrupt):
        ask_all(load(Path(), "test"), tmp_path, asking, total=ASKED, report=seen.append)
    assert len(list(read_answers(tmp_path))) == 12
    assert [progress.done for progress in seen] == [4, 8, 12]
    assert all(progress.seconds_left > 0 for progress in seen)
    again = Scripted(right)
    ask_all(load(Path(), "test"), tmp_path, Asking(generator=again, params=QUIZ.params))
    assert again.asked == ASKED - 12


@requires_embedded
def test_ctrl_c_at_the_command_line(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "qvl.cli.main",
        "eval",
        "run",
        "own-colour",
        "--batch",
        "2",
        "--limit",
        "16",
        "-o",
        str(tmp_path),
    ]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("2/16"):
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    assert process.wait(120) == 130
    assert "Traceback" not in rest
    before = (tmp_path / "own-colour" / ANSWERS).read_bytes()
    assert 2 <= before.count(b"\n") < 16
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    after = (tmp_path / "own-colour" / ANSWERS).read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == 16


def test_a_torn_answer_of_megabytes_is_mended(tmp_path: Path) -> None:
    file = AnswerFile(tmp_path)
    file.append([Answer(key="a", text="x"), Answer(key="b", text="\U0001f600" * LONGEST_TEXT)])
    whole = file.path.read_bytes()
    assert len(whole) > 2 * 2**20
    file.path.write_bytes(whole[:-5])
    assert AnswerFile(tmp_path).keys == {"a"}
    file.path.write_bytes(whole.split(b"\n")[1])  # nothing but a torn line
    assert AnswerFile(tmp_path).keys == set()
