"""Shows the video of a sample to people: frames with their times, and bars for the moments that
answers state.

Owns: which frames, and which answers are about time. Does not own: drawing (``tasks.draw_video``),
pages and files that show the result (``report``, ``cli``).

    Sample, number of its video -> video_sheet() -> picture
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import PIL.Image

from qvl.data.encoding import media_of
from qvl.data.media import is_frame_list
from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.geometry import FACTOR, ImageSize, PixelLimits, smart_resize
from qvl.messages import Video
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import measure_video, prepare_video
from qvl.tasks import video as video_task
from qvl.tasks.draw_video import Frame, contact_sheet, lay_out, paint, stack
from qvl.tasks.video import Moment
from qvl.video_facts import VideoFacts

FRAMES = 24
"""Most frames of a sheet."""
MOST_MOMENTS = 24

_CELL_PIXELS = 100 * FACTOR * FACTOR
_LIMITS = PixelLimits(min_pixels=4 * FACTOR * FACTOR, max_pixels=_CELL_PIXELS)


def videos_of(sample: Sample) -> list[Video]:
    """Returns the videos of a sample, in order."""
    return [part for part in media_of(sample.conversation) if isinstance(part, Video)]


def video_sheet(sample: Sample, number: int) -> PIL.Image.Image:
    """Returns frames from all over a video, and a bar for each moment that an answer states.

    Args:
        sample: that has the video; when it has several, no moments are shown.
        number: of the video, from 0.

    Raises:
        InputError: the video cannot be read.
    """
    videos = videos_of(sample)
    facts = measure_video(videos[number], DEFAULT_LIMITS).facts
    moments = list(_stated(sample, facts))[:MOST_MOMENTS] if len(videos) == 1 else []
    sheet = contact_sheet(_frames(videos[number], facts), moments, end_s=facts.end_s)
    if not moments:
        return sheet
    start_s, end_s = facts.start_s, facts.end_s
    return stack([sheet, paint(lay_out(moments, start_s=start_s, end_s=end_s))])


def _frames(video: Video, facts: VideoFacts) -> list[Frame]:
    """Some of the frames that a model sees, or frames near them."""
    size = measure_video(video, DEFAULT_LIMITS).transform.original
    small = smart_resize(ImageSize(*size), min_pixels=3136, max_pixels=_CELL_PIXELS)
    if is_frame_list(video.source):
        listed: list[Any] = list(video.source)  # type: ignore[arg-type]
        count = len(listed)
        chosen = sorted({i * (count - 1) // max(1, FRAMES - 1) for i in range(FRAMES)})
        times = [facts.timestamps_s[i] for i in chosen]
        looked = Video(
            [listed[i] for i in chosen], resized_height=small.height, resized_width=small.width
        )
    else:
        num_seen = len(set(facts.frame_indices)) // 2 * 2
        looked = replace(
            video,
            fps=None,
            nframes=max(2, min(FRAMES, num_seen)),
            min_frames=None,
            max_frames=None,
            resized_height=small.height,
            resized_width=small.width,
        )
        times = list(measure_video(looked, _LIMITS).facts.timestamps_s)
    frames = prepare_video(looked, _LIMITS).frames
    # A list of odd length ends with its last frame twice.
    return [
        Frame(time_s, PIL.Image.fromarray(pixels))
        for time_s, pixels in zip(times, frames, strict=False)
    ]


def _stated(sample: Sample, facts: VideoFacts) -> Iterator[Moment]:
    for message in sample.conversation.messages:
        if message.role == "assistant":
            # A single time in words may as well be a length: "for 2.5 seconds".
            for moment in video_task.parse(answer_text(message), facts=facts).moments:
                if moment.end_s > moment.start_s or "-" in moment.raw or "{" in moment.raw:
                    yield moment
