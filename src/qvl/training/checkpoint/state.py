"""What a checkpoint holds, by names that outlive the objects of one process.

Owns: the keys of tensors, and an optimiser's state by the names of its parameters. Does not own
files. Learning rates and the order of data are functions of stage and step, so the position is all
that is kept of them.

    parameters/NAME, optimiser/NAME/exp_avg, ema/NAME, other/NAME, random/RANK -> a flat mapping
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from qvl.errors import CheckpointError

PARAMETERS, OPTIMISER, EMA, OTHER, RANDOM = "parameters", "optimiser", "ema", "other", "random"


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Where a run is.

    Attributes:
        updates: steps done in the whole run; a checkpoint is called after it.
        stage: number of the stage, from 0.
        stage_name: of the same stage.
        step: steps done in the stage.
        source: identity of the stage's data and their order.
        counters: what was counted since the run began, such as samples seen and skipped.
    """

    updates: int
    stage: int
    stage_name: str
    step: int
    source: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "counters": dict(self.counters)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Position":
        """Reads what `to_json` wrote.

        Raises:
            ValueError: a value is missing, unknown or of another type.
        """
        kinds = {"updates": int, "stage": int, "stage_name": str, "step": int, "source": str}
        right = all(type(raw.get(name)) is kind for name, kind in kinds.items())
        counters = raw.get("counters")
        if not right or not isinstance(counters, dict) or raw.keys() - {*kinds, "counters"}:
            raise ValueError("its position is not described by stage, step and counters")
        return cls(**raw)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainState:
    """The live tensors of a run, plain or sharded; saving reads them, loading fills them in place.

    Attributes:
        parameters: of the model and of an objective's heads (``heads.*``). A run that trains
            adapters only gives only what it trains; the rest is in the model it began from.
        optimiser: over some of these parameters.
        ema: averaged parameters, by the same names.
        other: what else the loop remembers, the same on every rank.
    """

    parameters: Mapping[str, Tensor]
    optimiser: torch.optim.Optimizer | None = None
    ema: Mapping[str, Tensor] = field(default_factory=dict)
    other: Mapping[str, Tensor] = field(default_factory=dict)

    def tensors(self) -> dict[str, Tensor]:
        """Everything by key, without the random generators."""
        return {
            **{f"{PARAMETERS}/{name}": p.detach() for name, p in self.parameters.items()},
            **{f"{OPTIMISER}/{key}": value for key, value in self._moments().items()},
            **{f"{EMA}/{name}": value.detach() for name, value in self.ema.items()},
            **{f"{OTHER}/{name}": value for name, value in self.other.items()},
        }

    def _moments(self) -> dict[str, Tensor]:
        found = {}
        for name, parameter in self._optimised().items():
            for key, value in self._state_of(parameter).items():
                if not isinstance(value, Tensor):
                    raise CheckpointError(
                        f"the optimiser keeps {key!r} of {name} as a {type(value).__name__}, "
                        "expected a tensor"
                    )
                found[f"{name}/{key}"] = value
        return found

    def _state_of(self, parameter: Tensor) -> dict[str, Any]:
        assert self.optimiser is not None
        # Read without `[...]`, which would make an entry.
        state: dict[str, Any] = self.optimiser.state.get(parameter, {})
        return state

    def _optimised(self) -> dict[str, Tensor]:
        """The optimiser's parameters by name."""
        if self.optimiser is None:
            return {}
        names = {id(p): name for name, p in self.parameters.items()}
        return {names[id(p)]: p for group in self.optimiser.param_groups for p in group["params"]}

    def make_moments(self, stored: Mapping[str, tuple[torch.Size, torch.dtype]]) -> None:
        """Gives the optimiser empty state to be filled, of the shapes that a checkpoint holds; a
        parameter that it does not hold begins afresh.

        Args:
            stored: "NAME/key" -> shape and dtype.
        """
        if self.optimiser is None:
            return
        self.optimiser.state.clear()
        by_name: dict[str, dict[str, tuple[torch.Size, torch.dtype]]] = {}
        for path, entry in stored.items():
            name, _, key = path.rpartition("/")
            by_name.setdefault(name, {})[key] = entry
        fused = _on_device(self.optimiser)
        for name, parameter in self._optimised().items():
            for key, (shape, dtype) in by_name.get(name, {}).items():
                self.optimiser.state[parameter][key] = _empty(parameter, shape, dtype, fused)


def _empty(parameter: Tensor, shape: torch.Size, dtype: torch.dtype, fused: bool) -> Tensor:
    if shape == parameter.shape:  # sharded as its parameter is
        return torch.zeros_like(parameter, dtype=dtype, requires_grad=False)
    # Source: torch.optim.Optimizer._process_value_according_to_param_policy: counts of steps lie
    # on the CPU unless the update is one kernel.
    return torch.zeros(shape, dtype=dtype, device=parameter.device if fused else "cpu")


def _on_device(optimiser: torch.optim.Optimizer) -> bool:
    return any(g.get("fused") or g.get("capturable") for g in optimiser.param_groups)


def carry_moments(old: torch.optim.Optimizer, new: torch.optim.Optimizer) -> int:
    """Lets parameters that go on being trained keep their state when a stage changes; returns how
    many do. The others begin afresh.

    Args:
        old: of the stage that ended.
        new: of the stage that begins, over the same parameter objects.
    """
    carried = 0
    for group in new.param_groups:
        for parameter in group["params"]:
            state = old.state.get(parameter)
            if state:
                new.state[parameter] = state
                carried += 1
    return carried
