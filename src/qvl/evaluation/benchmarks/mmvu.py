"""MMVU (arXiv 2501.12380): questions of experts about videos of lectures, surgery, experiments.

Layout: yale-nlp/MMVU, validation.json or validation-*.parquet: id, video (address of the file on
the hub), question, choices (by letter A to E), answer (a letter, or words), question_type
("multiple-choice", "open-ended"), metadata (subject); videos/SUBJECT/NUMBER.mp4.
Prompt: the authors' that asks for the answer alone.
Score: the letter, and for open questions that the truth is stated, by MMMU's rule; the authors and
so presumably the report have a model judge, as `--judge` does here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qvl.evaluation.benchmark import Benchmark, Judge, Question, Reply
from qvl.evaluation.benchmarks.choices import score_letter
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import Row, json_rows, parquet_rows
from qvl.evaluation.scorers.mmmu import mmmu_open
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import Conversation, SamplingParams, Text

_LONGEST = 20_000
_ON_HUB = "/resolve/main/"
_CHOICE = (
    "\nQuestion:{question}\n{options}\nVisual Information: processed video\nDo not generate any "
    "intermediate reasoning process. Answer directly with the option letter from the\ngiven "
    "choices.\n"
)
_OPEN = (
    "\nQuestion:{question}\nVisual Information: processed video\nDo not generate any intermediate "
    "reasoning process. Directly output the final answer.\n"
)


def _load(folder: Path, split: str) -> Iterator[Question]:
    listed = folder / f"{split}.json"
    for row in json_rows(listed) if listed.is_file() else parquet_rows(folder, split):
        is_choice = row["question_type"] == "multiple-choice"
        choices: dict[str, Any] = row["choices"] if is_choice else {}
        options = {letter: str(text) for letter, text in choices.items() if text}
        lines = "\n".join(f"{letter}: {text}" for letter, text in options.items())
        asked = (_CHOICE if is_choice else _OPEN).format(question=row["question"], options=lines)
        yield watch(
            row,
            folder,
            key=str(row["id"]),
            video=_name(row),
            words=asked,
            truth=str(row["answer"]),
            groups={
                "kind": str(row["question_type"]),
                "subject": str((row.get("metadata") or {}).get("subject", "not said")),
            },
            facts={"options": options, "question": str(row["question"])},
        )


def _name(row: Row) -> str:
    name = str(row.get("video_path") or row["video"])
    return name.split(_ON_HUB, 1)[-1]


def _score(question: Question, reply: Reply) -> Score:
    if question.facts["options"]:
        return score_letter(question, reply)
    return mmmu_open(answer=reply.text, truths=[str(question.truth)])


def _judged(question: Question, reply: Reply) -> Conversation:
    """Question, truth and answer; the wording is our own."""
    options = [f"{letter}: {text}" for letter, text in question.facts["options"].items()]
    asked = "\n".join([question.facts["question"], *options])
    answer = reply.text[:_LONGEST]
    return Conversation.user(
        Text(
            "Is the answer to this question right? It has to mean the same as the expected one; "
            "numbers may be rounded. Reply with one word, Correct or Incorrect.\n\n"
            f"Question: {asked}\nExpected: {question.truth}\nAnswer: {answer}\nVerdict:"
        )
    )


def _verdict(question: Question, text: str) -> Score:
    word = text.strip(" *.\n").split(" ")[0].strip(".,:*").lower()
    if word not in ("correct", "incorrect"):
        return Score(value=0.0, why=f"the judge said {text[:80]!r}", is_parsed=False)
    return Score(value=float(word == "correct"), why=f"judged {word}")


MMVU = Benchmark(
    name="mmvu",
    title="MMVU",
    area="video",
    split="validation",
    source="yale-nlp/MMVU",
    load=_load,
    score=_score,
    total=mean_percent,
    metric="accuracy",
    published={"7b": 50.1, "72b": 62.9},
    params=SamplingParams(max_tokens=512),
    judge=Judge(version="mmvu-1", prompt=_judged, read=_verdict),
)
