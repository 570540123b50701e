"""``qvl info``: headers of what is here, and nothing fetched to look at it."""

import json
import math
import shutil
from pathlib import Path

from qvl.checkpoint import EMBEDDED
from qvl.checkpoint.folder import list_tensors
from tests.cli.conftest import Run


def test_the_numbers_are_those_of_the_weights(run: Run) -> None:
    code, out, _ = run("info", "--json")
    assert code == 0
    model = json.loads(out)["model"]
    count = sum(math.prod(entry.shape) for entry in list_tensors(EMBEDDED).values())
    assert model["parameters"] == f"{count:,}"
    assert model["weights"] != "not on this machine"


def test_a_model_is_described_without_its_weights(run: Run, tmp_path: Path) -> None:
    """So that a glance at the largest model costs megabytes and not its 147 GB."""
    shutil.copy(EMBEDDED / "config.json", tmp_path)
    code, out, _ = run("info", "--model", str(tmp_path), "--json")
    assert code == 0
    here = json.loads(run("info", "--json")[1])
    there = json.loads(out)
    assert there["config"] == here["config"]
    assert there["model"]["parameters"] == here["model"]["parameters"]
    assert there["model"]["weights"] == "not on this machine"
