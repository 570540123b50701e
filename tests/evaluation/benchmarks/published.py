"""Small sets in the layouts in which benchmarks are published, and runs over them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.scorers.score import Score
from qvl.geometry import ResizeTransform
from qvl.messages import Text
from tests.evaluation.test_layouts import png, write_parquet

PICTURE = {"bytes": png(), "path": "0.png"}


def parquet(folder: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as one parquet file of a dataset; returns the dataset's folder."""
    write_parquet(folder / f"{name}-00000-of-00001.parquet", [dict(row) for row in rows])
    return folder


def load(benchmark: Benchmark, folder: Path, split: str = "") -> list[Question]:
    """All questions of a split."""
    return list(benchmark.load(folder, split or benchmark.split))


def words(question: Question) -> str:
    """The text of a question."""
    return "".join(
        part.text
        for message in question.conversation.messages
        for part in message.content
        if isinstance(part, Text)
    )


def values(benchmark: Benchmark, question: Question, *answers: str) -> list[float]:
    """What answers to a question score."""
    return [benchmark.score(question, Reply(text=answer)).value for answer in answers]


def numbers(
    benchmark: Benchmark,
    questions: Sequence[Question],
    answers: Sequence[str],
    transforms: tuple[ResizeTransform, ...] = (),
) -> Mapping[str, float]:
    """The numbers of a run that answered so; an empty answer is none."""
    scored = []
    for question, answer in zip(questions, answers, strict=True):
        score = (
            benchmark.score(question, Reply(text=answer, transforms=transforms))
            if answer
            else Score(value=0.0, why="no answer", is_parsed=False)
        )
        scored.append(
            Scored(
                key=question.key,
                truth=question.truth,
                groups=question.groups,
                facts=question.facts,
                score=score,
                text=answer,
                transforms=transforms,
            )
        )
    return benchmark.total(scored)
