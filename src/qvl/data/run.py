"""A run: all parts of a source through a list of steps into a folder of shards.

Owns: the plan of the parts, the folder's state, the failure budget, the totals. Does not own: the
work on a part (``parts``), where parts are worked on (``local``, ``ray``), how totals look
(``report``).

    source, steps -> Job -> execute(job, parts) -> PartResult, ... -> RunSummary, index.json

The same call goes on where an earlier one was stopped, by whatever, and ends with the same bytes.
"""

import json
import math
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from qvl.data.folder_lock import only_writer
from qvl.data.parts import (
    ASIDE,
    MARKERS,
    SAMPLE_S,
    Failure,
    Job,
    PartResult,
    marker_numbers,
    remove_part,
    too_many_failures,
)
from qvl.data.shard_index import FORMAT, INDEX, read_table, shard_name, write_index, write_json
from qvl.data.sources import Source
from qvl.data.steps import Step, pipeline_fingerprint
from qvl.errors import ConfigError, DataError

RECORD = "run.json"
PER_SHARD = 1000
FAILURE_BUDGET = 0.01

_LISTED_FAILURES = 100
_LONGEST_S = 86_400.0

Execute = Callable[[Job, Sequence[int]], Generator[PartResult, None, None]]
"""Does parts of a job somewhere and yields the results in any order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """What became of all samples.

    Attributes:
        folder: of the shards.
        num_read: samples asked for.
        num_kept: samples in the shards; more than were read where steps make several of one.
        dropped: step -> reason -> how many.
        num_failed: samples put aside because something was wrong with them.
        failures: the first of them.
        changed: examples of changed samples: number in the source, shard, place in it.
        seconds: step -> time spent in it, of all processes together.
        num_parts: shards.
        num_reused: of these, done by an earlier call.
        wall_s: seconds of this call.
    """

    folder: Path
    num_read: int
    num_kept: int
    dropped: Mapping[str, Mapping[str, int]]
    num_failed: int
    failures: tuple[Failure, ...]
    changed: tuple[tuple[int, int, int], ...]
    seconds: Mapping[str, float]
    num_parts: int
    num_reused: int
    wall_s: float

    @property
    def num_dropped(self) -> int:
        """Samples dropped by all steps."""
        return sum(sum(reasons.values()) for reasons in self.dropped.values())

    def __str__(self) -> str:
        lines = [
            f"read {self.num_read}, kept {self.num_kept}, dropped {self.num_dropped}, "
            f"failed {self.num_failed}"
        ]
        for step, reasons in self.dropped.items():
            lines += [f"  {step}: {reason}: {count}" for reason, count in reasons.items()]
        lines += [f"  sample {f.number} failed in {f.step}: {f.message}" for f in self.failures[:5]]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``."""
        return {
            "folder": str(self.folder),
            "read": self.num_read,
            "kept": self.num_kept,
            "dropped": {step: dict(reasons) for step, reasons in self.dropped.items()},
            "failed": self.num_failed,
            "failures": [failure._asdict() for failure in self.failures],
            "seconds": dict(self.seconds),
            "parts": self.num_parts,
            "reused": self.num_reused,
            "wall_s": round(self.wall_s, 3),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How a run is done; none of it changes what becomes of a sample that can be worked on.

    Attributes:
        per_shard: samples read for one shard.
        keep_rejects: put all dropped samples aside, not only examples of each reason.
        failure_budget: share of the samples that may fail before the run stops.
        retry_failed: do parts again in which samples failed, as after a server was away.
        sample_s: seconds that a step may take for a sample; then the sample failed.
        progress: called with every finished part and the number of parts.
    """

    per_shard: int = PER_SHARD
    keep_rejects: bool = False
    failure_budget: float = FAILURE_BUDGET
    retry_failed: bool = False
    sample_s: float = SAMPLE_S
    progress: Callable[[PartResult, int], None] | None = None

    def __post_init__(self) -> None:
        if self.per_shard < 1 or not 0 <= self.failure_budget <= 1:
            raise ConfigError(
                f"{self.per_shard} samples a shard and a failure budget of "
                f"{self.failure_budget:g}, expected at least 1, and a share of 0 to 1"
            )
        if not 0 < self.sample_s <= _LONGEST_S:
            raise ConfigError(
                f"{self.sample_s:g} s for a sample, expected above 0 and at most {_LONGEST_S:g}"
            )


def run(
    source: Source, steps: Sequence[Step], folder: Path, *, execute: Execute, options: RunOptions
) -> RunSummary:
    """Takes all samples of a source through the steps into shards.

    Args:
        source: of the samples.
        steps: in their order; none copies the samples.
        folder: new, or left by the same run: what is finished there is kept.
        execute: where the work is done.
        options: how.

    Raises:
        ConfigError: there is nothing to do, or a step or source cannot be used.
        DataError: too many samples failed, the folder belongs to something else, or it cannot be
            written.
    """
    start = time.perf_counter()
    if not len(source):
        raise ConfigError("the source has no samples")
    most_failures = math.ceil(options.failure_budget * len(source))
    job = Job(
        source=source,
        steps=tuple(steps),
        folder=folder,
        per_part=options.per_shard,
        keep_rejects=options.keep_rejects,
        most_failures=most_failures,
        retry_failed=options.retry_failed,
        sample_s=options.sample_s,
    )
    try:
        results = _results(job, execute, options.progress)
    except OSError as error:  # those of single samples are counted, see `parts`
        raise DataError(
            f"{error.filename or folder} cannot be read or written: {error.strerror or error}",
            hint="what is finished is kept; the same call goes on",
        ) from error
    ordered = [results[part] for part in sorted(results)]
    return _summary(folder, ordered, wall_s=time.perf_counter() - start)


def _results(
    job: Job, execute: Execute, progress: Callable[[PartResult, int], None] | None
) -> dict[int, PartResult]:
    """Does all parts in the folder that this run alone has."""
    results: dict[int, PartResult] = {}
    with _own(job.folder):
        _open_record(job)
        with closing(execute(job, range(job.num_parts))) as parts:
            for result in parts:
                results[result.part] = result
                failed = sum(done.num_failed for done in results.values())
                if failed > job.most_failures:
                    raise too_many_failures(failed, job.most_failures, result.failures[0])
                if progress is not None:
                    progress(result, job.num_parts)
        _finish(job)
    return results


@contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Keeps a second run out of the folder, and clears what a killed one left half written."""
    (folder / MARKERS).mkdir(parents=True, exist_ok=True)
    with only_writer(folder):
        for part in folder.rglob(".*.part"):
            part.unlink(missing_ok=True)
        yield


def _open_record(job: Job) -> None:
    """Writes down what the folder is made by, or refuses a folder made by something else."""
    record = {
        "format": FORMAT,
        "pipeline": pipeline_fingerprint(job.steps),
        "steps": [step.name for step in job.steps],
        "per_shard": job.per_part,
    }
    path = job.folder / RECORD
    if not path.exists():
        if (job.folder / INDEX).exists():
            raise DataError(f"{job.folder} already holds shards", hint="give a new folder")
        write_json(path, {**record, "made_with": _versions()})
        return
    try:
        before = {
            key: value for key, value in json.loads(path.read_text()).items() if key in record
        }
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{path} cannot be read: {error}", hint="give a new folder") from error
    if before != record:
        raise DataError(
            f"{job.folder} holds the shards of other steps, of other code of these steps, or of "
            "another size",
            hint="give a new folder, or remove this one",
        )


def _versions() -> dict[str, str]:
    """What drew and stored the samples; bytes of a PNG may differ between versions of Pillow."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "machine": platform.platform(),
    }


def _finish(job: Job) -> None:
    for part in marker_numbers(job.folder):
        if part >= job.num_parts:  # the source was longer once
            remove_part(job.folder, part)
    names = [shard_name(part) for part in range(job.num_parts)]
    write_index(job.folder, [read_table(job.folder, name).entry for name in names])
    aside = [name for name in names if (job.folder / ASIDE / name).exists()]
    if aside:
        entries = [read_table(job.folder / ASIDE, name).entry for name in aside]
        write_index(job.folder / ASIDE, entries)
    else:  # an earlier call had put some aside
        (job.folder / ASIDE / INDEX).unlink(missing_ok=True)


def _summary(folder: Path, results: Sequence[PartResult], *, wall_s: float) -> RunSummary:
    dropped: dict[str, Counter[str]] = {}
    seconds: defaultdict[str, float] = defaultdict(float)
    for result in results:
        for name, spent in result.seconds.items():
            seconds[name] += spent
        for step, reasons in result.dropped.items():
            dropped.setdefault(step, Counter()).update(reasons)
    failures = [failure for result in results for failure in result.failures]
    changed = [(number, done.part, place) for done in results for number, place in done.changed]
    return RunSummary(
        folder=folder,
        num_read=sum(result.num_read for result in results),
        num_kept=sum(result.num_kept for result in results),
        dropped={step: dict(counts.most_common()) for step, counts in dropped.items()},
        num_failed=sum(result.num_failed for result in results),
        failures=tuple(failures[:_LISTED_FAILURES]),
        changed=tuple(changed[:_LISTED_FAILURES]),
        seconds={step: round(value, 3) for step, value in seconds.items()},
        num_parts=len(results),
        num_reused=sum(result.is_reused for result in results),
        wall_s=wall_s,
    )
