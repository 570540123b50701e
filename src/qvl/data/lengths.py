"""How large every sample of a set is for a model: what packing plans with, before it decodes.

Owns: measuring, in processes where wished, and keeping what was measured. Does not own: packs
(``packing``).

    Source, Processor -> measure() -> Lengths(tokens, answers, grids);   kept in lengths-KEY/

Sizes come from the heads of media files. They depend on the tokenizer and the pixel limits, so they
are kept for each processor apart, part by part: a stopped pass goes on where it was.
"""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qvl.data.atomic import whole_file
from qvl.data.branches import branched_tokens
from qvl.data.fingerprint import fingerprint
from qvl.data.processes import in_processes
from qvl.data.records import Sample
from qvl.data.shards import ShardReader
from qvl.data.sources import Source
from qvl.errors import DataError, QvlError
from qvl.processing.bill import Bill
from qvl.processing.processor import Processor

TOO_LONG = "a sample may have at most"
"""What the fault of a sample says that has more tokens than are allowed."""

_FORMAT = 1
_PART = 1024
"""Samples that are measured together; a pass that is stopped repeats at most so many a process."""


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Sizes of all samples, in order. A sample that cannot be read has no tokens.

    Attributes:
        tokens: int32[S], of the language model.
        answers: int32[S], those of them that training predicts.
        grids: int32[N, 3], time, height and width in patches of all pictures and videos in order.
        items: int32[S], how many of these are the sample's.
        faults: number of a sample that cannot be read -> why.
        identity: a hash of the samples and of all that the sizes depend on.
    """

    tokens: npt.NDArray[np.int32]
    answers: npt.NDArray[np.int32]
    grids: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    faults: Mapping[int, str] = field(default_factory=dict)
    identity: str = ""

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def patches(self) -> npt.NDArray[np.int64]:
        """int64[S], of the vision tower."""
        return self.sums(self.grids.astype(np.int64).prod(1))

    def sums(self, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Adds up for each sample what is known of each picture: int64[N] -> int64[S].

        >>> lengths = Lengths(
        ...     tokens=np.ones(3, np.int32), answers=np.ones(3, np.int32),
        ...     grids=np.ones((3, 3), np.int32), items=np.array([1, 0, 2], np.int32),
        ... )
        >>> lengths.sums(np.array([5, 6, 7])).tolist()
        [5, 0, 13]
        """
        ends = np.cumsum(self.items, dtype=np.int64)
        totals = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
        return totals[ends] - totals[ends - self.items]

    def take(self, numbers: npt.NDArray[np.int64]) -> "Lengths":
        """Returns the sizes of some samples, in the order of these numbers."""
        items = self.items[numbers].astype(np.int64)
        first = np.cumsum(self.items, dtype=np.int64)[numbers] - items
        rows = np.repeat(first - (np.cumsum(items) - items), items) + np.arange(items.sum())
        places = enumerate(numbers.tolist()) if self.faults else ()
        return Lengths(
            tokens=self.tokens[numbers],
            answers=self.answers[numbers],
            grids=self.grids[rows],
            items=self.items[numbers],
            faults={place: self.faults[n] for place, n in places if n in self.faults},
            identity=fingerprint(self.identity, numbers),
        )


def lengths_of(reader: Source, processor: Processor) -> Lengths:
    """Returns the sizes of all samples, each of which must be readable.

    Raises:
        DataError: a sample cannot be read as this model's input.
    """
    lengths = measure(reader, processor)
    if lengths.faults:
        number, why = next(iter(sorted(lengths.faults.items())))
        raise DataError(f"sample {number}: {why} ({len(lengths.faults)} such samples)")
    return lengths


def measure(
    source: Source,
    processor: Processor,
    *,
    folder: Path | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Lengths:
    """Returns the sizes of all samples; those that were measured before are not measured again.

    Pixels are not decoded. Faults of single samples are collected, not raised.

    Args:
        source: of the samples.
        processor: whose tokens are counted.
        folder: keeps what is measured; None for that of shards, and nothing is kept of others.
        processes: to share the work.
        progress: called with how many samples are measured, and of how many.

    Raises:
        DataError: what is measured cannot be kept, or a process is killed.
    """
    if folder is None and isinstance(source, ShardReader):
        folder = source.folder
    key = fingerprint(_FORMAT, processor.tokenizer.fingerprint(), processor.settings)[:16]
    kept = None if folder is None else folder / f"lengths-{key}"
    starts = range(0, len(source), _PART)
    stops = [min(start + _PART, len(source)) for start in starts]
    marks = [source.fingerprint(*span) for span in zip(starts, stops, strict=True)]
    parts: dict[int, _Part] = {}
    if kept is not None:
        for part, mark in enumerate(marks):
            if (found := _read(_path(kept, part), mark, stops[part] - starts[part])) is not None:
                parts[part] = found
    done = sum(len(part.tokens) for part in parts.values())
    progress(done, len(source))
    missing = [part for part in range(len(marks)) if part not in parts]
    jobs = [(part, starts[part], stops[part]) for part in missing]
    most = max(1, min(processes, len(jobs)))
    for number, measured in in_processes(_measure, (source, processor), jobs, processes=most):
        parts[number] = measured
        if kept is not None:
            _write(_path(kept, number), marks[number], measured)
        done += len(measured.tokens)
        progress(done, len(source))
    ordered = [parts[part] for part in range(len(marks))]
    return Lengths(
        tokens=np.concatenate([np.zeros(0, np.int32), *(part.tokens for part in ordered)]),
        answers=np.concatenate([np.zeros(0, np.int32), *(part.answers for part in ordered)]),
        grids=np.concatenate([np.zeros((0, 3), np.int32), *(part.grids for part in ordered)]),
        items=np.concatenate([np.zeros(0, np.int32), *(part.items for part in ordered)]),
        faults={
            start + int(number): why
            for start, part in zip(starts, ordered, strict=True)
            for number, why in zip(part.faulty, part.reasons, strict=True)
        },
        identity=fingerprint(key, marks),
    )


def undecoded(source: Source, number: int) -> Sample:
    """Returns a sample whose pictures are not decoded where that can be avoided."""
    return source.encoded(number) if isinstance(source, ShardReader) else source[number]


def bill_of(sample: Sample, processor: Processor) -> tuple[Bill, int]:
    """Returns the bill of a sample's conversation, and all tokens that stand in a pack for it: with
    those of rejected answers.

    Raises:
        QvlError: it cannot be read as this model's input.
    """
    bill = processor.bill(sample.conversation, add_generation_prompt=False)
    more = branched_tokens(sample, bill, processor.tokenizer) if sample.rejected else 0
    return bill, bill.total + more


def too_long(num_tokens: int, max_tokens: int) -> str:
    """Returns the fault of a sample that is longer than training allows.

    >>> too_long(9000, 8192)
    '9,000 tokens, a sample may have at most 8,192'
    """
    return f"{num_tokens:,} tokens, {TOO_LONG} {max_tokens:,}"


class _Part(NamedTuple):
    """Sizes of a few samples; the columns of `Lengths`."""

    tokens: npt.NDArray[np.int32]
    answers: npt.NDArray[np.int32]
    grids: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    faulty: npt.NDArray[np.int32]
    reasons: tuple[str, ...]


def _measure(shared: tuple[Source, Processor], job: tuple[int, int, int]) -> tuple[int, _Part]:
    (source, processor), (part, start, stop) = shared, job
    sizes: list[tuple[int, int, int]] = []
    grids: list[Sequence[int]] = []
    faults: dict[int, str] = {}
    for number in range(start, stop):
        try:
            bill, total = bill_of(undecoded(source, number), processor)
        except QvlError as error:
            faults[number - start] = error.message
            sizes.append((0, 0, 0))
            continue
        sizes.append((total, bill.answer_tokens, len(bill.items)))
        grids += [item.grid for item in bill.items]
    tokens, answers, items = np.array(sizes, np.int32).reshape(-1, 3).T
    return part, _Part(
        tokens=tokens,
        answers=answers,
        grids=np.array(grids, np.int32).reshape(-1, 3),
        items=items,
        faulty=np.array(list(faults), np.int32),
        reasons=tuple(faults.values()),
    )


def _path(folder: Path, part: int) -> Path:
    return folder / f"part-{part:05d}.npz"


def _write(path: Path, mark: str, part: _Part) -> None:
    columns = part._asdict() | {"reasons": np.array(part.reasons, np.str_)}
    hint = "free some room, or give another folder for the sizes of samples"
    with whole_file(path, hint=hint) as file:
        np.savez(file, mark=np.array(mark), **columns)


def _read(path: Path, mark: str, count: int) -> _Part | None:
    try:
        with np.load(path, allow_pickle=False) as found:
            if str(found["mark"]) != mark:
                return None
            columns = {name: found[name] for name in _Part._fields}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not measured, or damaged: measure again
    part = _Part(**columns | {"reasons": tuple(columns["reasons"].tolist())})
    fits = len(part.tokens) == len(part.answers) == len(part.items) == count
    fits = fits and part.grids.shape == (int(part.items.sum()), 3)
    return part if fits and len(part.faulty) == len(part.reasons) else None
