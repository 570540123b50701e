"""The actions of ``qvl eval`` that make scores: run, score, merge.

Owns: arguments into a model, questions and folders. Does not own asking or scoring
(``evaluation``).
"""

import argparse
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from qvl.agents.miniwob.benchmark import MINIWOB, episode_keys, questions_of
from qvl.cli import options
from qvl.cli.eval_look import run_folders
from qvl.cli.terminal import note, progress, write, write_json, write_table
from qvl.endpoint.client import Endpoint
from qvl.errors import ConfigError, DataError, InputError
from qvl.evaluation.benchmark import Benchmark, Question, Rule, Scored
from qvl.evaluation.benchmarks.table import find_benchmarks
from qvl.evaluation.dataset_files import dataset_folder
from qvl.evaluation.judges import judge_answers
from qvl.evaluation.manifest import (
    MANIFEST,
    differences,
    hash_of_files,
    make_manifest,
    read_manifest,
    write_manifest,
)
from qvl.evaluation.report.page import Report
from qvl.evaluation.run import Asking, Progress, ask_all
from qvl.evaluation.scoring import Outcome, ScoreFile, score_run
from qvl.evaluation.shards import in_shard, merge_runs, read_shard
from qvl.geometry import PixelLimits
from qvl.messages import TextGenerator
from qvl.processing.settings import DEFAULT_LIMITS


def run_benchmarks(args: argparse.Namespace) -> int:
    """Asks, scores and writes pages, one benchmark after another."""
    if args.limit is not None and args.limit < 1:
        raise InputError(f"--limit is {args.limit}, expected 1 or more")
    benchmarks = find_benchmarks(args.benchmarks)
    model = _Model(args)
    outcomes = []
    for benchmark in benchmarks:
        folder = Path(args.output) / benchmark.name
        split = args.split or benchmark.split
        questions = _Questions(
            benchmark, split, data=args.data, limit=args.limit, shard=read_shard(args.shard)
        )
        manifest = make_manifest(
            benchmark,
            questions,
            split=split,
            model=model.identity,
            inputs=asdict(model.limits),
            limit=args.limit,
            shard=args.shard,
            command=shlex.join(["qvl", *sys.argv[1:]]),
        )
        check_same(folder, manifest)
        write_manifest(folder, manifest)
        note(f"{benchmark.title}: {manifest['questions']:,} questions")
        asking = Asking(
            generator=model,
            params=benchmark.params,
            limits=model.limits,
            batch_size=args.batch,
        )
        total = int(manifest["questions"]) - int(manifest["broken"])
        summary = ask_all(questions, folder, asking, total=total, report=show_progress)
        if summary.new:
            note(f"{summary.new:,} answers in {summary.wall_s:,.0f} s")
        outcomes.append(_score(benchmark, questions, folder, args))
    write_outcomes(outcomes, as_json=args.json)
    return 0


def score_again(args: argparse.Namespace) -> int:
    """Scores raw answers; asks no model but the judge."""
    outcomes = []
    for folder in run_folders(Path(args.folder)):
        manifest = read_manifest(folder)
        if manifest["benchmark"] == MINIWOB.name:
            keys = episode_keys(**manifest["episodes"])
            outcomes.append(score_questions(MINIWOB, list(questions_of(keys, folder)), folder))
            continue
        (benchmark,) = find_benchmarks([str(manifest["benchmark"])])
        questions = _Questions(
            benchmark,
            str(manifest["split"]),
            data=args.data,
            limit=manifest.get("limit"),
            shard=read_shard(str(manifest.get("shard", "1/1"))),
        )
        outcomes.append(_score(benchmark, questions, folder, args))
    write_outcomes(outcomes, as_json=args.json)
    return 0


def merge(args: argparse.Namespace) -> int:
    """Puts parts together; score the whole with ``qvl eval score``."""
    parts: dict[str, list[Path]] = {}
    for folder in map(Path, args.folders):
        for found in run_folders(folder):
            parts.setdefault(str(read_manifest(found)["benchmark"]), []).append(found)
    for name, folders in parts.items():
        number = merge_runs(folders, Path(args.output) / name)
        note(f"{name}: {number:,} answers of {len(folders)} parts")
    write(args.output)
    return 0


class _Questions(Iterable[Question]):
    """The questions of a run, read anew each time they are gone through."""

    def __init__(
        self,
        benchmark: Benchmark,
        split: str,
        *,
        data: str | None,
        limit: int | None,
        shard: tuple[int, int],
    ) -> None:
        self._benchmark, self._split = benchmark, split
        self._limit, self._shard = limit, shard
        is_drawn = benchmark.area == "own"
        self._folder = Path() if is_drawn else dataset_folder(
            benchmark.source, data=None if data is None else Path(data), name=benchmark.name
        )  # fmt: skip

    def __iter__(self) -> Iterator[Question]:
        questions = islice(self._benchmark.load(self._folder, self._split), self._limit)
        return (question for question in questions if in_shard(question.key, self._shard))


class _Model:
    """The model of the command line; its weights are read when it is first asked."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._generator: TextGenerator | None = None
        self.limits: PixelLimits = DEFAULT_LIMITS
        if args.endpoint is not None:
            if args.model is not None or args.name is None:
                raise ConfigError(
                    "--endpoint needs --name, the model's name there, and no --model",
                    hint="--endpoint http://127.0.0.1:8000/v1 --name my-model",
                )
            self.identity: Mapping[str, Any] = {"endpoint": args.endpoint, "name": args.name}
            return
        self._folder = options.model_folder(args)
        self.limits = options.load_processor(self._folder).settings.limits
        self.identity = model_identity(self._folder, args)

    def generate(self, conversations: Any, params: Any) -> Any:
        """As `TextGenerator`."""
        if self._generator is None:
            self._generator = (
                options.load_model(self._folder, self._args)
                if self._args.endpoint is None
                else Endpoint(
                    url=self._args.endpoint,
                    model=self._args.name,
                    api_key=os.environ.get("OPENAI_API_KEY"),
                )
            )
        return self._generator.generate(conversations, params)


def model_identity(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """What a manifest says of a model in a folder, with its adapter if it has one."""
    adapter = (
        {} if args.adapter is None else {"adapter": hash_of_files(Path(args.adapter), "adapter_*")}
    )
    return {
        **adapter,
        "folder": str(folder),
        "name": args.model or "the embedded tiny model",
        "weights": hash_of_files(folder),
    }


def check_same(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Answers of one run are not mixed with those of another."""
    if not (folder / MANIFEST).exists():
        return
    names = ("benchmark", "version", "split", "prompts", "decoding", "model", "inputs", "shard")
    if other := differences(read_manifest(folder), manifest, names):
        raise DataError(
            f"{folder} has answers of another run: {other[0]}", hint="use another --output"
        )


def show_progress(done: Progress) -> None:
    """Prints how far a run is."""
    minutes, seconds = divmod(round(done.seconds_left), 60)
    failed = f"  {done.failed:,} failed" if done.failed else ""
    progress(
        f"{done.done:,}/{done.total:,}{failed}  {minutes}:{seconds:02} left",
        done=done.done + done.failed >= done.total,
    )


def _score(
    benchmark: Benchmark, questions: Iterable[Question], folder: Path, args: argparse.Namespace
) -> Outcome:
    """Scores by the rule, or by the judge that was named."""
    rule, judged_by = None, ""
    if args.judge is not None and benchmark.judge is not None:
        if args.judge_name is None:
            raise ConfigError("--judge needs --judge-name, the model's name there")
        judge = Endpoint(
            url=args.judge, model=args.judge_name, api_key=os.environ.get("OPENAI_API_KEY")
        )
        rule = judge_answers(benchmark, questions, folder, judge)
        judged_by = f"{args.judge_name}, {benchmark.judge.version}"
    return score_questions(benchmark, questions, folder, rule=rule, judged_by=judged_by)


def score_questions(
    benchmark: Benchmark,
    questions: Iterable[Question],
    folder: Path,
    *,
    rule: Rule | None = None,
    judged_by: str = "",
) -> Outcome:
    """Scores answers, and writes scores, result and pages."""
    scores, report = ScoreFile(folder), Report(folder, benchmark)

    def each(question: Question, scored: Scored) -> None:
        scores.add(question, scored)
        report.add(question, scored)

    outcome = score_run(benchmark, questions, folder, rule=rule, judged_by=judged_by, each=each)
    scores.close(outcome)
    page = report.close(outcome, read_manifest(folder))
    note(f"{benchmark.title}: {page}")
    return outcome


def write_outcomes(outcomes: list[Outcome], *, as_json: bool) -> None:
    """Prints a table of results, or all of them."""
    if as_json:
        write_json([asdict(outcome) for outcome in outcomes])
        return
    rows = [
        (
            outcome.benchmark,
            f"{outcome.headline:.1f}",
            f"{100 * outcome.stderr:.1f}",
            outcome.metric,
            f"{outcome.count:,}",
            str(outcome.unparsed),
            str(outcome.unanswered + outcome.broken),
        )
        for outcome in outcomes
    ]
    header = ("benchmark", "score", "±", "metric", "questions", "unread", "unanswered")
    write_table(header, rows)
