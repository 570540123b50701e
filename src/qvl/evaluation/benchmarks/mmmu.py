"""MMMU (arXiv 2311.16502) and MMMU-Pro (arXiv 2409.02813): college questions with their pictures
among the words.

Layout: MMMU/MMMU, a folder a subject with validation-*.parquet, or lmms-lab/MMMU, all in data/: id,
question, options (the text of a list), image_1 to image_7, answer, question_type
("multiple-choice", "open"). MMMU/MMMU_Pro: folders "standard (10 options)" with the same columns
and subject, and "vision" with image, options, answer, subject: the question stands in the picture.
Prompt: MMMU by the official evaluation of Qwen2-VL, prompt.py, with its pixel limits; open
questions by lmms-eval. MMMU-Pro by its authors, prompts.yaml, direct.
Score: the authors' reading of letters and open answers; where it draws lots, the answer is unread.
That of MMMU-Pro first looks behind the last "Answer:".
`our_reading` reads letters by our own rule. VLMEvalKit asks open questions as a choice between the
answer and "Other Answers", which is easier. Of MMMU-Pro the report's number is the mean of both
settings.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import NOT_KNOWN, SHORTLY, ask
from qvl.evaluation.benchmarks.choices import (
    asked_for_letter,
    lettered,
    option_lines,
    options_of,
)
from qvl.evaluation.benchmarks.interleaving import at_marks
from qvl.evaluation.layouts.rows import Row, parquet_rows, parquet_rows_of_all
from qvl.evaluation.scorers.choice_letters import choice, scored
from qvl.evaluation.scorers.mmmu import mmmu_choice, mmmu_open, mmmu_pro_letter
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scoring import percents_by

_MIN_PIXELS, _MAX_PIXELS = 1280 * 28 * 28, 5120 * 28 * 28
_DIRECT = "Answer with the option letter from the given choices directly."
_LAST_LINE = (
    " The last line of your response should be of the following format: 'Answer: $LETTER' (without "
    "quotes) where LETTER is one of options."
)
"""Behind it where the question stands in the picture."""
_HIDDEN = "?"
"""Truth of the test split, whose answers only the authors' server has."""
_SETTINGS = {"standard": "standard (10 options)", "vision": "vision"}


def _pictures(row: Row) -> list[object]:
    """The seven columns without the empty ones at their end."""
    found = [row.get(f"image_{number}") for number in range(1, 8)]
    while found and found[-1] is None:
        found.pop()
    return found


def _load(folder: Path, split: str) -> Iterator[Question]:
    for subject, row in parquet_rows_of_all(folder, split):
        truth, is_open = row["answer"], row["question_type"] == "open"
        options = [] if is_open else options_of(row)
        if is_open:
            truths = options_of(row, "answer") if str(truth).startswith("[") else [str(truth)]
            words = f"Question: {row['question']}{SHORTLY}"
        else:
            words = asked_for_letter(str(row["question"]), lettered(options))
        pictures = _pictures(row)
        yield ask(
            row,
            folder,
            key=str(row["id"]),
            pictures=pictures,
            words=at_marks(words, len(pictures)),
            truth=truths if is_open else str(truth),
            groups={
                "subject": subject or subject_of(str(row["id"])),
                "kind": "open" if is_open else "choice",
            },
            facts={"options": options},
            min_pixels=_MIN_PIXELS,
            max_pixels=_MAX_PIXELS,
        )


def subject_of(key: str) -> str:
    """The subject in a question's name.

    >>> subject_of("validation_Art_Theory_12")
    'Art_Theory'
    """
    return "_".join(key.split("_")[1:-1])


def _load_pro(folder: Path, split: str) -> Iterator[Question]:
    for setting, config in _SETTINGS.items():
        for row in parquet_rows(folder, split, config=config):
            options = options_of(row)
            is_standard = setting == "standard"
            lines = option_lines(lettered(options))
            words = (
                f"{row['question']}\n{lines}\n{_DIRECT}" if is_standard else _DIRECT + _LAST_LINE
            )
            pictures = _pictures(row) if is_standard else [row.get("image")]
            yield ask(
                row,
                folder,
                key=f"{setting}-{row['id']}",
                pictures=pictures,
                words=at_marks(words, len(pictures)),
                truth=str(row["answer"]),
                groups={"setting": setting, "subject": str(row["subject"])},
                facts={"options": options},
            )


def _score(question: Question, reply: Reply) -> Score:
    options: list[str] = question.facts["options"]
    if question.truth in (_HIDDEN, [_HIDDEN]):
        return NOT_KNOWN
    if not options:
        return mmmu_open(answer=reply.text, truths=question.truth)
    return mmmu_choice(answer=reply.text, options=options, truth=question.truth)


def _score_pro(question: Question, reply: Reply) -> Score:
    options: list[str] = question.facts["options"]
    return scored(mmmu_pro_letter(reply.text, options), question.truth, reply.text)


def _by_our_reading(item: Scored) -> float:
    options = lettered(item.facts["options"])
    if not options:
        return item.score.value
    return choice(
        answer=item.text, truth=str(item.truth), letters=tuple(options), options=options
    ).value


def _total(items: Sequence[Scored]) -> dict[str, float]:
    return {
        "accuracy": 100 * mean([item.score.value for item in items]),
        "our_reading": 100 * mean([_by_our_reading(item) for item in items]),
    }


def _total_pro(items: Sequence[Scored]) -> dict[str, float]:
    found = percents_by(items, "setting")
    return {
        **found,
        "mean": mean(list(found.values())),
        "our_reading": 100 * mean([_by_our_reading(item) for item in items]),
    }


MMMU = Benchmark(
    name="mmmu",
    title="MMMU",
    area="general",
    split="validation",
    source="lmms-lab/MMMU",
    load=_load,
    score=_score,
    total=_total,
    metric="accuracy",
    published={"3b": 53.1, "7b": 58.6, "72b": 70.2},
)
MMMU_PRO = Benchmark(
    name="mmmu-pro",
    title="MMMU-Pro",
    area="general",
    split="test",
    source="MMMU/MMMU_Pro",
    load=_load_pro,
    score=_score_pro,
    total=_total_pro,
    metric="mean",
    published={"3b": 31.56, "7b": 38.3, "72b": 51.1},
    version=2,
)
