"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from qvl.errors import DataError


@contextmanager
def whole_file(path: Path, *, hint: str | None = None) -> Iterator[IO[bytes]]:
    """Opens a file for writing that takes its place at the end, in a folder made for it.

    Args:
        path: what is there already is replaced.
        hint: for the message of an error.

    Raises:
        DataError: it cannot be written, such as on a full disk; what was there is unchanged.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(new, "wb") as file:
            yield file
        new.replace(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error.strerror or error}", hint=hint
        ) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def require_writable(folder: Path, *, hint: str) -> None:
    """Returns if files can be written into a folder, which is made: to be asked before long work.

    Args:
        folder: new or not.
        hint: for the message of the error.

    Raises:
        DataError: they cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written into: {error.strerror or error}", hint=hint
        ) from error
