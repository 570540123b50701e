"""Steps are made from plain functions; descent, scores and changes of code are noticed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from qvl.data.encoding import content_id
from qvl.data.fingerprint import fingerprint
from qvl.data.local import run_local
from qvl.data.records import Sample
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader, write_shards
from qvl.data.steps import (
    Dropped,
    Failed,
    Kept,
    Question,
    Step,
    batch_step,
    filter_step,
    flat_map_step,
    map_step,
    pipeline_fingerprint,
    score_step,
)
from qvl.endpoint.client import SomeUnanswered
from qvl.endpoint.wire import EndpointError
from qvl.errors import ConfigError
from qvl.messages import Conversation, GenerationResult, SamplingParams
from tests.data.pipelines import few, louder, one_question_each
from tests.data.small import asked, drawn


def only(step: Step, sample: Sample) -> tuple[Sample, ...]:
    (outcome,) = step.apply([sample])
    assert isinstance(outcome, Kept)
    return outcome.samples


def test_filters_keep_the_very_sample_or_say_why() -> None:
    step = filter_step("short", lambda s: None if s.facts["n"] < 3 else "too long")
    kept, dropped = step.apply([asked("?", "!", n=1), asked("?", "!", n=5)])
    assert isinstance(kept, Kept)
    assert dropped == Dropped(reason="too long")


def test_descent_is_written_down() -> None:
    sample = asked("What?", "A cup.")
    (changed,) = only(map_step("louder", louder), sample)
    assert changed.provenance.transforms == ("louder",)
    assert changed.provenance.parents == (content_id(sample),)
    (same,) = only(map_step("nothing", lambda s: s), sample)
    assert same is sample
    # New facts make no new sample.
    (known,) = only(map_step("facts", lambda s: replace(s, facts={"n": 1})), changed)
    assert known.provenance.transforms == ("louder", "facts")
    assert known.provenance.parents == changed.provenance.parents
    children = only(flat_map_step("single", one_question_each), drawn(3)[2])
    assert {child.provenance.transforms for child in children} == {("single",)}


def test_batches_must_answer_for_every_sample() -> None:
    step = batch_step("lost", lambda samples: [Dropped(reason="x")], batch_size=4)
    with pytest.raises(ConfigError, match="gave 1 outcomes for 2 samples"):
        step.apply(drawn(2))


class Scripted:
    """A generator whose answers are the number of turns, in words."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        words = {1: "Score: 1", 2: "Score: 2", 3: "no idea"}
        return [
            GenerationResult(
                text=words[len(conversation.messages)],
                token_ids=(),
                finish_reason="stop",
                prompt_tokens=1,
                completion_tokens=params.max_tokens,
            )
            for conversation in conversations
        ]


def score_of(text: str) -> float | None:
    return float(text[7:]) if text.startswith("Score: ") else None


def turns(sample: Sample) -> Conversation:
    return Conversation(sample.conversation.messages[: sample.facts["n"]])  # type: ignore[misc]


def test_a_model_scores_samples() -> None:
    question = Question(ask=turns, read=score_of, at_least=2, params=SamplingParams(max_tokens=5))
    step = score_step("clarity", Scripted, question, batch_size=8)
    long = replace(asked("?", "!", n=3))
    long = replace(
        long,
        conversation=Conversation((*long.conversation.messages, *long.conversation.messages[:1])),
    )
    kept, low, mute = step.apply([asked("?", "!", n=2), asked("?", "!", n=1), long])
    assert isinstance(kept, Kept)
    assert kept.samples[0].provenance.scores == {"clarity": 2.0}
    assert kept.samples[0].provenance.parents == ()
    assert low == Dropped(reason="below 2")
    assert isinstance(mute, Failed)
    assert "states no score" in mute.message
    step.apply([asked("?", "!", n=2)])
    assert Scripted.made == 1
    (unbounded,) = score_step("x", Scripted, replace(question, at_least=None)).apply(
        [asked("?", "!", n=1)]
    )
    assert isinstance(unbounded, Kept)


def shorter_than(sample: Sample, *, most: int) -> str | None:
    return None


def bound(number: int) -> Callable[[Sample], str | None]:
    return lambda sample: str(number)


def test_a_change_changes_the_fingerprint() -> None:
    steps = [
        filter_step("a", few),
        filter_step("b", few),
        map_step("a", louder),
        filter_step("a", partial(shorter_than, most=3)),
        filter_step("a", partial(shorter_than, most=4)),
        filter_step("a", bound(1)),
        filter_step("a", bound(2)),
    ]
    assert len({step.fingerprint for step in steps}) == len(steps)
    assert filter_step("a", bound(1)).fingerprint == steps[5].fingerprint
    assert pipeline_fingerprint(steps[:2]) != pipeline_fingerprint(steps[1::-1])
    with pytest.raises(ConfigError, match="two steps are called 'a'"):
        pipeline_fingerprint(steps[2:4])


def test_a_change_anywhere_in_the_module_is_noticed(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib
    import sys

    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for number, body in enumerate(("LIMIT = 3", "LIMIT = 4")):
        (tmp_path / f"rules{number}.py").write_text(f"{body}\ndef rule(s):\n    return LIMIT\n")  # type: ignore[operator]
        rule = importlib.import_module(f"rules{number}").rule
        found.append(fingerprint(rule))
        sys.modules.pop(f"rules{number}")
    assert found[0] != found[1]


@pytest.mark.parametrize("made", ["Rule()", "Rule().drops", "partial(Rule().drops, 1)"])
def test_a_change_behind_a_method_or_a_callable_is_noticed(
    made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib
    import sys

    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for limit in ("3", "3", "40"):
        (tmp_path / "method_rules.py").write_text(
            "from dataclasses import dataclass\nfrom functools import partial\n"
            "@dataclass(frozen=True)\nclass Rule:\n"
            f"    def drops(self, s):\n        return {limit}\n"
            f"    __call__ = drops\nmade = {made}\n"
        )
        importlib.invalidate_caches()
        found.append(fingerprint(importlib.import_module("method_rules").made))
        sys.modules.pop("method_rules")
    assert found[0] == found[1] != found[2]


ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize("value", [object(), open, iter([]), ENDLESS])
def test_what_cannot_be_told_apart_is_refused(value: object) -> None:
    if value is open:
        fingerprint(value)
        return
    with pytest.raises(ConfigError):
        fingerprint(value)


def test_steps_need_a_name_and_a_size() -> None:
    for options in ({"name": ""}, {"batch_size": 0}):
        with pytest.raises(ConfigError):
            Step(**{"name": "x", "apply": list, "fingerprint": "", **options})  # type: ignore[arg-type]


class Unreliable:
    """A server that refuses to answer about some samples, and counts what it was asked."""

    asked: ClassVar[list[int]] = []

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        type(self).asked.append(len(conversations))
        good = Scripted().generate(conversations, params)
        raise SomeUnanswered([EndpointError("status 400: no"), *good[1:]])


def test_one_answer_that_fails_costs_one_sample(tmp_path: Path) -> None:
    question = Question(ask=turns, read=score_of, params=SamplingParams(max_tokens=5))
    step = score_step("clarity", Unreliable, question, batch_size=3)
    samples = [asked("?", "!", n=2, k=number) for number in range(3)]
    failed, *kept = step.apply(samples)
    assert failed == Failed(message="status 400: no")
    assert [isinstance(outcome, Kept) for outcome in kept] == [True, True]
    # The others of the batch are not asked again.
    Unreliable.asked.clear()
    write_shards(samples, tmp_path / "in")
    options = RunOptions(failure_budget=0.5)
    summary = run_local(ShardReader(tmp_path / "in"), [step], tmp_path / "out", options=options)
    assert (summary.num_kept, summary.num_failed) == (2, 1)
    assert Unreliable.asked == [3]
    assert summary.failures[0].message == "status 400: no"
