"""One system, one process: loads a checkpoint, times workloads, prints a JSON line for each.

python benchmarks/worker.py {qvl,transformers,machine} FOLDER DTYPE WORKLOAD...

Started by speed.py, so that no system pays for another's memory. A workload is ``vit:H:W`` (patch
grid), ``prefill:T`` or ``decode:B:T`` (batch, tokens already in the cache).
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

DECODE_STEPS = 8
# Token ids of every checkpoint that the script makes.
NUM_IDS = 200


class Clock:
    """Wall time of calls, and the share of the machine that other processes took meanwhile."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.others = 0.0

    def time(self, run: Callable[[], Any], *, warm: int, repeats: int) -> "Clock":
        for _ in range(warm):
            run()
        busy, own = _busy_seconds(), sum(os.times()[:2])
        for _ in range(repeats):
            start = time.perf_counter()
            run()
            self.seconds.append(time.perf_counter() - start)
        foreign = _busy_seconds() - busy - (sum(os.times()[:2]) - own)
        # The kernel counts in hundredths of a second: of less than a second this says little.
        self.others = min(1.0, max(0.0, foreign / sum(self.seconds) / (os.cpu_count() or 1)))
        return self

    def say(self, workload: str) -> None:
        """One result to stdout; the peak is the process's so far."""
        result = {
            "workload": workload,
            "seconds": [round(second, 5) for second in self.seconds],
            "others": round(self.others, 2),
            "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
        print(json.dumps(result), flush=True)


def _busy_seconds() -> float:
    """Seconds that all processors of this machine have worked since it started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, soft, steal = (int(field) for field in fields[:8])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def measure(workload: str, run: Callable[[], Any]) -> None:
    """Times one workload; large ones run once, as speed.py puts small ones before them."""
    kind, *numbers = workload.split(":")
    a, b = (int(n) for n in (*numbers, "1")[:2])
    if kind == "decode":
        Clock().time(run, warm=1, repeats=DECODE_STEPS).say(workload)
    else:
        size = a * b if kind == "vit" else a
        Clock().time(run, warm=size < 512, repeats=1).say(workload)


def run_qvl(folder: Path, dtype: torch.dtype, workloads: list[str]) -> None:
    """qvl, loaded as `qvl.load` loads."""
    from qvl.inference.prepack import load_for_inference
    from qvl.model.attention import Segments
    from qvl.model.kv_cache import KVCache

    loaded = []
    clock = Clock().time(
        lambda: loaded.append(load_for_inference(folder, dtype=dtype)), warm=0, repeats=1
    )
    clock.say("load")
    model = loaded[0]

    def step(ids: torch.Tensor, cache: KVCache, past: int) -> None:
        """The same number of new tokens for each slot, behind ``past`` old ones."""
        slots = range(cache.num_slots)
        new = len(ids) // cache.num_slots
        positions = torch.arange(past, past + new).repeat(cache.num_slots).expand(3, -1)
        last = torch.arange(1, cache.num_slots + 1) * new - 1
        segments = Segments([new] * cache.num_slots)
        model(ids, positions, segments=segments, cache=cache.view(slots), logits_at=last)
        for slot in slots:
            cache.truncate(slot, past)

    for workload in workloads:
        kind, *numbers = workload.split(":")
        a, b = (int(n) for n in (*numbers, "0")[:2])
        if kind == "vit":
            pixels, grid = torch.randn(a * b, model.config.vision.patch_dim), [(1, a, b)]
            measure(workload, lambda p=pixels, g=grid: model.encode_media(p, g))  # type: ignore[misc]
            continue
        batch, past, new = (1, 0, a) if kind == "prefill" else (a, b, a)
        cache = KVCache(
            model.config.text, num_slots=batch, max_tokens=past + new, dtype=model.dtype
        )
        cache.keys.normal_()
        cache.values.normal_()
        for slot in range(batch):
            cache.append(slot, past)
        ids = torch.randint(0, NUM_IDS, (new,))
        measure(workload, lambda i=ids, c=cache, p=past: step(i, c, p))  # type: ignore[misc]


def run_transformers(folder: Path, dtype: torch.dtype, workloads: list[str]) -> None:
    """transformers with its default attention (sdpa), called as its `generate` calls it."""
    from transformers import DynamicCache, Qwen2_5_VLForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()
    loaded = []
    clock = Clock().time(
        lambda: loaded.append(
            Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype).eval()
        ),
        warm=0,
        repeats=1,
    )
    clock.say("load")
    model = loaded[0]
    text = model.config.text_config
    width = text.hidden_size // text.num_attention_heads

    def decode(ids: torch.Tensor, cache: DynamicCache) -> None:
        positions = torch.full((3, len(ids), 1), cache.get_seq_length())
        model(ids, past_key_values=cache, position_ids=positions, use_cache=True)

    for workload in workloads:
        kind, *numbers = workload.split(":")
        a, b = (int(n) for n in (*numbers, "0")[:2])
        if kind == "vit":
            pixels, grid = torch.randn(a * b, 1176, dtype=dtype), torch.tensor([[1, a, b]])
            measure(workload, lambda p=pixels, g=grid: model.model.visual(p, g))  # type: ignore[misc]
        elif kind == "prefill":
            ids = torch.randint(0, NUM_IDS, (1, a))
            measure(workload, lambda i=ids: model(i, logits_to_keep=1, use_cache=True))  # type: ignore[misc]
        else:
            cache = DynamicCache()
            shape = (a, text.num_key_value_heads, b, width)
            for layer in range(text.num_hidden_layers):
                key, value = torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
                cache.update(key, value, layer)
            ids = torch.randint(0, NUM_IDS, (a, 1))
            measure(workload, lambda i=ids, c=cache: decode(i, c))  # type: ignore[misc]


def run_machine() -> None:
    """What the machine can do: products in the faster of two dtypes, and reading memory."""
    for dtype in (torch.float32, torch.bfloat16):
        a, b = torch.randn(512, 2048).to(dtype), torch.randn(11008, 2048).to(dtype)
        clock = Clock().time(
            lambda: torch.nn.functional.linear(a, b),  # noqa: B023
            warm=1,
            repeats=8 if dtype == torch.float32 else 2,
        )
        clock.seconds = [2 * 512 * 2048 * 11008 / second for second in clock.seconds]
        clock.say("gemm_flops")
    big = torch.ones(1 << 28)
    clock = Clock().time(lambda: big.sum(), warm=1, repeats=6)
    clock.seconds = [big.nbytes / second for second in clock.seconds]
    clock.say("read_bytes")


def main() -> None:
    """Runs one system."""
    system, folder, dtype, *workloads = sys.argv[1:]
    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    with torch.inference_mode():
        if system == "machine":
            run_machine()
        else:
            run = run_qvl if system == "qvl" else run_transformers
            run(Path(folder), getattr(torch, dtype), workloads)


if __name__ == "__main__":
    main()
