"""What the machine at hand has: its device, its memory, its speed.

Owns: asking the system. Does not own: tables of machines elsewhere (``plan.hardware``).
"""

import time
from pathlib import Path

import torch

from qvl.errors import ConfigError

_ROWS = {"cpu": (512, 2048, 2048), "cuda": (8192, 8192, 8192)}
"""Sizes of a product that keeps a device busy and takes a CPU a tenth of a second."""
_PRODUCTS = 4


def device_to_train_on(name: str | None) -> str:
    """Returns the name of a device of this machine; of None "cuda" where there is one, else "cpu".

    Raises:
        ConfigError: there is no such device.
    """
    count = torch.cuda.device_count()
    here = ["cpu", *(["cuda"] if count else []), *(f"cuda:{number}" for number in range(count))]
    if name is None:
        return "cuda" if count else "cpu"
    if name not in here:
        raise ConfigError(f"the device is {name!r}, this machine has {', '.join(here)}")
    return name


def memory_at_hand(device: torch.device, *, processes: int = 1) -> int | None:
    """Returns the bytes that each process can have now on a device; None if the system does not
    tell.

    Args:
        device: the processes share a CPU's memory, and have a GPU each.
        processes: on this machine.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines)}
    if "MemAvailable" not in values:
        return None
    available = int(values["MemAvailable"]) * 1024
    room = _container_room()
    return (available if room is None else min(available, room)) // processes


def measured_peak(device: torch.device, dtype: torch.dtype, *, threads: int) -> float:
    """Returns the operations a second of large products, the best of a few; what utilisation is a
    share of.

    Args:
        device: to compute on.
        dtype: of the products.
        threads: of a CPU that compute, as many as train.
    """
    rows, inner, columns = _ROWS["cuda" if device.type == "cuda" else "cpu"]
    a, b = (
        torch.ones(size, device=device, dtype=dtype) for size in ((rows, inner), (inner, columns))
    )
    best, before = float("inf"), torch.get_num_threads()
    torch.set_num_threads(threads)
    for _ in range(_PRODUCTS):
        began = time.perf_counter()
        (a @ b)[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - began)
    torch.set_num_threads(before)
    return 2 * rows * inner * columns / best


def _container_room() -> int | None:
    """Bytes left to a container; None where it has no limit of its own.

    Source: docs.kernel.org/admin-guide/cgroup-v2.html, memory.max and memory.current.
    """
    root = Path("/sys/fs/cgroup")
    try:
        most = (root / "memory.max").read_text().strip()
        used = (root / "memory.current").read_text().strip()
        return None if most == "max" else max(0, int(most) - int(used))
    except (OSError, ValueError):
        return None
