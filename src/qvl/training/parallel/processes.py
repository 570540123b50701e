"""Several processes, one run: starting them on this machine or joining the ones torchrun started.

Owns the group of all ranks. Does not own the groups in it (``ranks``).
"""

import os
import pickle
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous
from torch.multiprocessing.spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    spawn,
)

from qvl.errors import ConfigError, QvlError, TrainingError
from qvl.training.interrupt import StopSignals

# Read by glibc when a process starts. Left alone it returns every large buffer to the system and
# faults it in again, which takes a third of a training step on the CPU; see docs/log.md.
_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(2 << 30),
    "MALLOC_TOP_PAD_": str(192 << 20),
}


# A rank that waits longer for the others fails, and so does the run: longer than the first rank
# may take to read or write what the others wait for.
_TIMEOUT_S = 1800.0

# Of a rank that is started here: small products gain nothing from a second one, two ranks do.
_THREADS = 1

_NUMBERS = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_PORT")
_TORCHRUN = (*_NUMBERS, "MASTER_ADDR")
_THROUGH = "qvl/through"


def started_ranks() -> int | None:
    """Returns how many ranks torchrun started, this process being one of them; None if none did.

    Raises:
        ConfigError: the environment says part of what torchrun says.
    """
    found = {name: os.environ.get(name, "") for name in _TORCHRUN}
    if found["WORLD_SIZE"] in ("", "0"):
        return None
    wrong = [
        name
        for name, value in found.items()
        if not (value.isdecimal() if name in _NUMBERS else value)
    ]
    if wrong:
        raise ConfigError(
            f"WORLD_SIZE is {found['WORLD_SIZE']!r}, as if torchrun had started this process, "
            f"but there is no proper {', '.join(wrong)}",
            hint="start it with torchrun, or unset WORLD_SIZE",
        )
    return int(found["WORLD_SIZE"])


@contextmanager
def first_rank_first() -> Iterator[None]:
    """Lets the first of the ranks that torchrun started through, and then the others, who find what
    it wrote. Where it fails they do not come through.

    Raises:
        ConfigError: see `started_ranks`.
        TrainingError: the first rank ended.
    """
    world = started_ranks()
    if world is None or world == 1:
        yield
        return
    # No group yet: its collectives give up earlier than a look at much data may take.
    store, rank, _ = next(rendezvous("env://"))
    if rank == 0:
        yield
        store.set(_THROUGH, "yes")
        # The store may live in this process: it stays until the others have read it.
        others = [f"{_THROUGH}/{other}" for other in range(1, world)]
        store.wait(others, timedelta(seconds=_TIMEOUT_S))
        return
    try:
        store.wait([_THROUGH], timedelta(days=30))
        store.set(f"{_THROUGH}/{rank}", "yes")
    except dist.DistError as error:
        raise TrainingError(
            "the first rank ended before this one could begin", hint="it says why"
        ) from error
    yield


def threads_of_rank(processes: int) -> int:
    """Returns the threads that each of the ranks computes with that `launch` makes or joins."""
    many = started_ranks() is None and processes > 1
    return _THREADS if many else torch.get_num_threads()


def launch(main: Callable[..., None], *args: Any, processes: int) -> None:
    """Calls ``main(*args)`` once per rank and waits.

    Under torchrun the group is the one it made and ``processes`` is not used. Otherwise that many
    processes are started here.

    Args:
        main: importable function.
        args: given to every rank; must pickle.
        processes: ranks to start on this machine; 1 runs in this process.

    Raises:
        ConfigError: see `started_ranks`.
    """
    if started_ranks() is not None:
        backend = _take_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group(backend, timeout=timedelta(seconds=_TIMEOUT_S))
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
            given = (processes, folder, _TIMEOUT_S, main, args)
            _wait(spawn(_rank_main, given, nprocs=processes, join=False), Path(folder))


def _wait(ranks: ProcessContext, folder: Path) -> None:
    """Waits for all ranks; tells them when this process is asked to stop, as they finish a step and
    save before they do.

    Args:
        ranks: that were started.
        folder: where a rank leaves an error of ours, which is raised again here.
    """

    def tell() -> None:
        for pid in ranks.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    with StopSignals(tell) as signals:
        try:
            while not ranks.join():
                pass
        except KeyboardInterrupt:
            for process in ranks.processes:
                process.kill()
            raise
        except ProcessException as error:
            for path in sorted(folder.glob("error-*")):
                raise pickle.loads(path.read_bytes()) from None
            # A rank that had not begun yet is ended by the signal itself.
            ended = isinstance(error, ProcessExitedException) and error.signal_name == "SIGTERM"
            if not (signals.asked and ended):
                raise


def _rank_main(
    rank: int,
    world: int,
    folder: str,
    timeout_s: float,
    main: Callable[..., None],
    args: tuple[Any, ...],
) -> None:
    torch.set_num_threads(_THREADS)
    meeting = (Path(folder) / "meeting").as_uri()
    dist.init_process_group(
        _take_device(rank),
        init_method=meeting,
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=timeout_s),
    )
    try:
        main(*args)
        dist.barrier()  # a rank that leaves early can pull the others' connections down
    except QvlError as error:
        (Path(folder) / f"error-{rank}").write_bytes(pickle.dumps(error))
        raise
    finally:
        dist.destroy_process_group()


def _take_device(local_rank: int) -> str:
    """Gives each process of a machine a GPU, if it has any; returns how they talk."""
    if not torch.cuda.is_available():
        return "gloo"
    torch.cuda.set_device(local_rank % torch.cuda.device_count())
    return "cpu:gloo,cuda:nccl"
