"""Timing a call, and knowing whether the machine was ours meanwhile.

call -> Timing(seconds of each run, share of the machine that others took, peak memory)
"""

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Repeated runs of one call.

    Attributes:
        seconds: wall time of each run.
        others: share of the machine, 0 to 1, that other processes took during all runs. Says
            little of less than a second: the kernel counts in hundredths.
        peak_bytes: most memory of this process so far.
    """

    seconds: tuple[float, ...]
    others: float
    peak_bytes: int


def time_runs(run: Callable[[], Any], *, warm: int, repeats: int) -> Timing:
    """Runs a call ``warm`` times unseen, then ``repeats`` times by the clock."""
    for _ in range(warm):
        run()
    seconds = []
    busy, own = _busy_seconds(), sum(os.times()[:2])
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    foreign = _busy_seconds() - busy - (sum(os.times()[:2]) - own)
    share = foreign / sum(seconds) / (os.cpu_count() or 1)
    return Timing(
        seconds=tuple(round(second, 6) for second in seconds),
        others=round(min(1.0, max(0.0, share)), 2),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def memory_mib(field: str) -> float:
    """Memory of this process as Linux counts it: "VmRSS" now, "VmHWM" the most so far."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def peak_mib(*, afresh: bool = False) -> float:
    """The most memory of this process so far, by the kernel's high-water mark; unlike getrusage's
    it begins anew with every program, and with this call if ``afresh``."""
    if afresh:
        Path("/proc/self/clear_refs").write_text("5")
    return memory_mib("VmHWM")


def _busy_seconds() -> float:
    """Seconds that all processors of this machine have worked since it started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, soft, steal = (int(field) for field in fields[:8])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
