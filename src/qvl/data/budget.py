"""The samples of a stage's plan of tokens, in one order.

Owns: which sample of which source stands at a position. Does not own: the plan (``weights``), fixed
ratios (``sft.mixing``).

    TokenPlan, sources -> BudgetSource; number -> shuffled place -> source, its next sample

Every source gives as many samples as the plan says, each as often as any other of it, give or take
one; all of them are shuffled together. What stands where is computed, not stored.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from qvl.data.fingerprint import fingerprint
from qvl.data.order import place_in_order
from qvl.data.records import Sample
from qvl.data.sources import Source
from qvl.data.weights import TokenPlan
from qvl.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetSource:
    """Samples of several sources, a number of each; a source may be repeated.

    Attributes:
        sources: each with samples.
        counts: how many samples each gives.
        seed: another seed gives another order, and other samples where not all are taken.
    """

    sources: tuple[Source, ...]
    counts: tuple[int, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        fits = len(self.sources) == len(self.counts) and all(map(len, self.sources))
        if not fits or min(self.counts, default=0) < 1:
            raise ConfigError(
                f"{len(self.sources)} sources that give {self.counts} samples, expected samples in "
                "every source, and at least 1 of each"
            )

    @classmethod
    def of(cls, plan: TokenPlan, sources: Mapping[str, Source], *, seed: int = 0) -> "BudgetSource":
        """The samples that give the planned tokens, by the mean length of each source's.

        Raises:
            ConfigError: a source of the plan is missing.
        """
        missing = [source.name for source in plan.sources if source.name not in sources]
        if missing:
            raise ConfigError(f"the plan has the source {missing[0]!r}, which is not given")
        chosen = tuple(sources[source.name] for source in plan.sources)
        counts = tuple(
            max(1, round(planned.epochs * len(source)))
            for planned, source in zip(plan.sources, chosen, strict=True)
        )
        return cls(sources=chosen, counts=counts, seed=seed)

    def __len__(self) -> int:
        return sum(self.counts)

    def place(self, number: int) -> tuple[int, int]:
        """Which source a sample is of, and its number there."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        place = place_in_order(number, size=len(self), seed=self.seed)
        stops = list(accumulate(self.counts))
        source = bisect_right(stops, place)
        turn = place - (stops[source] - self.counts[source])
        # Another order for each source, so that what is left out is not the end of all of them.
        return source, place_in_order(turn, size=len(self.sources[source]), seed=self.seed + source)

    def __getitem__(self, number: int, /) -> Sample:
        source, place = self.place(number)
        return self.sources[source][place]

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of all sources: any of their samples may be among these."""
        whole = [source.fingerprint(0, len(source)) for source in self.sources]
        return fingerprint(self.counts, self.seed, start, stop, whole)
