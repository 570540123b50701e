"""Decides which tokens of which requests run in the next step; no torch.

One rule covers whole prefill, chunked prefill and decoding: a request has tokens that the
key-value cache does not hold yet; a step computes some of them, at most ``max_step_tokens`` over
all requests; a request whose every token is computed gets its next one. So a long prompt never
stalls the answers beside it for longer than one step.

    waiting (first come, first served) -> a free slot that is long enough -> running -> finished

Slots freed by finished requests are taken by waiting ones at once. A request too long for the
slots of the present cache waits until the cache is empty and is made anew.
"""

from collections import deque
from dataclasses import dataclass

from qvl.inference.kv_cache import CacheShape, SlotPool, plan_cache
from qvl.inference.sequence import SequenceState


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledChunk:
    """Tokens ``start`` to ``stop`` of one request, to be computed in one step."""

    sequence: SequenceState
    start: int
    stop: int

    @property
    def needs_token(self) -> bool:
        """Whether the request has no further known token, so the step must choose one."""
        return self.stop == self.sequence.num_tokens


class Scheduler:
    """First come, first served over the slots of one cache at a time."""

    def __init__(
        self, *, max_running: int, max_step_tokens: int, bytes_per_token: int, budget_bytes: int
    ) -> None:
        self._max_running = max_running
        self._max_step_tokens = max_step_tokens
        self._bytes_per_token = bytes_per_token
        self._budget_bytes = budget_bytes
        self._waiting: deque[SequenceState] = deque()
        self._running: list[SequenceState] = []
        self._pool = SlotPool(CacheShape(0, 0))

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    @property
    def num_requests(self) -> int:
        """Waiting and running."""
        return len(self._waiting) + len(self._running)

    def add(self, sequence: SequenceState) -> None:
        """Puts a request at the end of the queue."""
        self._waiting.append(sequence)

    def new_cache(self) -> CacheShape | None:
        """Returns the shape of the cache to make now, or None while the present one serves.

        A cache is replaced only when nothing runs in it and the next request does not fit.
        """
        if self._running or not self._waiting or self._next_fits():
            return None
        shape = plan_cache(
            [sequence.max_num_tokens for sequence in self._waiting],
            bytes_per_token=self._bytes_per_token,
            budget_bytes=self._budget_bytes,
            max_slots=self._max_running,
        )
        self._pool = SlotPool(shape)
        return shape

    def admit(self) -> None:
        """Moves waiting requests into free slots, first come, first served."""
        while self._pool.num_free and self._waiting and self._next_fits():
            sequence = self._waiting.popleft()
            sequence.occupy(self._pool.acquire())
            self._running.append(sequence)

    def next_step(self) -> list[ScheduledChunk]:
        """Returns what to compute next: one token for answers under way, then prompts in order."""
        decoding = [s for s in self._running if s.num_tokens - s.num_computed == 1]
        reading = [s for s in self._running if s.num_tokens - s.num_computed > 1]
        # Neighbouring slots decode in one batch; see qvl.model.kv_cache.
        decoding.sort(key=lambda s: s.slot)
        step: list[ScheduledChunk] = []
        left = self._max_step_tokens
        for sequence in decoding + reading:
            start = sequence.num_computed
            stop = min(sequence.num_tokens, start + left)
            if stop > start:
                step.append(ScheduledChunk(sequence=sequence, start=start, stop=stop))
                left -= stop - start
        return step

    def finish(self, sequence: SequenceState) -> None:
        """Frees the slot of a finished request."""
        self._running.remove(sequence)
        self._pool.release(sequence.vacate())

    def _next_fits(self) -> bool:
        return self._waiting[0].max_num_tokens <= self._pool.shape.max_tokens
