"""Runs on this machine, in this process or in several.

Owns: the processes. Does not own: what they do (``parts``), what a run is (``run``).

    Job -> pickled once for each process -> do_part(job, part), one part at a time
"""

import os
import pickle
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from qvl.data.parts import Job, PartResult, do_part
from qvl.data.run import RunOptions, RunSummary, run
from qvl.data.sources import Source
from qvl.data.steps import Step
from qvl.errors import ConfigError, DataError

_WATCH_S = 1.0


def run_local(
    source: Source,
    steps: Sequence[Step],
    folder: Path,
    *,
    processes: int = 1,
    options: RunOptions | None = None,
) -> RunSummary:
    """Takes all samples of a source through the steps into shards, on this machine.

    Args:
        source: of the samples.
        steps: in their order.
        folder: of the shards; a stopped run goes on when called again.
        processes: to share the parts; with 1 the work is done here.
        options: how; None for the defaults.

    Raises:
        ConfigError: as `run`; also when a step cannot be sent to another process.
        DataError: as `run`; also when a process is killed.
    """
    if processes < 1:
        raise ConfigError(f"{processes} processes, expected at least 1")
    execute = _here if processes == 1 else partial(_in_processes, processes=processes)
    return run(source, steps, folder, execute=execute, options=options or RunOptions())


def _here(job: Job, parts: Sequence[int]) -> Generator[PartResult, None, None]:
    for part in parts:
        yield do_part(job, part)


def _in_processes(
    job: Job, parts: Sequence[int], *, processes: int
) -> Generator[PartResult, None, None]:
    pool = ProcessPoolExecutor(
        min(processes, len(parts)),
        mp_context=get_context("spawn"),
        initializer=_start,
        initargs=(_pickled(job), os.getpid()),
    )
    rest = iter(parts)
    running: set[Future[PartResult]] = set()
    try:
        while True:
            # Two parts for each process: none waits, and few are started in vain.
            while len(running) < 2 * processes and (part := next(rest, None)) is not None:
                running.add(pool.submit(_do, part))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process was killed, perhaps because memory ran out",
            hint="the same call goes on; try fewer processes",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pickled(job: Job) -> bytes:
    try:
        return pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"the source or a step cannot be sent to another process: {error}",
            hint="use functions of a module instead of lambdas and inner functions, or one process",
        ) from error


_job: Job | None = None  # of this process, set once when it starts


def _start(job: bytes, parent: int) -> None:
    global _job
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _job = pickle.loads(job)


def _end_with(parent: int) -> None:
    """Ends this process when the one that started it is gone, were it killed itself."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)


def _do(part: int) -> PartResult:
    assert _job is not None
    return do_part(_job, part)
