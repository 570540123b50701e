"""The speed benchmark runs from a checkpoint of its own to a table, at the smallest size."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from qvl.model.cost import kv_bytes_per_token
from qvl.model.presets import PRESETS

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
    results = json.loads(raw.read_text())
    names = {"image:448:448", "image:1036:1036", "vit:8:8", "prefill:16", "decode:1:512"}
    for system in ("qvl bfloat16", "transformers bfloat16"):
        found = results["runs"][system]
        assert set(found) == {"load", *names, "decode:4:512"}
        assert all(min(run["seconds"]) > 0 for runs in found.values() for run in runs)
    # The same work was done: outputs agree as well as bfloat16 allows.
    for system, differences in results["differences"].items():
        assert set(differences) >= names
        assert max(differences.values()) < 0.03, system
    (written,) = (tmp_path / "results").glob("*.md")
    assert written.read_text() == run.stdout
    assert "| decode:4:512 | " in run.stdout


def test_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    workloads = importlib.import_module("workloads")
    config = PRESETS["3b"]
    machine = workloads.Machine(gemm_flops=1e11, read_bytes=1e10)

    def floor(text: str) -> float:
        return workloads.Workload.parse(text).floor_seconds(config, machine)

    # Few tokens wait for the weights, many for the products; a second sequence reads no weight
    # again but its own keys and values.
    assert floor("prefill:1") == pytest.approx(floor("prefill:4"))
    assert floor("prefill:1024") > 1.9 * floor("prefill:512") > 30 * floor("prefill:4")
    cached = 512 * kv_bytes_per_token(config.text, value_bytes=2) / 1e10
    assert floor("decode:2:512") - floor("decode:1:512") == pytest.approx(cached)
    assert floor("decode:1:0") == pytest.approx(floor("prefill:1"))


@pytest.mark.parametrize("text", ["vit:8", "prefill", "decode:1:x", "sleep:8", ""])
def test_unknown_workload(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    workloads = importlib.import_module("workloads")
    with pytest.raises(ValueError, match="no workload"):
        workloads.Workload.parse(text)


def test_parsers_find_all_they_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    parsers = importlib.import_module("parsers")
    monkeypatch.setattr(parsers, "RECORDS", 20)
    monkeypatch.setattr(parsers, "RUNS", 1)
    read = {parser.name: parser.read(parser.answer) for parser in parsers.parsers()}
    for name in ("boxes", "boxes with slips", "points in XML", "boxes in plain text"):
        assert len(read[name].items) == 20, name
    assert len(read["lines of text"].lines) == 20
    assert len(read["fields by a schema"].value["rows"]) == 20
    parsers.main()
    assert capsys.readouterr().out.count("|") == 4 * (2 + len(read))


@pytest.mark.slow
@pytest.mark.timeout(660)
def test_training(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "training.py"), "--sizes", "tiny", "--only", "full"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stderr
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in run.stdout.splitlines()[2:]
    ]
    assert {(row[2], row[3]) for row in rows} == {
        ("qvl", "packed"),
        ("qvl", "one by one"),
        ("transformers", "padded"),
        ("transformers", "one by one"),
    }
    # The same work was done: the first loss, before any update, is a mean of the same tokens.
    first = {(row[2], row[3]): float(row[8]) for row in rows}
    ours = first["qvl", "packed"]
    assert first["qvl", "one by one"] == pytest.approx(ours, rel=1e-4)
    assert first["transformers", "padded"] == pytest.approx(ours, rel=2e-3)
