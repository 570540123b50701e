"""Answers of the real engine do not depend on how many questions are asked at once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import qvl
from qvl.evaluation.answers import Answer, read_answers
from qvl.evaluation.benchmark import Question
from qvl.evaluation.run import Asking, ask_all
from qvl.evaluation.worlds import draw_case, first_question
from qvl.messages import Conversation, Image, SamplingParams, Video
from tests.material import requires_embedded

PARAMS = SamplingParams(max_tokens=24)


def _questions() -> Iterator[Question]:
    """Twelve: drawn pictures of many sizes, none, two, small, large, and frames."""
    drawn = [
        first_question(draw_case(world, 0, split="heldout", fonts="heldout"))[0]
        for world in ("word", "line", "colour", "box", "point", "count", "click")
    ]
    rng = np.random.default_rng(5)
    noise, grey = rng.integers(0, 256, (60, 200, 3), np.uint8), np.full((90, 50, 3), 90, np.uint8)
    others = [
        Conversation.user("What is this?"),
        Conversation.user(Image(noise), Image(grey), "Which of these is grey?"),
        Conversation.user(Image(noise, max_pixels=784 * 4), "Read all the text in the image."),
        Conversation.user(
            Image(grey, resized_height=140, resized_width=84), "Be brief.", system="x"
        ),
        Conversation.user(Video([grey, 2 * grey, grey, grey], fps=2.0), "What happens?"),
    ]
    for number, conversation in enumerate([*drawn, *others]):
        yield Question(key=str(number), conversation=conversation, truth="")


@pytest.fixture(scope="module")
def model() -> qvl.VisionLanguageModel:
    return qvl.load(device="cpu", dtype="float32")


def _answers(folder: Path, model: qvl.VisionLanguageModel, batch_size: int) -> dict[str, Answer]:
    limits = model.processor.settings.limits
    asking = Asking(generator=model, params=PARAMS, limits=limits, batch_size=batch_size)
    ask_all(_questions(), folder, asking)
    return {answer.key: answer for answer in read_answers(folder)}


@requires_embedded
def test_twelve_mixed_questions_are_answered_alike(
    tmp_path: Path, model: qvl.VisionLanguageModel
) -> None:
    def told(answers: dict[str, Answer]) -> dict[str, tuple[object, ...]]:
        return {
            key: (a.text, a.finish_reason, a.sizes, a.prompt_tokens, a.completion_tokens)
            for key, a in answers.items()
        }

    alone = told(_answers(tmp_path / "1", model, 1))
    assert len(alone) == 12
    assert len({text for text, *_ in alone.values()}) > 6  # answers that could differ
    for batch_size in (5, 12):
        assert told(_answers(tmp_path / str(batch_size), model, batch_size)) == alone
