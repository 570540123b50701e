"""qvl against transformers on the same random weights of 3B shape, in turn, in one run.

python benchmarks/speed.py [--folder FOLDER] [--rounds 2] [--size 3b]

Systems run one after the other, each in a process of its own, round after round, so that slow
minutes of the machine fall on all of them. Prints a table with the ratio to each peer and to the
physical floor, and writes it with hardware, versions and commit into benchmarks/results/.

On a CPU without bfloat16 instructions torch's bfloat16 products are ten times slower than its
float32 ones; there the peer's bfloat16 skips the two largest workloads (half an hour a round), and
its float32, which needs twice the memory, is timed beside it on all.
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
from typing import Any

import torch

from qvl.model.config import ModelConfig
from qvl.model.cost import text_flops, vision_flops
from qvl.model.presets import PRESETS

HERE = Path(__file__).parent
# Small ones first: they touch every weight, so that the large ones need no warming up.
SMALL = ("vit:8:8", "prefill:16", "decode:1:512", "decode:4:512")
LARGE = ("vit:32:32", "prefill:512")  # 448 x 448 pixels
HUGE = ("vit:74:74", "prefill:2048")  # 1036 x 1036 pixels
System = tuple[str, str]
OURS: System = ("qvl", "bfloat16")


def run_worker(system: str, folder: Path, dtype: str, workloads: tuple[str, ...]) -> list[Any]:
    """The results of one process."""
    command = [sys.executable, str(HERE / "worker.py"), system, str(folder), dtype, *workloads]
    print(f"  {system} {dtype} {' '.join(workloads)}", file=sys.stderr, flush=True)
    start = time.perf_counter()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(f"    {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return [json.loads(line) for line in output.splitlines()]


def floor_seconds(workload: str, config: ModelConfig, machine: dict[str, float]) -> float:
    """Time of the operations at the machine's best, or of reading the weights, the longer."""
    kind, *numbers = workload.split(":")
    a, b = (int(n) for n in (*numbers, "0")[:2])
    if kind == "vit":
        return vision_flops(config.vision, (1, a, b)) / machine["gemm_flops"]
    if kind == "prefill":
        flops = text_flops(config.text, num_tokens=a)
    else:
        flops = a * text_flops(config.text, num_tokens=1, num_past=b)
    # Every weight but the embedding is read once: two operations and two bytes for each.
    weight_bytes = text_flops(config.text, num_tokens=1)
    return max(flops / machine["gemm_flops"], weight_bytes / machine["read_bytes"])


def measure(
    folder: Path, plan: dict[System, tuple[str, ...]], rounds: int
) -> tuple[dict[str, float], dict[System, dict[str, list[Any]]]]:
    """The machine's best figures, and all results of each system by workload."""
    machine: dict[str, float] = {}
    results: dict[System, dict[str, list[Any]]] = {system: {} for system in plan}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for result in run_worker("machine", folder, "float32", ()):
            best = max(result["seconds"])  # here operations or bytes a second
            machine[result["workload"]] = max(best, machine.get(result["workload"], 0.0))
        for system, workloads in plan.items():
            for result in run_worker(system[0], folder, system[1], workloads):
                results[system].setdefault(result["workload"], []).append(result)
    return machine, results


def table(
    config: ModelConfig,
    machine: dict[str, float],
    results: dict[System, dict[str, list[Any]]],
) -> str:
    """The comparison in Markdown: medians; a ratio above 1 is in our favour."""
    peers = [system for system in results if system != OURS]
    head = " | ".join(f"{name} {dtype} | ratio" for name, dtype in peers)
    lines = [
        f"| workload | qvl bfloat16 | x floor | {head} | others' share |",
        "|" + " --- |" * (4 + 2 * len(peers)),
    ]
    for workload in results[OURS]:
        own = _median(results[OURS][workload])
        floor = (
            "" if workload == "load" else f"{own / floor_seconds(workload, config, machine):.2f}"
        )
        cells = [workload, f"{own:.3g} s", floor]
        for peer in peers:
            found = results[peer].get(workload)
            cells += (
                [f"{_median(found):.3g} s", f"{_median(found) / own:.2f}"] if found else ["", ""]
            )
        runs = [r for system in results for r in results[system].get(workload, [])]
        cells.append(f"{max(run['others'] for run in runs):.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    own = _peak(results[OURS])
    cells = ["peak memory", f"{own / 1e9:.2f} GB", ""]
    for peer in peers:
        cells += [f"{_peak(results[peer]) / 1e9:.2f} GB", f"{_peak(results[peer]) / own:.2f}"]
    return "\n".join([*lines, "| " + " | ".join([*cells, ""]) + " |"]) + "\n"


def _median(results: list[Any]) -> float:
    return statistics.median(second for result in results for second in result["seconds"])


def _peak(results: dict[str, list[Any]]) -> float:
    return max(result["peak_rss"] for runs in results.values() for result in runs)


def circumstances(size: str, machine: dict[str, float]) -> dict[str, Any]:
    """What a number is worth nothing without."""
    git = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    features = torch.cpu.get_capabilities()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit,
        "model": size,
        "cpu": f"{features.get('cpu_name', platform.processor())}, {os.cpu_count()} cores",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bfloat16_instructions": bool(features.get("avx512_bf16")),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "machine": machine,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "qvl")},
        },
    }


def sentence(about: dict[str, Any]) -> str:
    """The circumstances for a reader."""
    machine, versions = about["machine"], about["versions"]
    return (
        f"{about['date']}, commit {about['commit']}, random weights of {about['model']} shape, "
        f"{about['cpu']}, {about['instructions']}, {about['memory_gb']} GB, "
        f"torch {versions['torch']}, transformers {versions['transformers']}. The machine's best: "
        f"{machine['gemm_flops'] / 1e9:.0f} GFLOP/s, {machine['read_bytes'] / 1e9:.1f} GB/s. "
        "Medians; ratio = peer / qvl; the share of the machine that other processes took is the "
        "largest of any run. vit:H:W patches, prefill:T tokens, decode:batch:tokens before.\n"
    )


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="checkpoint of that shape; made when missing")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--size", choices=sorted(PRESETS), default="3b")
    parser.add_argument("--small", action="store_true", help="only the small workloads")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.gettempdir()) / f"qvl-random-{args.size}"
    if not (folder / "config.json").exists():
        maker = [sys.executable, str(HERE / "make_random_checkpoint.py"), args.size, str(folder)]
        subprocess.run(maker, check=True)
    every = SMALL if args.small else (*SMALL, *LARGE, *HUGE)
    plan = {OURS: every, ("transformers", "bfloat16"): every}
    if not torch.cpu.get_capabilities().get("avx512_bf16"):
        plan["transformers", "bfloat16"] = SMALL if args.small else (*SMALL, *LARGE)
        plan["transformers", "float32"] = every
    machine, results = measure(folder, plan, args.rounds)

    about = circumstances(args.size, machine)
    text = sentence(about) + "\n" + table(PRESETS[args.size], machine, results)
    print(text)
    args.results.mkdir(exist_ok=True)
    stem = f"speed-{about['model']}-{about['date']}-{about['commit']}"
    (args.results / f"{stem}.md").write_text(text)
    named = {" ".join(system): found for system, found in results.items()}
    (args.results / f"{stem}.json").write_text(json.dumps({**about, "results": named}, indent=1))


if __name__ == "__main__":
    main()
