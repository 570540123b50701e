"""BLINK (arXiv 2404.12390): fourteen tasks that people solve within a blink.

Layout: BLINK-Benchmark/BLINK, a folder a task with val-*.parquet: idx, question, sub_task, image_1
to image_4, choices, answer ("(A)"), prompt.
Prompt: lmms-eval 0.7.3 (_default_template_yaml), after the authors: a note, then the column prompt;
the pictures in front.
Score: the letter. `accuracy` is over all questions, as in VLMEvalKit; `mean_of_tasks` as in the
paper.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import lettered, options_of, score_letter
from qvl.evaluation.layouts.rows import parquet_rows_of_all
from qvl.evaluation.scorers.multiple_choice import grouped_accuracy
from qvl.messages import SamplingParams

_NOTE = "Note: You only need to respond with {} without providing any additional information.\n"


def _load(folder: Path, split: str) -> Iterator[Question]:
    for config, row in parquet_rows_of_all(folder, split):
        options = lettered(options_of(row, "choices"))
        images = [row.get(f"image_{number}") for number in range(1, 5)]
        task = config or str(row["sub_task"])
        yield ask(
            row,
            folder,
            key=f"{task}-{row['idx']}",
            pictures=[image for image in images if image is not None] or [None],
            words=_NOTE.format(", ".join(options)) + str(row["prompt"]),
            truth=str(row["answer"]).strip("() ").upper(),
            groups={"task": task},
            facts={"options": options},
        )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    found = grouped_accuracy([(item.groups["task"], item.score) for item in scored])
    return {"accuracy": 100 * found.overall, "mean_of_tasks": 100 * found.mean_of_groups}


BLINK = Benchmark(
    name="blink",
    title="BLINK",
    area="general",
    split="val",
    source="BLINK-Benchmark/BLINK",
    load=_load,
    score=score_letter,
    total=_total,
    metric="accuracy",
    published={"3b": 47.6, "7b": 56.4, "72b": 64.4},
    params=SamplingParams(max_tokens=256),
)
