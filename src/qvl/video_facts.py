"""When the frames of a video are shown: those of the file, and those that the model saw.

Owns: the record that leads from times back to frames, as `ResizeTransform` leads from the model's
pixels back to the caller's. Does not own: reading it from a file (processing), what a model wrote
about time (tasks/video).

Times are seconds after the first frame of the file; frames count from 0.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Protocol


class Times(Protocol):
    """Ascending times; an array or a tuple."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> float: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFacts:
    """A video's own time, and the times at which it was sampled.

    >>> facts = VideoFacts(
    ...     num_frames=300, fps=30.0, frame_indices=(0, 100, 200, 299),
    ...     timestamps_s=(0.0, 100 / 30, 200 / 30, 299 / 30))
    >>> facts.duration_s, facts.frame_at(2.49), facts.num_samples_within(3.0, 7.0)
    (10.0, 75, 2)
    """

    num_frames: int
    """Frames of the file."""
    fps: float
    """Frames of the file per second; the mean where the rate varies."""
    frame_indices: tuple[int, ...]
    """Which frames the model sees; ascending, perhaps with repetitions."""
    timestamps_s: tuple[float, ...]
    """When each of those is shown."""
    times_s: Times | None = field(default=None, compare=False, repr=False)
    """When each frame of the file is shown; None where frame i is shown at i / fps."""

    @property
    def duration_s(self) -> float:
        """Length of the file; the last frame lasts as long as the mean of all."""
        return self._time_of(self.num_frames - 1) + 1 / self.fps

    @property
    def start_s(self) -> float:
        """Where the part begins that the model sees: the zero of the times it writes."""
        return self.timestamps_s[0]

    @property
    def end_s(self) -> float:
        """Where that part ends."""
        return min(self.duration_s, self.timestamps_s[-1] + 1 / self.fps)

    @property
    def step_s(self) -> float:
        """Seconds between two frames that the model sees: how finely it can know a time."""
        return (self.timestamps_s[-1] - self.timestamps_s[0]) / max(1, len(self.timestamps_s) - 1)

    def frame_at(self, time_s: float) -> int:
        """The frame of the file that is shown nearest to a time.

        Nearest, so that the time of a frame, rounded to a hundredth, leads back to that frame.
        """
        if self.times_s is None:
            return min(max(round(time_s * self.fps), 0), self.num_frames - 1)
        after = min(bisect_left(self.times_s, time_s), self.num_frames - 1)
        before = max(after - 1, 0)
        nearer = time_s - self.times_s[before] < self.times_s[after] - time_s
        return before if nearer else after

    def num_samples_within(self, start_s: float, end_s: float) -> int:
        """How many of the frames that the model sees are shown from one time to another.

        Both ends count, give or take half a frame of the file.
        """
        slack_s = 0.5 / self.fps
        first = bisect_left(self.timestamps_s, start_s - slack_s)
        return bisect_left(self.timestamps_s, end_s + slack_s) - first

    def _time_of(self, frame: int) -> float:
        return frame / self.fps if self.times_s is None else float(self.times_s[frame])
