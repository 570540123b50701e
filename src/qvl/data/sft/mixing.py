"""Text and pictures in a fixed ratio, exact at every point of the order.

Owns: mixing sources by whole shares, splitting a set by whether samples have media. Does not own:
random mixtures (``mixture``), budgets of tokens (``weights``).

    shards -> split_by_media() -> text, multimodal -> MixedSource -> run, or a training order

Mix after filtering: a filter drops more of one kind than of the other.
Source: report section 2.3.1 (half pure text, half multimodal, counted by entries).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qvl.data.fingerprint import fingerprint
from qvl.data.records import Sample
from qvl.data.shards import ShardReader
from qvl.data.sources import Source
from qvl.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class MixedSource:
    """Samples of several sources in turns, each in its own order and at most once.

    Of the first n samples, source i has n * shares[i] / sum(shares), give or take less than one;
    with equal shares of two sources they alternate.

    Attributes:
        sources: to mix.
        shares: whole numbers above 0.
    """

    sources: tuple[Source, ...]
    shares: tuple[int, ...]
    _turns: tuple[tuple[int, int], ...] = field(init=False, repr=False)
    _length: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.sources or len(self.sources) != len(self.shares) or min(self.shares) < 1:
            raise ConfigError(
                f"{len(self.sources)} sources with the shares {self.shares}, expected as many "
                "shares of at least 1 as sources"
            )
        turns = turns_of(self.shares)
        object.__setattr__(self, "_turns", turns)
        object.__setattr__(self, "_length", _longest(turns, [len(s) for s in self.sources]))

    def __len__(self) -> int:
        return self._length

    def place(self, number: int) -> tuple[int, int]:
        """Which source a sample is of, and its number there."""
        if not 0 <= number < self._length:
            raise IndexError(number)
        rounds, turn = divmod(number, len(self._turns))
        source, before = self._turns[turn]
        return source, rounds * self.shares[source] + before

    def __getitem__(self, number: int, /) -> Sample:
        source, place = self.place(number)
        return self.sources[source][place]

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the samples of each source that are among these."""
        ranges = [self._range(i, start, stop) for i in range(len(self.sources))]
        each = [
            self.sources[i].fingerprint(first, last)
            for i, (first, last) in enumerate(ranges)
            if first < last
        ]
        return fingerprint(self.shares, start, stop, ranges, each)

    def _range(self, source: int, start: int, stop: int) -> tuple[int, int]:
        return self._before(source, start), self._before(source, stop)

    def _before(self, source: int, number: int) -> int:
        """Samples of a source among the first ``number`` of all."""
        rounds, turn = divmod(number, len(self._turns))
        return rounds * self.shares[source] + sum(s == source for s, _ in self._turns[:turn])


def turns_of(shares: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """One round of all shares: whose turn it is, and how many turns of this round it had before.

    The turn number j of a source with the share s of S falls into the turns floor(j S / s) to
    ceil((j + 1) S / s) - 1 of all; of those that may go, the one whose time ends first does.

    >>> [source for source, _ in turns_of([1, 1])], [source for source, _ in turns_of([3, 1])]
    ([0, 1], [0, 0, 0, 1])

    Source: Baruah et al., Proportionate progress (1996): these windows keep every count within one
    of its share; Liu and Layland (1973): the earliest deadline first meets all that can be met.
    """
    total = sum(shares)
    had = [0] * len(shares)
    turns = []
    for turn in range(total):
        ready = [i for i, s in enumerate(shares) if had[i] < s and had[i] * total // s <= turn]
        source = min(ready, key=lambda i: -(-(had[i] + 1) * total // shares[i]))
        turns.append((source, had[source]))
        had[source] += 1
    return tuple(turns)


def _longest(turns: Sequence[tuple[int, int]], sizes: Sequence[int]) -> int:
    """How many samples there are before a source whose turn it is has none left."""
    shares = [sum(source == i for source, _ in turns) for i in range(len(sizes))]
    rounds = min(size // share for size, share in zip(sizes, shares, strict=True))
    left = [size - rounds * share for size, share in zip(sizes, shares, strict=True)]
    extra = next((n for n, (source, before) in enumerate(turns) if before >= left[source]), 0)
    return rounds * len(turns) + extra


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenSource:
    """Some samples of a source, by their numbers.

    Attributes:
        source: to choose from.
        numbers: int64[N], in the order in which they come.
    """

    source: Source
    numbers: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self.numbers):
            raise IndexError(number)
        return self.source[int(self.numbers[number])]

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the stretches of the source in which the chosen samples lie."""
        chosen = self.numbers[start:stop]
        first, last = (int(chosen.min()), int(chosen.max()) + 1) if len(chosen) else (0, 0)
        return fingerprint(chosen, self.source.fingerprint(first, last))


def split_by_media(reader: ShardReader) -> tuple[ChosenSource, ChosenSource]:
    """Samples without media, and samples with; told from the index, nothing is read."""
    with_media = [bool(media) for table in reader.tables() for media in table.media]
    numbers = np.arange(len(with_media), dtype=np.int64)
    is_multimodal = np.array(with_media, bool)
    return (
        ChosenSource(source=reader, numbers=numbers[~is_multimodal]),
        ChosenSource(source=reader, numbers=numbers[is_multimodal]),
    )


def mixed_half(reader: ShardReader) -> MixedSource:
    """As many samples without media as with, in turns, as many as the rarer kind allows.

    Raises:
        ConfigError: there are none of one kind.
    """
    text, multimodal = split_by_media(reader)
    if not len(text) or not len(multimodal):
        raise ConfigError(
            f"{reader.folder} has {len(text)} samples of text and {len(multimodal)} with media, "
            "expected some of both"
        )
    return MixedSource(sources=(text, multimodal), shares=(1, 1))
