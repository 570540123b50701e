"""The packs of one rank as batches, made ahead in worker processes.

Owns: which packs are a rank's, the processes, and how what goes wrong in them is told. Does not
own: what is in a pack (``data.pack_source``), what happens then (``trainer``).

    Stage, rank -> numbers of its packs -> source.pack -> objective.collate -> Loaded, in order
"""

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from qvl.data.pack_source import PackError
from qvl.data.packing import FilledPack, PackBudget
from qvl.data.records import Sample
from qvl.errors import ConfigError, QvlError, TrainingError
from qvl.processing.patches import PATCH_DIM
from qvl.training.objectives import Batch
from qvl.training.parcel import Parcel, opened, packed_up
from qvl.training.stages import Stage

# Packs each worker makes ahead, so that one slow picture delays no step.
_PREFETCH = 8
# Of all packs that wait on a rank, if every one is as large as its budget.
_MOST_WAITING_BYTES = 2 * 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """One pack.

    Attributes:
        batch: its tensors; those of an empty pack if it could not be made.
        samples: where its samples come from, for records of what went wrong.
        failures: samples that were left out, each with the reason.
        num_too_large: samples that were drawn, and left out for their size.
        error: why it could not be made.
    """

    batch: Batch
    samples: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    num_too_large: int = 0
    error: QvlError | None = None


def load_pack(stage: Stage, step: int, pack: int) -> Loaded:
    """Returns one pack of a step; an error of ours becomes part of what is returned."""
    filled = FilledPack([])
    failures: tuple[tuple[str, str], ...] = ()
    wrong: QvlError | None = None
    try:
        try:
            filled = stage.source.pack(step, pack)
        except PackError as error:
            filled, failures = error.made, error.failures
        batch = stage.objective.collate(filled.samples)
    except QvlError as error:
        batch, wrong = stage.objective.collate([]), error
    return Loaded(
        batch=batch,
        samples=tuple(sample_name(item.sample) for item in filled.samples),
        failures=failures,
        num_too_large=filled.num_too_large,
        error=wrong,
    )


def sample_name(sample: Sample) -> str:
    """Returns where a sample comes from, in one line.

    >>> from qvl.data.records import Provenance
    >>> from qvl.messages import Conversation
    >>> conversation = Conversation.user("Where is it?")
    >>> provenance = Provenance(generator="shapes", seed=(1, 2))
    >>> sample_name(Sample(task="box", conversation=conversation, provenance=provenance))
    'box: shapes (1, 2)'
    """
    known = sample.provenance
    place = known.source or (str(known.seed) if known.seed else "")
    return f"{sample.task}: {known.generator} {place}".rstrip()


def packs_of_rank(stage: Stage, *, rank: int, world: int) -> range:
    """Returns the packs of a step that a rank makes: neighbours, so that how many ranks there are
    changes no pack.

    Raises:
        ConfigError: the packs cannot be shared evenly.
    """
    total = stage.source.packs_per_step
    if total % world:
        raise ConfigError(
            f"stage {stage.name!r} has {total} packs a step, which {world} ranks cannot share "
            "evenly",
            hint=f"use a multiple of {world} packs, or a number of ranks that divides {total}",
        )
    each = total // world
    return range(rank * each, (rank + 1) * each)


class _Packs(torch.utils.data.IterableDataset[Parcel]):
    """The packs of one rank for the rest of a stage, in order."""

    def __init__(self, stage: Stage, packs: range, *, start: int) -> None:
        self.stage, self.packs, self.start = stage, packs, start

    def __iter__(self) -> Iterator[Parcel]:
        worker = torch.utils.data.get_worker_info()
        # A loader asks its workers in turn, so worker w makes every num_workers-th pack.
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        each = len(self.packs)
        for i in range(self.start * each + first, self.stage.num_steps * each, stride):
            loaded = load_pack(self.stage, i // each, self.packs[i % each])
            yield packed_up(loaded, shared=worker is not None)


def load_steps(stage: Stage, packs: range, *, start: int, workers: int) -> Iterator[list[Loaded]]:
    """Yields the packs of each step from ``start`` on to the end of the stage.

    Args:
        stage: has source and objective.
        packs: of each step, from `packs_of_rank`.
        start: step to begin with.
        workers: processes; 0 makes packs in this one.
    """
    loader: Any = torch.utils.data.DataLoader(
        _Packs(stage, packs, start=start),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=_ahead(stage.source.budget, workers) if workers else None,
        worker_init_fn=_begin_worker,
        # Of its own: starting to load must not draw from what dropout draws from.
        generator=torch.Generator(),
    )
    with _nothing_to_collect():
        found = iter(loader)
    for _ in range(start, stage.num_steps):
        yield [opened(next(found)) for _ in packs]


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Lets processes be forked that never collect what was left here: a video decoder would wait
    for threads that only this process has, for ever."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def worker_faults_told() -> Iterator[None]:
    """Raises what ends processes that make packs as an error for people; that one was killed torch
    raises wherever this process happens to be.

    Raises:
        TrainingError: one was killed, or has no room for its packs.
    """
    try:
        yield
    except RuntimeError as error:
        if "shared memory(shm)" in str(error):  # Source: torch/lib/libshm and MapAllocator.cpp.
            raise TrainingError(
                "shared memory (/dev/shm) has no room for packs",
                hint="give it more, in a container with docker run --shm-size 8g, or make packs in "
                "between with --set workers=0; the same command goes on from the last checkpoint",
            ) from error
        # Source: torch.utils.data.dataloader and torch/csrc/DataLoader.cpp.
        if not str(error).startswith("DataLoader worker"):
            raise
        raise TrainingError(
            f"a process that makes packs ended: {str(error).splitlines()[0]}",
            hint="mostly memory ran out: the same command goes on from the last checkpoint, and "
            "--set workers=0 needs less",
        ) from error


def _ahead(budget: PackBudget, workers: int) -> int:
    """Packs that each worker makes ahead; pixels are nearly all of a pack.

    >>> small, large = (PackBudget(max_tokens=t, max_patches=4 * t) for t in (1024, 32768))
    >>> _ahead(small, 4), _ahead(large, 2)
    (8, 1)
    """
    pack_bytes = max(1, budget.max_patches) * PATCH_DIM * 4
    return max(1, min(_PREFETCH, _MOST_WAITING_BYTES // (pack_bytes * workers)))


def _begin_worker(worker: int) -> None:
    # A worker runs only while the ranks wait: one delayed rank delays them all.
    os.nice(19)
    # Who stops a run stops the ranks; they stop their workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
