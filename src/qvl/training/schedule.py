"""The shape of the learning rate over a stage, as a share of its peak.

step, Schedule -> learning_rate -> 0..1
"""

import math
from dataclasses import dataclass
from typing import Literal

from qvl.errors import ConfigError

Shape = Literal["constant", "linear", "cosine", "wsd"]
SHAPES: tuple[Shape, ...] = ("constant", "linear", "cosine", "wsd")
Decay = Literal["linear", "1-sqrt"]
DECAYS: tuple[Decay, ...] = ("linear", "1-sqrt")


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Warm-up, then one of four shapes.

    - constant: the peak.
    - linear: a line from the peak to the floor.
    - cosine: half a cosine from the peak to the floor. Source: SGDR (arXiv 1608.03983), equation 5.
    - wsd: the peak, then a decay from ``decay_from`` on. Source: MiniCPM (arXiv 2404.06395),
      section 4.

    Attributes:
        shape: of the rate after warm-up.
        warmup: steps until the peak, linearly from 0.
        decay_from: share of the stage after which the rate of "wsd" falls.
        decay: how it falls: "linear", or "1-sqrt", which falls fast at first. Source: Hägele et al.
            2024 (arXiv 2405.18392), section 3.
        floor: share of the peak at the end.
    """

    shape: Shape = "cosine"
    warmup: int = 0
    decay_from: float = 0.8
    decay: Decay = "linear"
    floor: float = 0.0

    def __post_init__(self) -> None:
        for name, known in (("shape", SHAPES), ("decay", DECAYS)):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"schedule.{name} is {getattr(self, name)!r}, expected one of {list(known)}"
                )
        if self.warmup < 0:
            raise ConfigError(f"schedule.warmup is {self.warmup}, expected 0 or more steps")
        for name in ("decay_from", "floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"schedule.{name} is {getattr(self, name)}, expected 0 to 1")


def learning_rate(step: int, *, steps: int, schedule: Schedule) -> float:
    """Returns the share of the peak rate at a step.

    >>> def rates(**options):
    ...     schedule = Schedule(warmup=2, **options)
    ...     return [round(learning_rate(s, steps=10, schedule=schedule), 2) for s in range(10)]
    >>> rates(shape="constant")
    [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    >>> rates(shape="linear")
    [0.5, 1.0, 1.0, 0.88, 0.75, 0.62, 0.5, 0.38, 0.25, 0.12]
    >>> rates(shape="cosine")
    [0.5, 1.0, 1.0, 0.96, 0.85, 0.69, 0.5, 0.31, 0.15, 0.04]
    >>> rates(shape="wsd", decay_from=0.5)
    [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2]
    >>> rates(shape="wsd", decay_from=0.5, decay="1-sqrt", floor=0.1)
    [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.43, 0.3, 0.2]

    Args:
        step: from 0.
        steps: of the whole stage.
        schedule: its shape.
    """
    if step < schedule.warmup:
        return (step + 1) / schedule.warmup
    start = schedule.decay_from * steps if schedule.shape == "wsd" else float(schedule.warmup)
    if schedule.shape == "constant" or step < start or steps <= start:
        return 1.0
    done = (step - start) / (steps - start)
    return schedule.floor + (1 - schedule.floor) * _falling(schedule, done)


def _falling(schedule: Schedule, done: float) -> float:
    """From 1 to 0 while ``done`` goes from 0 to 1."""
    if schedule.shape == "cosine":
        return (1 + math.cos(math.pi * done)) / 2
    if schedule.shape == "wsd" and schedule.decay == "1-sqrt":
        return 1 - math.sqrt(done)
    return 1 - done
