"""The same work on many things, in processes of this machine.

Owns: the processes, and that they end with the one that started them. Does not own: the work.

    shared -> pickled once for each process -> function(shared, item), one item at a time
"""

import os
import pickle
import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

from qvl.errors import ConfigError, DataError

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

_WATCH_S = 1.0


def in_processes(
    function: Callable[[Shared, Item], Result],
    shared: Shared,
    items: Iterable[Item],
    *,
    processes: int,
) -> Generator[Result, None, None]:
    """Yields the results in the order in which they are ready.

    Args:
        function: of a module, so that it can be found there.
        shared: given to every call; sent to each process once.
        items: few are taken ahead.
        processes: at least 1; with 1 the work is done in this one, in order.

    Raises:
        ConfigError: ``shared`` cannot be sent to another process.
        DataError: a process is killed.
    """
    if processes < 1:
        raise ConfigError(f"{processes} processes, expected at least 1")
    if processes == 1:
        for item in items:
            yield function(shared, item)
        return
    pool = ProcessPoolExecutor(
        processes,
        mp_context=get_context("spawn"),
        initializer=_start,
        initargs=(_pickled((function, shared)), os.getpid()),
    )
    rest = iter(items)
    running: set[Future[Any]] = set()
    try:
        while True:
            # Two items for each process: none waits, and few are started in vain.
            for item in islice(rest, 2 * processes - len(running)):
                running.add(pool.submit(_do, item))
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


def _pickled(value: object) -> bytes:
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"the source or a step cannot be sent to another process: {error}",
            hint="use functions of a module instead of lambdas and inner functions, or one process",
        ) from error


_work: tuple[Callable[[Any, Any], Any], Any] | None = None  # of this process, set when it starts


def _start(work: bytes, parent: int) -> None:
    global _work
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _work = pickle.loads(work)


def _end_with(parent: int) -> None:
    """Ends this process when the one that started it is gone, were it killed itself."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)


def _do(item: Any) -> Any:
    assert _work is not None
    function, shared = _work
    return function(shared, item)
