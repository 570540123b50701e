"""Perception Test (arXiv 2305.13786): three options about short filmed scenes.

Layout: lmms-lab/PerceptionTest, mc_question/test-*.parquet (truths not published), and
lmms-lab/PerceptionTest_Val, mc_question_val/validation-*.parquet: video_name, question,
question_id, options (three), answer_id (number of an option), area, reasoning, tag;
videos/VIDEO.mp4 from the archives.
Prompt: lmms-eval: question, options, DIRECTLY.
Score: the letter. The report's number is of the test split, which the authors' server alone scores.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.asking import NOT_KNOWN
from qvl.evaluation.benchmarks.choices import asked_directly, letter_of, lettered, score_letter
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams


def _load(folder: Path, split: str, *, config: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split, config=config):
        options = lettered([str(option) for option in row["options"]])
        yield watch(
            row,
            folder,
            key=f"{row['video_name']}-{row['question_id']}",
            video=str(row["video_name"]),
            places=("videos", ""),
            words=asked_directly(row["question"], options),
            truth=_truth(row, len(options)),
            groups={name: str(row.get(name, "not said")) for name in ("area", "reasoning")},
            facts={"options": options},
        )


def _truth(row: Row, count: int) -> str | None:
    answer = row.get("answer_id")
    if answer is None or str(answer) in ("", "-1"):
        return None
    return letter_of(row, "answer_id", count)


def _score(question: Question, reply: Reply) -> Score:
    return NOT_KNOWN if question.truth is None else score_letter(question, reply)


def _benchmark(
    name: str, title: str, source: str, split: str, config: str, published: dict[str, float]
) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        area="video",
        split=split,
        source=source,
        load=partial(_load, config=config),
        score=_score,
        total=mean_percent,
        metric="accuracy",
        published=published,
        params=SamplingParams(max_tokens=64),
    )


PERCEPTIONTEST = _benchmark(
    "perceptiontest",
    "Perception Test",
    "lmms-lab/PerceptionTest",
    "test",
    "mc_question",
    {"3b": 66.9, "7b": 70.5, "72b": 73.2},
)
PERCEPTIONTEST_VAL = _benchmark(
    "perceptiontest-val",
    "Perception Test, validation",
    "lmms-lab/PerceptionTest_Val",
    "validation",
    "mc_question_val",
    {},
)
