"""Packs planned over stored samples: shards, fine-tuning files, several of them with weights.

Owns: putting sizes, order and plan together, making the samples of a pack. Does not own: which
samples can be used (``usable``), the plan (``plan``), its numbers (``summary``).

    SampleSet, ... -> usable() -> EpochOrder, Sizes -> make_plan -> PlannedPacks, PlanSummary
    PlannedPacks.pack(step, pack) -> sample -> processor -> Packed

What a sample turns out to be when it is decoded is what was planned, or it is a failure.
"""

import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qvl.data.branches import rejected_tokens
from qvl.data.fingerprint import fingerprint
from qvl.data.pack_source import PackError
from qvl.data.packing import FilledPack, PackBudget, Packed
from qvl.data.packing.epochs import EpochOrder, halves
from qvl.data.packing.plan import VERSION, PackPlan, Sizes, load_plan, make_plan, save_plan
from qvl.data.packing.summary import PlanSummary, SetSummary, summarise
from qvl.data.packing.usable import PlanOptions, SampleSet, UsableSet, usable
from qvl.errors import ConfigError, DataError, QvlError
from qvl.processing.processor import Processor

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedPacks:
    """A `qvl.data.pack_source.PackSource` over stored samples.

    Attributes:
        sets: of the samples, numbered in one row.
        processor: makes model inputs.
        budget: of a pack.
        plan: which samples are in which pack.
        identity: a hash of data, sizes and plan.
    """

    sets: tuple[UsableSet, ...]
    processor: Processor
    budget: PackBudget
    plan: PackPlan
    identity: str

    @property
    def packs_per_step(self) -> int:
        """Packs of one step, over all ranks and all that a rank accumulates."""
        return self.plan.packs_per_step

    @property
    def num_steps(self) -> int:
        """Of all epochs."""
        return self.plan.num_steps

    def pack(self, step: int, pack: int) -> FilledPack:
        """Returns one pack; see `qvl.data.pack_source.PackSource`.

        It is empty where the last step of an epoch has fewer samples than packs.

        Raises:
            PackError: samples cannot be read or decoded, or are not what they were.
            ConfigError: there is no such pack.
        """
        made: list[Packed] = []
        failures: list[tuple[str, QvlError]] = []
        for number in self.plan.pack(step, pack).tolist():
            found, place = _place(self.sets, number)
            try:
                made.append(self._make(found, place))
            except QvlError as error:
                failures.append((f"{found.name}, sample {place}", error))
        if failures:
            raise PackError(failures, FilledPack(made))
        return FilledPack(made)

    def _make(self, found: UsableSet, place: int) -> Packed:
        sample = found.sample(place)
        inputs = self.processor(
            sample.conversation,
            add_generation_prompt=False,
            max_length=self.budget.max_tokens,
        )
        more = rejected_tokens(sample, inputs, self.processor.tokenizer)
        made = Packed(sample=sample, inputs=inputs, more_tokens=more)
        size = made.num_tokens, len(inputs.pixel_values)
        planned = int(found.sizes.tokens[place]), int(found.sizes.patches[place])
        if size != planned:
            raise DataError(
                f"it has {size[0]} tokens and {size[1]} patches, planned were {planned[0]} and "
                f"{planned[1]}",
                hint="the data was changed; start again, so that it is measured anew",
            )
        return made


def plan_packs(
    sets: Sequence[SampleSet],
    processor: Processor,
    options: PlanOptions,
    *,
    folder: Path | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[PlannedPacks, PlanSummary]:
    """Plans all steps of a run over stored samples; nothing is decoded.

    Args:
        sets: of samples.
        processor: of the model that is trained.
        options: how.
        folder: keeps sizes and the plan, so that a second call is quick; None keeps nothing but
            the sizes of shards, beside them.
        processes: that measure.
        progress: called with how many samples of a set are measured, and of how many.

    Raises:
        ConfigError: nothing is left to train on, or the options do not fit the data.
        DataError: samples cannot be read or are too long, and the options say that this is an
            error; or the plan cannot be kept.
    """
    found = tuple(
        usable(
            one,
            processor,
            options,
            folder=None if folder is None else folder / f"sizes-{number}",
            processes=processes,
            progress=progress,
        )
        for number, one in enumerate(sets)
    )
    order = _order(found, options)
    columns = zip(*(one.sizes for one in found), strict=True)
    sizes = Sizes(*map(np.concatenate, columns))
    key = fingerprint(
        VERSION, order, *sizes, options.budget, options.epochs, options.packs_per_step
    )
    path = None if folder is None else folder / f"plan-{key[:16]}.npy"
    plan = None if path is None else load_plan(path)
    if plan is None:
        plan = make_plan(
            order,
            sizes,
            epochs=options.epochs,
            budget=options.budget,
            packs_per_step=options.packs_per_step,
        )
        if path is not None:
            save_plan(plan, path)
            plan = load_plan(path) or plan  # from the file: processes share it
    packs = PlannedPacks(
        sets=found,
        processor=processor,
        budget=options.budget,
        plan=plan,
        identity=fingerprint(key, [one.identity for one in found]),
    )
    return packs, summarise(plan, sizes, options.budget, _told(found, order))


def _order(sets: Sequence[UsableSet], options: PlanOptions) -> EpochOrder:
    """The epochs of all sets together; with halves, those of text and of other samples."""
    parts: list[tuple[Ints, float]] = []
    first = 0
    for one in sets:
        numbers = np.flatnonzero(one.is_used)
        is_text = one.sizes.patches[numbers] == 0
        chosen = (is_text, ~is_text) if options.half_text else (np.ones(len(numbers), bool),)
        parts += [(numbers[part] + first, one.weight) for part in chosen]
        first += len(one.is_used)
    scales = [1.0] * len(parts)
    if options.half_text:
        counts = [round(len(numbers) * weight) for numbers, weight in parts]
        scales = list(halves(counts[::2], counts[1::2])) * len(sets)
    used = [
        (numbers, weight * scale)
        for (numbers, weight), scale in zip(parts, scales, strict=True)
        if len(numbers)
    ]
    if not used:
        dropped: Counter[str] = sum((Counter(one.dropped) for one in sets), Counter())
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items())
        raise ConfigError(f"no sample is left to train on; dropped: {reasons or 'none'}")
    order = EpochOrder(
        sets=tuple(numbers for numbers, _ in used),
        weights=tuple(weight for _, weight in used),
        seed=options.seed,
    )
    if options.once and (repeats := order.most_repeats(options.epochs)) > 1:
        raise ConfigError(
            f"each sample is to be seen once, but {options.epochs} epochs with the weights "
            f"{list(order.weights)} show some {repeats} times",
            hint="use one epoch and weights of at most 1",
        )
    return order


def _told(sets: Sequence[UsableSet], order: EpochOrder) -> tuple[SetSummary, ...]:
    told = []
    first = 0
    for one in sets:
        last = first + len(one.is_used)
        parts = zip(order.sets, order.counts, strict=True)
        told.append(
            SetSummary(
                name=one.name,
                samples=len(one.is_used),
                used=int(one.is_used.sum()),
                per_epoch=sum(count for part, count in parts if first <= part[0] < last),
                fitted=len(one.fitted),
                dropped=one.dropped,
            )
        )
        first = last
    return tuple(told)


def _place(sets: Sequence[UsableSet], number: int) -> tuple[UsableSet, int]:
    """The set of a sample, and its number there."""
    stops = np.cumsum([len(one.is_used) for one in sets]).tolist()
    at = bisect.bisect_right(stops, number)
    return sets[at], number - (stops[at - 1] if at else 0)
