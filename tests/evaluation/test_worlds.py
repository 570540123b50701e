"""The judges: knowing generators score 1, silent and blind ones what they should."""

from collections.abc import Sequence

import numpy as np
import pytest

from qvl.data.synth.fonts import font_files
from qvl.errors import InputError, MissingDependencyError
from qvl.evaluation import worlds
from qvl.messages import Conversation, GenerationResult, Image, SamplingParams

try:
    font_files("heldout")
    NAMES = list(worlds.WORLDS)
except MissingDependencyError:
    NAMES = [name for name, world in worlds.WORLDS.items() if not world.reads]


class Knowing:
    """Answers rightly as long as the picture is not blank."""

    def __init__(self, name: str, count: int) -> None:
        self.answers = {}
        world = worlds.WORLDS[name]
        options = {"split": "heldout", "fonts": "heldout"} if world.reads else {}
        for i in range(count):
            seed = (worlds._SEED, 0, list(worlds.WORLDS).index(name), i)
            sample = world.draw(np.random.default_rng(seed), seed=seed, **options)
            question, answer = worlds.first_question(sample)
            self.answers[self.key(question)] = answer

    @staticmethod
    def key(conversation: Conversation) -> bytes:
        image, text = conversation.messages[0].content
        assert isinstance(image, Image)
        return np.asarray(image.source).tobytes() + text.text.encode()  # type: ignore[union-attr]

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        return [
            GenerationResult(
                text=self.answers.get(self.key(c), "nothing"),
                token_ids=(),
                finish_reason="stop",
                logprobs=None,
                prompt_tokens=1,
                completion_tokens=1,
            )
            for c in conversations
        ]


@pytest.mark.parametrize("name", NAMES)
def test_knowing_scores_one_and_blank_scores_nothing(name: str) -> None:
    score = worlds.evaluate_world(name, Knowing(name, 8), count=8)
    assert score.mean == 1.0
    assert score.blank < 0.35  # "nothing" shares letters with words
    assert score.count == 8


def test_unknown_world_is_named() -> None:
    with pytest.raises(InputError, match=r"'reading'.*expected one of word"):
        worlds.evaluate_world("reading", Knowing("box", 1), count=1)
