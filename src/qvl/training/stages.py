"""A stage of training as data: what is trained, on what, how fast, towards which loss."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from qvl.data.mixture import Mixture
from qvl.data.packing import PackBudget
from qvl.errors import ConfigError

Part = Literal["tower", "merger", "llm", "heads"]
PARTS: tuple[Part, ...] = ("tower", "merger", "llm", "heads")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        name: for logs and checkpoints.
        steps: optimiser steps.
        rates: peak learning rate of each trained part; a part that is missing is frozen.
        mixture: where samples come from.
        budget: of one pack; a step has one pack per rank.
        answer_weight: of the loss on answers; 0 leaves the language model out altogether.
        dense_weight: of the loss of the throw-away heads; 0 leaves them out.
        warmup: steps until the peak rate.
        decay_from: share of the stage after which the rate falls linearly.
        floor: share of the peak rate at the end.
        digit_weight: of coordinate digits in answers.
        finding_weight: of the losses that teach to find the object that is asked about.
    """

    name: str
    steps: int
    rates: Mapping[Part, float]
    mixture: Mixture
    budget: PackBudget
    answer_weight: float = 1.0
    dense_weight: float = 0.0
    warmup: int = 50
    decay_from: float = 0.6
    floor: float = 0.03
    digit_weight: float = 1.0
    finding_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or not self.rates:
            raise ConfigError(f"stage {self.name!r} needs at least one step and one trained part")
        unknown = [part for part in self.rates if part not in PARTS]
        if unknown:
            raise ConfigError(
                f"stage {self.name!r} trains {unknown}, expected parts of {list(PARTS)}"
            )
        if self.answer_weight <= 0 and self.dense_weight <= 0:
            raise ConfigError(f"stage {self.name!r} has neither answer_weight nor dense_weight")


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
