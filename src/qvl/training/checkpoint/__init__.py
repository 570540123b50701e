"""Saving a run so that it goes on bit for bit where it stopped.

Owns the file and its atomic replacement. What is random in training is a pure function of (seed,
step), so the step number is the whole position in the data.
"""

import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from qvl.errors import CheckpointError


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Writes the state, replacing the old file only when the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def load_state(path: Path) -> dict[str, Any] | None:
    """Returns the state, or None if there is none yet.

    Raises:
        CheckpointError: the file is damaged.
    """
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except (RuntimeError, EOFError, ValueError, OSError, UnpicklingError) as error:
        raise CheckpointError(
            f"{path} is not a readable training state: {str(error).splitlines()[0]}",
            hint="delete it to start again",
        ) from error
    return state
