"""Numbers that look measured: of things, over time, shares of a whole.

Owns: trends, seasons, steps, spreads, choosing labels. Does not own: which chart they become
(``series``).

    rng, measure, count -> entity_values | time_values | shares_of_100 -> numbers
"""

from collections.abc import Sequence

import numpy as np

from qvl.data.synth.charts.records import Unit
from qvl.data.synth.charts.topics import WEEKDAY, Dimension, Measure


def labels_of(rng: np.random.Generator, dimension: Dimension, count: int) -> tuple[str, ...]:
    """Some of a dimension's labels: neighbours where they have an order."""
    count = min(count, len(dimension.labels))
    if dimension.is_ordered:
        start = int(rng.integers(len(dimension.labels) - count + 1))
        if dimension == WEEKDAY:
            start = 0
        return dimension.labels[start : start + count]
    chosen = rng.permutation(len(dimension.labels))[:count]
    if rng.random() < 0.3:
        chosen = np.sort(chosen)
    return tuple(dimension.labels[int(i)] for i in chosen)


def entity_values(rng: np.random.Generator, measure: Measure, count: int) -> list[float]:
    """Values of things that have no order: some are far larger than others."""
    low, high = measure.low, measure.high
    if measure.is_additive:
        span = rng.beta(1.2, 2.2, count) if rng.random() < 0.7 else rng.uniform(0.2, 1.0, count)
        values = low + (high - low) * span * float(rng.uniform(0.25, 1.0))
    else:
        middle, width = rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.3)
        values = low + (high - low) * rng.normal(middle, width, count).clip(0.02, 0.98)
    return rounded(values, measure.unit)


def time_values(
    rng: np.random.Generator, measure: Measure, count: int, *, season: int = 0
) -> list[float]:
    """Values in the order of time: a trend, a season, noise."""
    low, high = measure.low, measure.high
    t = np.linspace(0.0, 1.0, count)
    start, end = rng.uniform(0.15, 0.85, 2)
    form = rng.random()
    trend = start + (end - start) * t
    if form < 0.25:  # a peak or a dip on the way
        at, height = rng.uniform(0.25, 0.75), rng.uniform(0.2, 0.5) * rng.choice([-1, 1])
        trend = trend + height * np.exp(-((t - at) ** 2) / 0.03)
    elif form < 0.4:  # a sudden step
        trend = trend + (t > rng.uniform(0.3, 0.7)) * rng.uniform(-0.4, 0.4)
    elif form < 0.55:
        trend = start + (end - start) * t ** float(rng.uniform(1.5, 3.0))
    if season:
        phase = rng.uniform(0, 2 * np.pi)
        trend = trend + rng.uniform(0.08, 0.3) * np.sin(
            2 * np.pi * np.arange(count) / season + phase
        )
    steps = rng.normal(0.0, rng.uniform(0.015, 0.07), count)
    return rounded(low + (high - low) * (trend + steps).clip(0.03, 0.99), measure.unit)


def shares_of_100(rng: np.random.Generator, count: int, decimals: int = 0) -> list[float]:
    """Percentages that add up to 100, each of at least 3.

    >>> shares = shares_of_100(np.random.default_rng(1), 5)
    >>> round(sum(shares), 6), min(shares) >= 3
    (100.0, True)
    """
    scale = 10**decimals
    least = 3 * scale
    parts = rng.dirichlet(np.full(count, 2.2)) * (100 * scale - count * least)
    whole = np.floor(parts).astype(int)
    # Largest remainders first, as seats are given to parties, so that nothing is lost by rounding.
    missing = 100 * scale - count * least - int(whole.sum())
    for i in np.argsort(parts - whole)[::-1][:missing]:
        whole[i] += 1
    return [round(float(value + least) / scale, decimals) for value in whole]


def rounded(values: Sequence[float] | np.ndarray, unit: Unit) -> list[float]:
    """Values with as many digits as their unit shows."""
    return [round(float(value), unit.decimals) for value in values]
