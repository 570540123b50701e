"""The official count, index and budget rules; the cap on top of them; varying rates."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.geometry import ImageSize, PixelLimits, num_merged_tokens
from qvl.messages import Video
from qvl.processing.frame_sampling import (
    DEFAULT_TOTAL_PIXELS,
    FramePlan,
    Timeline,
    cap_total_pixels,
    frame_indices,
    plan_frame_list,
    plan_frames,
)
from tests.material import material, requires_material

LIMITS = PixelLimits(min_pixels=3136, max_pixels=12_845_056)
FULL_HD = ImageSize(1080, 1920)


def official(
    num_frames: int, rate: float, size: ImageSize = FULL_HD, **options: float
) -> FramePlan:
    timeline = Timeline.of_constant_rate(num_frames, rate)
    return plan_frames(timeline, size, Video("clip.mp4", **options), LIMITS)  # type: ignore[arg-type]


def capped(num_frames: int, rate: float, size: ImageSize = FULL_HD, **options: float) -> FramePlan:
    timeline = Timeline.of_constant_rate(num_frames, rate)
    video = Video("clip.mp4", **options)  # type: ignore[arg-type]
    plan = plan_frames(timeline, size, video, LIMITS)
    return cap_total_pixels(plan, timeline, size, video, LIMITS)


def tokens(plan: FramePlan) -> int:
    return num_merged_tokens(plan.resized, num_frames=len(plan.indices))


@requires_material
def test_plans_equal_qwen_vl_utils_on_every_golden_case() -> None:
    cases = json.loads(material("golden", "video_sizing.json").read_text())["cases"]
    assert len(cases) == 50
    for case in cases:
        size = ImageSize(case["height"], case["width"])
        expected = case["result"]
        if "error" in expected:
            with pytest.raises(InputError):
                official(case["total_frames"], case["fps"], size, **case["request"])
            continue
        plan = official(case["total_frames"], case["fps"], size, **case["request"])
        indices = plan.indices.tolist()
        assert {
            "nframes": len(indices),
            "height": plan.resized.height,
            "width": plan.resized.width,
            "sample_fps": plan.sample_fps,
            "first": indices[: len(expected["first"])],
            "last": indices[-len(expected["last"]) :],
            "index_sum": sum(indices),
            "grid_thw": [len(indices) // 2, plan.resized.height // 14, plan.resized.width // 14],
            "tokens": tokens(plan),
            "second_per_grid": plan.second_per_grid,
        } == expected, case["name"]


@requires_material
def test_lists_of_frames_equal_qwen_vl_utils_on_every_golden_case() -> None:
    for case in json.loads(material("golden", "frame_lists.json").read_text())["cases"]:
        size = ImageSize(case["height"], case["width"])
        video = Video([b"frame"] * case["frames"], **case["request"])
        expected = case["result"]
        if "error" in expected:
            with pytest.raises(InputError, match="give min_pixels as well"):
                plan_frame_list(case["frames"], size, video, LIMITS)
            continue
        plan = plan_frame_list(case["frames"], size, video, LIMITS)
        assert len(plan.indices) == expected["nframes"]
        assert plan.resized == (expected["height"], expected["width"])
        assert plan.sample_fps == expected["sample_fps"]


def test_indices_equal_torch_linspace_in_long_videos() -> None:
    import torch

    draw = np.random.default_rng(0)
    for _ in range(500):
        first = int(draw.integers(0, 1000))
        last = first + int(draw.integers(1, 10 ** int(draw.integers(1, 7))))
        count = int(draw.integers(2, min(769, last - first + 2)))
        timeline = Timeline.of_constant_rate(last + 1, 30.0)
        expected = torch.linspace(first, last, count).round().long().tolist()
        assert frame_indices(timeline, first, last, count).tolist() == expected


@pytest.mark.parametrize(
    ("num_frames", "fps", "count", "sample_fps"),
    [(300, 30, 20, 2.0), (45, 30, 4, 2.667), (3, 30, 2, 20.0), (31, 10, 6, 1.935),
     (72_000, 25, 768, 0.2667)],
)  # fmt: skip
def test_frame_counts_of_the_specification(
    num_frames: int, fps: float, count: int, sample_fps: float
) -> None:
    plan = official(num_frames, fps)
    assert len(plan.indices) == count
    assert plan.sample_fps == pytest.approx(sample_fps, abs=1e-3)
    assert plan.second_per_grid == pytest.approx(2 / plan.sample_fps)


def test_sizes_of_the_specification() -> None:
    assert (official(300, 30).resized, tokens(official(300, 30))) == ((560, 1008), 7200)
    assert (official(72_000, 25).resized, tokens(official(72_000, 25))) == ((336, 644), 105_984)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nframes": 400}, "option nframes 400 asks for 400 frames, expected 2 to 300"),
        ({"nframes": 1}, "option nframes 1 asks for 0 frames"),
        ({"max_frames": 1}, "option max_frames 1 asks for 0 frames"),
        ({"video_start": 10.0}, "fewer than 2 frames from 10 s to the end; it is 10.00 s long"),
        ({"video_start": 99.0}, "fewer than 2 frames from 99 s"),
        ({"video_end": 0.01}, "fewer than 2 frames from 0 s to 0.01 s"),
        ({"max_pixels": 50_000}, "max_pixels 50000 is below min_pixels 100352"),
    ],
)
def test_what_cannot_be_sampled_is_said(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        official(300, 30, **options)
    assert message in str(caught.value)


def test_the_official_budget_does_not_cap_and_ours_does() -> None:
    """768 frames at the smallest official size cost 46,080 tokens, whatever the budget."""
    budget = {"total_pixels": 20_480 * 784}
    assert tokens(official(72_000, 25, **budget)) == 46_080
    plan = capped(72_000, 25, **budget)
    # As in cookbooks/video_understanding.ipynb, which lowers min_pixels by hand.
    assert (len(plan.indices), plan.resized, tokens(plan)) == (768, (140, 252), 17_280)


def test_frames_are_given_up_only_below_the_smallest_size() -> None:
    plan = capped(72_000, 25, total_pixels=1000 * 784)
    assert 16 * 784 >= plan.resized.area >= 8 * 784
    assert tokens(plan) <= 1000
    assert len(plan.indices) == 1000 // (plan.resized.area // 784) * 2
    assert (plan.indices[0], plan.indices[-1]) == (0, 71_999)
    assert plan.sample_fps == pytest.approx(len(plan.indices) / 2880)
    assert plan.second_per_grid == pytest.approx(2 / plan.sample_fps)


def test_a_smallest_size_that_was_asked_for_is_kept() -> None:
    plan = capped(72_000, 25, total_pixels=24_576 * 784, min_pixels=100_352)
    assert tokens(plan) <= 24_576
    assert plan.resized.area >= 90_000
    assert len(plan.indices) < 768
    fixed = capped(72_000, 25, total_pixels=24_576 * 784, resized_height=280, resized_width=504)
    assert fixed.resized == (280, 504)
    assert tokens(fixed) <= 24_576


def test_a_budget_below_one_pair_of_frames_is_an_error() -> None:
    with pytest.raises(InputError, match="total_pixels 784 is less than one pair of frames"):
        capped(300, 30, total_pixels=784)


def test_the_default_budget_holds_even_for_a_fixed_size() -> None:
    plan = capped(72_000, 25, resized_height=1092, resized_width=1932)
    assert plan.total_pixels <= DEFAULT_TOTAL_PIXELS
    assert plan.resized == (1092, 1932)


@given(
    num_frames=st.integers(2, 5000),
    fps=st.floats(0.5, 120),
    height=st.integers(8, 3000),
    width=st.integers(8, 3000),
    total=st.integers(3136, 50_000_000),
    minimum=st.none() | st.integers(3136, 200_000),
)
def test_the_cap_always_holds(
    num_frames: int, fps: float, height: int, width: int, total: int, minimum: int | None
) -> None:
    options = {} if minimum is None else {"min_pixels": minimum}
    try:
        plan = capped(num_frames, fps, ImageSize(height, width), total_pixels=total, **options)
    except InputError as error:
        assert "total_pixels" in str(error) or "aspect" in str(error)  # noqa: PT017
        return
    assert plan.total_pixels <= total
    assert len(plan.indices) % 2 == 0
    assert (np.diff(plan.indices) >= 0).all()
    assert plan.indices[-1] < num_frames


def test_a_checkpoint_for_small_pictures_lowers_both_defaults() -> None:
    small = PixelLimits(min_pixels=784, max_pixels=50_176)
    timeline = Timeline.of_constant_rate(300, 30.0)
    assert plan_frames(timeline, FULL_HD, Video("a"), small).resized.area <= 50_176 * 1.05


def test_a_nominal_rate_is_believed_only_if_the_times_agree() -> None:
    exact = np.round(np.arange(300) / 30, 3)  # ticks of 1 ms
    assert Timeline.from_times(exact, tick_s=0.001, nominal=(30,)).fps == 30.0
    for nominal in ((None, 25, 60), (29.97,), ()):
        lied = Timeline.from_times(exact, tick_s=0.001, nominal=nominal)
        assert lied.fps == pytest.approx(30, rel=1e-4)
        assert lied.is_constant
    with pytest.raises(InputError, match="shown at the same time"):
        Timeline.from_times(np.zeros(5), tick_s=0.001)


def test_a_varying_rate_is_sampled_evenly_in_time() -> None:
    # 10 s at 30 fps, then one frame every two seconds for 20 s.
    times = np.concatenate([np.arange(300) / 30, 10 + 2.0 * np.arange(11)])
    timeline = Timeline.from_times(times, tick_s=0.001, nominal=(30,))
    assert not timeline.is_constant
    plan = plan_frames(timeline, FULL_HD, Video("a", fps=1.0), LIMITS)
    assert len(plan.indices) == 30
    shown = timeline.times_s[plan.indices]
    wanted = np.linspace(0, 30, 30)
    assert (shown <= wanted + 1e-6).all()
    assert (wanted - shown < 2.0 + 1e-6).all()  # the frame on screen, at most one interval old
    assert (shown >= 10).sum() == 20  # by index it would be 1 of 30
    # The seconds that the plan claims are those that pass.
    assert plan.second_per_grid * 15 == pytest.approx(30, rel=0.02)


def test_a_part_of_a_varying_rate_is_cut_by_time() -> None:
    times = np.concatenate([np.arange(300) / 30, 10 + 2.0 * np.arange(11)])
    timeline = Timeline.from_times(times, tick_s=0.001)
    plan = plan_frames(timeline, FULL_HD, Video("a", video_start=13.0, video_end=25.0), LIMITS)
    shown = timeline.times_s[plan.indices]
    assert (shown[0], shown[-1]) == (14.0, 24.0)


def test_a_constant_rate_gives_the_same_frames_by_time_as_by_index() -> None:
    even = Timeline.of_constant_rate(301, 10.0)
    by_time = Timeline(times_s=even.times_s, fps=10.0, is_constant=False)
    for count in (2, 4, 11, 301):
        np.testing.assert_array_equal(
            frame_indices(by_time, 0, 300, count) if 300 % (count - 1) == 0 else
            frame_indices(even, 0, 300, count),
            frame_indices(even, 0, 300, count),
        )  # fmt: skip


def test_options_without_effect_on_a_list_are_refused() -> None:
    for option in ("nframes", "min_frames", "max_frames", "video_start", "video_end"):
        with pytest.raises(InputError, match=f"option {option} has no effect on a list"):
            plan_frame_list(4, FULL_HD, Video([b""], **{option: 2}), LIMITS)
