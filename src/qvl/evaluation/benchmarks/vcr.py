"""VCR (arXiv 2406.06462): English sentences in a picture, half covered, to be restored.

Layout: vcr-org/VCR-wiki-en-hard-test and -en-easy-test, data/test-*.parquet: question_id,
stacked_image (picture and sentences), crossed_text (the covered texts). Licence CC BY-SA 4.0.
Prompt: lmms-eval's, by the authors of the benchmark.
Score: each covered text is restored exactly somewhere in the answer. Numbers are means over the
covered texts of all pictures, not over pictures.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.restored_text import restored_text
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import SamplingParams

_PROMPT = (
    "What is the covered texts in the image? Please restore the covered texts without outputting "
    "the explanations."
)
"""Source: lmms-eval vcr_wiki/vcr_wiki_en_hard.yaml."""


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        yield ask(
            row,
            folder,
            key=str(row.get("question_id", number)),
            pictures=[row.get("stacked_image")],
            words=_PROMPT,
            truth=[str(text) for text in row["crossed_text"]],
        )


def _score(question: Question, reply: Reply) -> Score:
    scores = [restored_text(answer=reply.text, truth=text) for text in question.truth]
    if not scores:
        return Score(value=1.0, why="nothing is covered")
    return Score(
        value=mean([score.value for score in scores]),
        why="; ".join(score.why for score in scores),
        is_parsed=any(score.is_parsed for score in scores),
    )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    scores = [restored_text(answer=item.text, truth=text) for item in scored for text in item.truth]
    return {
        "exact_match": 100 * mean([score.value for score in scores]),
        "jaccard": 100 * mean([score.jaccard for score in scores]),
    }


def _benchmark(level: str, published: dict[str, float]) -> Benchmark:
    return Benchmark(
        name=f"vcr-en-{level}",
        title=f"VCR English {level}",
        area="documents",
        split="test",
        source=f"vcr-org/VCR-wiki-en-{level}-test",
        load=_load,
        score=_score,
        total=_total,
        metric="exact_match",
        published=published,
        params=SamplingParams(max_tokens=120),
    )


VCR_HARD = _benchmark("hard", {"3b": 37.5, "7b": 80.5, "72b": 79.8})
VCR_EASY = _benchmark("easy", {})
