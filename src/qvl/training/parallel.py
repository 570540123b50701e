"""Several processes, one model: starting them on this machine or joining the ones torchrun started.

Owns process groups. Every rank holds the whole model; gradients are summed by the trainer.
"""

import os
import tempfile
from collections.abc import Callable
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


def launch(main: Callable[..., None], *args: Any, processes: int) -> None:
    """Calls ``main(*args)`` once per rank and waits.

    Under torchrun the group is the one it made and ``processes`` is not used. Otherwise that many
    processes are started here, with one thread each: small products gain nothing from a second
    thread, two ranks do.

    Args:
        main: importable function.
        args: given to every rank; must pickle.
        processes: ranks to start on this machine; 1 runs in this process.
    """
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
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
            spawn(_rank_main, (processes, folder, main, args), nprocs=processes)


def _rank_main(
    rank: int, world: int, folder: str, main: Callable[..., None], args: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    meeting = (Path(folder) / "meeting").as_uri()
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world)
    try:
        main(*args)
        dist.barrier()  # a rank that leaves early can pull the others' connections down
    finally:
        dist.destroy_process_group()
