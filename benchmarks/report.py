"""Results as a table to read and as a file to compute with.

Results -> Markdown (circumstances, times and ratios, equality of outputs), JSON
"""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from workloads import Machine, Workload

from qvl.model.presets import PRESETS


class Competitor(NamedTuple):
    """A system in a dtype of its weights."""

    system: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.system} {self.dtype}"


@dataclass(kw_only=True, slots=True)
class Results:
    """What a run has found so far.

    Attributes:
        size: key of the presets.
        rounds: finished ones.
        machine: bests of all rounds by the fields of `Machine`.
        runs: by competitor and workload, one `clock.Timing` as a dictionary for each round.
        differences: by competitor and workload, the norm of its output's difference from the
            reference's over the norm of the reference's.
        reference: whose outputs the others are compared with.
    """

    size: str
    rounds: int = 0
    machine: dict[str, float] = field(default_factory=dict)
    runs: dict[Competitor, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    differences: dict[Competitor, dict[str, float]] = field(default_factory=dict)
    reference: Competitor | None = None


def circumstances(results: Results) -> dict[str, Any]:
    """What a number is worth nothing without."""
    git = ["git", "-C", str(Path(__file__).parent)]
    describe = [*git, "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(describe, capture_output=True, text=True, check=False).stdout.strip()
    features = torch.cpu.get_capabilities()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit or "unknown",
        "model": results.size,
        "rounds": results.rounds,
        "cpu": f"{features.get('cpu_name', platform.processor())}, {os.cpu_count()} cores",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bfloat16_instructions": bool(features.get("avx512_bf16")),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "machine": results.machine,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "qvl")},
        },
    }


def to_markdown(results: Results, ours: Competitor) -> str:
    """The whole report for a reader."""
    about = circumstances(results)
    machine, versions = Machine(**results.machine), about["versions"]
    bfloat16 = "with" if about["bfloat16_instructions"] else "without"
    head = (
        f"{about['date']}, commit {about['commit']}, random weights of {results.size} shape, "
        f"{about['cpu']}, {about['instructions']} {bfloat16} bfloat16 instructions, "
        f"{about['memory_gb']} GB, torch {versions['torch']}, transformers "
        f"{versions['transformers']}, {results.rounds} rounds. The machine's best: "
        f"{machine.gemm_flops / 1e9:.0f} GFLOP/s, {machine.read_bytes / 1e9:.1f} GB/s."
    )
    parts = [head, _times(results, ours, machine)]
    if results.reference is not None:
        parts.append(_equality(results, results.reference))
    return "\n\n".join(parts) + "\n"


def _times(results: Results, ours: Competitor, machine: Machine) -> str:
    own = results.runs[ours]
    peers = [competitor for competitor in results.runs if competitor != ours]
    columns = ["workload", str(ours), "spread", "x floor"]
    for peer in peers:
        columns += [str(peer), "ratio"]
    rows = []
    for name in own:
        median = _median(own[name])
        floor = Workload.parse(name).floor_seconds(PRESETS[results.size], machine)
        row = [name, _seconds(median), _spread(own[name]), f"{median / floor:.2f}" if floor else ""]
        for peer in peers:
            found = results.runs[peer].get(name)
            row += (
                [_seconds(_median(found)), f"{_median(found) / median:.2f}"] if found else ["", ""]
            )
        runs = [run for competitor in results.runs.values() for run in competitor.get(name, [])]
        rows.append([*row, f"{max(run['others'] for run in runs):.2f}"])
    row = ["peak memory", f"{_peak(own, own) / 1e9:.2f} GB", "", ""]
    for peer in peers:
        # Of what both ran: a peer that leaves the large workloads out needs no memory for them.
        theirs, same = (_peak(runs, results.runs[peer]) for runs in (results.runs[peer], own))
        row += [f"{theirs / 1e9:.2f} GB", f"{theirs / same:.2f}"]
    return _table([*columns, "others' share"], [*rows, [*row, ""]])


def _equality(results: Results, reference: Competitor) -> str:
    names = list(dict.fromkeys(n for found in results.differences.values() for n in found))
    rows = [
        [name, *(_share(found.get(name)) for found in results.differences.values())]
        for name in names
    ]
    table = _table(["workload", *map(str, results.differences)], rows)
    return f"Outputs on the same input, relative distance from {reference}:\n\n{table}"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    rule = ["---"] * len(columns)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (columns, rule, *rows))


def _all_seconds(runs: list[dict[str, Any]]) -> list[float]:
    return [second for run in runs for second in run["seconds"]]


def _median(runs: list[dict[str, Any]]) -> float:
    return statistics.median(_all_seconds(runs))


def _spread(runs: list[dict[str, Any]]) -> str:
    """Fastest and slowest run from the median, in percent; empty for a single run."""
    seconds, median = _all_seconds(runs), _median(runs)
    if len(seconds) == 1:
        return ""
    return f"{100 * (min(seconds) / median - 1):+.0f} to {100 * (max(seconds) / median - 1):+.0f} %"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 0.1 else f"{1000 * value:.3g} ms"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _peak(runs: dict[str, list[dict[str, Any]]], workloads: Iterable[str]) -> int:
    """Up to the last of these workloads; they run in one order everywhere."""
    return max(run["peak_bytes"] for name in workloads for run in runs[name])


def write(results: Results, ours: Competitor, folder: Path) -> str:
    """Writes both forms, replacing those of an earlier round; returns the Markdown."""
    about = circumstances(results)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"speed-{results.size}-{about['date']}-{about['commit']}"
    raw = asdict(results) | {
        "runs": {str(key): value for key, value in results.runs.items()},
        "differences": {str(key): value for key, value in results.differences.items()},
        "reference": str(results.reference or ""),
    }
    text = to_markdown(results, ours)
    for suffix, content in (
        (".md", text),
        (".json", json.dumps({**about, **raw}, indent=1) + "\n"),
    ):
        temporary = folder / f"{stem}{suffix}.part"
        temporary.write_text(content)
        temporary.replace(folder / f"{stem}{suffix}")
    return text
