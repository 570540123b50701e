"""GPQA (arXiv 2311.12022): questions that experts of other fields get wrong.

Layout: Idavidrein/gpqa, gpqa_main.csv, gpqa_diamond.csv, gpqa_extended.csv: Question, "Correct
Answer", "Incorrect Answer 1" to 3, "Record ID", Subdomain, "High-level domain". Licence CC BY; the
authors ask that its text is not published.
Splits: main, diamond, extended. The report does not say which is its.
Prompt: OpenAI's simple-evals (common.py). The order of the options is drawn there; here it is drawn
from the question's own name, so it is the same in every run.
Score: the letter.
"""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question
from qvl.evaluation.benchmarks.choices import lettered, score_letter
from qvl.evaluation.layouts.rows import tsv_rows
from qvl.evaluation.scoring import mean_percent
from qvl.messages import Conversation, SamplingParams

ANSWER_LAST = (
    "Answer the following multiple choice question. The last line of your response should be of "
    "the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think "
    "step by step before answering."
)
_WRONG = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def _load(folder: Path, split: str) -> Iterator[Question]:
    columns = ("Question", "Correct Answer", *_WRONG)
    for row in tsv_rows(folder / f"gpqa_{split}.csv", columns=columns, delimiter=","):
        question, right = str(row["Question"]).strip(), str(row["Correct Answer"]).strip()
        name = hashlib.sha256(question.encode()).hexdigest()
        texts = [right, *(str(row[column]).strip() for column in _WRONG)]
        random.Random(name).shuffle(texts)
        options = lettered(texts)
        lines = "\n".join(f"{letter}) {text}" for letter, text in options.items())
        yield Question(
            key=str(row.get("Record ID") or name[:16]),
            conversation=Conversation.user(f"{ANSWER_LAST}\n\n{question}\n\n{lines}"),
            truth=next(letter for letter, text in options.items() if text == right),
            groups={
                "domain": str(row.get("High-level domain", "")),
                "subdomain": str(row.get("Subdomain", "")),
            },
            facts={"options": options},
        )


GPQA = Benchmark(
    name="gpqa",
    title="GPQA",
    area="text",
    split="diamond",
    source="Idavidrein/gpqa",
    load=_load,
    score=score_letter,
    total=mean_percent,
    metric="accuracy",
    published={"72b": 49.0},
    params=SamplingParams(max_tokens=2048),
)
