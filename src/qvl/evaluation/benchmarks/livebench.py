"""LiveBench (arXiv 2406.19314): questions younger than models, decided by rules.

Layout: livebench/math, reasoning, language, data_analysis, instruction_following, each
data/test-*.parquet: question_id, category, task, subtask, turns, ground_truth,
livebench_release_date, livebench_removal_date; of instructions instruction_id_list and kwargs.
Splits: the day of a release; the report's is 2024-08-31: questions that were out by then and not
withdrawn. The report's number (57.0) is the mean of these five and of ``livebench_coding``.
Prompt: the turn.
Score: by task, then the mean of tasks. A task without a rule here is unread and left out of the
headline; `tasks_ruled` of `tasks` have one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.ifeval import instructions_of
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.instructions import followed
from qvl.evaluation.scorers.livebench import RULES
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scoring import percents_by
from qvl.messages import Conversation, SamplingParams
from qvl.options import shown

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST = 50_000


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row, prompt in released_rows(folder, split):
        has_instructions = row.get("instruction_id_list") is not None
        kinds, arguments = instructions_of(row) if has_instructions else ([], [])
        yield Question(
            key=str(row["question_id"]),
            conversation=Conversation.user(prompt),
            truth=str(row.get("ground_truth", "")),
            groups={"task": str(row["task"])},
            facts={"rule": _rule_of(row), "kinds": kinds, "arguments": arguments},
        )


def released_rows(folder: Path, split: str, *, at_once: int = 64) -> Iterator[tuple[Row, str]]:
    """Rows that a release has, each with its prompt.

    Args:
        folder: of a category.
        split: day of the release.
        at_once: as `parquet_rows`.

    Raises:
        DataError: the split is no day, or a row has several turns.
    """
    if not _DAY.fullmatch(split):
        raise DataError(f"no release {split!r}, expected a day such as 2024-08-31")
    for row in parquet_rows(folder, "test", at_once=at_once):
        released = str(row["livebench_release_date"])[:10]
        removed = str(row.get("livebench_removal_date", ""))[:10]
        if released > split or (removed and removed <= split):
            continue
        turns = list(row["turns"])
        if len(turns) != 1:
            raise DataError(f"{row.where} has {len(turns)} turns, expected 1")
        yield row, str(turns[0])


def _rule_of(row: Row) -> str:
    """The name of the rule: the task, or what a competition's sub-task begins with."""
    task = str(row["task"])
    start = re.split(r"[_ ]", str(row.get("subtask", "")))[0].lower()
    return start if start in RULES and task not in RULES else task


def _score(question: Question, reply: Reply) -> Score:
    name, kinds = question.facts["rule"], question.facts["kinds"]
    answer = reply.text[-_LONGEST:]
    if kinds:
        met = followed(answer, kinds, question.facts["arguments"]).strict
        value = (float(all(met)) + sum(met) / len(met)) / 2
        why = f"{sum(met)} of {len(met)} followed"
    elif name in RULES:
        value = RULES[name](answer, str(question.truth))
        why = f"{name}: {shown(answer[-100:])} for {shown(question.truth)}"
    else:
        return Score(value=0.0, why=f"{name} has no rule here", is_parsed=False)
    return Score(value=value, why=why, is_parsed=bool(answer.strip()))


def _is_ruled(scored: Scored) -> bool:
    return bool(scored.facts["kinds"]) or scored.facts["rule"] in RULES


def total_of_tasks(
    scored: Sequence[Scored], *, is_ruled: Callable[[Scored], bool]
) -> dict[str, float]:
    """Returns the mean of the tasks that a rule decides, in percent, and each of them."""
    by_task = percents_by(filter(is_ruled, scored), "task")
    return {
        "mean_of_tasks": mean(list(by_task.values())) if by_task else 0.0,
        "tasks": float(len({item.groups["task"] for item in scored})),
        "tasks_ruled": float(len(by_task)),
        **by_task,
    }


def livebench_benchmarks() -> list[Benchmark]:
    """Returns one benchmark a category that rules decide."""
    categories = ("math", "reasoning", "language", "data_analysis", "instruction_following")
    return [
        Benchmark(
            name=f"livebench-{category.replace('_', '-')}",
            title=f"LiveBench {category.replace('_', ' ')}",
            area="text",
            split="2024-08-31",
            source=f"livebench/{category}",
            load=_load,
            score=_score,
            total=partial(total_of_tasks, is_ruled=_is_ruled),
            metric="mean_of_tasks",
            params=SamplingParams(max_tokens=4096),
            in_headline=_is_ruled,
        )
        for category in categories
    ]
