"""How many frames of a video, which ones, and how large: arithmetic only, no pixels.

Owns: the official count, index and budget rules, and the cap on the tokens of a whole video.
Does not own: reading timestamps or frames (video).

    Timeline + Video options -> plan_frames -> FramePlan -> cap_total_pixels -> FramePlan
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qvl.errors import InputError
from qvl.geometry import FACTOR, TEMPORAL_PATCH, ImageSize, PixelLimits, smart_resize
from qvl.messages import Video

# Source of these six: qwen-vl-utils 0.0.14 vision_process.py, constants at the top.
DEFAULT_FPS = 2.0
DEFAULT_MIN_FRAMES = 4
DEFAULT_MAX_FRAMES = 768
FRAME_MIN_PIXELS = 128 * FACTOR * FACTOR
FRAME_MAX_PIXELS = 768 * FACTOR * FACTOR
DEFAULT_TOTAL_PIXELS = int(128_000 * FACTOR * FACTOR * 0.9)

LOWEST_FRAME_PIXELS = 16 * FACTOR * FACTOR
"""How small a frame may get to meet total_pixels, unless min_pixels says otherwise.

Source: Qwen2.5-VL cookbooks/video_understanding.ipynb, min_pixels of long videos.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """When each frame of a video is shown."""

    times_s: NDArray[np.float64]
    """float64[N], ascending, seconds after the first frame."""
    fps: float
    """Frames per second; the mean where the rate varies."""
    is_constant: bool
    """The frames are evenly spaced, so indices can stand for times."""

    @classmethod
    def from_times(
        cls,
        times_s: NDArray[np.float64],
        *,
        tick_s: float,
        nominal: tuple[Fraction | float | None, ...] = (),
    ) -> "Timeline":
        """Finds the frame rate of at least two frames.

        A nominal rate counts only if it explains every timestamp: headers lie, and rounding to
        ticks of 1 ms makes the mean of a 30 fps video 30.0003, which would cost a frame pair.

        Args:
            times_s: float64[N], ascending, starting at 0.
            tick_s: resolution of the timestamps.
            nominal: rates that the file's header states, the most trusted first.
        """
        order = np.arange(len(times_s))
        for rate in nominal:
            if rate and np.abs(times_s - order / float(rate)).max() <= 1.5 * tick_s + 1e-9:
                return cls(times_s=times_s, fps=float(rate), is_constant=True)
        if times_s[-1] <= 0:
            raise InputError("all frames are shown at the same time")
        fps = float((len(times_s) - 1) / times_s[-1])
        even = bool(np.abs(times_s - order / fps).max() <= 0.5 / fps)
        return cls(times_s=times_s, fps=fps, is_constant=even)

    @classmethod
    def of_constant_rate(cls, num_frames: int, fps: float) -> "Timeline":
        """Evenly spaced frames."""
        return cls(times_s=np.arange(num_frames) / fps, fps=fps, is_constant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class FramePlan:
    """Which frames of a video the model sees, and at what size."""

    indices: NDArray[np.int64]
    """int64[F], F even; a frame that stays on screen for long may appear more than once."""
    resized: ImageSize
    """Size of every frame, in resized_px."""
    sample_fps: float
    """Frames per second among those taken."""

    @property
    def second_per_grid(self) -> float:
        """Seconds from one pair of frames to the next; M-RoPE's time axis counts in them.

        Source: transformers 5.23 processing_qwen2_5_vl.py; spec trap 14: of the rate really
        sampled, not of the one asked for.
        """
        return TEMPORAL_PATCH / self.sample_fps

    @property
    def total_pixels(self) -> int:
        """Pixels of all pairs of frames; 784 are one token."""
        return len(self.indices) // TEMPORAL_PATCH * self.resized.area


def plan_frames(
    timeline: Timeline, size: ImageSize, video: Video, limits: PixelLimits
) -> FramePlan:
    """The official choice of frames and size; total_pixels is not yet a hard limit.

    Frames are evenly spaced over the part from video_start to video_end, both ends included. At
    a constant rate that means even in index, as published; at a varying rate even in time, which
    is what the model's time axis assumes.

    Source: qwen-vl-utils 0.0.14 vision_process.py, fetch_video and _read_video_torchcodec.

    Raises:
        InputError: too few frames in the part asked for, or options that leave no size.
    """
    first, last = frame_range(timeline, video)
    num_available = last - first + 1
    if timeline.is_constant:
        duration_s = num_available / timeline.fps
    else:  # the last frame is taken to last as long as the mean of the others
        span_s = float(timeline.times_s[last] - timeline.times_s[first])
        duration_s = span_s * num_available / (num_available - 1)
    num_frames = frame_count(num_available, num_available / duration_s, video)
    resized = frame_size(size, num_frames, video, limits)
    if timeline.is_constant:
        sample_fps = num_frames / num_available * timeline.fps
    else:
        sample_fps = num_frames / duration_s
    indices = frame_indices(timeline, first, last, num_frames)
    return FramePlan(indices=indices, resized=resized, sample_fps=sample_fps)


def plan_frame_list(
    num_frames: int, size: ImageSize, video: Video, limits: PixelLimits
) -> FramePlan:
    """All frames of a list, the last one twice if their number is odd.

    The size is settled in two steps, as in qwen-vl-utils 0.0.14: multiples of 56 under four times
    the limits of a picture, then the rule for a video. Its two resizes of the pixels we do as one.

    Source: qwen-vl-utils 0.0.14 vision_process.py, fetch_video, and fetch_image called by it.
    """
    ignored = ("nframes", "min_frames", "max_frames", "video_start", "video_end")
    for name in ignored:
        if getattr(video, name) is not None:
            raise InputError(
                f"option {name} has no effect on a list of frames",
                hint="choose the frames before making the list",
            )
    if num_frames < 1:
        raise InputError("no frames, expected at least one")
    if video.resized_height is None:
        size = smart_resize(
            size,
            factor=2 * FACTOR,
            min_pixels=4 * limits.min_pixels if video.min_pixels is None else video.min_pixels,
            max_pixels=4 * limits.max_pixels if video.max_pixels is None else video.max_pixels,
        )
    even = math.ceil(num_frames / TEMPORAL_PATCH) * TEMPORAL_PATCH
    return FramePlan(
        indices=np.minimum(np.arange(even), num_frames - 1),
        resized=frame_size(size, even, video, limits),
        sample_fps=DEFAULT_FPS if video.fps is None else video.fps,
    )


def frame_range(timeline: Timeline, video: Video) -> tuple[int, int]:
    """First and last frame between video_start and video_end, both included.

    Source: qwen-vl-utils 0.0.14 vision_process.py, calculate_video_frame_range.
    """
    times_s, fps, num_frames = timeline.times_s, timeline.fps, len(timeline.times_s)
    if num_frames < TEMPORAL_PATCH:
        raise InputError(
            f"{num_frames} frame{'s' * (num_frames != 1)}, expected at least {TEMPORAL_PATCH}",
            hint="give a single frame as an image",
        )
    duration_s = num_frames / fps
    first, last = 0, num_frames - 1
    if video.video_start is not None:
        start_s = min(video.video_start, duration_s)
        if timeline.is_constant:
            first = math.ceil(start_s * fps)
        else:
            first = int(np.searchsorted(times_s, start_s, side="left"))
    if video.video_end is not None:
        end_s = min(video.video_end, duration_s)
        if timeline.is_constant:
            last = min(math.floor(end_s * fps), num_frames - 1)
        else:
            last = int(np.searchsorted(times_s, end_s, side="right")) - 1
    if first >= last:
        start = "0" if video.video_start is None else f"{video.video_start:g}"
        end = "the end" if video.video_end is None else f"{video.video_end:g} s"
        raise InputError(
            f"fewer than {TEMPORAL_PATCH} frames from {start} s to {end}; "
            f"it is {duration_s:.2f} s long with {num_frames} frames"
        )
    return first, last


def frame_count(num_available: int, fps: float, video: Video) -> int:
    """Number of frames to take, even.

    Args:
        num_available: frames in the part asked for.
        fps: their rate.
        video: fps, nframes, min_frames and max_frames are read.

    Source: qwen-vl-utils 0.0.14 vision_process.py, smart_nframes.

    >>> frame_count(300, 30.0, Video("clip.mp4"))
    20
    """
    if video.nframes is not None:
        count = round(video.nframes / TEMPORAL_PATCH) * TEMPORAL_PATCH
        asked = f"nframes {video.nframes}"
    else:
        rate = DEFAULT_FPS if video.fps is None else video.fps
        low = DEFAULT_MIN_FRAMES if video.min_frames is None else video.min_frames
        low = math.ceil(low / TEMPORAL_PATCH) * TEMPORAL_PATCH
        high = min(DEFAULT_MAX_FRAMES, num_available)
        high = high if video.max_frames is None else video.max_frames
        high = math.floor(high / TEMPORAL_PATCH) * TEMPORAL_PATCH
        wanted = min(max(num_available / fps * rate, low), high, num_available)
        count = math.floor(wanted / TEMPORAL_PATCH) * TEMPORAL_PATCH
        asked = f"max_frames {video.max_frames}"
    if not TEMPORAL_PATCH <= count <= num_available:
        raise InputError(
            f"option {asked} asks for {count} frames, expected {TEMPORAL_PATCH} to "
            f"{num_available}, the number of frames in the video"
        )
    return count


def frame_indices(timeline: Timeline, first: int, last: int, num_frames: int) -> NDArray[np.int64]:
    """Evenly spaced frames from `first` to `last`, both included -> int64[num_frames].

    >>> frame_indices(Timeline.of_constant_rate(10, 30.0), 0, 9, 4)
    array([0, 3, 6, 9])
    """
    if timeline.is_constant:
        return np.rint(_float32_linspace(first, last, num_frames)).astype(np.int64)
    times_s = timeline.times_s
    wanted_s = np.linspace(times_s[first], times_s[last], num_frames)
    # The frame on screen at that time: the last one that is not later.
    shown = np.searchsorted(times_s, wanted_s + 1e-9, side="right") - 1
    return np.clip(shown, first, last).astype(np.int64)


def frame_size(size: ImageSize, num_frames: int, video: Video, limits: PixelLimits) -> ImageSize:
    """Size of every frame when `num_frames` share the budget, by the official rule.

    The budget of the whole video lowers the largest frame, but never below 1.05 times the
    smallest, so total_pixels can be exceeded; `cap_total_pixels` mends that. A checkpoint made for
    smaller pictures (its `limits`) lowers both defaults.

    Source: qwen-vl-utils 0.0.14 vision_process.py, fetch_video.
    """
    if video.resized_height is not None and video.resized_width is not None:
        wanted = ImageSize(video.resized_height, video.resized_width)
        return smart_resize(wanted, min_pixels=limits.min_pixels, max_pixels=limits.max_pixels)
    largest = min(FRAME_MAX_PIXELS, limits.max_pixels)
    smallest = min(FRAME_MIN_PIXELS, largest) if video.min_pixels is None else video.min_pixels
    total = DEFAULT_TOTAL_PIXELS if video.total_pixels is None else video.total_pixels
    most = max(min(largest, total / num_frames * TEMPORAL_PATCH), int(smallest * 1.05))
    if video.max_pixels is not None:
        most = min(most, video.max_pixels)
    if most < smallest:
        raise InputError(
            f"option max_pixels {video.max_pixels} is below min_pixels {smallest}, "
            "the fewest pixels of a frame",
            hint="give min_pixels as well",
        )
    return smart_resize(size, min_pixels=smallest, max_pixels=most)


def cap_total_pixels(
    plan: FramePlan, timeline: Timeline, size: ImageSize, video: Video, limits: PixelLimits
) -> FramePlan:
    """The plan, changed as little as possible until total_pixels really holds.

    The official rule exceeds total_pixels as soon as the smallest frame times the number of frames
    does (spec trap 13). A budget that does not hold is none, so here it always does, the
    default one too: first the frames shrink, down to min_pixels if that was given and to
    16 tokens otherwise; then there are fewer of them, still evenly spaced over the same part.

    Raises:
        InputError: two frames of the smallest size exceed total_pixels.
    """
    total = DEFAULT_TOTAL_PIXELS if video.total_pixels is None else video.total_pixels
    if plan.total_pixels <= total:
        return plan
    resized, num_frames = plan.resized, len(plan.indices)
    if video.resized_height is None:
        floor = video.min_pixels
        if floor is None:
            floor = min(LOWEST_FRAME_PIXELS, video.max_pixels or limits.max_pixels)
        share = total // (num_frames // TEMPORAL_PATCH)
        resized = smart_resize(size, min_pixels=floor, max_pixels=max(floor, share))
    num_frames = min(num_frames, total // resized.area * TEMPORAL_PATCH)
    if num_frames < TEMPORAL_PATCH:
        raise InputError(
            f"option total_pixels {total} is less than one pair of frames of {resized}, "
            f"{resized.area} pixels",
            hint="raise total_pixels or lower min_pixels",
        )
    kept = frame_indices(timeline, int(plan.indices[0]), int(plan.indices[-1]), num_frames)
    return replace(
        plan,
        indices=kept,
        resized=resized,
        sample_fps=plan.sample_fps * num_frames / len(plan.indices),
    )


def _float32_linspace(start: int, stop: int, count: int) -> NDArray[np.float32]:
    """torch.linspace to the bit: float32, fused multiply-add, from both ends to the middle.

    The official code rounds its result, so in long videos another arithmetic takes other frames.

    Source: PyTorch aten/src/ATen/native/cpu/RangeFactoriesKernel.cpp, linspace_kernel.
    """
    step = np.float64((np.float32(stop) - np.float32(start)) / np.float32(count - 1))
    order = np.arange(count, dtype=np.float64)
    # A product of two float32 is exact in float64; the one rounding is that of the result.
    rising = start + step * order
    falling = stop - step * (count - 1 - order)
    return np.where(order < count // 2, rising, falling).astype(np.float32)
