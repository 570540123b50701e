"""Who occupies which row of the key-value cache, counted in tokens and bytes; no tensors.

Owns the shape of a cache for a set of requests and the free list of its slots. The tensors are
`qvl.model.kv_cache`; the runner holds them.

    requests' token counts + bytes at hand -> CacheShape -> SlotPool: acquire, release
"""

from collections.abc import Sequence
from typing import NamedTuple

from qvl.errors import ContextLengthError

ROUND_TOKENS = 64
"""Slots are a multiple of this, so that requests of nearly equal length share one cache."""


class CacheShape(NamedTuple):
    """A cache of ``num_slots`` rows of ``max_tokens`` tokens each."""

    num_slots: int
    max_tokens: int


def check_fits(num_tokens: int, *, bytes_per_token: int, budget_bytes: int) -> None:
    """Refuses a request whose cache alone would exceed the memory at hand.

    Raises:
        ContextLengthError: names the bytes needed, the bytes at hand and the tokens that fit.
    """
    needed = _round_up(num_tokens) * bytes_per_token
    if needed > budget_bytes:
        fitting = budget_bytes // bytes_per_token // ROUND_TOKENS * ROUND_TOKENS
        raise ContextLengthError(
            f"prompt and answer of {num_tokens} tokens need {needed / 1e9:.2f} GB of key-value "
            f"cache, {budget_bytes / 1e9:.2f} GB are at hand",
            hint=f"at most {fitting} tokens fit: lower max_tokens, max_pixels or fps",
        )


def plan_cache(
    num_tokens: Sequence[int], *, bytes_per_token: int, budget_bytes: int, max_slots: int
) -> CacheShape:
    """Returns the cache that runs as many of the next requests together as memory allows.

    Args:
        num_tokens: prompt and answer tokens of each request, every one passed by `check_fits`.
        bytes_per_token: of keys and values, all layers.
        budget_bytes: memory for the whole cache.
        max_slots: most requests run together.

    >>> plan_cache([100, 300], bytes_per_token=1000, budget_bytes=10**6, max_slots=8)
    CacheShape(num_slots=2, max_tokens=320)
    >>> plan_cache([100, 300], bytes_per_token=1000, budget_bytes=400_000, max_slots=8)
    CacheShape(num_slots=1, max_tokens=320)
    """
    max_tokens = _round_up(max(num_tokens))
    fitting = budget_bytes // (max_tokens * bytes_per_token)
    assert fitting >= 1, "check_fits was not asked"
    return CacheShape(min(len(num_tokens), max_slots, fitting), max_tokens)


def _round_up(num_tokens: int) -> int:
    return -(-num_tokens // ROUND_TOKENS) * ROUND_TOKENS


class SlotPool:
    """The free slots of one cache, lowest first."""

    def __init__(self, shape: CacheShape) -> None:
        self.shape = shape
        self._free = list(range(shape.num_slots))

    @property
    def num_free(self) -> int:
        return len(self._free)

    def acquire(self) -> int:
        """Takes a free slot; the caller checks `num_free` first."""
        return self._free.pop(0)

    def release(self, slot: int) -> None:
        """Gives a slot back."""
        assert slot not in self._free
        self._free.append(slot)
        self._free.sort()
