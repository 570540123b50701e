"""A small benchmark with a scripted model, to test what is around benchmarks."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from qvl.errors import InputError, QvlError
from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import Conversation, GenerationResult, Image, SamplingParams

COUNT = 25


def load(folder: Path, split: str) -> Iterator[Question]:
    """Asks for the number of each question; one in seven cannot be asked."""
    for number in range(COUNT):
        picture = Image(np.full((28 * (1 + number % 3), 56, 3), number, np.uint8))
        yield Question(
            key=f"q{number}",
            conversation=Conversation.user(picture, f"Say {number}."),
            truth=str(number),
            groups={"parity": "odd" if number % 2 else "even"},
            facts={"cluster": str(number // 2)},
            broken="its picture is missing" if number % 7 == 6 else "",
        )


def score(question: Question, reply: Reply) -> Score:
    value = float(reply.text == question.truth)
    return Score(value=value, why=f"said {reply.text}", is_parsed=reply.text.isdigit())


QUIZ = Benchmark(
    name="quiz",
    title="Quiz",
    area="general",
    split="test",
    source="nobody/quiz",
    load=load,
    score=score,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 50.0},
    params=SamplingParams(max_tokens=8),
)


class Scripted:
    """Answers with a function of the question's text, and counts calls."""

    def __init__(self, answer: Callable[[str], str | QvlError]) -> None:
        self.answer, self.calls, self.asked = answer, 0, 0

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        self.calls += 1
        results = []
        for conversation in conversations:
            answer = self.answer(conversation.messages[0].content[1].text)  # type: ignore[union-attr]
            if isinstance(answer, QvlError):
                raise answer
            results.append(answer)
        self.asked += len(results)
        return [
            GenerationResult(
                text=text,
                token_ids=(1,),
                finish_reason="stop",
                prompt_tokens=3,
                completion_tokens=1,
            )
            for text in results
        ]


def right(text: str) -> str:
    """The right answer."""
    return text.removeprefix("Say ").rstrip(".")


def fails_on(number: int) -> Callable[[str], str | QvlError]:
    """Right, but for one question that spoils its batch."""
    return lambda text: InputError("it is cursed") if text == f"Say {number}." else right(text)
