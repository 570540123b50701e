"""Moments of a video: overlap of spans of time.

Owns: the overlap of two spans and of two sets of spans, recall at an overlap. Does not own:
reading times out of an answer (``tasks.video``).

    spans of an answer and of the truth, in seconds -> overlap -> R@0.3, R@0.5, R@0.7, mIoU
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qvl.evaluation.scorers.score import Score, mean


class TimeSpan(NamedTuple):
    """A stretch of a video."""

    start_s: float
    end_s: float


def span_iou(a: TimeSpan, b: TimeSpan) -> float:
    """Returns the common time over the time from the first start to the last end.

    For spans that overlap this hull is their union; for others the result is 0 either way. Two
    equal instants agree. A span that ends before it starts overlaps nothing.
    Source: Charades-STA as in lmms-eval charades_sta/utils.py, iou.

    >>> span_iou(TimeSpan(0, 10), TimeSpan(5, 20))
    0.25
    """
    if a == b and a.start_s == a.end_s:
        return 1.0
    hull = max(a.end_s, b.end_s) - min(a.start_s, b.start_s)
    common = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    return max(0.0, common) / hull if hull > 0 else 0.0


def first_moment(*, spans: Sequence[TimeSpan], truth: TimeSpan) -> Score:
    """Scores the first span of an answer by its overlap with the truth.

    Ends in the wrong order are put right. No span scores 0.

    >>> first_moment(spans=[TimeSpan(8, 2)], truth=TimeSpan(0, 10)).value
    0.6
    """
    if not spans:
        return Score(value=0.0, why="no time in the answer", is_parsed=False)
    span = TimeSpan(min(spans[0]), max(spans[0]))
    return Score(
        value=span_iou(span, truth),
        why=f"{span.start_s:g} to {span.end_s:g} s, expected {truth.start_s:g} to {truth.end_s:g}",
    )


def all_moments(*, spans: Sequence[TimeSpan], truths: Sequence[TimeSpan]) -> Score:
    """Scores sets of spans: the time that both cover over the time that either covers.

    Two empty sets agree.

    >>> all_moments(spans=[TimeSpan(0, 2), TimeSpan(1, 4)], truths=[TimeSpan(2, 6)]).why
    '2 s of 6 s in common'
    """
    given, wanted = ([TimeSpan(min(span), max(span)) for span in side] for side in (spans, truths))
    either, both = _length(given + wanted), _length(given) + _length(wanted)
    common = both - either
    instants = float(set(given) == set(wanted))
    return Score(
        value=max(0.0, common) / either if either > 0 else instants,
        why=f"{common:g} s of {either:g} s in common",
        is_parsed=bool(spans) or not truths,
    )


def _length(spans: Sequence[TimeSpan]) -> float:
    """Time that any of the spans covers."""
    total, end_s = 0.0, float("-inf")
    for span in sorted(spans):
        total += max(0.0, span.end_s - max(span.start_s, end_s))
        end_s = max(end_s, span.end_s)
    return total


@dataclass(frozen=True, kw_only=True, slots=True)
class MomentRecall:
    """What Charades-STA reports, 0 to 1."""

    recall: dict[float, float]
    """Share of queries with an overlap of at least 0.3, 0.5 and 0.7."""
    mean_iou: float
    num_unparsed: int


def moment_recall(scores: Sequence[Score]) -> MomentRecall:
    """Returns the means over all queries; answers without a time count as 0.

    Raises:
        DataError: there are no scores.
    """
    values = [score.value for score in scores]
    return MomentRecall(
        recall={least: mean([float(value >= least) for value in values]) for least in _LEAST},
        mean_iou=mean(values),
        num_unparsed=sum(not score.is_parsed for score in scores),
    )


_LEAST = (0.3, 0.5, 0.7)
