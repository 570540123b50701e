"""A moving average of the trained parameters, which often does better than the last ones.

parameters after each update -> Averages.update -> float32 averages by name
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from qvl.errors import ConfigError


class Averages:
    """Averages of parameters, by their names.

    Args:
        trained: what is averaged; a part that is frozen is its own average.
        decay: share of the old average that stays at each update.
    """

    def __init__(self, trained: Mapping[str, nn.Parameter], *, decay: float) -> None:
        if not 0 < decay < 1:
            raise ConfigError(f"ema is {decay}, expected more than 0 and less than 1")
        self._trained, self._decay = dict(trained), decay
        self.values: dict[str, Tensor] = {
            name: parameter.detach().to(torch.float32, copy=True)
            for name, parameter in trained.items()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the parameters after a step, numbered from 0.

        Early averages are short, so that they forget where training began.
        Source: tensorflow ExponentialMovingAverage, ``num_updates``.
        """
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, parameter in self._trained.items():
            self.values[name].lerp_(parameter.detach().to(torch.float32), 1 - decay)
