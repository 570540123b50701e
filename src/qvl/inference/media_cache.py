"""Features of pictures and videos seen lately, so that a picture asked about twice is encoded once.

Owns the key of an item, the byte limit and the order of forgetting. Does not own the encoding, nor
how a long video is cut into the pieces that are its items here (runner).
In a chat every turn carries the earlier pictures again; they are found here.
"""

import hashlib
import threading
from collections import OrderedDict

import numpy as np
import numpy.typing as npt
from torch import Tensor

Grid = tuple[int, int, int]


def media_key(pixel_values: npt.NDArray[np.float32], grid: Grid) -> bytes:
    """The identity of an item's features: its patches and how they lie.

    Args:
        pixel_values: float32[P, 1176] of this item alone.
        grid: (t, h, w) in patches.
    """
    digest = hashlib.blake2b(repr(tuple(grid)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixel_values).data)
    return digest.digest()


class MediaCache:
    """Least recently used features are forgotten first; never more than ``max_bytes`` are held.

    Threads that ask one model at the same time share it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._features: OrderedDict[bytes, Tensor] = OrderedDict()
        self._lock = threading.Lock()
        self.num_bytes = 0

    def get(self, key: bytes) -> Tensor | None:
        """Returns float[M, D], or None if the item is not held."""
        with self._lock:
            features = self._features.get(key)
            if features is not None:
                self._features.move_to_end(key)
            return features

    def put(self, key: bytes, features: Tensor) -> None:
        """Holds ``features``, unless they alone exceed the limit."""
        with self._lock:
            if key in self._features or features.nbytes > self._max_bytes:
                return
            self._features[key] = features
            self.num_bytes += features.nbytes
            while self.num_bytes > self._max_bytes:
                _, forgotten = self._features.popitem(last=False)
                self.num_bytes -= forgotten.nbytes
