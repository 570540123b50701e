"""When the frames of a drawn video are shown, and which of them a model will see.

Owns: durations, constant and varying rates, the options that make the sampler take what is meant.
Does not own: the sampler (``processing.frame_sampling``, used as it is), even rates
(``data.frame_rates``).

    rate -> random_timing() -> Timing: times of the file's frames, the seen ones, options
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qvl.data.synth.video.encode import TICKS_PER_SECOND
from qvl.geometry import ImageSize, PixelLimits
from qvl.messages import Video
from qvl.processing.frame_sampling import Timeline, plan_frames

Kind = Literal["seen", "native", "varying"]

SHARES: dict[Kind, float] = {"seen": 0.7, "native": 0.15, "varying": 0.15}
"""How files are made. "seen": they hold the frames that a model sees and no other, which is what
makes long ones cheap. "native": they hold more, at a rate of cameras. "varying": the frames come
unevenly, as from phones and screen recordings."""

MOST_FILE_FRAMES = 260
"""Of a file at the rate of cameras: each is drawn and encoded."""

_CAMERA_RATES = (12.0, 15.0, 24.0, 25.0, 30.0, 50.0, 60.0)
_ANY_LIMITS = PixelLimits(min_pixels=784, max_pixels=12_845_056)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """The clock of one video.

    Attributes:
        kind: how the file is made.
        times_s: when each frame of the file is shown, from 0, ascending.
        fps: frames a second in the file; the mean where they vary.
        seen_s: when each frame is shown that a model sees; of one that it sees twice, once.
        sample_fps: frames a second among those it sees.
        num_seen: frames that it sees, repetitions included.
        duration_s: the end.
    """

    kind: Kind
    times_s: tuple[float, ...]
    fps: float
    seen_s: tuple[float, ...]
    sample_fps: float
    num_seen: int
    duration_s: float

    @property
    def options(self) -> dict[str, Any]:
        """Options of the message part by which the sampler takes exactly these frames."""
        return {"nframes": self.num_seen}


def random_timing(
    rng: np.random.Generator,
    *,
    rate: float,
    seconds: tuple[float, float],
    frames: tuple[int, int],
    kind: Kind | None = None,
) -> Timing:
    """Returns the clock of a video that is seen at a rate.

    Args:
        rng: source of randomness.
        rate: frames a second that a model sees.
        seconds: shortest and longest.
        frames: fewest and most that a model sees; the length follows from the rate and these.
        kind: of file; by chance when None.
    """
    # A whole number of ticks from frame to frame: readers then find this very rate.
    rate = TICKS_PER_SECOND / round(TICKS_PER_SECOND / rate)
    least_s, most_s = max(seconds[0], frames[0] / rate), min(seconds[1], frames[1] / rate)
    length_s = math.exp(rng.uniform(math.log(least_s), math.log(max(least_s, most_s))))
    count = 2 * max(2, round(length_s * rate / 2))
    length_s = count / rate
    if kind is None:
        kind = list(SHARES)[int(rng.choice(len(SHARES), p=list(SHARES.values())))]
    native = [fps for fps in _CAMERA_RATES if 1.4 * rate <= fps <= MOST_FILE_FRAMES / length_s]
    if kind == "native" and native:
        fps = native[int(rng.integers(len(native)))]
        return timing_of("native", np.arange(round(length_s * fps)) / fps, fps, count)
    if kind == "varying":
        mean = float(rng.uniform(1.2, 2.5)) * rate
        gaps = rng.gamma(3.0, 1 / 3.0, min(MOST_FILE_FRAMES, round(length_s * mean)))
        times = np.concatenate([[0.0], np.cumsum(0.15 + gaps[:-1])])
        times *= length_s / (times[-1] + 1)
        return timing_of("varying", times, len(times) / length_s, min(count, len(times) // 2 * 2))
    return timing_of("seen", np.arange(count) / rate, rate, count)


def timing_of(kind: Kind, wanted_s: Sequence[float] | Any, fps: float, num_seen: int) -> Timing:
    """Returns the clock of these frames, on ticks of the file, after asking the sampler.

    Args:
        kind: of file.
        wanted_s: float64[N], times of the frames, from 0.
        fps: their rate; the mean where it varies.
        num_seen: frames that the sampler takes, even.
    """
    ticks = np.rint(np.asarray(wanted_s) * TICKS_PER_SECOND).astype(np.int64)
    # Two frames on one tick would be one.
    ticks = np.maximum.accumulate(ticks - np.arange(len(ticks))) + np.arange(len(ticks))
    times = ticks / TICKS_PER_SECOND
    timeline = Timeline.from_times(
        times, tick_s=1 / TICKS_PER_SECOND, nominal=() if kind == "varying" else (fps,)
    )
    video = Video("", nframes=num_seen)
    plan = plan_frames(timeline, ImageSize(280, 280), video, _ANY_LIMITS)
    return Timing(
        kind=kind,
        times_s=tuple(times.tolist()),
        fps=timeline.fps,
        seen_s=tuple(times[np.unique(plan.indices)].tolist()),
        sample_fps=plan.sample_fps,
        num_seen=len(plan.indices),
        duration_s=float(times[-1] + 1 / timeline.fps),
    )
