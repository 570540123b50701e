"""Pairs of a model's own answers: the best right one against wrong ones."""

from collections.abc import Sequence
from functools import partial

import pytest

from qvl.data.preferences import chosen_text
from qvl.data.records import Provenance, Sample
from qvl.data.rejection.pairs import pair_step
from qvl.data.rejection.sampling import Rejection
from qvl.data.rejection.verifiers import same_number, whole_answer
from qvl.data.steps import Dropped, Kept
from qvl.errors import ConfigError
from qvl.messages import Conversation, GenerationResult, Message, SamplingParams, Text


class Scripted:
    """Answers the n-th question of a seed with the n-th text of its script."""

    def __init__(self, script: Sequence[str]) -> None:
        self.script = script

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        text = self.script[params.seed or 0]
        result = GenerationResult(
            text=text, token_ids=(), finish_reason="length" if text == "..." else "stop",
            prompt_tokens=1, completion_tokens=1,
        )  # fmt: skip
        return [result for _ in conversations]


def _scripted(script: tuple[str, ...]) -> Scripted:
    return Scripted(script)


def outcome(*script: str, **options: object) -> Kept | Dropped | object:
    turns = (Message("user", (Text("How many?"),)), Message("assistant", (Text("3"),)))
    sample = Sample(
        task="t", conversation=Conversation(turns), provenance=Provenance(generator="g")
    )
    rejection = Rejection(
        generator=partial(_scripted, script), verifier=same_number, num_answers=len(script),
        read=whole_answer, ask=lambda question: question,
    )  # fmt: skip
    step = pair_step("pairs", rejection, **options)  # type: ignore[arg-type]
    return step.apply([sample])[0]


def test_the_right_answer_wins_and_wrong_ones_count_once() -> None:
    found = outcome("4", "three", "4", "5", "...", most=3)
    assert isinstance(found, Kept)
    (sample,) = found.samples
    assert chosen_text(sample) == "three"
    assert [answer.text for answer in sample.rejected] == ["4", "5"]
    assert sample.provenance.scores["right"] == 0.2


def test_the_truth_stands_in_where_no_answer_is_right() -> None:
    found = outcome("4", "5")
    assert isinstance(found, Kept)
    assert chosen_text(found.samples[0]) == "3"
    assert outcome("4", "5", truth_may_win=False) == Dropped(reason="no right answer")


def test_without_a_wrong_answer_there_is_no_pair() -> None:
    assert outcome("3", "three", "...") == Dropped(reason="no wrong answer")
    with pytest.raises(ConfigError):
        outcome("3", "4", most=0)
