"""The time of a video file: from times to frames and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.messages import Video
from qvl.processing.media import measure_media
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.video_facts import VideoFacts
from tests.processing.clips import make_clip

rates = st.sampled_from([1.0, 3.0, 24.0, 25.0, 30000 / 1001, 30.0, 50.0, 60.0])


def facts(num_frames: int, fps: float, **changes: object) -> VideoFacts:
    indices = tuple(range(0, num_frames, max(1, num_frames // 8)))
    return VideoFacts(
        num_frames=num_frames,
        fps=fps,
        frame_indices=indices,
        timestamps_s=tuple(index / fps for index in indices),
        **changes,  # type: ignore[arg-type]
    )


@given(num_frames=st.integers(2, 200_000), fps=rates, data=st.data())
def test_a_frames_time_to_a_hundredth_leads_back_to_it(
    num_frames: int, fps: float, data: st.DataObject
) -> None:
    frame = data.draw(st.integers(0, num_frames - 1))
    assert facts(num_frames, fps).frame_at(round(frame / fps, 2)) == frame


@given(
    times_s=st.lists(st.floats(0.02, 5), min_size=2, max_size=40),
    time_s=st.floats(-10, 300),
    data=st.data(),
)
def test_a_varying_rate_finds_the_nearest(
    times_s: list[float], time_s: float, data: st.DataObject
) -> None:
    shown = [sum(times_s[:count]) for count in range(len(times_s))]
    mean = (len(shown) - 1) / shown[-1]
    video = facts(len(shown), mean, times_s=shown)
    found = video.frame_at(time_s)
    assert abs(shown[found] - time_s) == min(abs(shown_s - time_s) for shown_s in shown)
    frame = data.draw(st.integers(0, len(shown) - 1))
    assert video.frame_at(shown[frame]) == frame


def test_facts_of_a_file_and_of_a_part_of_it() -> None:
    clip = make_clip(90, fps=30)
    whole = measure_media(Video(clip, fps=4), DEFAULT_LIMITS).facts
    assert whole is not None
    assert (whole.num_frames, whole.fps, whole.duration_s) == (90, 30.0, 3.0)
    assert (whole.start_s, whole.end_s) == (0.0, pytest.approx(3.0))
    assert whole.frame_indices == (0, 8, 16, 24, 32, 40, 49, 57, 65, 73, 81, 89)
    assert whole.step_s == pytest.approx(89 / 30 / 11)
    part = measure_media(Video(clip, fps=4, video_start=1, video_end=2), DEFAULT_LIMITS).facts
    assert part is not None
    assert part.duration_s == 3.0
    assert part.start_s == pytest.approx(1.0)
    assert part.end_s == pytest.approx(2 + 1 / 30)


def test_facts_of_a_clip_with_a_varying_rate() -> None:
    times_ms = [0, 40, 500, 520, 540, 3000, 3040, 5000]
    video = measure_media(Video(make_clip(8, times_ms=times_ms), nframes=8), DEFAULT_LIMITS).facts
    assert video is not None
    assert [video.frame_at(ms / 1000) for ms in times_ms] == list(range(8))
    assert (video.frame_at(2.0), video.frame_at(1.0)) == (5, 4)
    assert video.duration_s == pytest.approx(5.0 + 5.0 / 7)
    assert set(video.timestamps_s) <= {ms / 1000 for ms in times_ms}
