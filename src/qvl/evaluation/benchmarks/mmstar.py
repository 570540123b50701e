"""MMStar (arXiv 2403.20330): choices that cannot be answered without the picture.

Layout: Lin-Chen/MMStar, mmstar.parquet: index, question with its options, image, answer, category,
l2_category.
Prompt: lmms-eval 0.7.3, mmstar.yaml.
Score: the letter. The mean is over all questions, as in VLMEvalKit; lmms-eval's is over abilities
of equal size, so it is the same.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import score_letter
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.choice_letters import FOUR
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams

_CLOSING = "\nAnswer with the option's letter from the given choices directly"
_FILES = {"val": "mmstar"}
_OPTION = re.compile(r"\b([A-D]): (.*?)(?=,? ?\b[A-D]: |\Z)", re.DOTALL)


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, _FILES.get(split, split)):
        question = str(row["question"]).strip()
        yield ask(
            row,
            folder,
            key=str(row["index"]),
            pictures=[row.get("image")],
            words=question + _CLOSING,
            truth=str(row["answer"]).strip().upper(),
            groups={"category": str(row["category"]), "ability": str(row.get("l2_category", ""))},
            facts={"options": options_of_question(question)},
        )


def options_of_question(question: str) -> dict[str, str]:
    """Options in one line of a question, or the four letters without their texts.

    >>> options_of_question("Which?\\nOptions: A: cat, B: dog and owl, C: none, D: all")
    {'A': 'cat', 'B': 'dog and owl', 'C': 'none', 'D': 'all'}
    """
    listed = question.rpartition("Options:")[2]
    found = {letter: text.strip(" ,\n") for letter, text in _OPTION.findall(listed)}
    return found if list(found) == list(FOUR[: len(found)]) and found else dict.fromkeys(FOUR, "")


MMSTAR = Benchmark(
    name="mmstar",
    title="MMStar",
    area="general",
    split="val",
    source="Lin-Chen/MMStar",
    load=_load,
    score=score_letter,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 55.9, "7b": 63.9, "72b": 70.8},
    params=SamplingParams(max_tokens=256),
)
