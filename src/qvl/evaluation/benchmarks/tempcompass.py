"""TempCompass (arXiv 2403.00476): speed, direction, order, change and action, asked in four forms.

Layout: lmms-lab/TempCompass, multi-choice/, yes_no/, caption_matching/, captioning/test-*.parquet:
video_id, question, answer ("A. rightward"; "yes"; "Caption A: ..."), dim; of captioning also
mc_question and mc_answer; videos/ID.mp4.
Prompt: the authors', as in lmms-eval.
Score: the authors match the beginning of an answer and ask a model where that fails. Here rules
read all of it: the letter, yes or no, the caption that is named or repeated. For captioning the
rule is whether the caption contains the text of the right option and of no other; the authors have
a model answer the multiple choice from the caption, as `--judge` does. The report's average is
presumably over all four forms, so it needs both benchmarks: `average` is the mean of three forms.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Judge, Question, Reply, Scored
from qvl.evaluation.benchmarks.choices import options_in, score_letter
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.choice_letters import choice_letter, scored
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scorers.yes_no import yes_no
from qvl.evaluation.scoring import percents_by
from qvl.messages import Conversation, SamplingParams
from qvl.options import shown

_FORMS = {
    "multi-choice": "\nPlease directly give the best option:",
    "yes_no": "\nPlease answer yes or no:",
    "caption_matching": "\nPlease directly give the best option:",
}
_LONGEST = 20_000
_CAPTIONING = "captioning"
_NAMED = re.compile(r"^[ \t]*((?:Caption|Sentence|Option)[ \t]+(\w+)):[ \t]*(.+?)[ \t]*$", re.M)


def _load(folder: Path, split: str) -> Iterator[Question]:
    for form in _FORMS:
        yield from _load_form(folder, split, form)


def _load_captioning(folder: Path, split: str) -> Iterator[Question]:
    yield from _load_form(folder, split, _CAPTIONING)


def _load_form(folder: Path, split: str, form: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split, config=form)):
        asked = str(row["question"])
        multiple = str(row["mc_question"]) if form == _CAPTIONING else asked
        yield watch(
            row,
            folder,
            key=f"{form}-{number}",
            video=str(row["video_id"]),
            places=("videos", ""),
            words=asked + _FORMS.get(form, ""),
            truth=str(row["mc_answer" if form == _CAPTIONING else "answer"]),
            groups={"form": form, "about": str(row["dim"])},
            facts={"options": options_in(multiple), "question": multiple},
        )


def _score(question: Question, reply: Reply) -> Score:
    truth = str(question.truth)
    match question.groups["form"]:
        case "yes_no":
            return yes_no(answer=reply.text, truth="yes" if truth.lower() == "yes" else "no")
        case "caption_matching":
            return _caption(reply.text, question.facts["question"], truth)
    return score_letter(replace(question, truth=truth[:1]), reply)


def _caption(answer: str, asked: str, truth: str) -> Score:
    """Which of the captions an answer names ("Caption A", "A") or repeats."""
    named = {name: (mark, text) for name, mark, text in _NAMED.findall(asked)}
    wanted = truth.split(":", 1)[0].strip()
    said = answer.strip().rstrip(".").lower()
    found = {
        name
        for name, (mark, text) in named.items()
        if said == mark.lower()
        or re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", said)
        or text.lower().rstrip(".") in said
    }
    letters = {mark: name for name, (mark, _) in named.items() if mark in "ABCDEFGH"}
    if not found and letters:
        letter = choice_letter(answer, letters=list(letters))
        found = {letters[letter]} if letter else set()
    if len(found) != 1:
        return Score(value=0.0, why=f"no caption in {shown(answer)}", is_parsed=False)
    name = found.pop()
    return Score(value=float(name == wanted), why=f"{name}, expected {wanted}")


def _total(items: Sequence[Scored]) -> dict[str, float]:
    forms = percents_by(items, "form")
    return {
        "average": mean(list(forms.values())),
        "accuracy": 100 * mean([item.score.value for item in items]),
        **forms,
    }


def _score_captioning(question: Question, reply: Reply) -> Score:
    said = " ".join(reply.text.lower().split())
    found = [
        letter
        for letter, option in question.facts["options"].items()
        if re.search(rf"(?<!\w){re.escape(option.lower().rstrip('.'))}(?!\w)", said)
    ]
    letter = found[0] if len(found) == 1 else None
    return scored(letter, str(question.truth)[:1], reply.text)


def _judged(question: Question, reply: Reply) -> Conversation:
    """The multiple choice, to be answered from the caption; the wording is our own."""
    return Conversation.user(
        "Here is the description of a video, and a question about the video. Choose the option "
        "that the description supports. If it supports none, or says too little, reply None. "
        "Reply with the letter alone.\n\n"
        f"Description: {reply.text[:_LONGEST]}\n\nQuestion: {question.facts['question']}\n\nLetter:"
    )


def _verdict(question: Question, text: str) -> Score:
    if text.strip(" .*\n").lower() == "none":
        return Score(value=0.0, why="the caption supports no option")
    letter = choice_letter(text, letters=list(question.facts["options"]))
    return scored(letter, str(question.truth)[:1], text)


def _total_captioning(items: Sequence[Scored]) -> dict[str, float]:
    return {
        "captioning": 100 * mean([item.score.value for item in items]),
        **percents_by(items, "about"),
    }


TEMPCOMPASS = Benchmark(
    name="tempcompass",
    title="TempCompass, three forms",
    area="video",
    split="test",
    source="lmms-lab/TempCompass",
    load=_load,
    score=_score,
    total=_total,
    metric="average",
    published={"3b": 64.4, "7b": 71.7, "72b": 74.8},
    params=SamplingParams(max_tokens=128),
)
TEMPCOMPASS_CAPTIONING = Benchmark(
    name="tempcompass-captioning",
    title="TempCompass, captioning",
    area="video",
    split="test",
    source="lmms-lab/TempCompass",
    load=_load_captioning,
    score=_score_captioning,
    total=_total_captioning,
    metric="captioning",
    params=SamplingParams(max_tokens=256),
    judge=Judge(version="tempcompass-1", prompt=_judged, read=_verdict),
)
