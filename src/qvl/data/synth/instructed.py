"""Drawn questions as instructions that say in which form they want the answer.

Owns: the wordings, the forms, whether an answer has its form. Does not own: pictures and right
answers (the other generators of ``synth``), whether an answer is right (scorers).

    drawn Sample -> one of its questions -> other words, a form -> Sample with ``facts["form"]``
    answer, form -> has_form() -> bool

Fine-tuning asks in other words than pre-training did, so that what is learnt is to follow.
Source: report, section 2.3: ChatML, deliberately different from the data of pre-training.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from qvl.data.mixture import Mixture
from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.data.synth.picking import pick
from qvl.data.synth.text import READ_PROMPT
from qvl.errors import ConfigError
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import grounding

Form = Literal["json", "quotes", "sentence", "boxes"]

_TRIES = 20
_COUNT = re.compile(r"How many (.+) are there in the image\?")
_COLOUR = re.compile(r"What color is the (.+)\?")
_KIND = re.compile(r"What shape is the (.+) object\?")
_BOX = re.compile(r"Locate (.+) in this image and output the bbox coordinates in JSON format\.")
_BRIEF = " Give only the answer."
_SENTENCE = re.compile(r"[A-Z][^\n]*[a-z0-9]\.")


class Instruction(NamedTuple):
    """A question in other words, with its answer in the form that it asks for."""

    question: str
    answer: str
    form: Form


def instructed_sample(rng: np.random.Generator, *, seed: tuple[int, ...], base: Mixture) -> Sample:
    """Returns one question of a drawn sample as an instruction.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        base: generators of text to read, of shapes, of exercises with a brief answer.

    Raises:
        ConfigError: the generators ask nothing that is known here.
    """
    for number in range(_TRIES):
        sample = base.sample(*seed, number)
        turns = sample.conversation.messages
        known = [
            instruction
            for asked, given in zip(turns[::2], turns[1::2], strict=False)
            for instruction in instructions(_words(asked), answer_text(given))
        ]
        if not known:
            continue
        chosen = pick(rng, known)
        pictures = [part for part in turns[0].content if isinstance(part, Image)]
        messages = (
            Message("user", (*pictures, Text(chosen.question))),
            Message("assistant", (Text(chosen.answer),)),
        )
        return replace(
            sample,
            task=f"instructed {sample.task}",
            conversation=Conversation(messages),
            provenance=replace(
                sample.provenance, generator="instructed.instructed_sample", seed=seed
            ),
            facts={**sample.facts, "form": chosen.form},
        )
    raise ConfigError(f"nothing that {', '.join(base.parts)} ask can be said in other words")


def instructions(question: str, answer: str) -> Iterator[Instruction]:
    """Yields the instructions that a question can become; none if it is not known here.

    >>> [found] = instructions("How many circles are there in the image?", "3")
    >>> found.question, found.answer
    ('Count the circles. Reply with JSON that has the key "count".', '{"count": 3}')
    """
    if question == READ_PROMPT:
        yield _as_json("Transcribe the picture.", "text", answer)
        quoted = f'"{answer}"'
        yield Instruction("What is written here? Put it in double quotes.", quoted, "quotes")
    elif found := _COUNT.fullmatch(question):
        yield _as_json(f"Count the {found[1]}.", "count", int(answer))
    elif found := _COLOUR.fullmatch(question):
        yield _as_json(f"Look at the {found[1]}.", "color", answer)
        sentence = f"The {found[1]} is {answer}."
        yield Instruction(
            f"Tell me the color of the {found[1]} in a sentence.", sentence, "sentence"
        )
    elif found := _KIND.fullmatch(question):
        yield _as_json(f"Look at the {found[1]} object.", "shape", answer)
        sentence = f"The {found[1]} object is a {answer}."
        asked = f"Tell me the shape of the {found[1]} object in a sentence."
        yield Instruction(asked, sentence, "sentence")
    elif found := _BOX.fullmatch(question):
        asked = f"Where do you see {found[1]}? Mark it with a box, as JSON in a code block."
        yield Instruction(asked, answer, "boxes")
    elif question.endswith(_BRIEF):
        exercise = question.removesuffix(_BRIEF)
        yield _as_json(exercise, "result", answer)
        yield Instruction(f"{exercise} Put the result in double quotes.", f'"{answer}"', "quotes")


def has_form(answer: str, form: Form) -> bool:
    """Whether an answer, right or wrong, is in a form.

    >>> has_form('{"count": 3}', "json"), has_form("3", "json"), has_form('"3"', "quotes")
    (True, False, True)

    Raises:
        ConfigError: there is no such form.
    """
    if form not in _FORMS:
        raise ConfigError(f"form is {form!r}, expected one of {', '.join(get_args(Form))}")
    return _FORMS[form](answer.strip())


def said(answer: str, form: Form) -> str:
    """Returns what a right answer says, without the form it is in; boxes as they are.

    >>> said('{"count": 3}', "json"), said('"Mill"', "quotes"), said("The star is red.", "sentence")
    ('3', 'Mill', 'red')
    """
    if form == "json":
        (value,) = json.loads(answer).values()
        return str(value)
    if form == "quotes":
        return answer[1:-1]
    return answer.removesuffix(".").rpartition(" ")[2] if form == "sentence" else answer


def _as_json(question: str, key: str, value: str | int) -> Instruction:
    text = json.dumps({key: value}, ensure_ascii=False)
    return Instruction(f'{question} Reply with JSON that has the key "{key}".', text, "json")


def _is_record(answer: str) -> bool:
    """A JSON object with one key and a plain value."""
    try:
        found = json.loads(answer)
    except ValueError:
        return False
    return (
        isinstance(found, dict)
        and len(found) == 1
        and all(isinstance(value, str | int) for value in found.values())
    )


def _is_quoted(answer: str) -> bool:
    return len(answer) > 2 and answer[0] == answer[-1] == '"'


def _is_sentence(answer: str) -> bool:
    return _SENTENCE.fullmatch(answer) is not None and " " in answer


def _is_boxes(answer: str) -> bool:
    """A list of boxes that is written in our way to the letter."""
    items = list(grounding.parse(answer).boxes)
    return bool(items) and grounding.format(items) == answer


_FORMS: dict[Form, Callable[[str], bool]] = {
    "json": _is_record,
    "quotes": _is_quoted,
    "sentence": _is_sentence,
    "boxes": _is_boxes,
}


def _words(message: Message) -> str:
    return "".join(part.text for part in message.content if isinstance(part, Text))
