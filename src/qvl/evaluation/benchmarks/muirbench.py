"""MuirBench (arXiv 2406.09411): choices about several pictures, some without an answer.

Layout: MUIRBENCH/MUIRBENCH, test-*.parquet: idx, task, question and options with a mark <image> for
each of image_list, answer, image_relation, image_type, counterpart_idx.
Prompt: lmms-eval 0.7.3 (muirbench/utils.py): question, options, DIRECTLY; pictures at their marks.
Score: the letter. A question and its unanswerable counterpart count together for the standard
error.
"""

from collections.abc import Iterator
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import asked_directly, lettered, options_of, score_letter
from qvl.evaluation.benchmarks.interleaving import at_marks
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split):
        options = lettered(options_of(row))
        key, other = str(row["idx"]), str(row.get("counterpart_idx", row["idx"]))
        pictures = row.get("image_list") or [None]
        yield ask(
            row,
            folder,
            key=key,
            pictures=pictures,
            words=at_marks(asked_directly(row["question"], options), len(pictures)),
            truth=str(row["answer"]).strip().upper(),
            groups={
                "task": str(row["task"]),
                "relation": str(row.get("image_relation", "")),
                "type": str(row.get("image_type", "")),
            },
            facts={
                "options": {name: text.replace("<image>", "") for name, text in options.items()},
                "cluster": min(key, other),
            },
        )


MUIRBENCH = Benchmark(
    name="muirbench",
    title="MuirBench",
    area="general",
    split="test",
    source="MUIRBENCH/MUIRBENCH",
    load=_load,
    score=score_letter,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 47.7, "7b": 59.6, "72b": 70.7},
    params=SamplingParams(max_tokens=64),
)
