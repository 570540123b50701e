"""One system, one process: loads a checkpoint, times workloads, prints a JSON line for each.

python benchmarks/worker.py {qvl,transformers,machine} FOLDER DTYPE WORKLOAD...

Started by speed.py, so that no system pays for another's memory. A workload is ``vit:H:W`` (patch
grid), ``prefill:T`` or ``decode:B:T`` (batch, tokens already in the cache).
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

DECODE_STEPS = 6


def timed(run: Callable[[], Any], *, repeats: int, warm: bool = True) -> list[float]:
    """Seconds of each repeat after one that does not count."""
    seconds = []
    for number in range(repeats + warm):
        start = time.perf_counter()
        run()
        if number >= warm:
            seconds.append(time.perf_counter() - start)
    return seconds


def say(workload: str, seconds: list[float]) -> None:
    """One result to stdout."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"workload": workload, "seconds": seconds, "peak_rss": peak}), flush=True)


def run_qvl(folder: Path, dtype: torch.dtype, workloads: list[str]) -> None:
    """qvl, loaded as `qvl.load` loads."""
    from qvl.inference.prepack import load_for_inference
    from qvl.model.attention import Segments
    from qvl.model.kv_cache import KVCache

    start = time.perf_counter()
    model = load_for_inference(folder, dtype=dtype).eval()
    say("load", [time.perf_counter() - start])
    text = model.config.text
    for workload in workloads:
        kind, *numbers = workload.split(":")
        a, b = (int(n) for n in (*numbers, "0")[:2])
        if kind == "vit":
            pixels = torch.randn(a * b, 1176)
            say(workload, timed(lambda: model.encode_media(pixels, [(1, a, b)]), repeats=1))  # noqa: B023
            continue
        batch, past = (1, 0) if kind == "prefill" else (a, b)
        new = a if kind == "prefill" else batch
        cache = KVCache(text, num_slots=batch, max_tokens=past + max(new, 16), dtype=model.dtype)
        cache.keys.normal_()
        cache.values.normal_()
        for slot in range(batch):
            cache.append(slot, past)
        ids = torch.randint(0, 400, (new,))
        if kind == "prefill":
            segments, positions = Segments([new]), torch.arange(new).expand(3, -1)
            last = torch.tensor([new - 1])
        else:
            segments, positions = Segments([1] * batch), torch.full((3, batch), past)
            last = torch.arange(batch)

        def step() -> None:
            model(ids, positions, segments=segments, cache=cache.view(range(batch)), logits_at=last)  # noqa: B023
            for slot in range(batch):  # noqa: B023
                cache.truncate(slot, past)  # noqa: B023

        say(workload, timed(step, repeats=DECODE_STEPS if kind == "decode" else 1))


def run_transformers(folder: Path, dtype: torch.dtype, workloads: list[str]) -> None:
    """transformers with its default attention (sdpa)."""
    from transformers import DynamicCache, Qwen2_5_VLForConditionalGeneration

    start = time.perf_counter()
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
    say("load", [time.perf_counter() - start])
    text = model.config.text_config
    width = text.hidden_size // text.num_attention_heads
    for workload in workloads:
        kind, *numbers = workload.split(":")
        a, b = (int(n) for n in (*numbers, "0")[:2])
        if kind == "vit":
            pixels = torch.randn(a * b, 1176, dtype=dtype)
            grid = torch.tensor([[1, a, b]])
            say(workload, timed(lambda: model.model.visual(pixels, grid), repeats=1))  # noqa: B023
        elif kind == "prefill":
            ids = torch.randint(0, 400, (1, a))
            say(workload, timed(lambda: model(ids, logits_to_keep=1), repeats=1))  # noqa: B023
        else:
            cache = DynamicCache()
            for layer in range(text.num_hidden_layers):
                shape = (a, text.num_key_value_heads, b, width)
                cache.update(
                    torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype), layer
                )
            ids = torch.randint(0, 400, (a, 1))

            def step() -> None:
                where = torch.full((3, a, 1), cache.get_seq_length())  # noqa: B023
                model(ids, past_key_values=cache, position_ids=where, use_cache=True)  # noqa: B023

            say(workload, timed(step, repeats=DECODE_STEPS))


def run_machine() -> None:
    """What the machine can do: float32 products, and reading memory."""
    a, b = torch.randn(1024, 2048), torch.randn(2048, 11008)
    best = min(timed(lambda: a @ b, repeats=8))
    say("gemm_flops", [2 * 1024 * 2048 * 11008 / best])
    big = torch.ones(1 << 28)
    best = min(timed(lambda: big.sum(), repeats=6))
    say("read_bytes", [big.nbytes / best])


def main() -> None:
    """Runs one system."""
    system, folder, dtype, *workloads = sys.argv[1:]
    torch.set_num_threads(2)
    torch.manual_seed(0)
    with torch.inference_mode():
        if system == "machine":
            run_machine()
        else:
            run = run_qvl if system == "qvl" else run_transformers
            run(Path(folder), getattr(torch, dtype), workloads)


if __name__ == "__main__":
    main()
