"""The speed benchmark runs from a checkpoint of its own to a table, at the smallest size."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.slow
def test_speed(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "speed.py"), "--size", "tiny", "--small"]
    folders = ["--folder", str(tmp_path / "tiny"), "--results", str(tmp_path / "results")]
    run = subprocess.run(
        [*command, *folders, "--rounds", "1"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    (raw,) = (tmp_path / "results").glob("*.json")
    results = json.loads(raw.read_text())["results"]
    workloads = {"load", "vit:8:8", "prefill:16", "decode:1:512", "decode:4:512"}
    for system in ("qvl bfloat16", "transformers bfloat16"):
        assert set(results[system]) == workloads
        assert all(min(found[0]["seconds"]) > 0 for found in results[system].values())
    (written,) = (tmp_path / "results").glob("*.md")
    assert written.read_text() == run.stdout.rstrip("\n") + "\n"
    assert "| decode:4:512 | " in run.stdout
