"""MEGA-Bench (arXiv 2410.10563): 505 tasks with answers of many forms, each by its own metrics.

Layout: TIGER-Lab/MEGA-Bench, folders core and open with test-*.parquet: id, task_name,
task_description, example_text, query_text, global_media, example_media, query_media (texts of
lists), answer, metric_info, eval_context (texts of records); the media of data.zip beside them.
Licence Apache 2.0.
Prompt: lmms-eval 0.7.3 and the authors': description, worked example, question, joined by line
ends, with each medium at its mark <image> or <video>.
Score: the mean over tasks of the mean over their questions. Metrics that are rules are applied; of
those that are not (a model's judgement, programs that run, maps, models of language) a question is
unread and counts 0, so `overall` is at most what the authors' code gives. `ruled` is the mean of
the tasks that rules decide alone; `tasks_ruled` of `tasks` are such.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.layouts.pictures import MissingMedium, file_below
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.megabench import METRICS, UNRULED, joined, plain_truth
from qvl.evaluation.scorers.megabench_answers import read_fields
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import Conversation, Image, Part, SamplingParams, Text, Video

_SETS = ("core", "open")
_MARK = re.compile(r"<(?:image|video)>")
_VIDEOS = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpeg", ".mpg", ".m4v", ".flv"))
_LONGEST = 2 * 2**20


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


def _unruled(facts: Mapping[str, Any]) -> list[str]:
    """Metrics of a question that are no rules."""
    names = {str(name).lower() for name in facts["metrics"].values()}
    return sorted(name for name in names if name not in METRICS) + list(facts["extra"])


def _score(question: Question, reply: Reply) -> Score:
    facts = question.facts
    if unruled := _unruled(facts):
        why = "needs a judge or a program" if set(unruled) & set(UNRULED) else "is unknown"
        return Score(value=0.0, why=f"{', '.join(unruled)} {why}", is_parsed=False)
    truth = {name: value for name, value in question.truth.items() if not name.startswith("##")}
    is_one_line = not any("\n" in str(value) for value in truth.values())
    given = read_fields(reply.text, facts["read"], list(truth), is_one_line=is_one_line)
    scores = {
        field: METRICS[str(name).lower()](
            given.get(field, ""), plain_truth(truth.get(field, "")), facts["context"]
        )
        for field, name in facts["metrics"].items()
    }
    value = joined(scores, facts["weights"], way=facts["joined"].lower())
    shown = ", ".join(f"{field} {score:.2f}" for field, score in scores.items())
    return Score(value=value, why=shown, is_parsed=bool(reply.text.strip()))


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    tasks: dict[str, list[float]] = {}
    kinds: dict[str, str] = {}
    unruled: set[str] = set()
    for item in scored:
        task = item.facts["task"]
        tasks.setdefault(task, []).append(item.score.value)
        kinds[task] = item.groups["set"]
        if _unruled(item.facts):
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


MEGABENCH = Benchmark(
    name="megabench",
    title="MEGA-Bench",
    area="general",
    split="test",
    source="TIGER-Lab/MEGA-Bench",
    load=_load,
    score=_score,
    total=_total,
    metric="overall",
    published={"3b": 28.9, "7b": 36.8, "72b": 51.3},
    params=SamplingParams(max_tokens=2048),
)
