"""One process writes into a folder; a killed one leaves it free."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qvl.data.folder_lock import only_writer
from qvl.errors import DataError

HOLDS = """
import sys, time
from pathlib import Path
from qvl.data.folder_lock import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_named_and_its_death_frees_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(DataError, match=f"writing into {folder}: process {other.pid};") as error,
            only_writer(folder),
        ):
            pass
        assert "another folder" in str(error.value.hint)
        other.kill()
    with only_writer(folder):
        assert (folder / ".lock").read_text() == f"{os.getpid()}\n"
        with only_writer(tmp_path / "beside"):
            pass


FORKS = HOLDS.replace("time.sleep(60)", "print(os.fork(), flush=True); time.sleep(60)")


def test_a_process_that_outlives_the_writer_does_not_keep_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", f"import os{FORKS}", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "held\n"
        child = max(int(writer.stdout.readline()) for _ in range(2))
        writer.kill()
        try:
            writer.wait()
            with only_writer(tmp_path):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataError, match=r"file/\.lock cannot be written"),
        only_writer(tmp_path / "file"),
    ):
        pass


def test_a_file_system_without_locks_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(file: object, operation: int) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with only_writer(tmp_path), only_writer(tmp_path):
        pass
