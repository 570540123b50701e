"""The actions of ``qvl eval`` that make scores: run, score, merge.

Owns: arguments into questions and folders. Does not own who is asked (``eval_subject``), asking
or scoring (``evaluation``).
"""

import argparse
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from qvl.agents.environments.environment import WORLDS
from qvl.agents.environments.environment import questions_of as questions_of_tasks
from qvl.agents.miniwob.benchmark import MINIWOB, episode_keys, questions_of
from qvl.cli.eval_look import run_folders
from qvl.cli.eval_subject import judge_of, subject_of
from qvl.cli.terminal import note, progress, write, write_json, write_table
from qvl.data.folder_lock import only_writer
from qvl.errors import InputError
from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.table import BENCHMARKS, find_benchmarks
from qvl.evaluation.evaluate import Run, Subject, ask, score_questions
from qvl.evaluation.judges import judge_answers
from qvl.evaluation.manifest import MANIFEST, make_manifest, read_manifest, write_manifest
from qvl.evaluation.ray import ask_on_ray
from qvl.evaluation.report.summary import write_summary
from qvl.evaluation.run import Progress, read_failures
from qvl.evaluation.same_run import check_same
from qvl.evaluation.scoring import Outcome, told, told_metric
from qvl.evaluation.shards import merge_runs, read_shard
from qvl.model.presets import RELEASED

_PLAYED = {**WORLDS, MINIWOB.name: MINIWOB}
_ALL = {**BENCHMARKS, **_PLAYED}


def run_benchmarks(args: argparse.Namespace) -> int:
    """Asks, scores and writes pages, one benchmark after another; returns 1 if questions got no
    answer."""
    if args.limit is not None and args.limit < 1:
        raise InputError(f"--limit is {args.limit}, expected 1 or more")
    judge_of(args)  # slips are refused now, not after the questions
    runs = [_run_of(benchmark, args) for benchmark in find_benchmarks(args.benchmarks)]
    subject = subject_of(args)
    outcomes = []
    for run in runs:
        folder = Path(args.output) / run.benchmark.name
        with only_writer(folder):
            _ask(run, subject, folder, args)
            outcomes.append(_score(run, folder, args))
    note(f"pages: {write_summary(Path(args.output), _ALL)}")
    write_outcomes(outcomes, as_json=args.json)
    unanswered = [outcome for outcome in outcomes if outcome.unanswered]
    for outcome in unanswered:
        _tell_unanswered(outcome, Path(args.output) / outcome.benchmark)
    return 1 if unanswered else 0


def _tell_unanswered(outcome: Outcome, folder: Path) -> None:
    *_, reason = ["not known", *read_failures(folder).values()]
    note(
        f"{outcome.benchmark}: {outcome.unanswered:,} questions got no answer and count as wrong; "
        f"the same command asks them again. The last reason: {reason}"
    )


def _run_of(benchmark: Benchmark, args: argparse.Namespace) -> Run:
    return Run(
        benchmark=benchmark,
        split=args.split or "",
        data=None if args.data is None else Path(args.data),
        limit=args.limit,
        shard=read_shard(args.shard),
        batch_size=args.batch,
        allow_code=args.allow_code,
        command=shlex.join(["qvl", *sys.argv[1:]]),
    )


def _ask(run: Run, subject: Subject, folder: Path, args: argparse.Namespace) -> None:
    if args.ray is None:
        begun = partial(_announce, run)
        summary = ask(run, subject, folder, begun=begun, report=show_progress)
        if summary.new:
            note(f"{summary.new:,} answers in {summary.wall_s:,.0f} s")
        return
    note(f"{run.benchmark.title}: {args.ray} parts")
    ask_on_ray(run, subject, folder, parts=args.ray, num_gpus=args.ray_gpus, report=show_progress)


def _announce(run: Run, manifest: Mapping[str, Any]) -> None:
    note(f"{run.benchmark.title}: {manifest['questions']:,} questions")
    if manifest["broken"]:
        note(f"{manifest['broken']:,} of them lack their files and count as wrong")


def score_again(args: argparse.Namespace) -> int:
    """Scores raw answers; asks no model but the judge."""
    outcomes = []
    for folder in run_folders(Path(args.folder)):
        with only_writer(folder):
            outcomes.append(_score_again(folder, args))
    if not (Path(args.folder) / MANIFEST).exists():
        note(f"pages: {write_summary(Path(args.folder), _ALL)}")
    write_outcomes(outcomes, as_json=args.json)
    return 0


def _score_again(folder: Path, args: argparse.Namespace) -> Outcome:
    manifest = read_manifest(folder)
    if (played := _played(manifest, folder)) is not None:
        return score_questions(*played, folder)
    (benchmark,) = find_benchmarks([str(manifest["benchmark"])])
    run = Run(
        benchmark=benchmark,
        split=str(manifest["split"]),
        data=None if args.data is None else Path(args.data),
        limit=manifest.get("limit"),
        shard=read_shard(str(manifest.get("shard", "1/1"))),
        allow_code=args.allow_code,
    )
    return _score(run, folder, args)


def _played(manifest: Mapping[str, Any], folder: Path) -> tuple[Benchmark, list[Question]] | None:
    """A run whose questions are episodes; None if they were asked."""
    name = str(manifest["benchmark"])
    if name not in _PLAYED:
        return None
    if name == MINIWOB.name:
        return MINIWOB, list(questions_of(episode_keys(**manifest["episodes"]), folder))
    return WORLDS[name], list(questions_of_tasks(manifest["tasks"], folder))


def begin_playing(
    benchmark: Benchmark,
    questions: Iterable[Question],
    folder: Path,
    *,
    model: Mapping[str, Any],
    computing: Mapping[str, str],
    inputs: Mapping[str, Any],
    **played: Any,
) -> None:
    """Writes the manifest of a run whose questions are episodes.

    Args:
        benchmark: that is played.
        questions: the episodes.
        folder: of the run.
        model: what is said of who plays.
        computing: in what it computes.
        inputs: how it is played.
        played: by which `score_again` finds the episodes.

    Raises:
        DataError: the folder holds another run.
    """
    manifest = make_manifest(
        benchmark,
        questions,
        split=benchmark.split,
        model=model,
        computing=computing,
        inputs=inputs,
        command=shlex.join(["qvl", *sys.argv[1:]]),
    )
    check_same(folder, manifest)
    write_manifest(folder, {**manifest, **played})


def merge(args: argparse.Namespace) -> int:
    """Puts parts together; score the whole with ``qvl eval score``."""
    parts: dict[str, list[Path]] = {}
    for folder in map(Path, args.folders):
        for found in run_folders(folder):
            parts.setdefault(str(read_manifest(found)["benchmark"]), []).append(found)
    for name, folders in parts.items():
        output = Path(args.output) / name
        with only_writer(output):
            number = merge_runs(folders, output)
        note(f"{name}: {number:,} answers of {len(folders)} parts")
    write(args.output)
    return 0


def show_progress(done: Progress) -> None:
    """Prints how far a run is."""
    failed = f"  {done.failed:,} failed" if done.failed else ""
    progress(
        f"{done.done:,}/{done.total:,}{failed}  {clock(done.seconds_left)} left",
        done=done.done + done.failed >= done.total,
    )


def clock(seconds: float) -> str:
    """Seconds for people.

    >>> clock(75), clock(3 * 3600 + 61)
    ('1:15', '3:01:01')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _score(run: Run, folder: Path, args: argparse.Namespace) -> Outcome:
    """Scores by the rule, or by the judge that was named."""
    benchmark, questions = run.benchmark, run.questions(asked_in=folder)
    rule, judged_by = None, ""
    if (judge := judge_of(args)) is not None and benchmark.judge is None:
        note(f"{benchmark.title} is scored by its rule, nothing is left to judge")
    elif judge is not None and benchmark.judge is not None:
        rule = judge_answers(benchmark, questions, folder, judge)
        judged_by = f"{args.judge_name}, {benchmark.judge.version}"
    return score_questions(
        benchmark, questions, folder, rule=rule, judged_by=judged_by, allow_code=run.allow_code
    )


def write_outcomes(outcomes: list[Outcome], *, as_json: bool) -> None:
    """Prints a table of results, or all of them."""
    if as_json:
        write_json([asdict(outcome) for outcome in outcomes])
        return
    published = {outcome.benchmark: _ALL[outcome.benchmark].published for outcome in outcomes}
    sizes = [size for size in RELEASED if any(size in found for found in published.values())]
    rows = [
        (
            outcome.benchmark,
            told(outcome.headline),
            "" if outcome.headline_error is None else told(outcome.headline_error),
            *(
                f"{published[outcome.benchmark][size]:g}"
                if size in published[outcome.benchmark]
                else ""
                for size in sizes
            ),
            told_metric(_ALL[outcome.benchmark], outcome),
            f"{outcome.count:,}",
            f"{outcome.unparsed:,}",
            f"{outcome.unanswered + outcome.broken:,}",
        )
        for outcome in outcomes
    ]
    header = ("benchmark", "score", "±", *sizes, "metric", "questions", "unread", "unanswered")
    write_table(header, rows)
