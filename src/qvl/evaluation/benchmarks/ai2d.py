"""AI2D (arXiv 1603.07396): multiple choice about science diagrams.

Layout: lmms-lab/ai2d, test-*.parquet: question, options, answer (number of an option as text),
image; the diagrams' labels are masked by their letters, as in the report ("w. M."). Of
lmms-lab/ai2d-no-mask the columns are the same.
Prompt: lmms-eval: question, options, DIRECTLY.
Score: the letter.
"""

from collections.abc import Iterator
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import asked_directly, letter_of, lettered, score_letter
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        options = lettered([str(option) for option in row["options"]])
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[row.get("image")],
            words=asked_directly(row["question"], options),
            truth=letter_of(row, "answer", len(options)),
            facts={"options": options},
        )


def _benchmark(name: str, title: str, source: str, published: dict[str, float]) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        area="documents",
        split="test",
        source=source,
        load=_load,
        score=score_letter,
        total=mean_percent,
        metric="accuracy",
        published=published,
        params=SamplingParams(max_tokens=64),
    )


AI2D = _benchmark("ai2d", "AI2D", "lmms-lab/ai2d", {"3b": 81.6, "7b": 83.9, "72b": 88.7})
AI2D_NO_MASK = _benchmark("ai2d-no-mask", "AI2D without mask", "lmms-lab/ai2d-no-mask", {})
