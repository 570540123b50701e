"""A whole run as data.

Owns: what a run consists of, and which values are allowed. Does not own: how it is carried out
(``trainer``), where its values come from (``recipes``).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from qvl.errors import ConfigError
from qvl.training.optim import OptimiserConfig
from qvl.training.stages import Stage

Precision = Literal["float32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A whole run.

    Attributes:
        folder: where state and log go; repeating a run with the same folder resumes it.
        stages: in order.
        seed: of everything random that the stages' sources do not draw.
        device: "cpu" or "cuda".
        precision: "float32", or "bf16": products in bfloat16 over float32 weights.
        optimiser: of all stages.
        log_every: steps between log lines.
        save_every: steps between saved states.
        workers: processes per rank that make packs; 0 makes them in between.
    """

    folder: Path
    stages: tuple[Stage, ...]
    seed: int = 0
    device: str = "cpu"
    precision: Precision = "float32"
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    log_every: int = 20
    save_every: int = 200
    workers: int = 1

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("a run needs at least one stage")
        if self.precision not in PRECISIONS:
            raise ConfigError(
                f"precision is {self.precision!r}, expected one of {list(PRECISIONS)}"
            )
        for name, least in (("log_every", 1), ("save_every", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least {least}")
