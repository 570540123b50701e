"""Where the recorded real outputs and golden vectors are, when they are at hand.

They are large and not ours to publish, so they live outside the repository. ``QVL_MATERIAL`` names
their folder; a folder ``shared/material`` beside the repository is found by itself.
"""

import os
from pathlib import Path

import pytest


def _find() -> Path | None:
    named = os.environ.get("QVL_MATERIAL")
    beside = Path(__file__).resolve().parents[2] / "shared" / "material"
    folder = Path(named) if named else beside
    return folder if folder.is_dir() else None


MATERIAL: Path | None = _find()

requires_material = pytest.mark.skipif(
    MATERIAL is None, reason="needs the golden vectors: set QVL_MATERIAL to their folder"
)


def material(*parts: str) -> Path:
    """The path of one file of the material; for tests marked ``requires_material``."""
    assert MATERIAL is not None, "mark the test with requires_material"
    return MATERIAL.joinpath(*parts)


EMBEDDED = Path(__file__).resolve().parents[1] / "src" / "qvl" / "checkpoint" / "embedded"

requires_embedded = pytest.mark.skipif(
    not (EMBEDDED / "model.safetensors").is_file(),
    reason="needs the tiny model in src/qvl/checkpoint/embedded",
)
