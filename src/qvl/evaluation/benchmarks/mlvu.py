"""MLVU (arXiv 2406.04264): seven tasks of multiple choice about videos of minutes to hours.

Layout: MLVU/MVLU, MLVU/json/1_plotQA.json to 7_topic_reasoning.json, a list each: video, duration,
question, candidates, answer (text of a candidate), question_type; MLVU/video/1_plotQA/ and so on,
or video/plotQA/. Tasks 8 and 9 are written answers and have no part in M-Avg.
Prompt: the authors', without the bracket that they begin the answer with.
Score: the letter; M-Avg is the mean of the tasks' accuracies, `accuracy` that of all questions.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.choices import lettered, score_letter
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import json_rows
from qvl.evaluation.scorers.score import mean
from qvl.evaluation.scoring import percents_by
from qvl.messages import SamplingParams

_TASKS = ("plotQA", "needle", "ego", "count", "order", "anomaly_reco", "topic_reasoning")
_OPENING = (
    "Carefully watch this video and pay attention to every detail. Based on your observations, "
    "select the best option that accurately addresses the question.\n"
)
_CLOSING = "Only give the best option."


def _load(folder: Path, split: str) -> Iterator[Question]:
    root = folder / "MLVU" if (folder / "MLVU").is_dir() else folder
    if split != "dev":
        raise DataError(f"no split {split!r}, expected dev: truths of the others are not published")
    for number, task in enumerate(_TASKS, 1):
        name = f"{number}_{task}"
        for row in json_rows(root / "json" / f"{name}.json"):
            options = lettered([str(option) for option in row["candidates"]])
            letters = [letter for letter, option in options.items() if option == row["answer"]]
            if not letters:
                raise DataError(f"{row.where}: answer {row['answer']!r} is not among {options}")
            lines = [f"({letter}) {option}" for letter, option in options.items()]
            asked = [f"Question: {row['question']}", "Options:", *lines, _CLOSING]
            yield watch(
                row,
                root,
                key=row.where,
                video=str(row["video"]),
                places=(f"video/{name}", f"video/{task}"),
                words=_OPENING + "\n".join(asked),
                truth=letters[0],
                groups={"task": task},
                facts={"options": options, "cluster": f"{task}/{row['video']}"},
            )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    tasks = percents_by(scored, "task")
    return {
        "m_avg": mean(list(tasks.values())),
        "accuracy": 100 * mean([item.score.value for item in scored]),
        **tasks,
    }


MLVU = Benchmark(
    name="mlvu",
    title="MLVU",
    area="video",
    split="dev",
    source="MLVU/MVLU",
    load=_load,
    score=score_letter,
    total=_total,
    metric="m_avg",
    published={"3b": 68.2, "7b": 70.2, "72b": 74.6},
    params=SamplingParams(max_tokens=64),
)
