"""Features kept by content, bounded in bytes."""

from collections import OrderedDict
from threading import Thread

import numpy as np
import torch

from qvl.inference.media_cache import MediaCache, media_key


def features(num_bytes: int) -> torch.Tensor:
    return torch.zeros(1, num_bytes, dtype=torch.int8)


def test_key_is_the_content_and_the_grid() -> None:
    pixels = np.arange(16 * 4, dtype=np.float32).reshape(16, 4)
    key = media_key(pixels, (1, 4, 4))
    assert key == media_key(pixels.copy(), (1, 4, 4))
    assert key == media_key(np.concatenate([pixels, pixels])[16:], (1, 4, 4))
    assert key != media_key(pixels, (1, 2, 8))
    assert key != media_key(pixels, (4, 2, 2))
    assert key != media_key(pixels + 1, (1, 4, 4))


def test_oldest_is_forgotten_and_bytes_are_bounded() -> None:
    cache = MediaCache(100)
    cache.put(b"a", features(40))
    cache.put(b"b", features(40))
    assert cache.get(b"a") is not None  # now b is the oldest
    cache.put(b"c", features(40))
    assert cache.get(b"b") is None
    assert cache.get(b"a") is not None
    assert cache.num_bytes == 80


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = MediaCache(100)
    cache.put(b"a", features(40))
    cache.put(b"b", features(101))
    assert cache.get(b"b") is None
    assert cache.get(b"a") is not None
    assert MediaCache(0).get(b"a") is None


def test_the_same_key_twice_counts_once() -> None:
    cache = MediaCache(100)
    cache.put(b"a", features(40))
    cache.put(b"a", features(40))
    assert cache.num_bytes == 40


def test_a_thread_cannot_drop_what_another_has_just_found() -> None:
    cache = MediaCache(40)
    cache.put(b"a", features(40))
    other = Thread(target=cache.put, args=(b"b", features(40)))

    class Interrupted(OrderedDict[bytes, torch.Tensor]):
        def get(self, *args: object) -> torch.Tensor | None:  # type: ignore[override]
            found = super().get(*args)  # type: ignore[call-overload]
            other.start()
            other.join(timeout=0.1)
            return found

    cache._features = Interrupted(cache._features)
    assert cache.get(b"a") is not None
    other.join()
    assert (list(cache._features), cache.num_bytes) == ([b"b"], 40)
