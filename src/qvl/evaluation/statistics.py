"""How sure a score is, and whether two runs differ.

Owns standard errors, the paired bootstrap, McNemar's test. Does not own scores.

    scores of one run -> standard_error;  scores of two runs, paired -> difference, interval, p
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from qvl.errors import DataError

_SAMPLES = 10_000
_SEED = 20_250_219
# Resampled numbers that stand in memory at once.
_BLOCK = 4_000_000


def standard_error(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> float:
    """Returns the standard error of a mean; questions about one picture or video count together.

    Source: Miller 2024, Adding Error Bars to Evals (arXiv 2411.00640), equations 1 and 4, with
    n - 1 in place of n for single questions and the usual factor G / (G - 1) for G clusters.

    >>> round(standard_error([1, 0, 1, 0]), 4)
    0.2887
    >>> round(standard_error([1, 1, 0, 0], ["a", "a", "b", "b"]), 4)
    0.5
    """
    n = len(values)
    if n < 2:
        return 0.0
    mean = math.fsum(values) / n
    if clusters is None:
        return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    sums: dict[Hashable, float] = defaultdict(float)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value - mean
    groups = len(sums)
    if groups < 2:
        return 0.0
    spread = math.fsum(total**2 for total in sums.values())
    return math.sqrt(spread * groups / (groups - 1)) / n


@dataclass(frozen=True, kw_only=True, slots=True)
class Paired:
    """The difference of two runs on the same questions.

    Attributes:
        difference: mean of the second less mean of the first.
        low: lower end of the 95 % interval.
        high: upper end.
        p_value: of McNemar's exact test; None where scores are not right or wrong.
        better: questions on which the second run scored more.
        worse: on which it scored less.
        count: questions.
    """

    difference: float
    low: float
    high: float
    p_value: float | None
    better: int
    worse: int
    count: int


def compare_paired(
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
) -> Paired:
    """Returns the difference, with a bootstrap interval over questions (or clusters of them).

    The same numbers give the same interval. Source: Efron 1979; the percentile interval.

    Raises:
        DataError: there is nothing to compare.
    """
    if len(first) != len(second) or not first:
        raise DataError(
            f"{len(first)} and {len(second)} scores, expected as many of both, not none"
        )
    a, b = np.array(first, float), np.array(second, float)
    low, high = _interval(b - a, clusters)
    better, worse = int((b > a).sum()), int((b < a).sum())
    is_binary = bool(np.isin(np.concatenate([a, b]), (0.0, 1.0)).all())
    return Paired(
        difference=float((b - a).mean()),
        low=low,
        high=high,
        p_value=mcnemar(better, worse) if is_binary else None,
        better=better,
        worse=worse,
        count=len(a),
    )


def _interval(gains: np.ndarray, clusters: Sequence[Hashable] | None) -> tuple[float, float]:
    """The middle 95 % of resampled means; whole clusters are drawn."""
    if clusters is None:
        sums, sizes = gains, np.ones(len(gains))
    else:
        names = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
        where = np.array([names[name] for name in clusters])
        sums = np.bincount(where, gains)
        sizes = np.bincount(where).astype(float)
    rng = np.random.default_rng(_SEED)
    means: list[np.ndarray] = []
    block = max(1, _BLOCK // len(sums))
    for start in range(0, _SAMPLES, block):
        drawn = rng.integers(len(sums), size=(min(block, _SAMPLES - start), len(sums)))
        means.append(sums[drawn].sum(1) / sizes[drawn].sum(1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)


def mcnemar(better: int, worse: int) -> float:
    """Returns the two-sided exact p-value of so many changes for the better and for the worse.

    Source: McNemar 1947; the binomial test with one half.

    >>> mcnemar(5, 0), mcnemar(3, 3)
    (0.0625, 1.0)
    """
    n, k = better + worse, min(better, worse)
    if n == 0:
        return 1.0
    # In logarithms: the coefficients of a thousand changes do not fit a float.
    logs = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2)
        for i in range(k + 1)
    ]
    top = max(logs)
    tail = math.exp(top) * math.fsum(math.exp(value - top) for value in logs)
    return min(1.0, round(2 * tail, 12))
