"""A video in any form -> the frames the model sees, resized, with their times.

Owns: joining the sampling rules with files and lists of frames; resizing frame by frame.
Does not own: the rules (frame_sampling), files (video_reader), pictures (image).

    file or list -> plan (count, indices, size, cap) -> decode one, resize one, drop one
        -> all frames, or a few at a time
"""

import contextlib
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
from qvl.video_facts import VideoFacts

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
    facts: VideoFacts
    """The file's own time, and the two arrays above as they stand in it."""


class VideoMeasure(NamedTuple):
    """What a video will cost, before its frames are decoded."""

    plan: FramePlan
    transform: ResizeTransform
    facts: VideoFacts


class _Frames(NamedTuple):
    """An open video: what is wanted of it, and the wanted frames as they are decoded."""

    plan: FramePlan
    timeline: Timeline
    size: ImageSize
    pictures: Iterator[tuple[int, PIL.Image.Image]]
    """Each wanted frame once, ascending."""

    def measure(self) -> VideoMeasure:
        transform = ResizeTransform(self.size, self.plan.resized)
        return VideoMeasure(self.plan, transform, facts_of(self.plan, self.timeline))

    def resized(self) -> Iterator[NDArray[np.uint8]]:
        """uint8[H, W, 3] for each planned index; one that is wanted twice is resized once."""
        at = -1
        pixels = np.empty((0, 0, 3), np.uint8)
        for wanted in self.plan.indices.tolist():
            if wanted != at:
                at, picture = next(self.pictures)
                pixels = resize_pixels(picture, self.plan.resized)
            yield pixels


def prepare_video(video: Video, limits: PixelLimits) -> PreparedVideo:
    """Samples, decodes and resizes one video.

    Memory holds the resized frames and about two full ones, whatever the length of the video.

    Source: qwen-vl-utils 0.0.14 vision_process.py, fetch_video; the cap on total_pixels and the
    times of videos with a varying rate are ours, see frame_sampling.

    Raises:
        InputError: no readable video, or options that leave no frames or no size.
    """
    with _open(video, limits) as opened:
        plan, transform, facts = opened.measure()
        frames = np.empty((len(plan.indices), *plan.resized, 3), np.uint8)
        for place, pixels in enumerate(opened.resized()):
            frames[place] = pixels
    return PreparedVideo(
        frames=frames,
        transform=transform,
        second_per_grid=plan.second_per_grid,
        timestamps_s=opened.timeline.times_s[plan.indices],
        frame_indices=plan.indices,
        sample_fps=plan.sample_fps,
        facts=facts,
    )


def iter_frames(
    video: Video, limits: PixelLimits, *, num_frames: int
) -> Iterator[NDArray[np.uint8]]:
    """Yields the frames of `prepare_video`, at most ``num_frames`` at a time: uint8[F, H, W, 3].

    Raises:
        InputError: as `prepare_video`; damage shows when the frames are reached.
    """
    with _open(video, limits) as opened:
        resized = opened.resized()
        for start in range(0, len(opened.plan.indices), num_frames):
            count = min(num_frames, len(opened.plan.indices) - start)
            yield np.stack([next(resized) for _ in range(count)])


def measure_video(video: Video, limits: PixelLimits) -> VideoMeasure:
    """Frames and size of a video, from its packets or the headers of its frames.

    Raises:
        InputError: as `prepare_video`, except for damage that only decoding shows.
    """
    with _open(video, limits) as opened:
        return opened.measure()


def facts_of(plan: FramePlan, timeline: Timeline) -> VideoFacts:
    """Returns which of a file's frames a plan takes, and when they are shown."""
    return VideoFacts(
        num_frames=len(timeline.times_s),
        fps=timeline.fps,
        frame_indices=tuple(plan.indices.tolist()),
        timestamps_s=tuple(timeline.times_s[plan.indices].tolist()),
        times_s=None if timeline.is_constant else timeline.times_s,
    )


@contextlib.contextmanager
def _open(video: Video, limits: PixelLimits) -> Iterator[_Frames]:
    """Plans a video and keeps it open, so that its frames can be read inside."""
    if isinstance(video.source, str | Path | bytes):
        with open_video(video.source) as reader:
            plan = _plan(reader.timeline, reader.size, video, limits)
            yield _Frames(plan, reader.timeline, reader.size, _read(reader, plan))
        return
    with blame("list of frames"):
        listed = _ListedFrames.of(video)
        plan, timeline = listed.plan(limits)
        yield _Frames(plan, timeline, listed.size, listed.read(plan))


def _plan(timeline: Timeline, size: ImageSize, video: Video, limits: PixelLimits) -> FramePlan:
    plan = plan_frames(timeline, size, video, limits)
    return cap_total_pixels(plan, timeline, size, video, limits)


def _read(reader: VideoReader, plan: FramePlan) -> Iterator[tuple[int, PIL.Image.Image]]:
    for frame, pixels in reader.read(np.unique(plan.indices).tolist()):
        yield frame, PIL.Image.fromarray(pixels)


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
