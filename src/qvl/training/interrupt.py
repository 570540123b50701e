"""Ctrl-C and SIGTERM: the step is finished and the state saved; a second Ctrl-C stops at once.

Owns: the handlers while a run goes on. Does not own: what stopping means (``trainer``).
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class StopSignals:
    """While it is entered, the first signal sets ``asked`` and nothing else happens.

    Handlers belong to a process's first thread; in another one signals do what they did before.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

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
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True
