"""Several processes, one run: starting them on this machine or joining the ones torchrun started.

Owns the group of all ranks. Does not own the groups in it (``ranks``).
"""

import os
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

# Read by glibc when a process starts. Left alone it returns every large buffer to the system and
# faults it in again, which takes a third of a training step on the CPU; see docs/log.md.
_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(2 << 30),
    "MALLOC_TOP_PAD_": str(192 << 20),
}


# Of torch, when nothing else is said.
_TIMEOUT_S = 1800.0


def launch(
    main: Callable[..., None], *args: Any, processes: int, timeout_s: float = _TIMEOUT_S
) -> None:
    """Calls ``main(*args)`` once per rank and waits.

    Under torchrun the group is the one it made and ``processes`` is not used. Otherwise that many
    processes are started here, with one thread each: small products gain nothing from a second
    thread, two ranks do.

    Args:
        main: importable function.
        args: given to every rank; must pickle.
        processes: ranks to start on this machine; 1 runs in this process.
        timeout_s: a rank that waits longer for the others fails, and so does the run.
    """
    if "WORLD_SIZE" in os.environ:
        backend = "gloo"
        if torch.cuda.is_available():
            backend = "nccl"
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group(backend, timeout=timedelta(seconds=timeout_s))
        try:
            main(*args)
        finally:
            dist.destroy_process_group()
    elif processes == 1:
        main(*args)
    else:
        for name, value in _ALLOCATOR.items():
            os.environ.setdefault(name, value)
        with tempfile.TemporaryDirectory() as folder:
            spawn(_rank_main, (processes, folder, timeout_s, main, args), nprocs=processes)


def _rank_main(
    rank: int,
    world: int,
    folder: str,
    timeout_s: float,
    main: Callable[..., None],
    args: tuple[Any, ...],
) -> None:
    torch.set_num_threads(1)
    meeting = (Path(folder) / "meeting").as_uri()
    dist.init_process_group(
        "gloo",
        init_method=meeting,
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=timeout_s),
    )
    try:
        main(*args)
        dist.barrier()  # a rank that leaves early can pull the others' connections down
    finally:
        dist.destroy_process_group()
