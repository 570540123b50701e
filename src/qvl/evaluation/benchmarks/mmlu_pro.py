"""MMLU-Pro (arXiv 2406.01574): ten options, five worked examples.

Layout: TIGER-Lab/MMLU-Pro, test-*.parquet and validation-*.parquet (the examples): question_id,
question, options, answer, cot_content, category. Licence MIT.
Prompt: the authors' (evaluate_from_api.py): five examples of the question's category with their
reasoning, then the question.
Score: the letter. `official` reads as the authors' script does: after "answer is", after "answer:",
else the last letter that stands alone; where it draws lots, nothing is read.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.choices import lettered, options_of, score_letter
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.score import mean
from qvl.messages import Conversation, SamplingParams

_OPENING = (
    "The following are multiple choice questions (with answers) about {}. Think step by step and "
    'then finish your answer with "the answer is (X)" where X is the correct letter choice.\n\n\n'
)
_THINK = "Answer: Let's think step by step."
_EXAMPLES = 5
_OFFICIAL = (
    re.compile(r"answer is \(?([A-J])\)?"),
    re.compile(r".*[aA]nswer:\s*([A-J])"),
    re.compile(r"\b([A-J])\b(?!.*\b[A-J]\b)", re.DOTALL),
)


def _load(folder: Path, split: str) -> Iterator[Question]:
    examples: dict[str, list[str]] = {}
    for row in parquet_rows(folder, "validation"):
        shown = examples.setdefault(str(row["category"]), [])
        if len(shown) < _EXAMPLES:
            reasoning = str(row["cot_content"]).replace("A: Let's think step by step.", _THINK)
            shown.append(f"{_asked(row)}{reasoning}\n\n")
    for row in parquet_rows(folder, split):
        category = str(row["category"])
        words = _OPENING.format(category) + "".join(examples.get(category, ()))
        yield Question(
            key=str(row["question_id"]),
            conversation=Conversation.user(f"{words}{_asked(row)}{_THINK}"),
            truth=str(row["answer"]),
            groups={"category": category},
            facts={"options": lettered(_options(row))},
        )


def _options(row: Row) -> list[str]:
    return [option for option in options_of(row) if option != "N/A"]


def _asked(row: Row) -> str:
    lines = "".join(f"{letter}. {text}\n" for letter, text in lettered(_options(row)).items())
    return f"Question:\n{row['question']}\nOptions:\n{lines}"


def official_letter(answer: str) -> str | None:
    """The letter that the authors' script reads.

    >>> [official_letter(text) for text in ("So the answer is (C).", "Answer: D", "B or E", "no")]
    ['C', 'D', 'E', None]
    """
    for pattern in _OFFICIAL:
        if found := pattern.search(answer[-20_000:]):
            return found.group(1)
    return None


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    official = [float(official_letter(item.text) == item.truth) for item in scored]
    return {
        "accuracy": 100 * mean([item.score.value for item in scored]),
        "official": 100 * mean(official),
    }


MMLU_PRO = Benchmark(
    name="mmlu-pro",
    title="MMLU-Pro",
    area="text",
    split="test",
    source="TIGER-Lab/MMLU-Pro",
    load=_load,
    score=score_letter,
    total=_total,
    metric="accuracy",
    published={"72b": 71.2},
    params=SamplingParams(max_tokens=2048),
)
