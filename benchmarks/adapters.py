"""Peak memory of a training step on a random model of 0.5B, with and without adapters.

    python benchmarks/adapters.py            # four processes, one after the other, some minutes

Each way loads the same folder in bfloat16 and takes two steps of AdamW on one sequence, in a
process of its own; what was there after importing does not count. Full fine-tuning holds float32
weights, as the trainer does. On a CPU without bfloat16 instructions the seconds say little.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from clock import memory_mib
from make_random_checkpoint import half_billion

from qvl.checkpoint.export import export_model
from qvl.checkpoint.load import load_model
from qvl.model.attention import Segments
from qvl.model.init import empty_model
from qvl.model.lora import add_lora
from qvl.model.lora_config import LoraConfig
from qvl.model.quantized_linear import Quantize

WAYS = ("full", "lora", "lora on int8", "lora on nf4")
RANK = 16


def write_model(folder: Path) -> None:
    """Random weights in bfloat16: one block of numbers from changing places."""
    model = empty_model(half_billion()).to(torch.bfloat16)
    block = (torch.randn(1 << 22) * 0.02).bfloat16()
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                count = parameter.numel()
                values = block.repeat(count // len(block) + 1)[:count].view(parameter.shape)
                module._parameters[name] = torch.nn.Parameter(values, requires_grad=False)
    export_model(model, folder)


def measure(way: str, folder: Path, tokens: int) -> dict[str, float]:
    """Peaks of loading and of training beyond what was there before, and seconds of a step."""
    torch.set_num_threads(1)
    before = memory_mib("VmRSS")
    if way == "full":
        model = load_model(folder, dtype=torch.float32)
    else:
        kind = way.removeprefix("lora").removeprefix(" on ")
        quantise = Quantize(kind) if kind else None  # type: ignore[arg-type]
        model = load_model(folder, dtype=torch.bfloat16, replace=quantise)
        add_lora(model, LoraConfig(rank=RANK, targets=("llm",)))
    loaded = memory_mib("VmHWM")
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    ids = torch.randint(0, 1000, (tokens + 1,))
    positions = torch.arange(tokens).expand(3, tokens)
    for _ in range(2):
        began = time.monotonic()
        logits = model(ids[:-1], positions, segments=Segments([tokens]))
        torch.nn.functional.cross_entropy(logits, ids[1:]).backward()
        optimiser.step()
        optimiser.zero_grad()
    return {
        "loading": loaded - before,
        "training": memory_mib("VmHWM") - before,
        "trained": sum(p.numel() for p in trained),
        "seconds": time.monotonic() - began,
    }


def main() -> None:
    """Runs every way and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--folder", type=Path, help="keep the model here")
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.folder, args.tokens)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.folder or Path(scratch) / "model"
        if not folder.exists():
            write_model(folder)
        print("| way | loading, MiB | training, MiB | trained, M | step, s |")
        print("| --- | --- | --- | --- | --- |", flush=True)
        for way in args.ways:
            command = [sys.executable, __file__, "--measure", way, "--folder", str(folder)]
            done = subprocess.run(
                [*command, "--tokens", str(args.tokens)], capture_output=True, text=True, check=True
            )
            found = json.loads(done.stdout)
            print(
                f"| {way} | {found['loading']:,.0f} | {found['training']:,.0f} | "
                f"{found['trained'] / 1e6:.1f} | {found['seconds']:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
