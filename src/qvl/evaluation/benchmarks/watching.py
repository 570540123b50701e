"""A row's video and words as a question; what is missing makes it broken, not absent.

Owns: finding a video by its name, the limits under which the report looked at videos. Does not own
what is asked (one file a benchmark), nor sampling (``processing``).

    row, name of a video, words, truth -> watch -> Question with a Video part
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qvl.data.interchange.named_files import file_below
from qvl.errors import InputError
from qvl.evaluation.benchmark import Question
from qvl.evaluation.layouts.pictures import MissingMedium
from qvl.evaluation.layouts.rows import Row
from qvl.messages import Conversation, Text, Video

FPS = 2.0
MAX_FRAMES = 768
MAX_VIDEO_TOKENS = 24_576
"""Source of the three: report section 3.3.4; 2 frames a second is the default of the models."""
TOTAL_PIXELS = MAX_VIDEO_TOKENS * 28 * 28

_ENDINGS = ("", ".mp4", ".MP4", ".mkv", ".webm", ".avi")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".aa")


def watch(
    row: Row,
    folder: Path,
    *,
    key: str,
    video: str,
    words: str,
    truth: Any,
    places: Sequence[str] = ("",),
    before: str = "",
    start_s: float | None = None,
    end_s: float | None = None,
    groups: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Question:
    """Returns a question about a video, which stands in front of the words.

    Questions about one video count together in standard errors.

    Args:
        row: for messages.
        folder: of the dataset.
        key: of the question.
        video: its name, with or without the ending of the file.
        words: of the question.
        truth: for the rule.
        places: folders below the dataset's in which the video may lie.
        before: words in front of the video.
        start_s: first second to look at.
        end_s: last second to look at.
        groups: slices.
        facts: for the rule and the report.
    """
    source: Path | None = None
    broken = ""
    try:
        source = find_video(video, folder, places=places, where=row.where)
        parts = [film(source, start_s=start_s, end_s=end_s)]
    except (MissingMedium, InputError) as error:
        parts, broken = [], error.message
    opening = [Text(before)] if before else []
    return Question(
        key=key,
        conversation=Conversation.user(*opening, *parts, Text(words)),
        truth=truth,
        groups=groups or {},
        facts={"cluster": video, **(facts or {})},
        broken=broken,
    )


def film(source: Path, *, start_s: float | None = None, end_s: float | None = None) -> Video:
    """A video part under the report's limits.

    Args:
        source: the file.
        start_s: first second to look at.
        end_s: last second to look at.

    Raises:
        InputError: the end is not after the start.
    """
    return Video(
        source,
        fps=FPS,
        max_frames=MAX_FRAMES,
        total_pixels=TOTAL_PIXELS,
        video_start=start_s,
        video_end=end_s,
    )


def film_of_frames(pictures: Sequence[Path], *, fps: float) -> Video:
    """A video part of pictures under the report's limits; of too many, evenly spaced ones.

    Args:
        pictures: in the order they are shown, at least one.
        fps: the rate at which they were taken.
    """
    step = -(-len(pictures) // MAX_FRAMES)
    return Video(list(pictures[::step]), fps=fps / step, total_pixels=TOTAL_PIXELS)


def find_video(name: str, folder: Path, *, places: Sequence[str] = ("",), where: str) -> Path:
    """Returns the file of a video; no file outside the folder is looked at.

    Raises:
        MissingMedium: there is none; the message says where it was looked for.
        DataError: it would lie outside the folder.
    """
    for place in places:
        for ending in _ENDINGS:
            path = file_below(f"{place or '.'}/{name}{ending}", folder, kind=f"{where}: the video")
            if name and path.is_file():
                return path
    looked = ", ".join(place or "." for place in places)
    raise MissingMedium(f"{where}: no video {name!r} in {looked} of {folder}{_packed(folder)}")


def _packed(folder: Path) -> str:
    """Says that there are archives, which may hold what is missing."""
    names = sorted(path.name for path in folder.glob("*") if path.suffix in _ARCHIVES)
    return f"; unpack {names[0]} and the like there" if names else ""
