"""One part of a run: samples by number in, a finished shard with its record out.

Owns: reading, stepping and storing the samples of a part, what is counted, what is put aside, the
marker by which a finished part is known. Does not own: which parts there are (``run``), where they
are worked on (``local``, ``ray``).

    Job, number of the part -> source[i] -> steps -> shard-00007.tar, aside/shard-00007.tar
        -> parts/00007.json

The marker comes last. A part that was stopped at any point is done again from its start, and gives
the same bytes; a part with its marker is not touched.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from qvl.data.encoding import encode_sample
from qvl.data.fingerprint import fingerprint
from qvl.data.records import Sample
from qvl.data.shard_index import FORMAT, read_table, shard_name, table_path, write_json
from qvl.data.shards import ShardWriter
from qvl.data.sources import NoSample, Source
from qvl.data.steps import Dropped, Failed, Step, pipeline_fingerprint
from qvl.data.time_limit import time_limit
from qvl.errors import ConfigError, DataError, InputError

ASIDE = "aside"
"""Folder of the samples that were dropped or failed."""
MARKERS = "parts"
READ, STORE = "read", "store"
"""What stands in place of a step's name for samples that could not be read or stored."""

SAMPLE_S = 1800.0
"""Half an hour: a long video captioned by a slow server takes minutes. Ours."""

_CHUNK = 16
_EXAMPLES = 2
_LISTED_FAILURES = 20
_LONGEST_MESSAGE = 300

FAULTS = (
    InputError, DataError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip
"""What a step or a source raises for one bad sample. Others, such as `ConfigError` and
`MissingDependencyError`, would befall every sample and stop the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is to be done in a run, the same for all parts.

    Attributes:
        source: of the samples.
        steps: in their order.
        folder: of the output; every process must see it under this name.
        per_part: samples read for one shard.
        keep_rejects: put all dropped samples aside, not only examples of each reason.
        most_failures: a part with more failed samples than this stops the run.
        retry_failed: do finished parts again in which samples failed.
        sample_s: seconds that a step may take for a sample, see `time_limit`.
    """

    source: Source
    steps: tuple[Step, ...]
    folder: Path
    per_part: int
    keep_rejects: bool
    most_failures: int
    retry_failed: bool = False
    sample_s: float = SAMPLE_S

    @property
    def num_parts(self) -> int:
        """How many parts the source has."""
        return -(-len(self.source) // self.per_part)

    def numbers(self, part: int) -> range:
        """Returns the numbers of a part's samples."""
        return range(part * self.per_part, min((part + 1) * self.per_part, len(self.source)))


class Failure(NamedTuple):
    """A sample that could not be worked on."""

    number: int
    """In the source."""
    step: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PartResult:
    """What became of a part's samples.

    Attributes:
        part: number of the part.
        key: what the result depends on.
        num_read: samples asked for.
        num_kept: samples in the shard.
        dropped: step -> reason -> how many.
        num_failed: samples put aside because something was wrong with them.
        failures: the first of them.
        changed: of a few samples that steps changed: number in the source, place in the shard.
        seconds: step -> time spent in it.
        is_reused: True when the part was done before.
    """

    part: int
    key: str
    num_read: int
    num_kept: int
    dropped: Mapping[str, Mapping[str, int]]
    num_failed: int
    failures: tuple[Failure, ...]
    changed: tuple[tuple[int, int], ...]
    seconds: Mapping[str, float]
    is_reused: bool = False


def do_part(job: Job, part: int) -> PartResult:
    """Does a part, unless it is done.

    Raises:
        DataError: more samples failed than the job allows.
    """
    numbers = job.numbers(part)
    key = fingerprint(
        FORMAT,
        pipeline_fingerprint(job.steps),
        job.source.fingerprint(numbers.start, numbers.stop),
        job.keep_rejects,
    )
    done = _finished(job, part, key)
    if done is not None:
        return done
    with ExitStack() as stack:
        work = _Work(job=job, part=part, stack=stack)
        for start in range(0, len(numbers), work.chunk):
            work.do(numbers[start : start + work.chunk])
        result = work.close(key)
    write_json(_marker(job.folder, part), asdict(result))
    return result


def _marker(folder: Path, part: int) -> Path:
    return folder / MARKERS / f"{part:05d}.json"


def _finished(job: Job, part: int, key: str) -> PartResult | None:
    try:
        found = json.loads(_marker(job.folder, part).read_text())
        failures = tuple(Failure(*item) for item in found["failures"])
        changed = tuple((int(number), int(place)) for number, place in found["changed"])
        result = PartResult(**{**found, "failures": failures, "changed": changed})
        read_table(job.folder, shard_name(part))
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return None  # not done, or what was done is damaged
    if result.key != key or (job.retry_failed and result.num_failed):
        return None
    return replace(result, is_reused=True)


class _Item(NamedTuple):
    number: int
    sample: Sample
    was_changed: bool


@dataclass(kw_only=True)
class _Work:
    """The counts and open files of a part."""

    job: Job
    part: int
    stack: ExitStack
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    num_read: int = 0
    num_failed: int = 0
    changed: list[tuple[int, int]] = field(default_factory=list)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        self.chunk = max([_CHUNK, *(step.batch_size for step in self.job.steps)])
        self.writer = self.stack.enter_context(ShardWriter(self.job.folder, self.part))
        self._aside: ShardWriter | None = None

    def do(self, numbers: Sequence[int]) -> None:
        """Reads these samples, takes them through all steps, stores what is left."""
        items = list(self._read(numbers))
        for step in self.job.steps:
            start = time.perf_counter()
            batches = [
                items[i : i + step.batch_size] for i in range(0, len(items), step.batch_size)
            ]
            items = [item for batch in batches for item in self._step(step, batch)]
            self.seconds[step.name] += time.perf_counter() - start
        start = time.perf_counter()
        for item in items:
            self._store(item)
        self.seconds[STORE] += time.perf_counter() - start

    def close(self, key: str) -> PartResult:
        """Puts the files in place: what is aside first, then the shard."""
        name = shard_name(self.part)
        if self._aside is not None:
            self._aside.close()
        else:  # perhaps left by an earlier try
            table_path(self.job.folder / ASIDE, name).unlink(missing_ok=True)
            (self.job.folder / ASIDE / name).unlink(missing_ok=True)
        num_kept = len(self.writer.close())
        return PartResult(
            part=self.part,
            key=key,
            num_read=self.num_read,
            num_kept=num_kept,
            dropped={step: dict(sorted(found.items())) for step, found in self.dropped.items()},
            num_failed=self.num_failed,
            failures=tuple(self.failures),
            changed=tuple(self.changed),
            seconds={name: round(value, 3) for name, value in self.seconds.items()},
        )

    def _read(self, numbers: Sequence[int]) -> Iterator[_Item]:
        start = time.perf_counter()
        for number in numbers:
            self.num_read += 1
            try:
                with time_limit(self.job.sample_s, "reading it"):
                    sample = self.job.source[number]
            except NoSample as error:
                self.dropped.setdefault(READ, Counter())[error.message] += 1
            except FAULTS as error:
                self._fail(READ, number, error)
            else:
                yield _Item(number, sample, False)
        self.seconds[READ] += time.perf_counter() - start

    def _step(self, step: Step, batch: list[_Item]) -> list[_Item]:
        try:
            with time_limit(self.job.sample_s * len(batch), "the step"):
                outcomes = step.apply([item.sample for item in batch])
        except FAULTS as error:
            if len(batch) == 1:
                self._fail_in(step.name, batch[0], error)
                return []
            # One sample of the batch is to blame; the others go on without it.
            return [item for one in batch for item in self._step(step, [one])]
        if len(outcomes) != len(batch):
            raise ConfigError(
                f"step {step.name!r} gave {len(outcomes)} outcomes for {len(batch)} samples"
            )
        left: list[_Item] = []
        for item, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Dropped):
                self._drop(step.name, item.sample, outcome.reason)
                continue
            if isinstance(outcome, Failed):
                self._fail_in(step.name, item, DataError(outcome.message))
                continue
            left += [
                _Item(item.number, sample, item.was_changed or sample is not item.sample)
                for sample in outcome.samples
            ]
        return left

    def _store(self, item: _Item) -> None:
        try:
            with time_limit(self.job.sample_s, "storing it"):
                encoded = encode_sample(item.sample)
        except FAULTS as error:
            self._fail(STORE, item.number, error, place=item.sample.provenance.source)
            return
        if item.was_changed and len(self.changed) < _EXAMPLES:
            self.changed.append((item.number, len(self.writer)))
        self.writer.put(encoded)

    def _drop(self, step: str, sample: Sample, reason: str) -> None:
        counts = self.dropped.setdefault(step, Counter())
        counts[reason] += 1
        if self.job.keep_rejects or counts[reason] <= _EXAMPLES:
            self._put_aside(sample, f"{step}: {reason}")

    def _fail_in(self, step: str, item: _Item, error: Exception) -> None:
        failure = self._fail(step, item.number, error, place=item.sample.provenance.source)
        self._put_aside(item.sample, f"{step} failed: {failure.message}")

    def _fail(self, step: str, number: int, error: Exception, *, place: str = "") -> Failure:
        message = error.message if isinstance(error, InputError | DataError) else repr(error)
        if place and not message.startswith(place):
            message = f"{place}: {message}"
        failure = Failure(number, step, message[:_LONGEST_MESSAGE])
        self.num_failed += 1
        if len(self.failures) < _LISTED_FAILURES:
            self.failures.append(failure)
        if self.num_failed > self.job.most_failures:
            raise too_many_failures(self.num_failed, self.job.most_failures, self.failures[0])
        return failure

    def _put_aside(self, sample: Sample, why: str) -> None:
        provenance = replace(sample.provenance, dropped=why)
        try:
            encoded = encode_sample(replace(sample, provenance=provenance))
        except FAULTS:
            return  # its media cannot be stored; the counts and the list of failures have it
        if self._aside is None:
            folder = self.job.folder / ASIDE
            folder.mkdir(exist_ok=True)
            self._aside = self.stack.enter_context(ShardWriter(folder, self.part))
        self._aside.put(encoded)


def too_many_failures(count: int, most: int, first: Failure) -> DataError:
    """The error that ends a run in which too much goes wrong."""
    return DataError(
        f"{count} samples failed, at most {most} may; the first is sample {first.number} in "
        f"{first.step!r}: {first.message}",
        hint="mend the step or the data, or raise the failure budget; what is done is kept",
    )


def marker_numbers(folder: Path) -> list[int]:
    """Returns the parts that have a marker."""
    return sorted(int(path.stem) for path in (folder / MARKERS).glob("[0-9]*.json"))


def remove_part(folder: Path, part: int) -> None:
    """Removes the files of a part that the source no longer has."""
    name = shard_name(part)
    _marker(folder, part).unlink(missing_ok=True)
    for place in (folder, folder / ASIDE):
        table_path(place, name).unlink(missing_ok=True)
        (place / name).unlink(missing_ok=True)
