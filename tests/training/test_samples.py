"""Samples are asked without their answers, and compared with them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from qvl.data.records import Sample
from qvl.errors import DataError
from qvl.messages import Conversation, GenerationResult, Image, Message, SamplingParams, Text
from qvl.training.samples import ask_samples
from tests.data.small import asked


class Parrot:
    """Answers with the last words it is given."""

    def __init__(self) -> None:
        self.seen: list[Conversation] = []

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        assert params.temperature == 0
        self.seen += conversations
        return [
            GenerationResult(
                text=str(conversation.messages[-1].content[-1].text),  # type: ignore[union-attr]
                token_ids=(),
                finish_reason="stop",
                prompt_tokens=0,
                completion_tokens=0,
            )
            for conversation in conversations
        ]


def test_the_answer_is_not_given_away() -> None:
    picture = Image(np.zeros((28, 28, 3), np.uint8))
    parrot = Parrot()
    two = asked("What?", "It.", picture)
    more = (*two.conversation.messages, Message("user", (Text("Sure?"),)))
    long = replace(
        two, conversation=Conversation((*more, Message("assistant", (Text("Sure?\n"),))))
    )
    first, second = ask_samples(parrot, [two, long])
    assert (first.prompt, first.expected, first.got) == ("<image>What?", "It.", "What?")
    assert not first.is_right
    assert second.is_right
    assert [len(c.messages) for c in parrot.seen] == [1, 3]
    assert "    What?" in first.markdown()


def test_a_sample_without_an_answer_is_named() -> None:
    sample: Sample = asked("What?", "It.")
    sample = replace(sample, conversation=Conversation(sample.conversation.messages[:1]))
    with pytest.raises(DataError, match="no question with an answer"):
        ask_samples(Parrot(), [sample])
