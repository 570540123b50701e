"""CountBench (arXiv 2302.12066) and PixMo-Count (arXiv 2409.17146): how many there are.

Layouts: vikhyatk/CountBenchQA, test-*.parquet: image, text, question, number.
allenai/pixmo-count, test-*.parquet: image_url, image_sha256, label, count; pictures are fetched
before, as images/SHA256.jpg. Or kcz358/pixmo-count, test-*.parquet: image, question, answer.
Prompt: `countbench` asks for the boxes and then the number, which is how the report's 93.6 of the
72B model came about (section 3.3.3; the words are the authors' notebook's). `countbench-direct` and
`pixmo-count` ask as lmms-eval, "\\nAnswer with a single number."
Score: the number that the answer states equals the truth. `lmms_eval` wants the whole answer to be
the number, `vlmevalkit` takes the truth anywhere in it ("12" for 2); of PixMo-Count `lmms_eval`
takes the first digits. `boxes` counts the boxes instead of reading the number.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask, fetched_name, with_hash
from qvl.evaluation.benchmarks.grounded import boxes_of
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.counting import (
    count,
    countbench_lmms_eval,
    countbench_vlmevalkit,
    pixmo_count_lmms_eval,
)
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import SamplingParams
from qvl.tasks import counting

_CLOSING = "\nAnswer with a single number."
_THINGS = re.compile(r"how many (.{1,200}?) (?:are|is) there in the (?:image|picture)\?", re.I)


def _directly(question: str) -> str:
    return f"{question}{_CLOSING}"


def _with_boxes(question: str) -> str:
    things = _THINGS.fullmatch(question)
    if things is not None:
        return counting.listing_prompt(things.group(1))
    return (
        "Please first output bbox coordinates and names of every item that is asked about in JSON "
        f"format, and then answer: {question}"
    )


def _load_countbench(
    folder: Path, split: str, *, words: Callable[[str], str]
) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[row.get("image")],
            words=words(str(row["question"]).strip()),
            truth=_number(row, "number"),
        )


def _load_pixmo(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        sha256 = str(row.get("image_sha256", ""))
        asked = row.get("question") or counting.prompt(str(row["label"]))
        question = ask(
            row,
            folder,
            key=str(number),
            pictures=[fetched_name(folder, sha256) if sha256 else row.get("image")],
            words=_directly(str(asked).replace("<image>", "").strip()),
            truth=_number(row, "count" if sha256 else "answer"),
        )
        yield with_hash(question, sha256)


def _number(row: Row, column: str) -> int:
    digits = re.search(r"\d+", str(row[column]))
    if digits is None:
        raise DataError(f"{row.where}: {column} is {row[column]!r}, expected a number")
    return int(digits.group())


def _score(question: Question, reply: Reply) -> Score:
    return count(answer=reply.text, truth=question.truth)


def _total(
    scored: Sequence[Scored], *, others: dict[str, Callable[[Scored], float]]
) -> dict[str, float]:
    return {"accuracy": 100 * mean([item.score.value for item in scored])} | {
        name: 100 * mean([rule(item) for item in scored]) for name, rule in others.items()
    }


_COUNTBENCH: dict[str, Callable[[Scored], float]] = {
    "lmms_eval": lambda item: countbench_lmms_eval(answer=item.text, truth=str(item.truth)).value,
    "vlmevalkit": lambda item: countbench_vlmevalkit(answer=item.text, truth=str(item.truth)).value,
}
_BOXES: dict[str, Callable[[Scored], float]] = {
    "boxes": lambda item: float(len(boxes_of(item.text, item.transforms)) == item.truth)
}
_PIXMO: dict[str, Callable[[Scored], float]] = {
    "lmms_eval": lambda item: pixmo_count_lmms_eval(answer=item.text, truth=str(item.truth)).value
}
_benchmark = partial(Benchmark, area="grounding", split="test", score=_score, metric="accuracy")

COUNTBENCH = _benchmark(
    name="countbench",
    title="CountBench",
    source="vikhyatk/CountBenchQA",
    load=partial(_load_countbench, words=_with_boxes),
    total=partial(_total, others=_COUNTBENCH | _BOXES),
    published={"72b": 93.6},
    params=SamplingParams(max_tokens=2048),
)
COUNTBENCH_DIRECT = _benchmark(
    name="countbench-direct",
    title="CountBench, number alone",
    source="vikhyatk/CountBenchQA",
    load=partial(_load_countbench, words=_directly),
    total=partial(_total, others=_COUNTBENCH),
    params=SamplingParams(max_tokens=64),
)
PIXMO_COUNT = _benchmark(
    name="pixmo-count",
    title="PixMo-Count",
    source="allenai/pixmo-count",
    load=_load_pixmo,
    total=partial(_total, others=_PIXMO),
    params=SamplingParams(max_tokens=64),
)
