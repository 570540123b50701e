"""A video too long for one look: the windows it is seen through, and one answer out of many.

Owns: the rule when and how to cut, and what is said twice where windows overlap. Does not own:
which frames of a window are seen (processing), asking (``video``).

    Video -> plan_windows -> Videos, one after the other -> answers -> merge -> moments of the file

The rule: the video gets as many tokens as the context leaves, at most 24,576. If the frames that
fit into them are fewer than ``min_fps`` a second, the video is cut into as few equal windows as it
takes for the same number of frames to be ``min_fps`` a second in each; neighbours share a tenth.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from qvl.errors import ContextLengthError
from qvl.geometry import FACTOR, TEMPORAL_PATCH
from qvl.messages import PreparedSource, Video
from qvl.options import real_number
from qvl.processing.frame_sampling import DEFAULT_FPS
from qvl.processing.media import measure_media
from qvl.processing.settings import InputSettings
from qvl.tasks.video import Moment
from qvl.video_facts import VideoFacts

MOST_VIDEO_TOKENS = 24_576
"""Most video tokens in the published evaluation. Source: report section 3.3.4."""

MIN_FPS = 0.5
"""Fewest frames a second that a moment is looked for in: a pair of frames every 4 s. Ours."""

OVERLAP = 0.1
"""Share of a window that the next one sees again: what happens at a border is seen whole."""


class WindowMoments(NamedTuple):
    """What was found in one window."""

    facts: VideoFacts
    moments: Sequence[Moment]


def fit_budget(video: Video, settings: InputSettings, *, reserved_tokens: int) -> Video:
    """Returns the video with the largest budget that leaves room for question and answer.

    A video that says its own ``total_pixels``, or is prepared already, is returned as it is.

    Raises:
        ContextLengthError: nothing is left for the video.
    """
    if video.total_pixels is not None or isinstance(video.source, PreparedSource):
        return video
    room = settings.context_length - reserved_tokens
    if room < 1:
        raise ContextLengthError(
            f"question and answer take {reserved_tokens} tokens, the context has "
            f"{settings.context_length}: nothing is left for the video",
            hint="shorten the question or lower max_tokens",
        )
    return replace(video, total_pixels=min(MOST_VIDEO_TOKENS, room) * FACTOR * FACTOR)


def plan_windows(
    video: Video, settings: InputSettings, *, min_fps: float = MIN_FPS
) -> tuple[Video, ...]:
    """Returns the parts of a video to look at one after the other; often the video itself.

    Lists of frames, a given ``nframes`` and prepared videos are seen in one look: somebody chose
    their frames.

    Args:
        video: with its budget, see `fit_budget`.
        settings: of the checkpoint.
        min_fps: cut when one look would see fewer frames a second than this; never more are
            demanded than the file has or the video's own ``fps`` asks for. 0 never cuts.

    Raises:
        InputError: the video cannot be read.
    """
    real_number(min_fps, "min_fps", is_zero_allowed=True)
    if not isinstance(video.source, str | Path | bytes) or video.nframes is not None:
        return (video,)
    plan = measure_media(video, settings.limits)
    facts = plan.facts
    assert facts is not None, "a video has facts"
    wanted_fps = min(min_fps, facts.fps, DEFAULT_FPS if video.fps is None else video.fps)
    first_s, last_s = facts.start_s, facts.end_s
    # Frames come in pairs, so up to one pair is lost to rounding.
    if (plan.num_frames + TEMPORAL_PATCH) / (last_s - first_s) >= wanted_fps:
        return (video,)
    longest_s = plan.num_frames / wanted_fps
    # n windows of length w last n * w less the n - 1 overlaps of a share of w.
    count = math.ceil(((last_s - first_s) / longest_s - OVERLAP) / (1 - OVERLAP))
    window_s = (last_s - first_s) / (count - OVERLAP * (count - 1))
    starts = [first_s + number * (1 - OVERLAP) * window_s for number in range(count)]
    windows = [
        replace(video, video_start=start_s, video_end=start_s + window_s) for start_s in starts
    ]
    return (*windows[:-1], replace(windows[-1], video_end=video.video_end))


def merge_moments(windows: Sequence[WindowMoments]) -> tuple[Moment, ...]:
    """Returns the moments of all windows; one that two neighbours saw becomes one.

    Two moments are joined when both reach into the overlap of their windows and meet there: the
    result lasts from the earlier start to the later end and keeps what both windows said.
    """
    merged: list[Moment] = []
    open_before: list[Moment] = []
    border: VideoFacts | None = None
    for facts, moments in windows:
        open_now = []
        for moment in moments:
            partner = None
            if border is not None and moment.start_s <= border.end_s:
                partner = next((m for m in open_before if _meet(m, moment, facts.step_s)), None)
            if partner is not None:
                merged.remove(partner)
                open_before.remove(partner)
                moment = _joined(partner, moment)
            merged.append(moment)
            open_now.append(moment)
        open_before, border = open_now, facts
        # Whether they reach the next window is known when that one is looked at.
    return tuple(sorted(merged, key=lambda moment: (moment.start_s, moment.end_s)))


def merge_events(windows: Sequence[WindowMoments]) -> tuple[Moment, ...]:
    """Returns the events of all windows, each once, in the words of one window.

    The middle of an overlap divides it. An event of an overlap counts for the window on whose side
    its own middle lies; the other window's is left out if they overlap, and kept if it is alone.
    """
    kept = list(windows[0].moments) if windows else []
    for before, now in pairwise(windows):
        border_s = (before.facts.end_s + now.facts.start_s) / 2
        late = [event for event in now.moments if _middle(event) > border_s]
        kept = [
            event
            for event in kept
            if _middle(event) <= border_s or not any(_overlap(event, other) for other in late)
        ]
        early = [event for event in now.moments if _middle(event) <= border_s]
        late += [event for event in early if not any(_overlap(event, other) for other in kept)]
        kept += late
    return tuple(sorted(kept, key=lambda event: (event.start_s, event.end_s)))


def _meet(earlier: Moment, later: Moment, step_s: float) -> bool:
    """Whether they overlap, or leave a gap that no frame was seen in; two names are two things."""
    if earlier.label and later.label and earlier.label != later.label:
        return False
    return later.start_s <= earlier.end_s + step_s and earlier.start_s <= later.end_s + step_s


def _overlap(one: Moment, other: Moment) -> bool:
    return one.start_s <= other.end_s and other.start_s <= one.end_s


def _middle(moment: Moment) -> float:
    return (moment.start_s + moment.end_s) / 2


def _joined(earlier: Moment, later: Moment) -> Moment:
    first = earlier if earlier.start_s <= later.start_s else later
    last = earlier if earlier.end_s >= later.end_s else later
    return replace(
        first,
        end_s=last.end_s,
        end_frame=last.end_frame,
        label=earlier.label or later.label,
        swapped=earlier.swapped or later.swapped,
        clipped=earlier.clipped or later.clipped,
        off_grid=earlier.off_grid and later.off_grid,
        raw=f"{earlier.raw} | {later.raw}",
    )
