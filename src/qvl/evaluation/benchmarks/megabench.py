"""MEGA-Bench (arXiv 2410.10563): 505 tasks with answers of many forms, each by its own metrics.

Layout: TIGER-Lab/MEGA-Bench, folders core and open with test-*.parquet: id, task_name,
task_description, example_text, query_text, global_media, example_media, query_media (texts of
lists), answer, metric_info, eval_context (texts of records); the media of data.zip beside them.
Licence Apache 2.0.
Prompt: lmms-eval 0.7.3 and the authors': description, worked example, question, joined by line
ends, with each medium at its mark <image> or <video>.
Score: the mean over tasks of the mean over their questions. Metrics that are rules are applied. A
question that needs more (a model's judgement or one of language, a map, how words sound) is unread
and counts 0, so `overall` is at most what the authors' code gives. `ruled` is the mean of the tasks
that rules decide alone; `tasks_ruled` of `tasks` are such. Programs of the model run where that is
allowed (`--allow-code`), in the sandbox; elsewhere their tasks are unread like the others.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.program_cases import Case, run_cases
from qvl.evaluation.layouts.pictures import MissingMedium, file_below
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.sandbox import Limits
from qvl.evaluation.scorers.megabench import METRICS, PROGRAM, joined, needs, plain_truth
from qvl.evaluation.scorers.megabench_answers import read_fields
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import Conversation, Image, Part, SamplingParams, Text, Video

_SETS = ("core", "open")
_MARK = re.compile(r"<(?:image|video)>")
_VIDEOS = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpeg", ".mpg", ".m4v", ".flv"))
_LONGEST = 2 * 2**20
_LIMITS = Limits(seconds=4)
"""The authors' two seconds a case, and two for beginning a process."""


def _load(folder: Path, split: str) -> Iterator[Question]:
    for name in _SETS:
        for row in parquet_rows(folder, split, config=name):
            media = [
                str(path)
                for column in ("global_media", "example_media", "query_media")
                for path in _written(row, column, list)
            ]
            words = "\n".join(
                str(row.get(column, ""))
                for column in ("task_description", "example_text", "query_text")
            )
            parts, broken = _parts(words, media, folder, row)
            metrics = _written(row, "metric_info", dict)
            yield Question(
                key=f"{name}-{row['id']}",
                conversation=Conversation.user(*parts),
                truth=_written(row, "answer", dict),
                groups={"set": name},
                facts={
                    "task": str(row["task_name"]),
                    "metrics": dict(metrics.get("field_score_function") or {}),
                    "extra": sorted(metrics.get("global_aux_metrics") or {}),
                    "joined": str((metrics.get("aggregation") or {}).get("function") or "mean"),
                    "weights": dict((metrics.get("aggregation") or {}).get("field_weights") or {}),
                    "read": str(metrics.get("response_parse_function") or "json"),
                    "context": _written(row, "eval_context", dict),
                    "cluster": str(row["task_name"]),
                },
                broken=broken,
            )


def _written(row: Row, column: str, kind: type) -> Any:
    """The list or record that a column writes as Python does; an empty one where it is null."""
    value = row.get(column)
    if isinstance(value, str) and 0 < len(value) <= _LONGEST:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = str(value)
    if value is None or value == "":
        return kind()
    if not isinstance(value, kind):
        raise DataError(
            f"{row.where}: {column} is a {type(value).__name__}, expected {kind.__name__}"
        )
    return value


def _parts(words: str, media: Sequence[str], folder: Path, row: Row) -> tuple[list[Part], str]:
    """Words with each medium at its mark; media without a mark stand in front."""
    texts = _MARK.split(words)
    found: list[Part | None] = []
    broken = ""
    for name in media:
        try:
            path = file_below(name, folder, where=row.where)
            found.append(Video(path) if path.suffix.lower() in _VIDEOS else Image(path))
        except MissingMedium as error:
            broken = error.message
            found.append(None)
    if len(texts) - 1 > len(media):
        broken = broken or f"{row.where} has {len(texts) - 1} marks for {len(media)} media"
    parts = list(found[len(texts) - 1 :])
    for place, text in enumerate(texts):
        if place and place <= len(found):
            parts.append(found[place - 1])
        parts.append(Text(text) if text else None)
    return [part for part in parts if part is not None], broken


def _unruled(facts: Mapping[str, Any], *, runs_code: bool) -> list[str]:
    """Why a question cannot be decided."""
    names = [str(name).lower() for name in facts["metrics"].values()]
    found = needs(names, facts["context"])
    found += [f"{field} is scored over all fields at once" for field in facts["extra"]]
    if PROGRAM in names and not runs_code:
        found.append(f"{PROGRAM} runs programs of the model: --allow-code")
    return found


def _score(question: Question, reply: Reply, *, runs_code: bool) -> Score:
    facts = question.facts
    if unruled := _unruled(facts, runs_code=runs_code):
        return Score(value=0.0, why=", ".join(unruled), is_parsed=False)
    truth = {name: value for name, value in question.truth.items() if not name.startswith("##")}
    is_one_line = not any("\n" in str(value) for value in truth.values())
    fields = list(truth) or list(facts["metrics"])  # a story or poem has no truth
    given = read_fields(reply.text, facts["read"], fields, is_one_line=is_one_line)
    scores = {}
    for field, name in facts["metrics"].items():
        metric = _passes_cases if name.lower() == PROGRAM else METRICS[name.lower()]
        wanted = plain_truth(truth.get(field, ""))
        scores[field] = metric(given.get(field, ""), wanted, facts["context"])
    values = {field: score.value for field, score in scores.items()}
    shown = [
        f"{field} {score.value:.2f}" + (f" ({score.why})" if score.why else "")
        for field, score in scores.items()
    ]
    return Score(
        value=joined(values, facts["weights"], way=facts["joined"].lower()),
        why=", ".join(shown),
        is_parsed=bool(reply.text.strip()) and all(score.is_parsed for score in scores.values()),
    )


def _passes_cases(given: Any, truth: Any, context: Mapping[str, Any]) -> Score:
    """The share of cases in which a program writes what it should, but for space at the end.

    Source: TIGER-AI-Lab/MEGA-Bench program_judge.py. Differences: what it reads from sys.stdin is
    there too, not only by `input`; a program may end itself by `exit`.
    """
    cases = context.get("test_case") or ()
    try:
        pairs = [
            Case(given="\n".join(map(str, case["input"])) + "\n", expected=str(case["expected"]))
            for case in ([cases] if isinstance(cases, Mapping) else cases)
        ]
    except (KeyError, TypeError) as error:
        raise DataError(f"test_case of {PROGRAM} has no input or no expected: {error!r}") from error
    if not str(given).strip() or not pairs:
        why = "no program" if pairs else "no cases"
        return Score(value=0.0, why=why, is_parsed=False)
    same = run_cases(str(given), pairs, limits=_LIMITS, is_same=_is_same_output)
    wrong = [why for why in same if why]
    return Score(
        value=1 - len(wrong) / len(pairs),
        why=wrong[0] if wrong else f"all {len(pairs)} cases right",
    )


def _is_same_output(output: str, expected: str) -> bool:
    return output.rstrip() == expected.rstrip()


def _total(scored: Sequence[Scored], *, runs_code: bool) -> dict[str, float]:
    tasks: dict[str, list[float]] = {}
    kinds: dict[str, str] = {}
    unruled: set[str] = set()
    for item in scored:
        task = item.facts["task"]
        tasks.setdefault(task, []).append(item.score.value)
        kinds[task] = item.groups["set"]
        if _unruled(item.facts, runs_code=runs_code):
            unruled.add(task)
    by_task = {task: 100 * mean(values) for task, values in tasks.items()}
    ruled = [value for task, value in by_task.items() if task not in unruled]
    found = {
        "overall": mean(list(by_task.values())),
        "ruled": mean(ruled) if ruled else 0.0,
        "tasks": float(len(by_task)),
        "tasks_ruled": float(len(ruled)),
    }
    for name in _SETS:
        values = [value for task, value in by_task.items() if kinds[task] == name]
        if values:
            found[name] = mean(values)
    return found


_RULES = Benchmark(
    name="megabench",
    title="MEGA-Bench",
    area="general",
    split="test",
    source="TIGER-Lab/MEGA-Bench",
    load=_load,
    score=partial(_score, runs_code=False),
    total=partial(_total, runs_code=False),
    metric="overall",
    published={"3b": 28.9, "7b": 36.8, "72b": 51.3},
    params=SamplingParams(max_tokens=2048),
    version=2,
)
MEGABENCH = replace(
    _RULES,
    with_code=replace(
        _RULES,
        score=partial(_score, runs_code=True),
        total=partial(_total, runs_code=True),
        executes_code=True,
    ),
)
