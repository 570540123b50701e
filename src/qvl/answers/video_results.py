"""What a model found in a video, in the time of the file: printed, shown, drawn.

Owns: the results and how they look. Does not own: asking (``video``), the written forms
(``tasks.video``), where bars and frames go (``tasks.draw_video``).
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL.Image

from qvl.answers.drawings import save_picture, save_svg
from qvl.errors import InputError
from qvl.geometry import FACTOR, TEMPORAL_PATCH, PixelLimits
from qvl.messages import PreparedSource, Video
from qvl.processing.image import load_image
from qvl.processing.video import prepare_video
from qvl.tasks.draw_video import (
    WIDTH_PX,
    Frame,
    Timeline,
    contact_sheet,
    lay_out,
    paint,
    stack,
    timeline_svg,
)
from qvl.tasks.json_repair import JsonValue
from qvl.tasks.times import format_time
from qvl.tasks.video import Moment
from qvl.video_facts import VideoFacts

SHEET_FRAMES = 24
"""Most frames of a contact sheet."""
_SHEET_LIMITS = PixelLimits(min_pixels=4 * FACTOR * FACTOR, max_pixels=100 * FACTOR * FACTOR)
"""Pixels of a frame there: no more than a cell shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoAnswer:
    """Moments of a video; times are seconds after the first frame of the file."""

    moments: tuple[Moment, ...]
    """In the order of the answer; of several windows, in the order of time."""
    texts: tuple[str, ...]
    """The whole answers, one for each window the video was seen through."""
    facts: tuple[VideoFacts, ...]
    """What the model saw, window by window."""
    answered: bool
    """True when every window's answer states times, or that there are none."""
    truncated: bool
    """True when an answer ended in the middle."""
    problems: tuple[str, ...] = ()
    """What was stated but could not be used, one line each."""
    video: Video = field(compare=False, repr=False)
    """As it was given."""

    @property
    def duration_s(self) -> float:
        """Length of the file."""
        return self.facts[0].duration_s

    @property
    def start_s(self) -> float:
        """Where the part begins that was looked at."""
        return self.facts[0].start_s

    @property
    def end_s(self) -> float:
        """Where that part ends."""
        return self.facts[-1].end_s

    def __str__(self) -> str:
        lines = [_line(moment) for moment in self.moments]
        if not lines:
            said = " ".join(" ".join(self.texts).split())
            lines = ["nothing found" if self.answered else f"no times in {said[:200]!r}"]
        return "\n".join([*lines, *(f"({problem})" for problem in self.problems)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{_stretch(moment)}</td><td>{moment.start_frame} - {moment.end_frame}</td>"
            f"<td>{html.escape(moment.label)}</td></tr>"
            for moment in self.moments
        )
        head = "<tr><th>time</th><th>frames</th><th>what</th></tr>"
        problems = "".join(f"<li>{html.escape(problem)}</li>" for problem in self.problems)
        picture = timeline_svg(self._timeline())
        return f"{picture}<table>{head}{rows}</table><ul>{problems}</ul>"

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary for ``json.dumps``."""
        return {
            "moments": [moment.to_json() for moment in self.moments],
            "duration_s": round(self.duration_s, 3),
            "fps": self.facts[0].fps,
            "windows": [[round(facts.start_s, 3), round(facts.end_s, 3)] for facts in self.facts],
            "answered": self.answered,
            "truncated": self.truncated,
            "problems": list(self.problems),
            "texts": list(self.texts),
        }

    def draw(self, path: str | Path | None = None) -> PIL.Image.Image:
        """Returns frames of the video with their times, and below them the timeline.

        Args:
            path: also written there, in a format of pixels.

        Raises:
            InputError: the video cannot be read any more, or the file cannot be written.
        """
        sheet = self.draw_sheet()
        timeline = paint(self._timeline(width=max(sheet.width, WIDTH_PX)))
        return _saved(stack([sheet, timeline]), path)

    def draw_sheet(self, path: str | Path | None = None) -> PIL.Image.Image:
        """Returns frames of the video with their times, those of the moments marked.

        Args:
            path: also written there, in a format of pixels.

        Raises:
            InputError: the video cannot be read any more, or the file cannot be written.
        """
        frames = _frames(self.video, self.start_s, self.end_s, self.facts[0])
        return _saved(contact_sheet(frames, self.moments, end_s=self.end_s), path)

    def draw_timeline(self, path: str | Path | None = None) -> PIL.Image.Image:
        """Returns a bar for each moment over the length of the video.

        Args:
            path: also written there; SVG when the name ends so.

        Raises:
            InputError: the file cannot be written.
        """
        timeline = self._timeline()
        if path is not None and Path(path).suffix.lower() == ".svg":
            save_svg(path, timeline_svg(timeline))
            return paint(timeline)
        return _saved(paint(timeline), path)

    def _timeline(self, *, width: int = WIDTH_PX) -> Timeline:
        return lay_out(self.moments, start_s=self.start_s, end_s=self.end_s, width=width)


@dataclass(frozen=True, kw_only=True, slots=True)
class MomentsResult(VideoAnswer):
    """When something happens in a video."""

    query: str
    """What was looked for."""

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary for ``json.dumps``."""
        return {"query": self.query, **VideoAnswer.to_json(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoDescription(VideoAnswer):
    """What happens in a video; the labels of the moments say it."""


def _stretch(moment: Moment) -> str:
    return f"{format_time(moment.start_s)} - {format_time(moment.end_s)}"


def _line(moment: Moment) -> str:
    return f"{_stretch(moment)}\t{' '.join(moment.label.split())}".rstrip()


def _saved(picture: PIL.Image.Image, path: str | Path | None) -> PIL.Image.Image:
    if path is not None:
        save_picture(path, picture)
    return picture


def _frames(video: Video, start_s: float, end_s: float, facts: VideoFacts) -> Sequence[Frame]:
    """A few frames of the part that was looked at, evenly spaced."""
    source = video.source
    if isinstance(source, PreparedSource):
        raise InputError(
            "the video was prepared before and its pixels are gone",
            hint="give the file itself to draw its frames",
        )
    if not isinstance(source, str | Path | bytes):
        chosen = np.linspace(0, len(source) - 1, min(len(source), SHEET_FRAMES)).round().astype(int)
        return [Frame(int(i) / facts.fps, load_image(source[int(i)])) for i in chosen]
    available = facts.frame_at(end_s) - facts.frame_at(start_s)
    count = max(TEMPORAL_PATCH, min(SHEET_FRAMES, available // TEMPORAL_PATCH * TEMPORAL_PATCH))
    small = Video(
        source,
        nframes=count,
        min_pixels=_SHEET_LIMITS.min_pixels,
        video_start=video.video_start,
        video_end=video.video_end,
    )
    prepared = prepare_video(small, _SHEET_LIMITS)
    height, width = prepared.transform.original
    return [
        Frame(time_s, PIL.Image.fromarray(pixels).resize(_shape(width, height, pixels.shape[0])))
        for time_s, pixels in zip(prepared.timestamps_s.tolist(), prepared.frames, strict=True)
    ]


def _shape(width: int, height: int, resized_height: int) -> tuple[int, int]:
    """(width, height) with the shape of the original: resizing to multiples of 28 bends it."""
    return max(1, round(resized_height * width / height)), resized_height
