"""Questions about a picture with their answers, and the conversations made of them.

Owns: the record of a question, the ways an answer is worded, answers that are given away. Does not
own: questions, which belong to what they are about (``charts``, ``diagrams``, ``tables``).

    pixels, turns -> worded() -> conversation() -> Conversation
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qvl.messages import Conversation, Image, Message, Text

SHORT_ANSWER = "Answer the question using a single word or phrase."
"""Source: LLaVA-1.5 (arXiv 2310.03744), the prompt for short answers."""
STEP_BY_STEP = "Explain how you get to the answer."


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A question with its answer.

    Attributes:
        kind: of question, such as "difference".
        question: as asked.
        answer: word or phrase.
        sentence: the answer as a sentence.
        steps: how it follows from what is seen, a sentence a step; empty for plain look-ups.
        value: of a numeric answer.
        tolerance: by which a numeric answer may differ: 0 when it is printed on the picture.
        about: what was asked about, by index, so that the answer can be computed again.
    """

    kind: str
    question: str
    answer: str
    sentence: str
    steps: tuple[str, ...] = ()
    value: float | None = None
    tolerance: float = 0.0
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values for the facts of a sample."""
        return {
            "kind": self.kind,
            "question": self.question,
            "answer": self.answer,
            "value": self.value,
            "tolerance": self.tolerance,
            "about": dict(self.about),
        }


def given_away(turn: Turn, before: Sequence[Turn]) -> bool:
    """Whether the answer stands in what was said before, and could be copied from there."""
    kinds = {other.kind for other in before}
    pairs = {"colour of": "shown in", "shown in": "colour of", "count series": "legend"}
    if pairs.get(turn.kind) in kinds:
        return True
    said = " ".join(
        text for other in before for text in (other.question, other.sentence, *other.steps)
    )
    # Small numbers are everywhere.
    return len(turn.answer) > 2 and turn.answer in said


def worded(
    rng: np.random.Generator, asked: Sequence[Turn], *, explained: bool = False
) -> list[tuple[str, str]]:
    """One way to answer for a whole conversation: a word, a sentence, or how it is found.

    Args:
        rng: source of randomness.
        asked: the questions.
        explained: always say how it is found, where there are steps.
    """
    style = 1.0 if explained else rng.random()
    turns = []
    for turn in asked:
        if style < 0.5:
            turns.append((f"{turn.question}\n{SHORT_ANSWER}", turn.answer))
        elif style < 0.75 or not turn.steps:
            turns.append((turn.question, turn.sentence))
        else:
            steps = " ".join(turn.steps)
            turns.append((f"{turn.question}\n{STEP_BY_STEP}", f"{steps}\nAnswer: {turn.answer}"))
    return turns


def conversation(pixels: npt.NDArray[np.uint8], turns: Sequence[tuple[str, str]]) -> Conversation:
    """The picture with the first question, the others after it."""
    messages = []
    for number, (question, answer) in enumerate(turns):
        picture = (Image(pixels),) if number == 0 else ()
        messages.append(Message("user", (*picture, Text(question))))
        messages.append(Message("assistant", (Text(answer),)))
    return Conversation(tuple(messages))
