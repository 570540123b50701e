"""Ends work on a sample that does not end by itself.

Owns: the alarm. Does not own: what becomes of the sample (``parts``).

    with time_limit(1800, "step 'captioned'"): ... -> DataError after that time

The alarm is a signal to the process, so it works alike in this process, in others and in tasks of
Ray, which all work in their main thread. It interrupts Python, regular expressions, sockets and
waiting; native code that runs on without looking up, such as a decoder, is only ended after it.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from qvl.errors import DataError

_AGAIN_S = 5.0
"""Where the first alarm is swallowed, as a fault of something else, others follow."""


@contextmanager
def time_limit(seconds: float, doing: str) -> Iterator[None]:
    """Raises a `DataError` in the block once the time is over; in other threads than the main one
    there is no limit.

    Args:
        seconds: above 0.
        doing: what takes so long, for the message.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        raise DataError(f"{doing} took more than {seconds:g} s")

    start = time.monotonic()
    before = signal.signal(signal.SIGALRM, over)
    left_s, again_s = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left_s:  # an alarm of somebody else, which comes after the block at the earliest
            left_s = max(0.001, left_s - (time.monotonic() - start))
            signal.setitimer(signal.ITIMER_REAL, left_s, again_s)
