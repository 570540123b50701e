"""Rules for videos: what no model can learn from, told from a few frames and from times.

Owns: functions for `steps.filter_step`; bind their numbers with `functools.partial`. Does not own:
judgements that need a model, decoding (``processing``).

    Sample -> its videos, a few frames or all packets of each -> rule -> None | why it is dropped

A sample without a video is kept by all of them.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qvl.data.encoding import media_of
from qvl.data.media import is_frame_list
from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.geometry import PixelLimits
from qvl.messages import Video
from qvl.processing.image import load_image
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import measure_video, prepare_video
from qvl.processing.video_reader import open_video
from qvl.tasks import video as video_task
from qvl.video_facts import VideoFacts

LOOKED_AT = 16
"""Frames that rules about pixels look at, from all over the video."""

_SIDE_PX = 112
_IN_A_ROW = 24
_SAME = 1.0
"""Mean difference, of 255, below which two frames are the same: what an encoder makes of one."""
_LONGEST_GAP, _LONGEST_GAP_S = 10.0, 2.0
_SLACK_S = 1.0


def long_enough(sample: Sample, *, seconds: float, frames: int = 2) -> str | None:
    """Drops a sample with a video that is too short.

    Args:
        sample: its videos are read packet by packet, not decoded.
        seconds: least length.
        frames: fewest frames of the file.
    """
    for video in _videos(sample):
        facts = measure_video(video, DEFAULT_LIMITS).facts
        if facts.duration_s < seconds:
            return f"video below {seconds:g} s"
        if facts.num_frames < frames:
            return f"video below {frames} frames"
    return None


def not_static(sample: Sample, *, change: float = 2.0) -> str | None:
    """Drops a sample with a video in which nothing moves.

    Args:
        sample: a few frames of its videos are decoded.
        change: least mean difference, of 255, that some two of them in a row must have.
    """
    for video in _videos(sample):
        shown = looks(video)
        if max((_difference(a, b) for a, b in pairwise(shown)), default=0.0) < change:
            return "nothing moves in the video"
    return None


def not_black(sample: Sample, *, share: float = 0.5, level: float = 16.0) -> str | None:
    """Drops a sample with a video of which too much is black.

    Args:
        sample: a few frames of its videos are decoded.
        share: of the frames looked at that may be black.
        level: mean brightness, of 255, below which a frame is. Source: ITU-R BT.709: 16 is black
            in video range, so what is decoded of it is near 0.
    """
    for video in _videos(sample):
        levels = [float(pixels.mean()) for pixels in looks(video)]
        if np.mean([mean < level for mean in levels]) > share:
            return "video is mostly black"
    return None


def frames_differ(sample: Sample, *, share: float = 0.7) -> str | None:
    """Drops a sample with a video whose frames mostly repeat the one before.

    Such files were blown up from a lower rate, and their rate says nothing about motion.

    Args:
        sample: of its videos a run of frames in the middle is decoded; frame lists are kept.
        share: of repeated frames that is still kept.
    """
    for video in _videos(sample):
        if is_frame_list(video.source):
            continue
        with open_video(video.source) as reader:  # type: ignore[arg-type]
            middle, count = len(reader.timeline.times_s) // 2, len(reader.timeline.times_s)
            first = max(0, middle - _IN_A_ROW // 2)
            run = range(first, min(count, first + _IN_A_ROW))
            frames = [pixels.astype(np.int16) for _, pixels in reader.read(run)]
        differences = np.array([_difference(a, b) for a, b in pairwise(frames)])
        # Where nothing moves nothing repeats; that is the matter of `not_static`.
        moves = len(differences) > 4 and differences.max() > 2 * _SAME
        if moves and np.mean(differences < _SAME) > share:
            return "frames repeat the ones before"
    return None


def times_agree(sample: Sample) -> str | None:
    """Drops a sample whose times contradict its video: gaps in the file, a length other than the
    stated one (``duration_s`` of the facts), moments in answers outside the video."""
    found = [measure_video(video, DEFAULT_LIMITS).facts for video in _videos(sample)]
    for facts in found:
        if _has_gap(facts):
            return "a gap in the times of the video"
    if len(found) != 1:
        return None  # of several videos nobody says which one times are of
    facts = found[0]
    stated = sample.facts.get("duration_s")
    if isinstance(stated, int | float) and abs(stated - facts.duration_s) > _SLACK_S:
        return "length is not the stated one"
    for message in sample.conversation.messages:
        if message.role == "assistant":
            reading = video_task.parse(answer_text(message), facts=facts)
            if any(moment.clipped for moment in reading.moments) or any(
                "outside" in problem for problem in reading.problems
            ):
                return "moment outside the video"
    return None


def _has_gap(facts: VideoFacts) -> bool:
    if facts.times_s is None:
        return False
    gaps = np.diff(np.asarray(facts.times_s))
    return bool(gaps.max() > max(_LONGEST_GAP_S, _LONGEST_GAP * float(np.median(gaps))))


def _videos(sample: Sample) -> Iterator[Video]:
    return (part for part in media_of(sample.conversation) if isinstance(part, Video))


def looks(video: Video, *, count: int = LOOKED_AT) -> list[NDArray[np.int16]]:
    """A few frames from all over a video, small: int16[112, 112, 3] each.

    Args:
        video: a file, or frames.
        count: of frames; fewer where there are not so many.
    """
    if is_frame_list(video.source):
        frames: list[Any] = list(video.source)  # type: ignore[arg-type]
        chosen = [frames[i] for i in _spread(len(frames), count)]
        size = (_SIDE_PX, _SIDE_PX)
        return [np.asarray(load_image(frame).resize(size), np.int16) for frame in chosen]
    num_frames = measure_video(video, DEFAULT_LIMITS).facts.num_frames
    looked = Video(
        video.source,
        nframes=max(2, min(count, num_frames // 2 * 2)),
        resized_height=_SIDE_PX,
        resized_width=_SIDE_PX,
    )
    limits = PixelLimits(min_pixels=784, max_pixels=_SIDE_PX**2)
    return [frame.astype(np.int16) for frame in prepare_video(looked, limits).frames]


def _spread(size: int, count: int) -> list[int]:
    return sorted({round(i * (size - 1) / (count - 1)) for i in range(count)})


def _difference(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    return float(np.abs(one - other).mean())
