"""A folder that one process at a time writes into.

Owns the lock. It is the system's, on a file in the folder: it goes with its process however that
ends, so what was killed can go on. The file stays.

    with only_writer(folder): ...
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from qvl.errors import DataError

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keeps every other process that asks out of the folder, which is made if need be.

    Where the system or the file system has no locks, nobody is kept out.

    Raises:
        DataError: another process is writing, or the file cannot be opened.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="ascii", errors="replace")  # noqa: SIM115
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
    with file:
        _lock(file, folder)
        if sys.platform != "win32":
            # A process that outlives this one must not keep the lock.
            os.register_at_fork(after_in_child=file.close)
        yield


def _lock(file: IO[str], folder: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        raise DataError(
            f"another run is writing into {folder}: process {file.read(20).strip() or 'unknown'}",
            hint="wait until it is done, or give another folder",
        ) from error
    except OSError:
        return  # a file system without locks
    with suppress(OSError):  # a full disk: the lock holds without the number
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
