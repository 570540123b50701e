"""Ratings are asked for, kept by name, and held against the thresholds of the domain."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from qvl.data.records import Sample
from qvl.data.sft.pipeline import sft_steps
from qvl.data.sft.rewards import (
    CRITERIA,
    DEFAULT_THRESHOLDS,
    criterion_step,
    enough,
    scorer_step,
)
from qvl.data.sft.taxonomy import DOMAINS
from qvl.data.steps import Dropped, Kept
from qvl.errors import ConfigError, DataError
from qvl.messages import Conversation, GenerationResult, Image
from tests.data.small import asked, picture


class Rater:
    """Says how many letters z the rated text has, and tags everything as Writing."""

    def generate(self, conversations: Sequence[Conversation], params: object) -> list[object]:
        return [self._answer(conversation) for conversation in conversations]

    def _answer(self, conversation: Conversation) -> GenerationResult:
        text = conversation.messages[0].content[-1].text  # type: ignore[union-attr]
        rated = text.split("-----")[-2]
        answer = "Writing" if "what kind of question" in text else f"{rated.count('z')}"
        return GenerationResult(
            text=answer, token_ids=(), finish_reason="stop", prompt_tokens=1, completion_tokens=1
        )


def test_a_score_is_kept_under_its_name() -> None:
    step = criterion_step("answer clarity", Rater)  # type: ignore[arg-type]
    (outcome,) = step.apply([asked("?", "zzz")])
    assert isinstance(outcome, Kept)
    assert outcome.samples[0].provenance.scores == {"answer clarity": 3.0}
    with pytest.raises(ConfigError, match="no criterion 'beauty'"):
        criterion_step("beauty", Rater)  # type: ignore[arg-type]


def test_visual_evidence_is_asked_of_pictures_only() -> None:
    step = criterion_step("answer visual evidence", Rater)  # type: ignore[arg-type]
    plain, seen = asked("?", "zz"), asked("?", "zzzz", Image(picture()))
    outcomes = step.apply([plain, seen, plain])
    scores = [outcome.samples[0].provenance.scores for outcome in outcomes]  # type: ignore[union-attr]
    assert scores == [{}, {"answer visual evidence": 4.0}, {}]
    assert step.apply([plain])[0] == Kept(samples=(plain,))


def rated(domain: str, **scores: float) -> Sample:
    sample = asked("?", "!")
    named = {name.replace("_", " "): value for name, value in scores.items()}
    origin = replace(sample.provenance, scores=named)
    return replace(sample, facts={"domain": domain}, provenance=origin)


def test_thresholds_are_those_of_the_domain() -> None:
    limits = {"": {"answer correctness": 5.0}, "Coding": {"answer correctness": 8.0}}
    assert enough(rated("Coding", answer_correctness=7), thresholds=limits) == (
        "answer correctness below 8"
    )
    assert enough(rated("Language", answer_correctness=7), thresholds=limits) is None
    assert enough(rated("Coding"), thresholds=limits) is None
    assert {*DEFAULT_THRESHOLDS} - {""} <= set(DOMAINS)
    assert {name for limits in DEFAULT_THRESHOLDS.values() for name in limits} <= set(CRITERIA)


def lengths(samples: Sequence[Sample]) -> list[float]:
    """Stands for a reward model."""
    return [float(len(str(sample.conversation))) for sample in samples]


def test_any_scorer_plugs_in() -> None:
    (outcome,) = scorer_step("reward", lengths).apply([asked("?", "!")])
    assert isinstance(outcome, Kept)
    assert outcome.samples[0].provenance.scores["reward"] > 1
    with pytest.raises(DataError, match="gave 0 numbers for 1 samples"):
        scorer_step("reward", lambda samples: []).apply([asked("?", "!")])


def test_the_whole_pipeline() -> None:
    steps = sft_steps(Rater, criteria=["answer correctness"])  # type: ignore[arg-type]
    samples = [
        asked("Which of them is a prize?", "The pizza, the jazz and the puzzle."),
        asked("Which is one?", "A zebra buzzes."),
        asked("Pizza, jazz, a puzzle?", "One."),
    ]
    dropped: list[tuple[str, str]] = []
    for step in steps:
        outcomes = [step.apply([sample])[0] for sample in samples]
        dropped += [(step.name, o.reason) for o in outcomes if isinstance(o, Dropped)]
        samples = [o.samples[0] for o in outcomes if isinstance(o, Kept)]
    assert dropped == [
        ("safety", "below 5"),
        ("good enough", "answer correctness below 6"),
    ]
    assert len(samples) == 1
    assert samples[0].facts["category"] == "Writing"
    names = [step.name for step in sft_steps()]
    assert names[0] == "tagged"
    assert len(names) == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"criteria": ("answer corectness",)},
        {"thresholds": {"Maths": {"answer correctness": 8}}},
        {"thresholds": {"": {"correctness": 8}}},
    ],
)
def test_misspelt_thresholds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        sft_steps(**wrong)
