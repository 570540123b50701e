"""DocVQA (arXiv 2007.00398) and InfographicVQA (arXiv 2104.12756): questions about pages.

Layout: lmms-lab/DocVQA, folders DocVQA and InfographicVQA with validation-*.parquet and
test-*.parquet: questionId, question, question_types, image, docId, answers. The report's numbers
are of the test split, whose answers only the authors' server has: there, `qvl eval run` keeps the
raw answers, and every score is "not known".
Prompt: lmms-eval, "\\nAnswer the question using a single word or phrase."
Score: ANLS of the evaluation scripts; `anls_paper` is the paper's, which differs at one half.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import NOT_KNOWN, SHORTLY, ask
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.anls import anls, anls_paper
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import SamplingParams


def _load(folder: Path, split: str, *, config: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split, config=config):
        kinds = row.get("question_types") or row.get("answer_type") or ()
        yield ask(
            row,
            folder,
            key=str(row["questionId"]),
            pictures=[row.get("image")],
            words=f"{row['question']}{SHORTLY}",
            truth=[str(answer) for answer in row.get("answers", ())],
            groups={"kind": ", ".join(map(str, kinds)) or "other"},
            facts={"cluster": str(row.get("docId") or row.get("image_url") or row["questionId"])},
        )


def _score(question: Question, reply: Reply) -> Score:
    if not question.truth:
        return NOT_KNOWN
    return anls(answer=reply.text, truths=question.truth)


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    paper = [
        anls_paper(answer=item.text, truths=item.truth).value if item.truth else 0.0
        for item in scored
    ]
    return {
        "anls": 100 * mean([item.score.value for item in scored]),
        "anls_paper": 100 * mean(paper),
    }


def _benchmark(name: str, title: str, config: str, published: dict[str, float]) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        area="documents",
        split="validation",
        source="lmms-lab/DocVQA",
        load=partial(_load, config=config),
        score=_score,
        total=_total,
        metric="anls",
        published=published,
        params=SamplingParams(max_tokens=64),
    )


DOCVQA = _benchmark("docvqa", "DocVQA", "DocVQA", {"3b": 93.9, "7b": 95.7, "72b": 96.4})
INFOVQA = _benchmark("infovqa", "InfoVQA", "InfographicVQA", {"3b": 77.1, "7b": 82.6, "72b": 87.3})
