"""Windows of long videos: fast enough, without gaps; what two of them saw counts once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.answers import video_windows
from qvl.answers.video_windows import (
    MOST_VIDEO_TOKENS,
    WindowMoments,
    fit_budget,
    merge_events,
    merge_moments,
    plan_windows,
)
from qvl.errors import ContextLengthError
from qvl.geometry import ImageSize, PixelLimits, ResizeTransform
from qvl.messages import Video
from qvl.processing.frame_sampling import Timeline, cap_total_pixels, plan_frames
from qvl.processing.media import MediaPlan, plan_of_frames
from qvl.processing.settings import InputSettings
from qvl.processing.video import VideoMeasure, facts_of
from qvl.tasks.video import Moment
from qvl.video_facts import VideoFacts

SIZE = ImageSize(360, 640)


def settings(context: int) -> InputSettings:
    return InputSettings(
        limits=PixelLimits(min_pixels=3136, max_pixels=12_845_056),
        tokens_per_second=2,
        context_length=context,
        vocab_size=100,
        token_ids={},
    )


@pytest.fixture
def film(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Videos are measured from a timeline of this many seconds at 24 frames each; no file."""
    length = [60.0]

    def measure(video: Video, limits: PixelLimits) -> MediaPlan:
        timeline = Timeline.of_constant_rate(round(length[0] * 24), 24.0)
        plan = plan_frames(timeline, SIZE, video, limits)
        plan = cap_total_pixels(plan, timeline, SIZE, video, limits)
        transform = ResizeTransform(SIZE, plan.resized)
        return plan_of_frames(VideoMeasure(plan, transform, facts_of(plan, timeline)))

    monkeypatch.setattr(video_windows, "measure_media", measure)
    return length


def test_the_budget_leaves_room_for_question_and_answer() -> None:
    video = Video("film.mp4")
    assert fit_budget(video, settings(128_000), reserved_tokens=600).total_pixels == (
        MOST_VIDEO_TOKENS * 784
    )
    assert fit_budget(video, settings(4096), reserved_tokens=600).total_pixels == 3496 * 784
    own = Video("film.mp4", total_pixels=784 * 500)
    assert fit_budget(own, settings(4096), reserved_tokens=600) is own
    with pytest.raises(ContextLengthError, match="nothing is left for the video"):
        fit_budget(video, settings(500), reserved_tokens=600)


@pytest.mark.parametrize("context", [4096, 32_768])
@pytest.mark.parametrize("minutes", [1, 5, 13, 26, 60, 150, 600])
@pytest.mark.parametrize("min_fps", [0.5, 1.0])
def test_windows_are_fast_enough_and_leave_no_gap(
    film: list[float], context: int, minutes: int, min_fps: float
) -> None:
    film[0] = 60.0 * minutes
    video = fit_budget(Video("film.mp4"), settings(context), reserved_tokens=500)
    windows = plan_windows(video, settings(context), min_fps=min_fps)
    plans = [video_windows.measure_media(window, settings(context).limits) for window in windows]
    facts = [plan.facts for plan in plans]
    assert all(fact is not None for fact in facts)
    for plan, fact in zip(plans, facts, strict=True):
        assert plan.num_tokens <= min(MOST_VIDEO_TOKENS, context - 500)
        assert (plan.num_frames + 2) / (fact.end_s - fact.start_s) >= 0.99 * min_fps
    assert facts[0].start_s == 0
    assert facts[-1].end_s == pytest.approx(film[0])
    for before, after in pairwise(facts):
        overlap = before.end_s - after.start_s
        assert overlap / (before.end_s - before.start_s) == pytest.approx(0.1, abs=0.01)
    one_look = video_windows.measure_media(video, settings(context).limits)
    assert (len(windows) == 1) == ((one_look.num_frames + 2) / film[0] >= min_fps)


def test_one_hour_with_a_large_context(film: list[float]) -> None:
    film[0] = 3600.0
    video = fit_budget(Video("film.mp4"), settings(128_000), reserved_tokens=700)
    windows = plan_windows(video, settings(128_000))
    assert [(window.video_start, window.video_end) for window in windows] == [
        (0, pytest.approx(3600 / 2.8)),
        (pytest.approx(0.9 * 3600 / 2.8), pytest.approx(1.9 * 3600 / 2.8)),
        (pytest.approx(1.8 * 3600 / 2.8), None),
    ]


def test_what_somebody_chose_is_seen_in_one_look(film: list[float]) -> None:
    film[0] = 36_000.0
    small = settings(4096)
    for video in (
        Video("film.mp4", nframes=16, total_pixels=784 * 3000),
        Video([np.zeros((56, 56, 3), np.uint8)] * 40, total_pixels=784 * 16),
        Video("film.mp4", fps=0.001, total_pixels=784 * 3000),
    ):
        assert plan_windows(video, small) == (video,)
    part = Video("film.mp4", video_start=100, video_end=130, total_pixels=784 * 3000)
    assert plan_windows(part, small) == (part,)


def window(start_s: float, end_s: float, *spans: tuple[float, float, str]) -> WindowMoments:
    times = tuple(np.arange(start_s, end_s, 1.0).tolist())
    facts = VideoFacts(
        num_frames=1000, fps=1.0, frame_indices=tuple(map(int, times)), timestamps_s=times
    )
    moments = [
        Moment(start_s=a, end_s=b, label=label, start_frame=int(a), end_frame=int(b), raw=label)
        for a, b, label in spans
    ]
    return WindowMoments(facts, moments)


def spans(moments: tuple[Moment, ...]) -> list[tuple[float, float, str]]:
    return [(moment.start_s, moment.end_s, moment.label) for moment in moments]


def test_a_moment_cut_by_a_border_becomes_one() -> None:
    merged = merge_moments(
        [
            window(0, 100, (10, 20, "a"), (85, 100, "b")),
            window(90, 190, (90, 120, ""), (150, 160, "c"), (182, 190, "d")),
            window(180, 280, (183, 280, "d")),
            window(270, 370, (270, 300, "")),
        ]
    )
    assert spans(merged) == [(10, 20, "a"), (85, 120, "b"), (150, 160, "c"), (182, 300, "d")]
    assert [merged[1].raw, merged[3].raw] == ["b | ", "d | d | "]
    assert (merged[1].start_frame, merged[1].end_frame) == (85, 120)


def test_moments_of_different_names_stay_apart() -> None:
    named = [window(0, 30, (5, 29, "cat jumps")), window(27, 59, (28, 30, "dog barks"))]
    assert spans(merge_moments(named)) == [(5, 29, "cat jumps"), (28, 30, "dog barks")]


def test_moments_that_do_not_meet_stay_apart() -> None:
    apart = [
        window(0, 100, (80, 92, "a"), (10, 12, "z"), (11, 13, "y")),
        window(90, 190, (96, 99, "b"), (120, 130, "c")),
    ]
    assert spans(merge_moments(apart)) == [
        (10, 12, "z"),
        (11, 13, "y"),
        (80, 92, "a"),
        (96, 99, "b"),
        (120, 130, "c"),
    ]


def test_an_event_seen_twice_is_told_once() -> None:
    told = merge_events(
        [
            window(0, 100, (10, 20, "a"), (88, 94, "b"), (95, 100, "half of c")),
            window(90, 190, (90, 93, "half of b"), (95, 105, "c"), (150, 160, "d")),
        ]
    )
    assert spans(told) == [(10, 20, "a"), (88, 94, "b"), (95, 105, "c"), (150, 160, "d")]


def test_an_event_that_only_one_window_tells_is_kept() -> None:
    told = merge_events(
        [window(0, 100, (97, 99, "only early")), window(90, 190, (90, 92, "only late"))]
    )
    assert spans(told) == [(90, 92, "only late"), (97, 99, "only early")]


stretches = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5)


@given(st.lists(stretches, min_size=1, max_size=5))
def test_merging_loses_no_second_that_was_stated(found: list[list[tuple[int, int]]]) -> None:
    windows = [
        window(
            8.0 * number,
            8.0 * number + 10,
            *((8.0 * number + min(pair), 8.0 * number + max(pair), str(pair)) for pair in pairs),
        )
        for number, pairs in enumerate(found)
    ]
    stated = [moment for seen in windows for moment in seen.moments]
    merged = merge_moments(windows)
    for moment in stated:
        assert any(m.start_s <= moment.start_s and moment.end_s <= m.end_s for m in merged)
    for kept in merge_events(windows):
        assert kept in stated
    for moment in stated:
        events = merge_events(windows)
        assert any(e.start_s <= moment.end_s and moment.start_s <= e.end_s for e in events)
