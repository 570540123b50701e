"""Groups of things that are alike, from pairs that are.

Owns: joining pairs into groups, the pairs that share a key. Does not own: what alike means
(``minhash``, ``pictures``).

    keys uint64[N] -> bucket_pairs() -> pairs -> compared -> Clusters.join() -> labels int64[N]

A group is connected, not mutually alike: a chain of small changes ends up in one group.
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


class Clusters:
    """Disjoint groups of the numbers 0 to ``size - 1``; 8 bytes for each.

    >>> groups = Clusters(5)
    >>> groups.join(np.array([4, 1]), np.array([1, 2]))
    >>> groups.labels().tolist()
    [0, 1, 1, 3, 1]

    Source: Shiloach and Vishkin, An O(log n) parallel connectivity algorithm (1982): roots are
    hooked under smaller roots, all at once, until nothing changes.
    """

    def __init__(self, size: int) -> None:
        self._parents = np.arange(size, dtype=np.int64)

    def join(self, left: Numbers, right: Numbers) -> None:
        """Puts each pair into one group; the order of the pairs does not matter."""
        while len(left):
            one, other = self.roots(left), self.roots(right)
            differ = one != other
            left, right = left[differ], right[differ]
            low, high = np.minimum(one, other)[differ], np.maximum(one, other)[differ]
            np.minimum.at(self._parents, high, low)

    def roots(self, numbers: Numbers) -> Numbers:
        """The smallest number of each one's group."""
        while True:
            up = self._parents[numbers]
            if np.array_equal(up, numbers):
                return up
            numbers = self._parents[up]

    def labels(self) -> Numbers:
        """The smallest number of the group of every number: int64[N]."""
        self._parents = self.roots(np.arange(len(self._parents), dtype=np.int64))
        return self._parents


def bucket_pairs(keys: npt.NDArray[np.uint64]) -> tuple[Numbers, Numbers]:
    """Pairs of places with equal keys: each place with the one before it and the first of its key.

    A key that comes n times gives at most 2 n pairs, not n squared.

    >>> [pair.tolist() for pair in bucket_pairs(np.array([7, 5, 7, 7], np.uint64))]
    [[0, 2, 0], [2, 3, 3]]
    """
    order = np.argsort(keys, kind="stable").astype(np.int64)
    ordered = keys[order]
    repeats = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    first = starts[np.searchsorted(starts, repeats, side="right") - 1]
    apart = first < repeats - 1
    left = np.concatenate([order[repeats - 1], order[first[apart]]])
    right = np.concatenate([order[repeats], order[repeats[apart]]])
    return left, right
