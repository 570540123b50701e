"""Signals and errors between a process and the ranks it started."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from qvl.errors import TrainingError
from qvl.training.interrupt import StopSignals
from qvl.training.parallel.processes import launch


def test_a_second_ctrl_c_stops_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    told: list[int] = []
    with StopSignals(lambda: told.append(1)) as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert told == [1]
    assert signal.getsignal(signal.SIGINT) == before


def test_another_thread_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def enter() -> None:
        with StopSignals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]


def _until_asked(folder: Path, name: str) -> None:
    with StopSignals() as signals:
        (folder / f"ready-{os.getpid()}").touch()
        while not signals.asked:
            time.sleep(0.05)
    (folder / f"saved-{os.getpid()}").touch()
    if name == "fails":
        raise TrainingError("it went wrong", hint="do better")


@pytest.mark.parametrize("name", ["stops", "fails"])
def test_ranks_finish_before_the_one_that_started_them(tmp_path: Path, name: str) -> None:
    def ask() -> None:
        while len(list(tmp_path.glob("ready-*"))) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask, daemon=True).start()
    if name == "stops":
        launch(_until_asked, tmp_path, name, processes=2)
        assert len(list(tmp_path.glob("saved-*"))) == 2
    else:
        with pytest.raises(TrainingError, match="it went wrong; hint: do better") as caught:
            launch(_until_asked, tmp_path, name, processes=2)
        assert caught.value.hint == "do better"
