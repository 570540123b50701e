"""Slots and bytes of the key-value cache."""

import pytest

from qvl.errors import ContextLengthError
from qvl.inference.kv_cache import CacheShape, SlotPool, check_fits, plan_cache


def test_request_that_never_fits_is_refused_with_numbers() -> None:
    with pytest.raises(ContextLengthError) as caught:
        check_fits(5000, bytes_per_token=1000, budget_bytes=2_000_000)
    assert "5000 tokens" in str(caught.value)
    assert "at most 1984 tokens fit" in str(caught.value)
    check_fits(1984, bytes_per_token=1000, budget_bytes=2_000_000)
    with pytest.raises(ContextLengthError):
        check_fits(1985, bytes_per_token=1000, budget_bytes=2_000_000)


@pytest.mark.parametrize(
    ("needs", "budget", "expected"),
    [
        ([1], 10**9, CacheShape(1, 64)),
        ([10, 100, 65], 10**9, CacheShape(3, 128)),
        ([10] * 9, 10**9, CacheShape(4, 64)),
        ([10, 100, 65], 128_000, CacheShape(1, 128)),
    ],
)
def test_shape(needs: list[int], budget: int, expected: CacheShape) -> None:
    assert plan_cache(needs, bytes_per_token=1000, budget_bytes=budget, max_slots=4) == expected


def test_pool_gives_the_lowest_free_slot() -> None:
    pool = SlotPool(CacheShape(3, 64))
    assert [pool.acquire() for _ in range(3)] == [0, 1, 2]
    pool.release(2)
    pool.release(0)
    assert pool.num_free == 2
    assert pool.acquire() == 0
