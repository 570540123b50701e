"""Folders that appear complete or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qvl.errors import CheckpointError


@contextmanager
def new_folder(folder: Path, *, hint: str | None = None) -> Iterator[Path]:
    """Gives an empty folder to be filled, which takes its place at the end.

    Args:
        folder: new or empty; folders above it are made.
        hint: for the error of one that is not.

    Raises:
        CheckpointError: the folder is not empty or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CheckpointError(f"{folder} exists and is not empty", hint=hint)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
            # Not the temporary folder itself, which only its owner may read.
            part = Path(name) / "part"
            part.mkdir()
            yield part
            # On disk before the folder gets its name: a crash cannot leave it half written.
            for path in part.iterdir():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            part.replace(folder)
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be written: {error.strerror or error}") from error
