"""TextVQA (arXiv 1904.08920): questions whose answers stand in the picture.

Layout: lmms-lab/textvqa, validation-*.parquet: question_id, question, image_id, image, answers
(ten). Licence CC BY 4.0.
Prompt: lmms-eval: the question with a capital letter, then SHORTLY; no list of recognised words.
Score: VQA accuracy with the normalisation of EvalAI; `vqa_v2` is the older script's, which differs
in punctuation.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import SHORTLY, ask
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scorers.vqa import evalai_vqa, vqa_v2
from qvl.messages import SamplingParams


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split):
        yield ask(
            row,
            folder,
            key=str(row["question_id"]),
            pictures=[row.get("image")],
            words=f"{str(row['question']).capitalize()}{SHORTLY}",
            truth=[str(answer) for answer in row["answers"]],
            facts={"cluster": str(row.get("image_id", row["question_id"]))},
        )


def _score(question: Question, reply: Reply) -> Score:
    return evalai_vqa(answer=reply.text, truths=question.truth)


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    older = [vqa_v2(answer=item.text, truths=item.truth).value for item in scored]
    return {
        "accuracy": 100 * mean([item.score.value for item in scored]),
        "vqa_v2": 100 * mean(older),
    }


TEXTVQA = Benchmark(
    name="textvqa",
    title="TextVQA",
    area="documents",
    split="validation",
    source="lmms-lab/textvqa",
    load=_load,
    score=_score,
    total=_total,
    metric="accuracy",
    published={"3b": 79.3, "7b": 84.9, "72b": 83.5},
    params=SamplingParams(max_tokens=64),
)
