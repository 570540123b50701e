"""At what rate a training video is seen, so that slow and fast rates are learnt alike.

Owns: the rule, for drawn videos and for found ones. Does not own: taking frames at a rate
(``processing.frame_sampling``).

    drawn: random_rate() -> then a length that suits the rate
    found: every video's possible rates -> even_rates() -> RateRule -> rate of each video

The report says that frame rates are sampled dynamically so that the data covers them evenly, not
how. Ours: rates are even by octave, so that as many samples lie between 1/4 and 1/2 frames a second
as between 8 and 16. A drawn video chooses its rate first and its length to suit. A found video has
its length; it can be seen at the rates that give it neither too few frames nor too many, and no
faster than it was filmed. A short one cannot be seen slowly, nor a long one fast, and choosing
evenly among what is possible would crowd the middle. So octaves get weights, and a video chooses
among its octaves by weight; the weights are found by raising those of octaves with too few samples
until all have alike (iterative proportional fitting). An octave that few videos reach is given
most of those and no more, and the others share what remains.

Source: report section 2.2.1 (dynamic FPS sampling); Deming and Stephan 1940 (fitting).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qvl.errors import ConfigError

_ROUNDS = 200
_MOST_OF_SCARCE = 0.9
"""Share of the videos that can be seen at the rates of a scarce octave and then are."""
_LEAST_WEIGHT = 1e-6


def random_rate(rng: np.random.Generator, *, slowest: float, fastest: float) -> float:
    """Returns a rate, even by octave.

    Args:
        rng: source of randomness.
        slowest: frames a second.
        fastest: likewise.

    Raises:
        ConfigError: no rate lies between the two.
    """
    if not 0 < slowest <= fastest:
        raise ConfigError(f"rates from {slowest:g} to {fastest:g}, expected 0 < slowest <= fastest")
    return math.exp(rng.uniform(math.log(slowest), math.log(fastest)))


def possible_rates(
    *, duration_s: float, fps: float, frames: tuple[int, int]
) -> tuple[float, float] | None:
    """Returns the slowest and fastest rate at which a video can be seen; None if there is none.

    >>> possible_rates(duration_s=8, fps=30, frames=(4, 64))
    (0.5, 8.0)
    >>> possible_rates(duration_s=0.1, fps=30, frames=(4, 64)) is None
    True

    Args:
        duration_s: of the video.
        fps: at which it was filmed.
        frames: fewest and most that are seen.
    """
    slowest, fastest = frames[0] / duration_s, min(fps, frames[1] / duration_s)
    return (slowest, fastest) if slowest <= fastest else None


@dataclass(frozen=True, kw_only=True, slots=True)
class RateRule:
    """How the videos of one set choose their rates; made by `even_rates`.

    Attributes:
        lowest: octave of the first weight: rates from ``2 ** lowest``.
        weights: one for each octave.
    """

    lowest: int
    weights: tuple[float, ...]

    def shares(self, rates: tuple[float, float]) -> NDArray[np.float64]:
        """Returns how likely each octave is for a video with these slowest and fastest rates."""
        shares = np.array(self.weights) * _overlap(rates, self.lowest, len(self.weights))
        if not shares.sum():
            raise ConfigError(f"rates {rates[0]:g} to {rates[1]:g} are none of this set")
        return shares / shares.sum()

    def rate(self, rng: np.random.Generator, rates: tuple[float, float]) -> float:
        """Returns a rate for one video, between its slowest and its fastest."""
        shares = self.shares(rates)
        octave = self.lowest + int(rng.choice(len(shares), p=shares))
        low, high = max(rates[0], 2.0**octave), min(rates[1], 2.0 ** (octave + 1))
        return random_rate(rng, slowest=low, fastest=max(low, high))


def even_rates(possible: Sequence[tuple[float, float]]) -> RateRule:
    """Returns the rule under which a set of videos covers the octaves of rates evenly.

    Where the videos do not allow it, the scarce octaves get all the samples they can.

    >>> rule = even_rates([(0.25, 1.0), (0.25, 4.0), (0.25, 1.0)])
    >>> total = sum(rule.shares(rates) for rates in [(0.25, 1.0), (0.25, 4.0), (0.25, 1.0)])
    >>> total.round(1).tolist()
    [1.0, 1.0, 0.5, 0.5]

    Args:
        possible: slowest and fastest rate of each video.

    Raises:
        ConfigError: no videos.
    """
    if not possible:
        raise ConfigError("no videos to choose rates for")
    lowest = math.floor(math.log2(min(slowest for slowest, _ in possible)))
    highest = max(_octave_below(fastest) for _, fastest in possible)
    count = max(1, highest - lowest + 1)
    overlaps = np.stack([_overlap(rates, lowest, count) for rates in possible])
    wanted = _leveled(_MOST_OF_SCARCE * (overlaps > 0).sum(axis=0), len(possible))
    weights = np.ones(count)
    for _ in range(_ROUNDS):
        chosen = overlaps * weights
        totals = (chosen / chosen.sum(axis=1, keepdims=True)).sum(axis=0)
        # An octave that nobody can reach stays at its weight; it is never chosen.
        weights *= np.where(totals > 0, wanted / np.maximum(totals, 1e-9), 1.0)
        weights = (weights / np.median(weights)).clip(_LEAST_WEIGHT, 1 / _LEAST_WEIGHT)
    return RateRule(lowest=lowest, weights=tuple(weights.tolist()))


def _leveled(most: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    """The evenest numbers with this sum, none above its most, as water stands in vessels.

    >>> _leveled(np.array([1.0, 9.0, 9.0]), 11.0).round(6).tolist()
    [1.0, 5.0, 5.0]
    """
    if most.sum() <= total:
        return most
    low, high = 0.0, float(most.max())
    for _ in range(60):
        level = (low + high) / 2
        low, high = (low, level) if np.minimum(most, level).sum() > total else (level, high)
    return np.minimum(most, high)


def _octave_below(rate: float) -> int:
    """The octave that ends with a rate or holds it: 4.0 is the end of 2 to 4."""
    return math.ceil(math.log2(rate)) - 1


def _overlap(rates: tuple[float, float], lowest: int, count: int) -> NDArray[np.float64]:
    """How much of each octave lies between two rates, in octaves: float64[count].

    Of a single rate, its octave counts whole.
    """
    edges = lowest + np.arange(count + 1)
    low, high = math.log2(rates[0]), math.log2(rates[1])
    if high - low < 1e-9:
        return np.asarray(
            np.arange(count) == min(max(math.floor(low) - lowest, 0), count - 1), float
        )
    return np.maximum(0.0, np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1]))
