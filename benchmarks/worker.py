"""One system, one process: loads a checkpoint, times workloads, prints a line of JSON for each.

python benchmarks/worker.py {qvl,transformers} FOLDER DTYPE OUTPUTS WORKLOAD...
python benchmarks/worker.py machine

Started by speed.py, so that no system pays for another's memory. The output of every workload's
first run is saved in the folder OUTPUTS.
"""

import json
import os
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import torch
from clock import Timing, time_runs
from systems import SYSTEMS, System
from torch import Tensor
from workloads import Workload


def say(name: str, timing: Timing) -> None:
    """One result to stdout."""
    print(json.dumps({"name": name, **asdict(timing)}), flush=True)


def run_system(
    name: str, folder: Path, dtype: torch.dtype, outputs: Path, workloads: list[Workload]
) -> None:
    """Loads, then runs the workloads in their order."""
    system = SYSTEMS[name]
    for module in system.modules:
        import_module(module)
    loaded: list[System] = []
    say("load", time_runs(lambda: loaded.append(system(folder, dtype)), warm=0, repeats=1))
    for workload in workloads:
        call = loaded[0].prepare(workload)
        kept: list[Tensor] = []

        def run(call=call, kept=kept) -> None:  # type: ignore[no-untyped-def]
            output = call()
            if not kept:
                kept.append(output)

        timing = time_runs(run, warm=not workload.is_large, repeats=workload.repeats)
        say(str(workload), timing)
        torch.save(kept[0].float(), outputs / f"{name}-{str(dtype)[6:]}-{workload}.pt")


def run_machine() -> None:
    """What the machine can do: products in the faster of two dtypes, and reading memory.

    A product of float32 that takes a second in bfloat16 is not tried often.
    """
    rows, inputs, outputs = 512, 2048, 11008
    for dtype, repeats in ((torch.float32, 8), (torch.bfloat16, 2)):
        x, weight = torch.randn(rows, inputs).to(dtype), torch.randn(outputs, inputs).to(dtype)
        timing = time_runs(
            lambda x=x, w=weight: torch.nn.functional.linear(x, w),  # type: ignore[misc]
            warm=1,
            repeats=repeats,
        )
        best = 2 * rows * inputs * outputs / min(timing.seconds)
        print(json.dumps({"name": "gemm_flops", "best": best, "others": timing.others}))
    big = torch.ones(1 << 28)
    timing = time_runs(big.sum, warm=1, repeats=6)
    best = big.nbytes / min(timing.seconds)
    print(json.dumps({"name": "read_bytes", "best": best, "others": timing.others}))


def main() -> None:
    """Runs one system."""
    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    with torch.inference_mode():
        if sys.argv[1:] == ["machine"]:
            run_machine()
        else:
            name, folder, dtype, outputs, *workloads = sys.argv[1:]
            parsed = [Workload.parse(text) for text in workloads]
            run_system(name, Path(folder), getattr(torch, dtype), Path(outputs), parsed)


if __name__ == "__main__":
    main()
