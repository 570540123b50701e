"""ChartQA (arXiv 2203.10244): questions about charts, half written by people, half made from
summaries.

Layout: lmms-lab/ChartQA, test-*.parquet with type ("human_test", "augmented_test"), question,
answer, image. Licence GPL-3.0.
Prompt: lmms-eval, "\\nAnswer the question with a single word."
Score: relaxed accuracy; the report's number is the mean of both halves. Numbers within 5 % are
right, years too, which the authors did not intend: `strict_years` leaves years their exactness.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.chartqa import relaxed_accuracy, relaxed_accuracy_strict_years
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import SamplingParams

_CLOSING = "\nAnswer the question with a single word."
_HALVES = {"human_test": "human", "augmented_test": "augmented"}


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[row.get("image")],
            words=f"{row['question']}{_CLOSING}",
            truth=str(row["answer"]),
            groups={"half": _HALVES.get(str(row["type"]), str(row["type"]))},
        )


def _score(question: Question, reply: Reply) -> Score:
    return relaxed_accuracy(answer=reply.text.strip(), truth=question.truth)


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    found = {}
    for half in ("human", "augmented"):
        values = [item.score.value for item in scored if item.groups["half"] == half]
        if values:
            found[half] = 100 * mean(values)
    found["mean"] = mean(list(found.values()))
    strict = [
        relaxed_accuracy_strict_years(answer=item.text.strip(), truth=item.truth).value
        for item in scored
    ]
    found["strict_years"] = 100 * mean(strict)
    return found


CHARTQA = Benchmark(
    name="chartqa",
    title="ChartQA",
    area="documents",
    split="test",
    source="lmms-lab/ChartQA",
    load=_load,
    score=_score,
    total=_total,
    metric="mean",
    published={"3b": 84.0, "7b": 87.3, "72b": 89.5},
    params=SamplingParams(max_tokens=64),
)
