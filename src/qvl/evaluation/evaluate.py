"""One benchmark from files to pages: which questions, whose answers, one folder.

Owns: the order of manifest, asking, scoring and pages, and that a folder holds one run. Does not
own any of these steps, nor the model, nor keeping a second process out of the folder
(``data.folder_lock``), which who does several of these steps does around all of them.

    Run -> questions;  Run, Subject -> ask -> answers
    questions, answers -> score_questions -> Outcome

A folder holds manifest.json, answers.jsonl, failures.jsonl, scores.jsonl, result.json, report/.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from qvl.errors import ConfigError, DataError, InputError
from qvl.evaluation.benchmark import Benchmark, Question, Rule, Scored
from qvl.evaluation.dataset_files import dataset_folder
from qvl.evaluation.manifest import Asked, make_manifest, read_manifest, write_manifest
from qvl.evaluation.report.page import Report
from qvl.evaluation.result_files import ScoreFile
from qvl.evaluation.run import Asking, Progress, RunSummary, ask_all
from qvl.evaluation.same_run import check_asked, check_same
from qvl.evaluation.scoring import Outcome, check_code_allowed, score_run
from qvl.evaluation.shards import in_shard
from qvl.geometry import PixelLimits
from qvl.messages import TextGenerator
from qvl.processing.settings import DEFAULT_LIMITS


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What is run: everything but the model.

    Attributes:
        benchmark: whose questions.
        split: instead of the benchmark's own; empty for that.
        data: folder with the files; None for the hub's.
        limit: only so many questions, the first ones.
        shard: number and count of the part that is run.
        batch_size: questions that are given to the model at once.
        allow_code: whether programs that the model wrote may be run.
        command: that made the run, for the manifest.

    Raises:
        InputError: the limit is below 1.
        ConfigError: the batch size is below 1, or programs would have to be run, but may not.
    """

    benchmark: Benchmark
    split: str = ""
    data: Path | None = None
    limit: int | None = None
    shard: tuple[int, int] = (1, 1)
    batch_size: int = 16
    allow_code: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise InputError(f"limit is {self.limit} questions, expected 1 or more")
        if self.batch_size < 1:
            raise ConfigError(f"batch_size is {self.batch_size}, expected 1 or more")
        check_code_allowed(self.benchmark, self.allow_code)  # now, not after an hour of answers

    def questions(self, *, asked_in: Path | None = None) -> "Questions":
        """The questions, read anew each time they are gone through: no media is kept.

        Args:
            asked_in: folder with answers to them; that they are the ones which were asked there
                is seen at the end of going through.

        Raises:
            DataError: there are no files.
        """
        return Questions(self, asked_in)


class Questions(Iterable[Question]):
    """The questions of a run; its files are found at once and read when they are gone through."""

    def __init__(self, run: Run, asked_in: Path | None) -> None:
        self._run, self._asked_in = run, asked_in
        self.folder: Path | None = None  # of the files; own benchmarks are drawn
        if run.benchmark.area != "own":
            source, name = run.benchmark.source, run.benchmark.name
            self.folder = dataset_folder(source, data=run.data, name=name)

    def __iter__(self) -> Iterator[Question]:
        run, asked = self._run, Asked()
        for question in islice(self._loaded(), run.limit):
            if in_shard(question.key, run.shard):
                asked.add(question)
                yield question
        if self._asked_in is not None:
            check_asked(asked, self._asked_in, version=run.benchmark.version)

    def _loaded(self) -> Iterator[Question]:
        benchmark, last = self._run.benchmark, ""
        try:
            for question in benchmark.load(
                self.folder or Path(), self._run.split or benchmark.split
            ):
                yield question
                last = f" after the question {question.key!r}"
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            # A column holds something else than it does in the published files.
            raise DataError(
                f"the files in {self.folder} are not as those of {benchmark.source} are published: "
                f"{type(error).__name__}{last}: {error}",
                hint=f"the file of {benchmark.name} in qvl/evaluation/benchmarks names its columns",
            ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The model that is asked.

    Attributes:
        generator: answers conversations.
        identity: what the manifest says of it: folder and hash of its files, or address and name.
        computing: in what it computes, as far as that is known: dtype and type of the device.
        limits: its pixel limits, for parts that have none of their own.
        most_frames: that it is given of a video, whatever a question says; None for no such limit.
    """

    generator: TextGenerator
    identity: Mapping[str, Any]
    computing: Mapping[str, str] = field(default_factory=dict)
    limits: PixelLimits = DEFAULT_LIMITS
    most_frames: int | None = None

    @property
    def inputs(self) -> dict[str, Any]:
        """What the manifest says of how media are given to it."""
        frames = {} if self.most_frames is None else {"most_frames": self.most_frames}
        return {**asdict(self.limits), **frames}


def begin(run: Run, subject: Subject, folder: Path) -> dict[str, Any]:
    """Writes the manifest of a run, and returns it; reads through all questions.

    Raises:
        DataError: the folder holds another run; and as `make_manifest`.
    """
    questions = run.questions()
    manifest = make_manifest(
        run.benchmark,
        questions,
        split=run.split or run.benchmark.split,
        model=subject.identity,
        computing=subject.computing,
        inputs=subject.inputs,
        data="" if questions.folder is None else str(questions.folder.resolve()),
        limit=run.limit,
        shard="{}/{}".format(*run.shard),
        command=run.command,
    )
    check_same(folder, manifest)
    write_manifest(folder, manifest)
    return manifest


def ask(
    run: Run,
    subject: Subject,
    folder: Path,
    *,
    begun: Callable[[Mapping[str, Any]], None] = lambda manifest: None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> RunSummary:
    """Asks what has no answer yet, after the manifest was written.

    Args:
        run: what is asked.
        subject: who is asked.
        folder: of the run.
        begun: called with the manifest before the first question.
        report: called after each batch.

    Raises:
        DataError: as `begin` and `ask_all`.
        ConfigError: as `ask_all`.
    """
    manifest = begin(run, subject, folder)
    begun(manifest)
    asking = Asking(
        generator=subject.generator,
        params=run.benchmark.params,
        limits=subject.limits,
        batch_size=run.batch_size,
    )
    total = int(manifest["questions"]) - int(manifest["broken"])
    return ask_all(run.questions(), folder, asking, total=total, report=report)


def score_questions(
    benchmark: Benchmark,
    questions: Iterable[Question],
    folder: Path,
    *,
    rule: Rule | None = None,
    judged_by: str = "",
    allow_code: bool = False,
) -> Outcome:
    """Scores the answers in a folder, and writes scores, result and pages.

    Arguments and errors as `score_run`.
    """
    scores, report = ScoreFile(folder), Report(folder, benchmark)

    def each(question: Question, scored: Scored) -> None:
        scores.add(question, scored)
        report.add(question, scored)

    outcome = score_run(
        benchmark,
        questions,
        folder,
        rule=rule,
        judged_by=judged_by,
        allow_code=allow_code,
        each=each,
    )
    scores.close(outcome)
    report.close(outcome, read_manifest(folder))
    return outcome
