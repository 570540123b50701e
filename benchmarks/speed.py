"""qvl against transformers on the same random weights and inputs, in turn, in one run.

python benchmarks/speed.py
python benchmarks/speed.py --only decode:1:512 vit:32:32 --rounds 3
python benchmarks/speed.py --size tiny --small

Each system runs in a process of its own, round after round and in alternating order, so that a
slow minute of the machine falls on all of them. After every round the table (times, ratios, the
physical floor, whether the outputs agree) is written into benchmarks/results/ with hardware,
versions and commit. How to read it: benchmarks/README.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import report
import torch
from report import Competitor, Results
from workloads import HUGE, IMAGES, LARGE, SMALL, Workload

from qvl.model.presets import PRESETS

HERE = Path(__file__).parent
OURS = Competitor("qvl", "bfloat16")
# A process that takes longer than this hangs.
TIMEOUT_S = 2 * 3600

Plan = Mapping[Competitor, Sequence[Workload]]


def choose_plan(workloads: Sequence[Workload], *, patient: bool) -> Plan:
    """Returns who runs what.

    Where products in bfloat16 have no instructions of their own, torch's are ten times slower than
    those in float32. There the peer runs in both, each of which is its better one for something
    (bfloat16 for memory, float32 for speed), and without ``patient`` its bfloat16 skips the large
    workloads, which would take it half an hour a round.
    """
    theirs, wide = Competitor("transformers", "bfloat16"), Competitor("transformers", "float32")
    if torch.cpu.get_capabilities().get("avx512_bf16"):
        return {OURS: workloads, theirs: workloads}
    quick = [workload for workload in workloads if patient or not workload.is_large]
    return {OURS: workloads, theirs: quick, wide: workloads}


def run_worker(arguments: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the results of one process."""
    print(f"  {' '.join(arguments)}", file=sys.stderr, flush=True)
    command = [sys.executable, str(HERE / "worker.py"), *arguments]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S)
    print(f"    {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def run_round(results: Results, plan: Plan, folder: Path, outputs: Path) -> None:
    """Runs everyone once and adds what was found."""
    for found in run_worker(["machine"]):
        best = max(found["best"], results.machine.get(found["name"], 0.0))
        results.machine[found["name"]] = best
    competitors = list(plan)
    for competitor in competitors if results.rounds % 2 == 0 else reversed(competitors):
        names = [str(workload) for workload in plan[competitor]]
        arguments = [competitor.system, str(folder), competitor.dtype, str(outputs), *names]
        for found in run_worker(arguments):
            runs = results.runs.setdefault(competitor, {})
            runs.setdefault(found.pop("name"), []).append(found)
    results.rounds += 1


def compare_outputs(
    plan: Plan, reference: Competitor, outputs: Path
) -> dict[Any, dict[str, float]]:
    """Relative distance of each output from the reference's, for everyone else."""

    def output(competitor: Competitor, workload: Workload) -> torch.Tensor:
        path = outputs / f"{competitor.system}-{competitor.dtype}-{workload}.pt"
        return torch.load(path, weights_only=True)

    differences: dict[Any, dict[str, float]] = {}
    for competitor in plan:
        if competitor == reference:
            continue
        for workload in plan[competitor]:
            wanted = output(reference, workload)
            distance = (output(competitor, workload) - wanted).norm() / wanted.norm()
            differences.setdefault(competitor, {})[str(workload)] = float(distance)
    return differences


def read_workload(text: str) -> Workload:
    """Reads one of the command line."""
    try:
        return Workload.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=sorted(PRESETS), default="3b")
    parser.add_argument("--folder", type=Path, help="checkpoint of that shape; made when missing")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="only what takes no minutes")
    parser.add_argument("--only", type=read_workload, nargs="+", metavar="WORKLOAD")
    parser.add_argument("--patient", action="store_true", help="leave nothing out; see README")
    parser.add_argument("--results", type=Path, default=HERE / "results", metavar="DIR")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.gettempdir()) / f"qvl-random-{args.size}"
    if not (folder / "config.json").exists():
        maker = [sys.executable, str(HERE / "make_random_checkpoint.py"), args.size, str(folder)]
        subprocess.run(maker, check=True)
    workloads = args.only or [*IMAGES, *SMALL, *([] if args.small else [*LARGE, *HUGE])]
    plan = choose_plan(workloads, patient=args.patient)
    results = Results(size=args.size, reference=list(plan)[-1])
    text = ""
    with tempfile.TemporaryDirectory() as outputs:
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
            run_round(results, plan, folder, Path(outputs))
            results.differences = compare_outputs(plan, list(plan)[-1], Path(outputs))
            text = report.write(results, OURS, args.results)
    print(text, end="")


if __name__ == "__main__":
    main()
