"""Where the samples of a run come from: anything that has them by number.

Owns: the protocol, drawing by number, taking a part. Does not own: shards (``shards``) and files of
others (``interchange``), which satisfy the protocol.

    source[number] -> Sample;   source.fingerprint(start, stop) -> what those samples depend on
"""

from dataclasses import dataclass
from typing import Protocol

from qvl.data.fingerprint import fingerprint
from qvl.data.mixture import Mixture
from qvl.data.order import place_in_order
from qvl.data.records import Sample
from qvl.errors import ConfigError, DataError


class NoSample(DataError):
    """A record that is sound and of which no sample can be made; a run drops it for this reason."""


class Source(Protocol):
    """Samples by number. It travels to other processes, so it pickles."""

    def __len__(self) -> int:
        """Returns how many there are."""
        ...

    def __getitem__(self, number: int, /) -> Sample:
        """Returns one.

        Raises:
            NoSample: nothing is wrong with its record, and no sample can be made of it.
            QvlError: its record cannot be used; a run puts it aside and goes on.
        """
        ...

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash that differs when samples ``start`` to ``stop - 1`` would."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnSource:
    """Samples drawn as they are wanted, the same on every machine.

    Attributes:
        mixture: of generators.
        count: of samples.
        seed: another seed gives other samples.
    """

    mixture: Mixture
    count: int
    seed: int = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < self.count:
            raise IndexError(number)
        return self.mixture.sample(self.seed, number)

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the generators and the seed."""
        return fingerprint(self.mixture, self.seed, start, stop)


@dataclass(frozen=True, kw_only=True, slots=True)
class SomeOf:
    """A few samples from all over a source, without repetition.

    Attributes:
        source: to choose from.
        count: of samples, at most as many as there are.
        seed: another seed chooses others.
    """

    source: Source
    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.count <= len(self.source):
            raise ConfigError(f"{self.count} of {len(self.source)} samples wanted")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < self.count:
            raise IndexError(number)
        return self.source[self._place(number)]

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the samples chosen, one by one: with a larger count the first ones stay
        the same."""
        chosen = map(self._place, range(start, stop))
        return fingerprint([self.source.fingerprint(place, place + 1) for place in chosen])

    def _place(self, number: int) -> int:
        return place_in_order(number, size=len(self.source), seed=self.seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinedSource:
    """The samples of several sources, one source after the other.

    Attributes:
        sources: in their order.
    """

    sources: tuple[Source, ...]

    def __len__(self) -> int:
        return sum(map(len, self.sources))

    def __getitem__(self, number: int, /) -> Sample:
        if number < 0:
            raise IndexError(number)
        for source in self.sources:
            if number < len(source):
                return source[number]
            number -= len(source)
        raise IndexError(number)

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of what is taken of each source."""
        taken, before = [], 0
        for source in self.sources:
            first, last = max(0, start - before), min(len(source), stop - before)
            if first < last:
                taken.append((first, last, source.fingerprint(first, last)))
            before += len(source)
        return fingerprint(taken)
