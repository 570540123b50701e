"""Which samples an epoch has, of how many sets, and in which order.

Owns: weights of sets, the order over all of them. Does not own: the permutation (``order``), packs.

    EpochOrder.take(epoch, start, stop) -> numbers of samples

Samples of all sets are numbered in one row, set after set.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qvl.data.order import place_in_order
from qvl.errors import ConfigError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochOrder:
    """The samples of each epoch in a random order that is computed place by place.

    A set of weight 1 comes whole and once in every epoch; one of weight 0.25 comes in quarters,
    another one each epoch, so that all of it is seen before anything comes again; one of weight 2
    comes twice.

    >>> order = EpochOrder(sets=(np.arange(4), np.array([4, 6])), weights=(0.5, 1.0), seed=1)
    >>> seen = [order.take(epoch, 0, len(order)) for epoch in range(2)]
    >>> sorted(np.concatenate(seen).tolist())
    [0, 1, 2, 3, 4, 4, 6, 6]

    Attributes:
        sets: numbers of the samples of each set; none is empty.
        weights: of each set, above 0: samples of it in an epoch over samples of it.
        seed: another seed gives other orders.
    """

    sets: tuple[Ints, ...]
    weights: tuple[float, ...]
    seed: int
    counts: tuple[int, ...] = field(init=False)
    """Samples of each set in an epoch."""

    def __post_init__(self) -> None:
        if not self.sets or len(self.sets) != len(self.weights) or not all(map(len, self.sets)):
            raise ConfigError(
                f"{len(self.sets)} sets with {[len(s) for s in self.sets]} samples and the weights "
                f"{self.weights}, expected sets with samples and a weight for each"
            )
        if not all(0 < weight < math.inf for weight in self.weights):
            raise ConfigError(f"weights of sets are {self.weights}, expected numbers above 0")
        counts = [
            max(1, round(weight * len(numbers)))
            for numbers, weight in zip(self.sets, self.weights, strict=True)
        ]
        object.__setattr__(self, "counts", tuple(counts))

    def __len__(self) -> int:
        return sum(self.counts)

    def take(self, epoch: int, start: int, stop: int) -> Ints:
        """Returns the samples at places ``start`` to ``stop - 1`` of an epoch."""
        size = len(self)
        places = np.arange(start, min(stop, size), dtype=np.int64)
        numbers = place_in_order(epoch * size + places, size=size, seed=self.seed)
        first = 0
        taken = np.empty(len(numbers), np.int64)
        for i, (samples, count) in enumerate(zip(self.sets, self.counts, strict=True)):
            here = (numbers >= first) & (numbers < first + count)
            turns = epoch * count + numbers[here] - first
            # An order of its own: else a set would be cut at the same samples in every run.
            taken[here] = samples[place_in_order(turns, size=len(samples), seed=self.seed + i + 1)]
            first += count
        return taken

    def most_repeats(self, epochs: int) -> int:
        """How often the sample that comes most often comes in so many epochs."""
        turns = zip(self.counts, self.sets, strict=True)
        return max(-(-epochs * count // len(samples)) for count, samples in turns)


def halves(text: Sequence[int], multimodal: Sequence[int]) -> tuple[float, float]:
    """Returns the weights that make as many samples without media as with, as many as the rarer
    kind has: the weights of all sets of text, and of all others.

    Source: report section 2.3.1 (half pure text, half multimodal, counted by entries).

    >>> halves([300, 100], [100])
    (0.25, 1.0)

    Args:
        text: samples in each set of text.
        multimodal: samples in each of the other sets.

    Raises:
        ConfigError: there are none of one kind.
    """
    texts, others = sum(text), sum(multimodal)
    if not texts or not others:
        raise ConfigError(
            f"{texts} samples of text and {others} with media, expected some of both for halves"
        )
    fewer = min(texts, others)
    return fewer / texts, fewer / others
