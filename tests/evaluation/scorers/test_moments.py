"""Moments of a video."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.moments import (
    TimeSpan,
    all_moments,
    first_moment,
    moment_recall,
    span_iou,
)
from qvl.tasks import video
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

times = st.integers(0, 40).map(float)
spans = st.tuples(times, times).map(lambda pair: TimeSpan(min(pair), max(pair)))

EQUAL_INSTANTS = "two equal instants overlap by nothing there; here a span always meets itself"
DIFFER = {((5, 5), (5, 5)): EQUAL_INSTANTS}

READ_OTHERWISE = {
    "occurs at 00:01.00 - 00:06.00 in the video.": "they lose fractions and with them the start",
    "[12.3, 45.6]": "they read no lists",
    "A specific example is : 20.8 - 30.0 seconds. 1.0 - 2.0 seconds": "they skip their own example",
    "It begins at 1 minute 5 seconds and lasts to 1 minute 20 seconds": "they know no units",
}
"""Answer -> why our first span is not lmms-eval's."""

MAY_STAY_UNREAD = {
    "Start: 00:05\nEnd: 00:15",
    "start 3.2\nend 8.9",
    "start: 00:00:10, end: 00:00:20",
}
"""A start and an end in separate clauses, which lmms-eval joins."""


@requires_material
def test_recorded_overlaps() -> None:
    for case in vectors("temporal_iou"):
        pair = (tuple(case["truth"]), tuple(case["span"]))
        value = span_iou(TimeSpan(*case["span"]), TimeSpan(*case["truth"]))
        assert (value == pytest.approx(case["iou"])) is (pair not in DIFFER), case


@requires_material
def test_recorded_readings() -> None:
    for case in vectors("temporal_parsing"):
        read = video.parse(case["text"]).moments[:1]
        ours = [[moment.start_s, moment.end_s] for moment in read]
        if case["text"] in MAY_STAY_UNREAD:
            assert ours in ([], case["spans"])
        else:
            assert (ours == case["spans"]) is (case["text"] not in READ_OTHERWISE), (case, ours)


def test_ends_in_the_wrong_order_are_put_right() -> None:
    assert first_moment(spans=[TimeSpan(8, 2)], truth=TimeSpan(0, 10)).value == 0.6
    assert not first_moment(spans=[], truth=TimeSpan(0, 1)).is_parsed


def test_sets_are_compared_by_the_time_they_cover() -> None:
    one, two = TimeSpan(0, 2), TimeSpan(8, 10)
    assert all_moments(spans=[one, two], truths=[TimeSpan(0, 10)]).value == 0.4
    assert all_moments(spans=[one, TimeSpan(1, 2)], truths=[one]).value == 1
    assert all_moments(spans=[], truths=[]).value == 1
    assert not all_moments(spans=[], truths=[one]).is_parsed


def test_recall_counts_unread_answers() -> None:
    truth = TimeSpan(0, 10)
    scores = [
        first_moment(spans=answer, truth=truth)
        for answer in ([TimeSpan(0, 10)], [TimeSpan(0, 5)], [TimeSpan(0, 3)], [])
    ]
    figures = moment_recall(scores)
    assert figures.recall == {0.3: 0.75, 0.5: 0.5, 0.7: 0.25}
    assert figures.mean_iou == pytest.approx(0.45)
    assert figures.num_unparsed == 1


@given(spans, spans)
def test_symmetric_bounded_and_equal_for_single_spans(a: TimeSpan, b: TimeSpan) -> None:
    value = span_iou(a, b)
    assert 0 <= value <= 1
    assert value == span_iou(b, a)
    assert span_iou(a, a) == 1
    assert all_moments(spans=[a], truths=[b]).value == pytest.approx(value)


@given(st.lists(spans, max_size=4), st.lists(spans, max_size=4))
def test_sets_are_symmetric_and_blind_to_order(a: list[TimeSpan], b: list[TimeSpan]) -> None:
    value = all_moments(spans=a, truths=b).value
    assert 0 <= value <= 1
    assert value == pytest.approx(all_moments(spans=b[::-1], truths=a[::-1]).value)
    assert all_moments(spans=a, truths=a[::-1]).value == pytest.approx(1)
