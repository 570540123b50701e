"""HallusionBench (arXiv 2310.14566): yes or no about figures, some of them altered.

Layout: lmms-lab/HallusionBench, image-*.parquet: category ("VD", "VS"), subcategory, set_id,
figure_id, question_id, question, gt_answer ("1" is yes), image. The split "non_image" has the
questions without a figure, which VLMEvalKit leaves out too.
Prompt: the question and " Please answer yes or no.", as Qwen2-VL's prompt.py closes such questions.
Score: the mean of the share of questions, of figures with every question right, and of questions
right about every figure. The authors have a model judge; read by rules here as in VLMEvalKit.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.yes_no import HallusionRecord, hallusion_figures, yes_no
from qvl.messages import SamplingParams

_CLOSING = " Please answer yes or no."
_TRUTHS = {"1": "yes", "0": "no"}


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        truth = _TRUTHS.get(str(row["gt_answer"]))
        if truth is None:
            raise DataError(f"{row.where}: gt_answer is {row['gt_answer']!r}, expected 0 or 1")
        kind = f"{row['category']}/{row['subcategory']}"
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[] if split == "non_image" else [row.get("image")],
            words=f"{row['question']}{_CLOSING}",
            truth=truth,
            groups={"kind": kind},
            facts={
                "set": str(row["set_id"]),
                "figure": str(row["figure_id"]),
                "question": str(row["question_id"]),
                "cluster": f"{kind}/{row['set_id']}",
            },
        )


def _score(question: Question, reply: Reply) -> Score:
    return yes_no(answer=reply.text, truth=question.truth)


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    figures = hallusion_figures(
        [
            HallusionRecord(
                score=item.score,
                category=item.groups["kind"],
                set_id=item.facts["set"],
                figure_id=item.facts["figure"],
                question_id=item.facts["question"],
            )
            for item in scored
        ]
    )
    return {
        "mean": 100 * figures.mean,
        "aAcc": 100 * figures.all_accuracy,
        "fAcc": 100 * figures.figure_accuracy,
        "qAcc": 100 * figures.question_accuracy,
    }


HALLUSIONBENCH = Benchmark(
    name="hallusionbench",
    title="HallusionBench",
    area="general",
    split="image",
    source="lmms-lab/HallusionBench",
    load=_load,
    score=_score,
    total=_total,
    metric="mean",
    published={"3b": 46.3, "7b": 52.9, "72b": 55.2},
    params=SamplingParams(max_tokens=128),
)
