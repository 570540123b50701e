"""A video in any form -> the frames the model sees, resized, with their times.

Owns: joining the sampling rules with files and lists of frames; resizing frame by frame.
Does not own: the rules (frame_sampling), files (video_reader), pictures (image).

    file or list -> plan (count, indices, size, cap) -> decode one, resize one, drop one -> frames
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from qvl.errors import InputError
from qvl.geometry import ImageSize, PixelLimits, ResizeTransform
from qvl.messages import Video
from qvl.processing.frame_sampling import (
    FramePlan,
    Timeline,
    cap_total_pixels,
    plan_frame_list,
    plan_frames,
)
from qvl.processing.image import ImageSource, load_image, measure_size, resize_pixels
from qvl.processing.sources import blame
from qvl.processing.video_reader import VideoReader, open_video

MAX_LISTED_FRAMES = 100_000
"""Longest list of frames: a bound on headers read, far above what any model sees."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedVideo:
    """What the model sees of one video."""

    frames: NDArray[np.uint8]
    """uint8[F, H, W, 3], RGB, F even, H and W multiples of 28."""
    transform: ResizeTransform
    """Between original_px (as shown, rotation applied) and resized_px, the same for all frames."""
    second_per_grid: float
    """Seconds from one pair of frames to the next."""
    timestamps_s: NDArray[np.float64]
    """float64[F], when each frame is shown, in seconds after the first frame of the file."""
    frame_indices: NDArray[np.int64]
    """int64[F], which frames of the file these are."""
    sample_fps: float
    """Frames per second among those taken."""


class VideoMeasure(NamedTuple):
    """What a video will cost, before its frames are decoded."""

    plan: FramePlan
    transform: ResizeTransform


def prepare_video(video: Video, limits: PixelLimits) -> PreparedVideo:
    """Samples, decodes and resizes one video.

    Memory holds the resized frames and about two full ones, whatever the length of the video.

    Source: qwen-vl-utils 0.0.14 vision_process.py, fetch_video; the cap on total_pixels and the
    times of videos with a varying rate are ours, see frame_sampling.

    Raises:
        InputError: no readable video, or options that leave no frames or no size.
    """
    if isinstance(video.source, str | Path | bytes):
        with open_video(video.source) as reader:
            plan = _plan(reader.timeline, reader.size, video, limits)
            return _collect(plan, reader.timeline, reader.size, _read(reader, plan))
    with blame("list of frames"):
        listed = _ListedFrames.of(video)
        plan, timeline = listed.plan(limits)
        return _collect(plan, timeline, listed.size, listed.read(plan))


def measure_video(video: Video, limits: PixelLimits) -> VideoMeasure:
    """Frames and size of a video, from its packets or the headers of its frames.

    Raises:
        InputError: as `prepare_video`, except for damage that only decoding shows.
    """
    if isinstance(video.source, str | Path | bytes):
        with open_video(video.source) as reader:
            size = reader.size
            plan = _plan(reader.timeline, size, video, limits)
    else:
        with blame("list of frames"):
            listed = _ListedFrames.of(video)
            size = listed.size
            plan, _ = listed.plan(limits)
    return VideoMeasure(plan, ResizeTransform(size, plan.resized))


def _plan(timeline: Timeline, size: ImageSize, video: Video, limits: PixelLimits) -> FramePlan:
    plan = plan_frames(timeline, size, video, limits)
    return cap_total_pixels(plan, timeline, size, video, limits)


def _read(reader: VideoReader, plan: FramePlan) -> Iterator[tuple[int, PIL.Image.Image]]:
    for frame, pixels in reader.read(np.unique(plan.indices).tolist()):
        yield frame, PIL.Image.fromarray(pixels)


def _collect(
    plan: FramePlan,
    timeline: Timeline,
    size: ImageSize,
    pictures: Iterator[tuple[int, PIL.Image.Image]],
) -> PreparedVideo:
    """Resizes pictures as they come; a frame that is wanted twice is resized once."""
    frames = np.empty((len(plan.indices), *plan.resized, 3), np.uint8)
    for frame, picture in pictures:
        frames[plan.indices == frame] = resize_pixels(picture, plan.resized)
    return PreparedVideo(
        frames=frames,
        transform=ResizeTransform(size, plan.resized),
        second_per_grid=plan.second_per_grid,
        timestamps_s=timeline.times_s[plan.indices],
        frame_indices=plan.indices,
        sample_fps=plan.sample_fps,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _ListedFrames:
    """A video given as a list of pictures of one size."""

    video: Video
    pictures: tuple[ImageSource, ...]
    size: ImageSize

    @classmethod
    def of(cls, video: Video) -> "_ListedFrames":
        """Reads the headers of all frames."""
        source = video.source
        if isinstance(source, np.ndarray) and source.ndim == 4:
            source = list(source)
        if not isinstance(source, list | tuple):
            raise InputError(
                f"video source is a {type(source).__name__}, "
                "expected a path, bytes or a list of pictures"
            )
        if not 0 < len(source) <= MAX_LISTED_FRAMES:
            raise InputError(f"{len(source):,} frames, expected 1 to {MAX_LISTED_FRAMES:,}")
        sizes = []
        for number, frame in enumerate(source):
            with blame(f"frame {number}"):
                sizes.append(measure_size(frame))
        for number, size in enumerate(sizes):
            if size != sizes[0]:
                raise InputError(f"frame {number} is {size}, expected {sizes[0]} like the first")
        return cls(video=video, pictures=tuple(source), size=sizes[0])

    def plan(self, limits: PixelLimits) -> tuple[FramePlan, Timeline]:
        """Frames, size and the times that the rate of the list implies."""
        plan = plan_frame_list(len(self.pictures), self.size, self.video, limits)
        timeline = Timeline.of_constant_rate(len(self.pictures), plan.sample_fps)
        return cap_total_pixels(plan, timeline, self.size, self.video, limits), timeline

    def read(self, plan: FramePlan) -> Iterator[tuple[int, PIL.Image.Image]]:
        """Decodes the planned frames, one at a time."""
        for frame in np.unique(plan.indices).tolist():
            with blame(f"frame {frame}"):
                picture = load_image(self.pictures[frame])
            yield frame, picture
