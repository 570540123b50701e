"""Which samples of a set can be trained on, and how large they are in the end.

Owns: the options of a plan, what is done about samples that cannot be read or are too large, the
counts of those. Does not own: measuring (``lengths``), making samples fit (``fitting``).

    SampleSet -> measure -> unreadable? too large? -> FittedSource -> measure -> UsableSet
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from qvl.data.fingerprint import fingerprint
from qvl.data.lengths import Lengths, measure
from qvl.data.packing import PackBudget
from qvl.data.packing.cost import CostModel, sample_costs
from qvl.data.packing.fitting import FittedSource
from qvl.data.packing.plan import Sizes
from qvl.data.records import Sample
from qvl.data.sft.mixing import ChosenSource
from qvl.data.sources import Source
from qvl.errors import ConfigError, DataError
from qvl.processing.processor import Processor

TooLong = Literal["error", "drop", "shrink", "cut"]
"""What is done about a sample larger than a pack; for the last two see `fitting.FittedSource`. What
cannot be made to fit is dropped and counted."""
TOO_LONG: tuple[TooLong, ...] = ("error", "drop", "shrink", "cut")

LARGER = "larger than a pack"
UNREADABLE = "cannot be read"


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleSet:
    """Stored samples with their weight in a mixture.

    Attributes:
        name: for messages and counts.
        source: of the samples.
        weight: samples of it in an epoch, over samples of it; 0.3 takes 30 % each epoch.
        lengths: sizes of its samples, when they are measured already.
    """

    name: str
    source: Source
    weight: float = 1.0
    lengths: Lengths | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions:
    """How samples become packs.

    Attributes:
        budget: of a pack.
        cost: of the model that is trained, for packs of like cost.
        packs_per_step: over all ranks and all that a rank accumulates.
        epochs: how often the sets are gone through.
        seed: of the order.
        too_long: what to do about samples larger than a pack.
        unreadable: what to do about samples that cannot be read.
        half_text: as many samples without media as with, as many as the rarer kind has.
        once: refuse a plan in which a sample comes twice.
    """

    budget: PackBudget
    cost: CostModel
    packs_per_step: int
    epochs: int = 1
    seed: int = 0
    too_long: TooLong = "error"
    unreadable: Literal["error", "drop"] = "error"
    half_text: bool = False
    once: bool = False

    def __post_init__(self) -> None:
        if self.too_long not in TOO_LONG or self.unreadable not in TOO_LONG[:2]:
            raise ConfigError(
                f"too_long is {self.too_long!r} and unreadable {self.unreadable!r}, expected one "
                f"of {', '.join(TOO_LONG)} and one of {', '.join(TOO_LONG[:2])}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class UsableSet:
    """A set whose samples are measured.

    Attributes:
        name: of the set.
        source: of its samples.
        smaller: the same samples made to fit; None if none have to be.
        fitted: numbers of the samples that are taken from ``smaller``.
        weight: in the mixture.
        is_used: bool[S].
        sizes: of all samples, int64[S] each.
        dropped: reason -> samples that are not used for it.
        identity: a hash of samples and sizes.
    """

    name: str
    source: Source
    smaller: FittedSource | None
    fitted: frozenset[int]
    weight: float
    is_used: npt.NDArray[np.bool_]
    sizes: Sizes
    dropped: Mapping[str, int]
    identity: str

    def sample(self, number: int) -> Sample:
        """Returns a sample as it is trained on.

        Raises:
            QvlError: it cannot be read.
        """
        if self.smaller is not None and number in self.fitted:
            return self.smaller[number]
        return self.source[number]


def usable(
    found: SampleSet,
    processor: Processor,
    options: PlanOptions,
    *,
    folder: Path | None,
    processes: int,
    progress: Callable[[int, int], None],
) -> UsableSet:
    """Measures a set and decides about each of its samples; arguments as `planned.plan_packs`.

    Raises:
        DataError: samples cannot be used, and the options say that this is an error.
    """
    lengths = found.lengths
    if lengths is None:
        lengths = measure(
            found.source, processor, folder=folder, processes=processes, progress=progress
        )
    if len(lengths) != len(found.source):
        raise ConfigError(
            f"set {found.name!r} has {len(found.source)} samples and sizes of {len(lengths)}"
        )
    dropped: Counter[str] = Counter()
    tokens, patches = lengths.tokens.astype(np.int64), lengths.patches.copy()
    costs = sample_costs(lengths, options.cost)
    is_used = tokens > 0
    if not is_used.all():
        number = int(np.argmin(is_used))
        _refuse(found, ~is_used, lengths.faults.get(number, UNREADABLE), options.unreadable)
        dropped[UNREADABLE] = int((~is_used).sum())
    budget = options.budget
    is_large = is_used & ((tokens > budget.max_tokens) | (patches > budget.max_patches))
    smaller = None
    fitted: list[int] = []
    if is_large.any():
        numbers = np.flatnonzero(is_large)
        size = f"{tokens[numbers[0]]} tokens and {patches[numbers[0]]} patches"
        most = f"a pack of {budget.max_tokens} and {budget.max_patches}"
        _refuse(found, is_large, f"{size} do not fit {most}", options.too_long)
        if options.too_long == "shrink" or options.too_long == "cut":
            smaller = FittedSource(
                source=found.source, processor=processor, budget=budget, how=options.too_long
            )
            made = measure(
                ChosenSource(source=smaller, numbers=numbers),
                processor,
                folder=None if folder is None else folder / options.too_long,
                processes=processes,
                progress=progress,
            )
            tokens[numbers], patches[numbers] = made.tokens, made.patches
            costs[numbers] = sample_costs(made, options.cost)
            dropped.update(made.faults.values())
            fitted = numbers[made.tokens > 0].tolist()
            is_used[numbers] = made.tokens > 0
        else:
            dropped[LARGER] = len(numbers)
            is_used[numbers] = False
    return UsableSet(
        name=found.name,
        source=found.source,
        smaller=smaller,
        fitted=frozenset(fitted),
        weight=found.weight,
        is_used=is_used,
        sizes=Sizes(tokens, patches, costs),
        dropped=dict(dropped),
        identity=fingerprint(lengths.identity, options.too_long, is_used, tokens),
    )


def _refuse(found: SampleSet, which: npt.NDArray[np.bool_], why: str, policy: str) -> None:
    """Raises if samples that cannot be used as they are are an error."""
    if policy != "error":
        return
    number, count = int(np.argmax(which)), int(which.sum())
    others = f", and {count - 1} more" if count > 1 else ""
    raise DataError(
        f"{found.name}, sample {number}: {why}{others}",
        hint="mend the samples, or drop such samples and have them counted",
    )
