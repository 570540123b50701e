"""SEED-Bench-2-Plus (arXiv 2404.16790): multiple choice about charts, maps and web pages.

Layout: doolayer/SEED-Bench-2-Plus, test-*.parquet: question_id, question_image_type, question,
choice_A to choice_D, answer (a letter), image. Licence CC BY-NC 4.0.
Prompt: lmms-eval: question, options, DIRECTLY.
Score: the letter. `first_character` is lmms-eval's: the first character of the answer, whatever it
is.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import asked_directly, lettered, score_letter
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.score import mean
from qvl.evaluation.scoring import mean_percent, percents_by
from qvl.messages import SamplingParams


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split):
        options = lettered([str(row[f"choice_{letter}"]) for letter in "ABCD"])
        truth = str(row["answer"]).strip()
        if truth not in options:
            raise DataError(f"{row.where}: answer is {truth!r}, expected A, B, C or D")
        yield ask(
            row,
            folder,
            key=str(row["question_id"]),
            pictures=[row.get("image")],
            words=asked_directly(row["question"], options),
            truth=truth,
            groups={"kind": str(row["question_image_type"]).capitalize()},
            facts={"options": options},
        )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    first = [float(item.text.strip()[:1].lower() == item.truth.lower()) for item in scored]
    return {
        **mean_percent(scored),
        **percents_by(scored, "kind"),
        "first_character": 100 * mean(first),
    }


SEEDBENCH2PLUS = Benchmark(
    name="seedbench2plus",
    title="SEED-Bench-2-Plus",
    area="documents",
    split="test",
    source="doolayer/SEED-Bench-2-Plus",
    load=_load,
    score=score_letter,
    total=_total,
    metric="accuracy",
    published={"3b": 67.6, "7b": 70.4, "72b": 73.0},
    params=SamplingParams(max_tokens=64),
)
