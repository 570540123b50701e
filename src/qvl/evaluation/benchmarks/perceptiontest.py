"""Perception Test (arXiv 2305.13786): three options about short filmed scenes.

Layout: lmms-lab/PerceptionTest, mc_question/test-*.parquet (truths not published), and
lmms-lab/PerceptionTest_Val, mc_question_val/validation-*.parquet: video_name, question,
question_id, options (three), answer_id (number of an option), area, reasoning, tag;
videos/VIDEO.mp4 from the archives.
Prompt: lmms-eval: question, options, DIRECTLY.
Score: the letter. The report's number is of the test split, which the authors' server alone scores.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.choices import (
    asked_directly,
    letter_if_known,
    lettered,
    score_letter,
)
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import parquet_rows
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
            truth=letter_if_known(row, "answer_id", len(options)),
            groups={name: str(row.get(name, "not said")) for name in ("area", "reasoning")},
            facts={"options": options},
        )


PERCEPTIONTEST = Benchmark(
    name="perceptiontest",
    title="Perception Test",
    area="video",
    split="test",
    source="lmms-lab/PerceptionTest",
    load=partial(_load, config="mc_question"),
    score=score_letter,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 66.9, "7b": 70.5, "72b": 73.2},
    params=SamplingParams(max_tokens=64),
)
PERCEPTIONTEST_VAL = replace(
    PERCEPTIONTEST,
    name="perceptiontest-val",
    title="Perception Test, validation",
    split="validation",
    source="lmms-lab/PerceptionTest_Val",
    load=partial(_load, config="mc_question_val"),
    published={},
)
