"""A whole run as data.

Owns: what a run consists of, and which values are allowed. Does not own: how it is carried out
(``trainer``), where its values come from (``recipes``).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from qvl.errors import ConfigError
from qvl.geometry import PixelLimits
from qvl.training.checkpoint.folder import Keeping
from qvl.training.optim import OptimiserConfig
from qvl.training.parallel.layout import Layout
from qvl.training.stages import Stage

Precision = Literal["float32", "bf16", "bf16_weights"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16", "bf16_weights")
BadSamples = Literal["stop", "skip"]
BAD_SAMPLES: tuple[BadSamples, ...] = ("stop", "skip")


@dataclass(frozen=True, kw_only=True, slots=True)
class FailurePolicy:
    """What is done when something goes wrong. Everything is counted in the log and named in the
    run's folder ``bad/``.

    Attributes:
        bad_samples: what to do about samples that cannot be read: "stop", or "skip", which leaves
            them out.
        spike: a step is skipped when its loss or gradient norm is more than this many times the
            usual; None skips only what is not finite.
        window: good steps whose median is the usual.
        most_skipped: steps in a row after which the run stops.
        idle_steps: steps after which a part that was to be trained, but got no gradient, is an
            error.
    """

    bad_samples: BadSamples = "stop"
    spike: float | None = 20.0
    window: int = 64
    most_skipped: int = 8
    idle_steps: int = 200

    def __post_init__(self) -> None:
        if self.bad_samples not in BAD_SAMPLES:
            raise ConfigError(
                f"failures.bad_samples is {self.bad_samples!r}, expected one of {list(BAD_SAMPLES)}"
            )
        if self.spike is not None and not self.spike > 1:
            raise ConfigError(f"failures.spike is {self.spike}, expected more than 1, or none")
        for name in ("window", "most_skipped", "idle_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"failures.{name} is {getattr(self, name)}, expected at least 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A whole run.

    Attributes:
        folder: where state and log go; repeating a run with the same folder resumes it.
        stages: in order.
        seed: of everything random that the stages' sources do not draw.
        device: "cpu" or "cuda".
        precision: "float32"; "bf16", products in bfloat16 over float32 weights; or
            "bf16_weights", weights in bfloat16 over float32 masters; see `qvl.training.master`.
        layout: how the ranks share the work.
        optimiser: of all stages.
        ema: decay of the average of trained parameters; None keeps none.
        failures: what is done when something goes wrong.
        peak_flops: operations a second that one device could do, for the log's utilisation; None
            leaves it out.
        log_every: steps between log lines.
        look_every: steps between looks at what is not trained on, where there is something.
        save_every: steps between checkpoints.
        keeping: which checkpoints stay.
        keep_moments: parameters that the next stage goes on training keep the optimiser's state.
        allow_data_change: go on from a checkpoint although a stage's data are not what they were.
        base_model: hub name or folder of the model that training begins from, for the record.
        limits: of the pictures where they are not the model's, for the record: exports have them.
        workers: processes per rank that make packs; 0 makes them in between.
    """

    folder: Path
    stages: tuple[Stage, ...]
    seed: int = 0
    device: str = "cpu"
    precision: Precision = "float32"
    layout: Layout = field(default_factory=Layout)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    ema: float | None = None
    failures: FailurePolicy = field(default_factory=FailurePolicy)
    peak_flops: float | None = None
    log_every: int = 20
    look_every: int = 1000
    save_every: int = 200
    keeping: Keeping = field(default_factory=Keeping)
    keep_moments: bool = False
    allow_data_change: bool = False
    base_model: str = ""
    limits: PixelLimits | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("a run needs at least one stage")
        if self.precision not in PRECISIONS:
            raise ConfigError(
                f"precision is {self.precision!r}, expected one of {list(PRECISIONS)}"
            )
        if self.ema is not None and not 0 < self.ema < 1:
            raise ConfigError(f"ema is {self.ema}, expected more than 0 and less than 1")
        if self.peak_flops is not None and not self.peak_flops > 0:
            raise ConfigError(f"peak_flops is {self.peak_flops}, expected more than 0")
        for name, least in (("log_every", 1), ("look_every", 1), ("save_every", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least {least}")
