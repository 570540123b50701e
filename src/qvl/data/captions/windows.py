"""Cuts a video into windows that a captioner can look at, one after another, in bounded memory.

Owns: finding cuts, closing windows, choosing their frames. Does not own: decoding
(``processing.video``), captions (`captioner`).

    Video -> frames one by one -> cut or full? -> Window(start, end, a few frames)

A cut is where a frame differs from the one before by much, and by much more than frames did lately;
so a fast pan is no cut. The frames that a window keeps are thinned as it grows: twice as many as it
needs are in memory at most, whatever its length.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from qvl.errors import ConfigError
from qvl.messages import Video
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import iter_frames, measure_video

_GRID = 16
"""Side of the thumbnail by which frames are compared."""
_RECENT = 8
_OF_LIGHT = 0.5
"""Share of the difference at a cut that must remain when brightness is made equal."""
_DARKEST = 6.0
"""Mean below which a picture is black and its noise is not blown up."""
_FRAMES_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowRule:
    """When a window ends. The numbers are ours; tests measure what they find in drawn films.

    Attributes:
        frames: most that a captioner sees of one window.
        longest_s: of a window; a longer scene becomes several.
        cut: least mean difference of two frames at a cut, of 255; half of it must remain when both
            are made equally bright.
        cut_ratio: and how many times the usual difference of late it must be.
    """

    frames: int = 8
    longest_s: float = 120.0
    cut: float = 14.0
    cut_ratio: float = 3.0

    def __post_init__(self) -> None:
        if self.frames < 1 or self.longest_s <= 0:
            raise ConfigError(
                f"windows of {self.frames} frames and {self.longest_s:g} s, expected more than none"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A stretch of a video with some of its frames.

    Attributes:
        start_s: its first frame.
        end_s: the first frame after it, or the end of the video.
        is_cut: whether it begins with a cut; the first one does.
        times_s: of its frames.
        frames: uint8[H, W, 3] each.
    """

    start_s: float
    end_s: float
    is_cut: bool
    times_s: tuple[float, ...]
    frames: tuple[NDArray[np.uint8], ...]


def windows_of(video: Video, rule: WindowRule) -> Iterator[Window]:
    """Yields the windows of a video, without gaps, as its options let a model see it.

    Raises:
        InputError: it cannot be read; damage shows when its frames are reached.
    """
    facts = measure_video(video, DEFAULT_LIMITS).facts
    detector = _CutDetector(rule)
    kept: list[tuple[float, NDArray[np.uint8]]] = []
    every, seen_in_window, is_cut = 1, 0, True
    start_s, last_s = facts.timestamps_s[0], -1.0
    chunks = iter_frames(video, DEFAULT_LIMITS, num_frames=_FRAMES_AT_ONCE)
    pictures = (pixels for chunk in chunks for pixels in chunk)
    for time_s, pixels in zip(facts.timestamps_s, pictures, strict=True):
        if time_s <= last_s:  # a frame that stays on screen is sampled twice
            continue
        last_s = time_s
        is_new_scene = detector.is_cut(pixels) and bool(kept)
        if kept and (is_new_scene or time_s - start_s >= rule.longest_s):
            yield _window(kept, start_s, time_s, is_cut, rule)
            kept, every, seen_in_window = [], 1, 0
            start_s, is_cut = time_s, is_new_scene
        if seen_in_window % every == 0:
            kept.append((time_s, pixels))
        seen_in_window += 1
        if len(kept) > 2 * rule.frames:
            kept, every = kept[::2], 2 * every
    yield _window(kept, start_s, facts.end_s, is_cut, rule)


class _CutDetector:
    """Compares each frame with the one before, and with how much frames differed lately."""

    def __init__(self, rule: WindowRule) -> None:
        self._rule = rule
        self._before: NDArray[np.float32] | None = None
        self._recent: deque[float] = deque(maxlen=_RECENT)

    def is_cut(self, pixels: NDArray[np.uint8]) -> bool:
        small = PIL.Image.fromarray(pixels).resize((_GRID, _GRID), PIL.Image.Resampling.BOX)
        thumbnail = np.asarray(small, np.float32)
        before, self._before = self._before, thumbnail
        if before is None:
            return True
        # The same picture, darker or lighter, is a scene that fades.
        difference = _beyond_light(thumbnail, before)
        # What moves fast moves on: a second jump as large as the last one is motion, not a cut.
        usual = max(float(np.median(self._recent)), self._recent[-1] / 2) if self._recent else 0.0
        self._recent.append(difference)
        if float(np.abs(thumbnail - before).mean()) < self._rule.cut:
            return False
        return difference >= max(self._rule.cut * _OF_LIGHT, self._rule.cut_ratio * usual)


def _beyond_light(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean difference of two pictures, of 255, after both are made equally bright."""
    levels = [max(float(picture.mean()), _DARKEST) for picture in (one, other)]
    bright = max(levels)
    pair = [picture * (bright / level) for picture, level in zip((one, other), levels, strict=True)]
    return float(np.abs(pair[0] - pair[1]).mean())


def _window(
    kept: list[tuple[float, NDArray[np.uint8]]],
    start_s: float,
    end_s: float,
    is_cut: bool,
    rule: WindowRule,
) -> Window:
    wanted = np.linspace(0, len(kept) - 1, min(rule.frames, len(kept))).round().astype(int)
    chosen = [kept[place] for place in wanted.tolist()]
    return Window(
        start_s=start_s,
        end_s=end_s,
        is_cut=is_cut,
        times_s=tuple(time_s for time_s, _ in chosen),
        frames=tuple(pixels for _, pixels in chosen),
    )
