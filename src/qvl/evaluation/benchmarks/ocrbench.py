"""OCRBench (arXiv 2305.07895): a thousand questions about text, a point each.

Layout: echo840/OCRBench, test-*.parquet: dataset, question, question_type, answer (one or a list),
image. Licence MIT.
Prompt: the question as it is. The published models were run with at least 100 tokens a picture.
Source: Qwen2-VL's evaluation scripts, model.py (min_pixels 100 * 28 * 28).
Score: one of the answers is in the reply; formulas (HME100k) without any spaces. The report's
number is of 1000 points; of fewer questions it is given as if there were 1000.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.ocrbench import ocrbench_formula, ocrbench_text
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import SamplingParams

_FORMULAS = "HME100k"
_MIN_PIXELS = 100 * 28 * 28
_POINTS = 1000


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        answers = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[row.get("image")],
            words=str(row["question"]).strip(),
            truth=[str(answer) for answer in answers],
            groups={"kind": str(row["question_type"])},
            facts={"dataset": str(row["dataset"])},
            min_pixels=_MIN_PIXELS,
        )


def _score(question: Question, reply: Reply) -> Score:
    rule = ocrbench_formula if question.facts["dataset"] == _FORMULAS else ocrbench_text
    return rule(answer=reply.text, truths=question.truth)


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    kinds = dict.fromkeys(item.groups["kind"] for item in scored)
    found = {"points": _POINTS * mean([item.score.value for item in scored])}
    for kind in kinds:
        found[kind] = sum(item.score.value for item in scored if item.groups["kind"] == kind)
    return found


OCRBENCH = Benchmark(
    name="ocrbench",
    title="OCRBench",
    area="documents",
    split="test",
    source="echo840/OCRBench",
    load=_load,
    score=_score,
    total=_total,
    metric="points",
    published={"3b": 797, "7b": 864, "72b": 885},
    params=SamplingParams(max_tokens=128),
)
