"""Which generator makes the next sample, decided by the sample's number alone.

(seed, number) -> generator by weight -> Sample
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from qvl.data.records import Sample
from qvl.errors import ConfigError

Generator = Callable[..., Sample]
"""Called with a random generator and ``seed=``, the numbers that made it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """Generators with their shares.

    Attributes:
        parts: name -> (share, generator); shares need not add up to 1.
    """

    parts: Mapping[str, tuple[float, Generator]]

    def __post_init__(self) -> None:
        if not self.parts or min(share for share, _ in self.parts.values()) < 0:
            raise ConfigError(f"mixture {list(self.parts)} needs parts with shares of at least 0")

    def sample(self, *seed: int) -> Sample:
        """Returns the sample that these numbers stand for, the same on every machine."""
        rng = np.random.default_rng(seed)
        names = list(self.parts)
        shares = np.array([self.parts[name][0] for name in names])
        name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        return self.parts[name][1](rng, seed=tuple(seed))
