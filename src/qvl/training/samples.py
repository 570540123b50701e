"""What the model in training answers to questions whose answers are known.

Owns: asking, and the record of what came. Does not own: who answers (any `TextGenerator`), when it
is asked (``trainer``).

    samples -> the turns before the last answer -> TextGenerator -> Answered(prompt, expected, got)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.errors import DataError
from qvl.messages import Conversation, Image, Message, SamplingParams, Text, TextGenerator, Video

MOST_TOKENS = 256
"""Of an answer: a look, not an evaluation."""
_SHOWN = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """One question with two answers.

    Attributes:
        place: where the sample is from.
        prompt: the last question; pictures and videos by their kind.
        expected: the answer of the data.
        got: the answer of the model.
    """

    place: str
    prompt: str
    expected: str
    got: str

    @property
    def is_right(self) -> bool:
        """Whether both are the same, but for blanks around them."""
        return self.got.strip() == self.expected.strip()

    def to_json(self) -> dict[str, str]:
        """A plain dictionary for ``json.dumps``."""
        return {
            "place": self.place,
            "prompt": self.prompt,
            "expected": self.expected,
            "got": self.got,
        }

    def markdown(self) -> str:
        """A text for TensorBoard, each part as a block of its own."""
        parts = (("prompt", self.prompt), ("expected", self.expected), ("got", self.got))
        return "\n\n".join(f"**{name}**\n\n{_indented(text)}" for name, text in parts)


def ask_samples(
    generator: TextGenerator, samples: Sequence[Sample], *, max_tokens: int = MOST_TOKENS
) -> list[Answered]:
    """Returns what a model answers, most likely tokens only, so that it can be compared over time.

    Args:
        generator: the model.
        samples: each with an answer.
        max_tokens: of an answer.

    Raises:
        DataError: a sample has no answer.
        InputError: a sample cannot be read.
    """
    asked = [_before_last_answer(sample) for sample in samples]
    params = SamplingParams(max_tokens=max_tokens, temperature=0.0)
    results = generator.generate([conversation for conversation, _ in asked], params)
    return [
        Answered(
            place=sample.provenance.source,
            prompt=_shown(conversation.messages[-1]),
            expected=expected,
            got=result.text,
        )
        for sample, (conversation, expected), result in zip(samples, asked, results, strict=True)
    ]


def _before_last_answer(sample: Sample) -> tuple[Conversation, str]:
    turns = sample.conversation.messages
    answers = [at for at, message in enumerate(turns) if message.role == "assistant"]
    if not answers or answers[-1] == 0:
        raise DataError(f"{sample.provenance.source} has no question with an answer")
    at = answers[-1]
    return Conversation(turns[:at], sample.conversation.tools), answer_text(turns[at])


def _shown(message: Message) -> str:
    words = {Image: "<image>", Video: "<video>"}
    text = "".join(
        part.text if isinstance(part, Text) else words[type(part)] for part in message.content
    )
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines() or [""])
