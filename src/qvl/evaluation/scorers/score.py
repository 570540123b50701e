"""What every scorer returns, and the mean of many.

Owns: `Score`, its mean with standard error and the share of answers that could not be read. Does
not own: any rule.

    answer, truth -> a scorer -> Score -> summarise([Score, ...]) -> Summary

An answer that cannot be read scores 0 and says so; it is never replaced by a guess, and never
left out of the mean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qvl.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The score of one answer."""

    value: float
    """0 to 1, 1 is right; distances and error rates say so and count the other way."""
    why: str
    """One line that tells a person why this value."""
    is_parsed: bool = True
    """False when the answer states nothing that the rule can use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """The mean of many scores."""

    mean: float
    stderr: float
    """Standard error of the mean, with n - 1; 0 for a single score."""
    count: int
    num_unparsed: int
    """Answers that could not be read; they are in the mean."""

    def __str__(self) -> str:
        unread = f", {self.num_unparsed} unread" if self.num_unparsed else ""
        return f"{100 * self.mean:.1f} ± {100 * self.stderr:.1f} of {self.count}{unread}"


def summarise(scores: Sequence[Score]) -> Summary:
    """Returns the mean of scores of equal weight.

    >>> print(summarise([Score(value=1, why=""), Score(value=0, why="", is_parsed=False)]))
    50.0 ± 50.0 of 2, 1 unread

    Raises:
        DataError: there are none.
    """
    values = [score.value for score in scores]
    average = mean(values)
    spread = sum((value - average) ** 2 for value in values)
    return Summary(
        mean=average,
        stderr=math.sqrt(spread / (len(values) - 1) / len(values)) if len(values) > 1 else 0.0,
        count=len(values),
        num_unparsed=sum(not score.is_parsed for score in scores),
    )


def mean(values: Sequence[float]) -> float:
    """Returns the mean; order does not matter to the last bit.

    Raises:
        DataError: there are no values.
    """
    if not values:
        raise DataError("nothing was scored, expected at least one answer")
    return math.fsum(values) / len(values)


def f1(precision: float, recall: float) -> float:
    """Returns the harmonic mean of two shares, 0 if both are 0."""
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else 0.0
