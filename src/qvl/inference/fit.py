"""Which max_pixels or fps would make a prompt fit.

Owns: trying options. Does not own: what fitting means (a function that the caller gives), nor the
rules of sizes and frames (processing).

    items + fits(plans) -> suggest -> the largest value of each option that fits, if any
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from qvl.errors import InputError
from qvl.geometry import FACTOR, PixelLimits, ResizeTransform
from qvl.messages import Image, Video
from qvl.processing.frame_sampling import FRAME_MIN_PIXELS, cap_total_pixels, plan_frames
from qvl.processing.media import MediaPlan, measure_media, plan_of_frames
from qvl.processing.video import VideoMeasure, facts_of
from qvl.processing.video_reader import open_video

Media = Image | Video
Fits = Callable[[Sequence[MediaPlan]], bool]

_TOKEN_PIXELS = FACTOR * FACTOR
_FEWEST_TOKENS = 4
"""Smallest picture tried. Source: min_pixels of the released preprocessor_config.json, 3136."""
_LOWEST_FPS = 1e-4
"""A frame in three hours; below it min_frames decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One option that, given alone to every item it applies to, makes the prompt fit.

    Attributes:
        option: "max_pixels" applies to images and to frames of videos, "fps" to video files.
        value: the largest that fits.
        min_pixels: to be given too, because the default is above ``value``; None if not needed.
        media_tokens: what all items then take.
    """

    option: Literal["max_pixels", "fps"]
    value: float
    min_pixels: int | None = None
    media_tokens: int


def suggest(media: Sequence[Media], *, limits: PixelLimits, fits: Fits) -> tuple[Suggestion, ...]:
    """Returns what would make the items fit; empty if nothing does.

    Video files are opened once, whatever is tried.

    Args:
        media: the items with the options they have now, which do not fit.
        limits: the checkpoint's pixel limits.
        fits: whether a prompt with these items, in this order, fits.
    """
    trials = _Trials(media, [_planner(item, limits) for item in media], fits)
    found = (_suggest_max_pixels(trials, limits), _suggest_fps(trials))
    return tuple(suggestion for suggestion in found if suggestion is not None)


@dataclass(frozen=True, slots=True)
class _Trials:
    """The items, and what they become with other options."""

    media: Sequence[Media]
    planners: Sequence[Callable[[Media], MediaPlan]]
    fits: Fits

    def plans(self, change: Callable[[Media], Media]) -> list[MediaPlan] | None:
        """The items after ``change``; None if that contradicts their other options."""
        try:
            pairs = zip(self.planners, self.media, strict=True)
            return [plan(change(item)) for plan, item in pairs]
        except InputError:
            return None

    def fitting_tokens(self, change: Callable[[Media], Media]) -> int | None:
        """Tokens of the items after ``change``; None if they do not fit."""
        plans = self.plans(change)
        if plans is None or not self.fits(plans):
            return None
        return sum(plan.num_tokens for plan in plans)


def _planner(item: Media, limits: PixelLimits) -> Callable[[Media], MediaPlan]:
    """Returns a function that plans the item with other options."""
    if isinstance(item, Video) and isinstance(item.source, str | Path | bytes):
        with open_video(item.source) as reader:
            timeline, size = reader.timeline, reader.size

        def plan(changed: Media) -> MediaPlan:
            assert isinstance(changed, Video)
            frames = plan_frames(timeline, size, changed, limits)
            frames = cap_total_pixels(frames, timeline, size, changed, limits)
            transform = ResizeTransform(size, frames.resized)
            return plan_of_frames(VideoMeasure(frames, transform, facts_of(frames, timeline)))

        return plan
    return lambda changed: measure_media(changed, limits)


def _suggest_max_pixels(trials: _Trials, limits: PixelLimits) -> Suggestion | None:
    def tokens(max_tokens: int) -> int | None:
        return trials.fitting_tokens(lambda item: _shrunk(item, max_tokens * _TOKEN_PIXELS, limits))

    now = trials.plans(lambda item: item) or []
    low, high = _FEWEST_TOKENS, max((plan.num_tokens // plan.grid.t for plan in now), default=0)
    if low >= high or tokens(low) is None:
        return None
    while high - low > 1:  # low fits, high does not
        middle = (low + high) // 2
        low, high = (low, middle) if tokens(middle) is None else (middle, high)
    media_tokens = tokens(low)
    assert media_tokens is not None
    value = low * _TOKEN_PIXELS
    needs_min = any(_least_pixels(item, limits) > value for item in trials.media)
    return Suggestion(
        option="max_pixels",
        value=value,
        min_pixels=_FEWEST_TOKENS * _TOKEN_PIXELS if needs_min else None,
        media_tokens=media_tokens,
    )


def _least_pixels(item: Media, limits: PixelLimits) -> int:
    if item.resized_height is not None:
        return 0  # its size is given; neither limit applies
    if item.min_pixels is not None:
        return item.min_pixels
    is_image = isinstance(item, Image)
    return limits.min_pixels if is_image else min(FRAME_MIN_PIXELS, limits.max_pixels)


def _shrunk(item: Media, max_pixels: int, limits: PixelLimits) -> Media:
    if item.resized_height is not None:
        return item
    if _least_pixels(item, limits) > max_pixels:
        item = replace(item, min_pixels=_FEWEST_TOKENS * _TOKEN_PIXELS)
    most = max_pixels if item.max_pixels is None else min(item.max_pixels, max_pixels)
    return replace(item, max_pixels=most)


def _suggest_fps(trials: _Trials) -> Suggestion | None:
    def tokens(fps: float) -> int | None:
        return trials.fitting_tokens(lambda item: _slowed(item, fps))

    now = trials.plans(lambda item: item) or []
    rates = [2 / plan.second_per_grid for plan in now if plan.second_per_grid is not None]
    if not rates or tokens(_LOWEST_FPS) is None:
        return None
    low, high = _LOWEST_FPS, max(rates)
    while high / low > 1.001:  # low fits, high does not
        middle = (low * high) ** 0.5
        low, high = (low, middle) if tokens(middle) is None else (middle, high)
    for value in (_rounded_down(low), low):
        media_tokens = tokens(value)
        if media_tokens is not None:
            return Suggestion(option="fps", value=value, media_tokens=media_tokens)
    return None


def _slowed(item: Media, fps: float) -> Media:
    if isinstance(item, Image) or not isinstance(item.source, str | Path | bytes):
        return item  # of a list of frames, fps only tells their rate
    return replace(item, fps=fps, nframes=None)


def _rounded_down(value: float) -> float:
    """Two significant digits, towards zero."""
    exponent = f"{value:e}".split("e")[1]
    unit = 10.0 ** (int(exponent) - 1)
    return float(f"{int(value / unit) * unit:.1e}")
