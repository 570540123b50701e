"""What a model's scores are worth: a monotone map from its scale to a reference's.

Owns: fitting, applying, storing. Does not own: where scores and references come from.

    raw scores, reference scores of the same examples -> fit_isotonic() -> Calibration
    raw scores, reference scores of any examples      -> fit_quantiles() -> Calibration
    raw score -> calibration(raw) -> score on the reference's scale

Models use their scales unlike each other: one never gives less than 6, another knows only 2, 5 and
8. Thresholds are set once, on the reference's scale.
"""

import bisect
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qvl.data.atomic import whole_file
from qvl.errors import DataError
from qvl.options import shown

FEWEST = 20
"""Examples for a fit; below, a map says more about chance than about the model. Our choice."""

_QUANTILES = 21


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """A monotone map, straight between its knots and level beyond them.

    Attributes:
        raw: knots on the model's scale, rising.
        score: their values on the reference's scale, not falling.

    >>> half = Calibration(raw=(0.0, 10.0), score=(0.0, 5.0))
    >>> half(4.0), half(12.0)
    (2.0, 5.0)

    Raises:
        DataError: the knots are no such map.
    """

    raw: tuple[float, ...]
    score: tuple[float, ...]

    def __post_init__(self) -> None:
        numbers = (*self.raw, *self.score)
        is_finite = all(
            isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n)
            for n in numbers
        )
        if (
            not is_finite
            or len(self.raw) != len(self.score)
            or not self.raw
            or any(a >= b for a, b in zip(self.raw, self.raw[1:], strict=False))
            or any(a > b for a, b in zip(self.score, self.score[1:], strict=False))
        ):
            raise DataError(
                f"calibration maps {shown(self.raw)} to {shown(self.score)}, expected rising "
                "numbers to numbers that do not fall"
            )

    def __call__(self, raw: float) -> float:
        """Returns the score on the reference's scale."""
        place = bisect.bisect_right(self.raw, raw)
        if place == 0:
            return float(self.score[0])
        if place == len(self.raw):
            return float(self.score[-1])
        low, high = self.raw[place - 1], self.raw[place]
        share = (raw - low) / (high - low)
        return float(self.score[place - 1] + share * (self.score[place] - self.score[place - 1]))


def fit_isotonic(raw: Sequence[float], reference: Sequence[float]) -> Calibration:
    """Returns the monotone map with the least squared error on labelled examples.

    Source: Ayer et al., "An empirical distribution function for sampling with incomplete
    information" (1955): pool adjacent violators. Between the pooled points the map is straight.

    Args:
        raw: scores of the model.
        reference: scores of the same examples, by people or a better model.

    Raises:
        DataError: too few examples, other numbers of both, or no numbers.
    """
    pairs = _checked(raw, reference)
    if len(raw) != len(reference):
        raise DataError(f"{len(raw)} scores for {len(reference)} references")
    values, places = np.unique(pairs[0], return_inverse=True)
    weights = np.bincount(places).astype(float)
    means = np.bincount(places, weights=pairs[1]) / weights
    pooled = pool_adjacent_violators(means.tolist(), weights.tolist())
    return Calibration(raw=tuple(values.tolist()), score=tuple(pooled))


def pool_adjacent_violators(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Returns the numbers nearest to the values, by weighted squares, that do not fall.

    >>> pool_adjacent_violators([1, 3, 2, 4], [1, 1, 1, 1])
    [1.0, 2.5, 2.5, 4.0]
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many values
    for value, weight in zip(values, weights, strict=True):
        mean, total, count = float(value), float(weight), 1
        while blocks and blocks[-1][0] > mean:
            before, heavy, many = blocks.pop()
            mean = (before * heavy + mean * total) / (heavy + total)
            total, count = total + heavy, count + many
        blocks.append((mean, total, count))
    return [mean for mean, _, count in blocks for _ in range(count)]


def fit_quantiles(raw: Sequence[float], reference: Sequence[float]) -> Calibration:
    """Returns the map that gives the model's scores the reference's distribution.

    For it nobody has to label the examples that the model scored: the same share of all documents
    is above each score.

    Args:
        raw: scores of the model on any documents.
        reference: scores on documents of the same kind.

    Raises:
        DataError: too few examples, or no numbers.
    """
    mine, theirs = _checked(raw, reference)
    shares = np.linspace(0, 1, _QUANTILES)
    knots = np.quantile(mine, shares)
    values = np.quantile(theirs, shares)
    distinct = np.unique(knots)
    # Where the model gives one score to many, they get the mean of what the reference gave them.
    means = [float(values[knots == knot].mean()) for knot in distinct]
    return Calibration(raw=tuple(distinct.tolist()), score=tuple(np.maximum.accumulate(means)))


def _checked(raw: Sequence[float], reference: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    arrays = []
    for name, numbers in (("scores", raw), ("references", reference)):
        if len(numbers) < FEWEST:
            raise DataError(f"{len(numbers)} {name}, expected at least {FEWEST}")
        array = np.asarray(numbers, np.float64)
        if array.ndim != 1 or not np.isfinite(array).all():
            raise DataError(f"{name} are no finite numbers")
        arrays.append(array)
    return arrays[0], arrays[1]


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Writes a calibration as JSON; the file is whole or not there."""
    record = {"raw": list(calibration.raw), "score": list(calibration.score)}
    with whole_file(path) as file:
        file.write(f"{json.dumps(record)}\n".encode())


def load_calibration(path: Path) -> Calibration:
    """Reads a calibration.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(raw=tuple(record["raw"]), score=tuple(record["score"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"calibration {path} cannot be read: {error!r}") from error
