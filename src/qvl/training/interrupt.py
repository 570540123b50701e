"""Ctrl-C and SIGTERM: the step is finished and the state saved; a second Ctrl-C stops at once.

Owns: the handlers while a run goes on, in a rank as in the process that waits for ranks. Does not
own: what stopping means (``trainer``).
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self


class StopSignals:
    """While it is entered, the first signal sets ``asked`` and nothing else happens.

    Handlers belong to a process's first thread; in another one signals do what they did before.

    Args:
        tell: called at the first signal, from its handler.
    """

    def __init__(self, tell: Callable[[], None] = lambda: None) -> None:
        self.asked = False
        self._tell = tell
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked = True
            self._tell()
