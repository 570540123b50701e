"""A run on many machines: every part is a task of a Ray cluster.

Owns: sending parts to Ray, how far they are, putting them together. Does not own: what a part is
(``shards``) and how it is asked (``evaluate``), which are the same as on one machine.

    Run, Subject -> parts/1-of-8, parts/2-of-8, ... as tasks -> merge_runs -> the folder of the run

All machines must see the folder of the run, and the files of the benchmark, under the same names. A
task that is lost goes on where it stopped, and so does the whole.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from qvl.data.ray import result_of, started_ray
from qvl.errors import ConfigError
from qvl.evaluation.answers import ANSWERS, Answer, AnswerFile, read_answers
from qvl.evaluation.evaluate import Run, Subject, ask, begin
from qvl.evaluation.run import Progress
from qvl.evaluation.shards import in_shard, merge_runs

_LOOK_S = 5.0


def ask_on_ray(
    run: Run,
    subject: Subject,
    folder: Path,
    *,
    parts: int,
    num_gpus: float = 0.0,
    report: Callable[[Progress], None] = lambda progress: None,
) -> int:
    """Asks what has no answer yet; returns the number of answers there are now.

    Where Ray is not started yet, it is started on this machine, or joined where RAY_ADDRESS says.

    Args:
        run: the whole.
        subject: travels to the machines, so its generator reads weights when it is first asked.
        folder: of the run; each part has one in ``parts/``.
        parts: tasks that the questions are dealt to by their keys.
        num_gpus: GPUs of a part.
        report: called every few seconds.

    Raises:
        MissingDependencyError: Ray is not installed.
        ConfigError: there is no part; as `ask`.
        DataError: as `ask`; also when a task is lost for good.
    """
    if parts < 1 or run.shard != (1, 1):
        raise ConfigError(f"{parts} parts of shard {run.shard}, expected 1 or more of a whole run")
    ray = started_ray()
    manifest = begin(run, subject, folder)
    folders = [folder.resolve() / "parts" / f"{i}-of-{parts}" for i in range(1, parts + 1)]
    _deal(folder, folders)
    task = ray.remote(_ask_part).options(num_cpus=1, num_gpus=num_gpus)
    shared = ray.put((run, subject))
    running = [task.remote(shared, (number, parts), part) for number, part in enumerate(folders, 1)]
    total = int(manifest["questions"]) - int(manifest["broken"])
    watch = _Watch(folders, total)
    try:
        while running:
            done, running = ray.wait(running, timeout=_LOOK_S)
            for reference in done:
                result_of(ray, reference)
            report(watch.progress())
    finally:
        for reference in running:
            ray.cancel(reference)
    return merge_runs(folders, folder)


def _ask_part(shared: tuple[Run, Subject], shard: tuple[int, int], folder: Path) -> None:
    run, subject = shared
    ask(replace(run, shard=shard), subject, folder)


def _deal(whole: Path, parts: Sequence[Path]) -> None:
    """Gives the parts what was answered before, on one machine or in another number of parts."""
    known: dict[str, Answer] = {}
    for folder in (whole, *sorted(whole.glob("parts/*"))):
        known |= {answer.key: answer for answer in read_answers(folder)}
    for number, part in enumerate(parts, 1):
        file = AnswerFile(part)
        file.append(
            [
                answer
                for key, answer in known.items()
                if key not in file.keys and in_shard(key, (number, len(parts)))
            ]
        )


class _Watch:
    """Counts answers in files that grow, reading only what is new."""

    def __init__(self, folders: Sequence[Path], total: int) -> None:
        self._read = dict.fromkeys((folder / ANSWERS for folder in folders), 0)
        self._total, self._done = total, 0
        self._began, self._before = time.monotonic(), self._count()

    def _count(self) -> int:
        for path, start in self._read.items():
            if path.exists():
                with open(path, "rb") as file:
                    file.seek(start)
                    while piece := file.read(2**20):
                        self._done += piece.count(b"\n")
                        self._read[path] += len(piece)
        return self._done

    def progress(self) -> Progress:
        done = self._count()
        pace = (time.monotonic() - self._began) / max(1, done - self._before)
        left = max(0, self._total - done)
        return Progress(done=done, failed=0, total=self._total, seconds_left=pace * left)
