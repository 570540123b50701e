"""qvl against transformers on the same random weights of 3B shape, in turn, in one run.

python benchmarks/speed.py [--folder FOLDER] [--rounds 2]

Systems run one after the other, each in a process of its own, round after round, so that slow
minutes of the machine fall on all of them. Prints a table with the ratio to each peer and to the
physical floor, and writes it with hardware, versions and commit into benchmarks/results/.

On a CPU without bfloat16 instructions torch's bfloat16 products are some fifty times slower than
its float32 ones; there the peer's bfloat16 is timed on smaller workloads only, and its float32,
which needs twice the memory, is timed beside it.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import torch

from qvl.model.cost import text_flops, vision_flops
from qvl.model.presets import PRESETS

HERE = Path(__file__).parent
CONFIG = PRESETS["3b"]
SMALL = ["vit:8:8", "prefill:16", "decode:1:512", "decode:4:512"]
LARGE = ["vit:32:32", "prefill:512", *SMALL]
HUGE = ["vit:74:74", "prefill:2048"]


def run_worker(system: str, folder: Path, dtype: str, workloads: list[str]) -> list[dict]:
    """The results of one process."""
    command = [sys.executable, str(HERE / "worker.py"), system, str(folder), dtype, *workloads]
    print(f"  {system} {dtype}: {' '.join(workloads)}", file=sys.stderr, flush=True)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def floor_seconds(workload: str, machine: dict[str, float]) -> float:
    """Time of the operations at the machine's best, or of reading the weights, the longer."""
    kind, *numbers = workload.split(":")
    a, b = (int(n) for n in (*numbers, "0")[:2])
    if kind == "vit":
        return vision_flops(CONFIG.vision, (1, a, b)) / machine["gemm_flops"]
    text = CONFIG.text
    if kind == "prefill":
        flops = text_flops(text, num_tokens=a)
    else:
        flops = a * text_flops(text, num_tokens=1, num_past=b)
    weights = 2 * 3_085_938_688  # bytes of the released 3B language model
    return max(flops / machine["gemm_flops"], weights / machine["read_bytes"])


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="checkpoint of 3B shape; made when missing")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--huge", action="store_true", help="also 5476 patches and 2048 tokens")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.gettempdir()) / "qvl-random-3b"
    if not (folder / "config.json").exists():
        maker = [sys.executable, str(HERE / "make_random_checkpoint.py"), "3b", str(folder)]
        subprocess.run(maker, check=True)
    native = torch.cpu.get_capabilities().get("avx512_bf16", False)
    large = LARGE + (HUGE if args.huge else [])
    plan = [("qvl", "bfloat16", large), ("transformers", "bfloat16", large if native else SMALL)]
    if not native:
        plan.append(("transformers", "float32", large))
    seconds: dict[tuple[str, str], dict[str, list[float]]] = {}
    peaks: dict[tuple[str, str], float] = {}
    machine: dict[str, float] = {}
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
        for result in run_worker("machine", folder, "float32", []):
            best = machine.get(result["workload"], 0.0)
            machine[result["workload"]] = max(best, result["seconds"][0])
        for system, dtype, workloads in plan:
            key = (system, dtype)
            for result in run_worker(system, folder, dtype, workloads):
                found = seconds.setdefault(key, {}).setdefault(result["workload"], [])
                found.extend(result["seconds"])
                peaks[key] = max(peaks.get(key, 0.0), result["peak_rss"])
    report(seconds, peaks, machine, large)


def report(
    seconds: dict[tuple[str, str], dict[str, list[float]]],
    peaks: dict[tuple[str, str], float],
    machine: dict[str, float],
    workloads: list[str],
) -> None:
    """Prints the table and writes it with the raw numbers."""
    peers = [key for key in seconds if key[0] != "qvl"]
    mine = seconds["qvl", "bfloat16"]
    names = [" ".join(key) for key in peers]
    lines = [
        f"| workload | qvl bfloat16 | {' | '.join(f'{n} | ratio' for n in names)} | x floor |",
        "| --- " * (3 + 2 * len(peers)) + "|",
    ]
    for workload in ["load", *workloads]:
        own = statistics.median(mine[workload])
        cells = [workload, f"{own:.3g} s"]
        for peer in peers:
            if workload in seconds[peer]:
                other = statistics.median(seconds[peer][workload])
                cells += [f"{other:.3g} s", f"{other / own:.2f}"]
            else:
                cells += ["", ""]
        floor = "" if workload == "load" else f"{own / floor_seconds(workload, machine):.2f}"
        lines.append("| " + " | ".join([*cells, floor]) + " |")
    cells = ["peak memory", f"{peaks['qvl', 'bfloat16'] / 2**30:.1f} GiB"]
    for peer in peers:
        ratio = peaks[peer] / peaks["qvl", "bfloat16"]
        cells += [f"{peaks[peer] / 2**30:.1f} GiB", f"{ratio:.2f}"]
    lines.append("| " + " | ".join([*cells, ""]) + " |")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True
    ).stdout.strip()
    head = (
        f"{time.strftime('%Y-%m-%d')}, commit {commit}, {platform.machine()}, "
        f"{os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}, "
        f"torch {version('torch')}, transformers {version('transformers')}; machine: "
        f"{machine['gemm_flops'] / 1e9:.0f} GFLOP/s float32, "
        f"{machine['read_bytes'] / 1e9:.1f} GB/s read. Medians; ratio = peer / qvl."
    )
    text = f"{head}\n\n" + "\n".join(lines) + "\n"
    print(text)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    stem = f"speed-{time.strftime('%Y-%m-%d')}-{commit}"
    (results / f"{stem}.md").write_text(text)
    raw = {" ".join(key): value for key, value in seconds.items()}
    (results / f"{stem}.json").write_text(
        json.dumps({"machine": machine, "seconds": raw}, indent=1)
    )


if __name__ == "__main__":
    main()
