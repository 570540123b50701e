"""The packs of all steps, planned from sizes alone.

Owns: walking through the epochs, the finished plan and its file. Does not own: the order
(``epochs``), filling (``bins``), samples (``planned``).

    EpochOrder, Sizes -> window of samples -> fill_bins -> packs -> alike -> steps -> PackPlan

A plan depends on sizes, seed and settings, and not on how many ranks there are: any number of them
that divides the packs of a step trains on the same steps. Work and memory of a window are bounded;
what stays is a number for each sample of the epochs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qvl.data.atomic import whole_file
from qvl.data.fingerprint import fingerprint
from qvl.data.packing import PackBudget
from qvl.data.packing.bins import alike, divided, fill_bins, spread
from qvl.data.packing.epochs import EpochOrder
from qvl.errors import ConfigError

Ints = npt.NDArray[np.int64]

VERSION = 1
"""Of what is planned from equal sizes; a new one makes new plans."""

_STEPS_PER_WINDOW = 8
_FEWEST_PACKS, _MOST_PACKS = 256, 4096
"""Packs of a window. With 230 and 463 of them packs of mixed data were 99.8 % full; more take time.
"""

_FULL = 0.98
"""Packs less full than this are tried again with the next window, a sixteenth of all at most."""

_MOST_TRIES = 3
_WAITING_STEPS = 4
"""Steps' worth of packs that may wait for others of their cost."""


class Sizes(NamedTuple):
    """Of all samples, by their numbers; int64[S] each."""

    tokens: Ints
    patches: Ints
    costs: Ints

    def of(self, samples: Ints) -> "Sizes":
        """Returns those of some samples."""
        return Sizes(*(column[samples] for column in self))


@dataclass(frozen=True, kw_only=True)
class PackPlan:
    """Which samples are in which pack.

    Attributes:
        samples: int64[N], numbers of samples, pack after pack.
        offsets: int64[packs + 1], where each pack begins; a pack may be empty.
        packs_per_step: over all ranks.
        epoch_steps: steps of each epoch.
    """

    samples: Ints
    offsets: Ints
    packs_per_step: int
    epoch_steps: tuple[int, ...]

    @property
    def num_steps(self) -> int:
        """Of all epochs."""
        return sum(self.epoch_steps)

    def pack(self, step: int, pack: int) -> Ints:
        """Returns the samples of a pack.

        Raises:
            ConfigError: there is no such pack.
        """
        if not 0 <= step < self.num_steps or not 0 <= pack < self.packs_per_step:
            raise ConfigError(
                f"pack {pack} of step {step}, expected one of {self.packs_per_step} packs of "
                f"{self.num_steps} steps",
                hint="ranks times accumulated packs must be the packs per step of the plan",
            )
        place = step * self.packs_per_step + pack
        return self.samples[self.offsets[place] : self.offsets[place + 1]]

    def sums(self, values: Ints) -> Ints:
        """Adds up for each pack what is known of each sample: int64[steps, packs_per_step]."""
        totals = np.concatenate([[0], np.cumsum(values[self.samples])])
        return np.diff(totals[self.offsets]).reshape(-1, self.packs_per_step)

    @property
    def identity(self) -> str:
        """A hash of all of it."""
        return fingerprint(self.samples, self.offsets, self.packs_per_step, self.epoch_steps)


def make_plan(
    order: EpochOrder, sizes: Sizes, *, epochs: int, budget: PackBudget, packs_per_step: int
) -> PackPlan:
    """Plans all epochs; each ends with a step of its own, whose packs may be less full.

    Args:
        order: of the samples.
        sizes: of the samples, none larger than the budget.
        epochs: at least 1.
        budget: of a pack.
        packs_per_step: over all ranks and all that a rank accumulates.

    Raises:
        ConfigError: numbers below 1.
    """
    if epochs < 1 or packs_per_step < 1 or min(budget.max_tokens, budget.max_patches) < 1:
        raise ConfigError(
            f"{epochs} epochs of {packs_per_step} packs a step with {budget}, expected at least 1 "
            "of each"
        )
    packs: list[Ints] = []
    epoch_steps = []
    for epoch in range(epochs):
        before = len(packs)
        for step in _Epoch(order, sizes, epoch, budget, packs_per_step).steps():
            packs += step
        epoch_steps.append((len(packs) - before) // packs_per_step)
    return PackPlan(
        samples=np.concatenate(packs),
        offsets=np.concatenate([[0], np.cumsum([len(pack) for pack in packs])]).astype(np.int64),
        packs_per_step=packs_per_step,
        epoch_steps=tuple(epoch_steps),
    )


class _Epoch:
    """One walk through the order, window by window."""

    def __init__(
        self,
        order: EpochOrder,
        sizes: Sizes,
        epoch: int,
        budget: PackBudget,
        packs_per_step: int,
    ) -> None:
        self.order, self.sizes, self.epoch = order, sizes, epoch
        self.budget, self.packs_per_step = budget, packs_per_step
        self.left = np.zeros(0, np.int64)  # samples of packs that were not full enough
        self.tries = np.zeros(0, np.int64)
        self.packs: list[Ints] = []  # that wait for a step
        self.random = np.random.default_rng((order.seed, epoch))

    def steps(self) -> Iterator[list[Ints]]:
        """Yields the packs of each step."""
        size = _window(self.order, self.sizes, self.budget, self.packs_per_step)
        for start in range(0, len(self.order), size):
            stop = start + size
            self._fill(self.order.take(self.epoch, start, stop), stop >= len(self.order))
            chosen, waiting = alike(self._costs(), self.packs_per_step)
            if stop >= len(self.order):
                chosen, waiting = self._rest(chosen, waiting), []
            while len(waiting) > _WAITING_STEPS * self.packs_per_step:
                chosen.append(self._most_alike(waiting))
            # Else steps of one window would come from costly to cheap.
            for number in self.random.permutation(len(chosen)).tolist():
                yield [self.packs[pack] for pack in chosen[number]]
            self.packs = [self.packs[pack] for pack in waiting]

    def _costs(self) -> list[int]:
        return [int(self.sizes.costs[pack].sum()) for pack in self.packs]

    def _fill(self, new: Ints, is_last: bool) -> None:
        samples = np.concatenate([self.left, new])
        tries = np.concatenate([self.tries, np.zeros(len(new), np.int64)])
        sizes = self.sizes.of(samples)
        bins = fill_bins(*sizes, self.budget)
        loads = np.bincount(bins, sizes.tokens)
        again = np.zeros(len(loads), bool)
        if not is_last:
            emptiest = np.argsort(loads, kind="stable")[: max(1, len(loads) // 16)]
            again[emptiest[loads[emptiest] < _FULL * self.budget.max_tokens]] = True
            again[bins[tries >= _MOST_TRIES]] = False
        is_left = again[bins]
        self.left, self.tries = samples[is_left], tries[is_left] + 1
        members = np.argsort(bins, kind="stable")
        edges = np.cumsum(np.bincount(bins))[:-1]
        packs = np.split(samples[members], edges)
        self.packs += [pack for number, pack in enumerate(packs) if not again[number]]

    def _most_alike(self, waiting: list[int]) -> list[int]:
        """Takes the packs of one step from those that wait, costliest first."""
        costs = self._costs()
        size = self.packs_per_step
        first = min(
            range(len(waiting) - size + 1),
            key=lambda at: (
                costs[waiting[at]] / sum(costs[pack] for pack in waiting[at : at + size])
            ),
        )
        taken = waiting[first : first + size]
        del waiting[first : first + size]
        return taken

    def _rest(self, chosen: list[list[int]], waiting: list[int]) -> list[list[int]]:
        """The steps of the last window: packs that wait as they come, and the last ones anew, so
        that every rank has work."""
        size = self.packs_per_step
        whole = len(waiting) - len(waiting) % size
        steps = chosen + [waiting[at : at + size] for at in range(0, whole, size)]
        last = [self.packs[pack] for pack in waiting[whole:]]
        if not last:
            return steps
        count = 1
        while sum(map(len, last)) < count * size and steps:  # too few samples for so many packs
            last += [self.packs[pack] for pack in steps.pop()]
            count += 1
        first = len(self.packs)
        self.packs += self._anew(last, count * size)
        return steps + [[*range(at, at + size)] for at in range(first, len(self.packs), size)]

    def _anew(self, packs: list[Ints], parts: int) -> list[Ints]:
        """The samples of packs in so many packs; some are empty if there is no other way."""
        samples = np.concatenate(packs)
        bins = spread(*self.sizes.of(samples), self.budget, parts)
        if bins is None:
            return divided(packs, self.sizes.costs, parts)
        return [samples[bins == pack] for pack in range(parts)]


def _window(order: EpochOrder, sizes: Sizes, budget: PackBudget, packs_per_step: int) -> int:
    """Samples of a window."""
    packs = min(max(_STEPS_PER_WINDOW * packs_per_step, _FEWEST_PACKS), _MOST_PACKS)
    packs = max(packs, packs_per_step)
    shares = [
        count * max(
            float(sizes.tokens[samples].mean()) / budget.max_tokens,
            float(sizes.patches[samples].mean()) / budget.max_patches,
        )
        for samples, count in zip(order.sets, order.counts, strict=True)
    ]  # fmt: skip
    return max(packs, round(packs * len(order) / max(sum(shares), 1e-9)))


def save_plan(plan: PackPlan, path: Path) -> None:
    """Writes a plan whole or not at all.

    Raises:
        DataError: it cannot be written.
    """
    head = [VERSION, plan.packs_per_step, len(plan.epoch_steps), *plan.epoch_steps]
    numbers = np.concatenate([np.array(head, np.int64), plan.offsets, plan.samples])
    with whole_file(path) as file:
        np.save(file, numbers)


def load_plan(path: Path) -> PackPlan | None:
    """Reads a plan without taking it into memory; None if there is none that is whole."""
    try:
        numbers = np.load(path, mmap_mode="r", allow_pickle=False)
        version, packs_per_step, num_epochs = map(int, numbers[:3])
        epoch_steps = tuple(map(int, numbers[3 : 3 + num_epochs]))
        start = 3 + num_epochs
        stop = start + sum(epoch_steps) * packs_per_step + 1
        offsets, samples = numbers[start:stop], numbers[stop:]
        if version != VERSION or numbers.dtype != np.int64 or offsets[-1] != len(samples):
            return None
    except (OSError, ValueError, IndexError, EOFError):
        return None
    return PackPlan(
        samples=samples, offsets=offsets, packs_per_step=packs_per_step, epoch_steps=epoch_steps
    )
