"""A stage of training as data: what is trained, on what, how fast, towards which loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from qvl.data.pack_source import PackSource
from qvl.errors import ConfigError
from qvl.training.objectives import Objective
from qvl.training.schedule import Schedule

Part = Literal["tower", "merger", "llm", "heads"]
PARTS: tuple[Part, ...] = ("tower", "merger", "llm", "heads")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        name: for logs and checkpoints.
        rates: peak learning rate of each trained part; a part that is missing is frozen.
        objective: what is minimised.
        source: where packs come from.
        steps: optimiser steps; None for as many as the source has.
        schedule: the shape of the rates.
    """

    name: str
    rates: Mapping[Part, float]
    objective: Objective[Any]
    source: PackSource
    steps: int | None = None
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        check_rates(self.name, self.rates)
        if "heads" in self.rates and self.objective.heads is None:
            raise ConfigError(f"stage {self.name!r} trains heads, but its objective has none")
        if self.num_steps < 1:
            raise ConfigError(f"stage {self.name!r} has {self.num_steps} steps, expected 1 or more")
        available = self.source.num_steps
        if available is not None and self.num_steps > available:
            raise ConfigError(
                f"stage {self.name!r} has {self.num_steps} steps, its data is enough for "
                f"{available}",
                hint="ask for fewer steps or more epochs",
            )

    @property
    def num_steps(self) -> int:
        """Optimiser steps of the stage."""
        steps = self.source.num_steps if self.steps is None else self.steps
        if steps is None:
            raise ConfigError(
                f"stage {self.name!r} has no end: neither it nor its data says how many steps"
            )
        return steps


def check_rates(stage: str, rates: Mapping[Part, float]) -> None:
    """Refuses rates of no part, of parts that do not exist, and of 0 or less.

    Raises:
        ConfigError: with the stage's name.
    """
    unknown = [part for part in rates if part not in PARTS]
    if unknown:
        raise ConfigError(f"stage {stage!r} trains {unknown}, expected parts of {list(PARTS)}")
    if not rates:
        raise ConfigError(f"stage {stage!r} needs at least one trained part")
    for part, rate in rates.items():
        if not 0 < rate < float("inf"):
            raise ConfigError(
                f"stage {stage!r} has the rate {rate} for {part!r}, expected more than 0",
                hint="leave a part out to freeze it",
            )


def part_of(name: str) -> Part:
    """Returns the part a parameter belongs to, by its name in the checkpoint.

    >>> [part_of(name) for name in ("visual.merger.mlp.0.weight", "model.norm.weight")]
    ['merger', 'llm']
    """
    if name.startswith("heads."):
        return "heads"
    if name.startswith("visual.merger."):
        return "merger"
    return "tower" if name.startswith("visual.") else "llm"
