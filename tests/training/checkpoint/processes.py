"""Processes that start in a moment: forked from a server that imported torch and did not use it."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

LONGEST_S = 300
"""Only a process that hangs takes so long, however busy the machine is."""

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.training.checkpoint.preloaded"])


def start(main: Callable[..., None], *args: Any) -> BaseProcess:
    """Starts a process; main must be importable."""
    process = _SERVER.Process(target=main, args=args, daemon=True)
    process.start()
    return process


def on_ranks(world: int, folder: Path, main: Callable[..., None], *args: Any) -> None:
    """Calls main(*args) on every rank of a group, and fails if one fails or takes too long."""
    meeting = folder / f"meeting-{world}"
    started = [start(_rank, rank, world, meeting, main, args) for rank in range(world)]
    for process in started:
        process.join(LONGEST_S)
    codes = [process.exitcode for process in started]
    for process in started:
        process.kill()
    assert codes == [0] * world, f"exit codes of the ranks: {codes}"


def _rank(
    rank: int, world: int, meeting: Path, main: Callable[..., None], args: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=meeting.as_uri(), rank=rank, world_size=world)
    try:
        main(*args)
        dist.barrier()
    finally:
        dist.destroy_process_group()
