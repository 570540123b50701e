"""Steps that must not be taken, and parts that learn nothing.

Owns: telling them, from numbers that all ranks share, so that all decide alike. Does not own: what
is done about them (``trainer``).

    loss and gradient norm of a step -> compared with the running medians -> reason to skip, or None
    gradients of a part -> all zero for many steps -> error
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from qvl.errors import TrainingError
from qvl.training.config import FailurePolicy
from qvl.training.parallel.gradients import gradient_norm
from qvl.training.stages import Part

# Steps before anything is called an explosion: the first ones are large.
_LEAST_HISTORY = 16
# A mean loss below this many nats is made by few tokens, and jumps.
_SMALL_LOSS = 0.1


class StepGuard:
    """Judges the steps of a stage.

    Args:
        policy: how much is too much.
    """

    def __init__(self, policy: FailurePolicy) -> None:
        self._policy = policy
        self.state = torch.full((2 * policy.window + 2,), math.nan, dtype=torch.float64)
        """float64[2 W + 2]: skipped steps in a row, good steps so far, and of the last W good ones
        the norms and the losses. Filled in place when a run goes on."""
        self.state[:2] = 0

    def judge(self, loss: float, norm: float) -> str | None:
        """Returns why a step has to be skipped, or None.

        Args:
            loss: of the step, over all ranks.
            norm: of its gradient, before clipping.
        """
        reason = self._reason(loss, norm)
        if reason is None:
            good = int(self.state[1])
            place = good % self._policy.window
            self._norms[place], self._losses[place] = norm, loss
            self.state[0], self.state[1] = 0, good + 1
            return None
        self.state[0] += 1
        return reason

    def give_up(self, reason: str) -> None:
        """Stops the run if too many steps in a row had to be skipped.

        Raises:
            TrainingError: with the last reason.
        """
        if self.state[0] >= self._policy.most_skipped:
            raise TrainingError(
                f"{int(self.state[0])} steps in a row had to be skipped, at last because {reason}",
                hint="look into the run's bad/ folder; lower the rates, or start from an earlier "
                "checkpoint",
            )

    @property
    def _norms(self) -> Tensor:
        return self.state[2 : 2 + self._policy.window]

    @property
    def _losses(self) -> Tensor:
        return self.state[2 + self._policy.window :]

    def _reason(self, loss: float, norm: float) -> str | None:
        for name, value in (("loss", loss), ("gradient norm", norm)):
            if not math.isfinite(value):
                return f"the {name} is {value}"
        spike = self._policy.spike
        if spike is None or self.state[1] < min(_LEAST_HISTORY, self._policy.window):
            return None
        usual = {
            "loss": max(float(self._losses.abs().nanmedian()), _SMALL_LOSS),
            "gradient norm": float(self._norms.nanmedian()),
        }
        for name, value in (("loss", loss), ("gradient norm", norm)):
            # A norm that is usually 0 is that of steps with nothing to learn.
            if usual[name] and value > spike * usual[name]:
                return f"the {name} is {value:.4g}, {value / usual[name]:.0f} times the usual"
        return None


class IdleParts:
    """Finds parts that were to be trained and get no gradient, such as a tower that sees nothing.

    Args:
        stage: its name, for the error.
        trained: parameters of each part.
        patience: steps until that is an error.
    """

    def __init__(
        self, stage: str, trained: Mapping[Part, Sequence[nn.Parameter]], *, patience: int
    ) -> None:
        self._stage, self._patience = stage, patience
        self._idle = {part: list(parameters) for part, parameters in trained.items()}
        self._steps = 0

    def look(self) -> None:
        """Looks at the gradients of a step, which are summed over ranks.

        Raises:
            TrainingError: a part has had none for too long.
        """
        for part, parameters in list(self._idle.items()):
            grads = [p.grad for p in parameters if p.grad is not None]
            if float(gradient_norm(grads)) != 0:  # nan is a gradient too
                del self._idle[part]
        self._steps += 1
        if self._idle and self._steps >= self._patience:
            names = " and ".join(self._idle)
            raise TrainingError(
                f"stage {self._stage!r} trains {names}, but no gradient came there in "
                f"{self._steps} steps",
                hint="take it out of the rates, or give data that needs it, such as pictures",
            )
