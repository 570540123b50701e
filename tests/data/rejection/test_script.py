"""Sums are worked out and never called wrong when right; a script's slips are all found."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.data.rejection.claims import known_claims
from qvl.data.rejection.equations import wrong_equation
from qvl.data.rejection.sampling import Rejection, rejection_step
from qvl.data.rejection.script import scripted_answer
from qvl.data.rejection.verifiers import final_answer, same_answer, truth_of
from qvl.data.steps import Kept
from qvl.data.synth.maths.samples import maths_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import ConfigError, DataError
from tests.data.small import asked
from tests.data.test_synth import needs_fonts


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("2 + 3 * 4 = 14", None),
        ("2 + 3 * 4 = 20", "2 + 3 * 4 = 20"),
        ("It costs $1,200 / 3 = $400.", None),
        ("10 / 3 = 3.33, 10 / 3 = 3.34", "10 / 3 = 3.34"),
        ("-3 × 25 = −75", None),
        ("12 = 3 + 8", "12 = 3 + 8"),
        ("7 + 5 = 10 + 2 = 12", None),
        # Not a sum for certain.
        ("2x + 3 + 4 = 9, (2 + 3) * 4 = 20, 2^3 + 1 = 9, x - 3 + 4 = 2", None),
        ("13 / 3 = 4 with 1 left, 13 / 3 = 4 remainder 1, 13 / 3 = 4 r 1", None),
        ("3 + 4 = 7x, 3 + 1 = 2^2, 50 + 50 = 100%, 1 + 1 = 10 (binary)", None),
        ("version 1.2 = 3, x = 5, 4 / 0 = 4", None),
        ("= 3 + 4 =", None),
    ],
)
def test_sums(text: str, wrong: str | None) -> None:
    assert wrong_equation(text) == wrong


@given(st.text(alphabet="0123456789+-*/=., x$^()", max_size=200))
def test_any_text_is_read(text: str) -> None:
    found = wrong_equation(text)
    assert found is None or "=" in found


def test_worked_solutions_have_no_wrong_sum() -> None:
    for number in range(200):
        sample = maths_sample(np.random.default_rng((5, number)), seed=(5, number))
        for message in sample.conversation.messages:
            assert wrong_equation(answer_text(message)) is None


def maths(number: int) -> Sample:
    return maths_sample(
        np.random.default_rng((6, number)), seed=(6, number), questions=1, brief=0.0
    )


def counted(number: int) -> Sample:
    return shapes_sample(
        np.random.default_rng((6, number)), seed=(6, number), forms=("count",), least=3
    )


@needs_fonts
@pytest.mark.parametrize("draw", [maths, counted])
def test_what_is_kept_of_a_script_is_right_in_every_step(draw: object) -> None:
    samples = [draw(number) for number in range(30)]  # type: ignore[operator]
    step = rejection_step(
        "answers",
        Rejection(
            script=scripted_answer, verifier=same_answer, num_answers=8, checks=(known_claims,)
        ),
    )
    discarded: Counter[str] = Counter()
    for sample, outcome in zip(samples, step.apply(samples), strict=True):
        assert isinstance(outcome, Kept)
        (kept,) = outcome.samples
        answer = answer_text(kept.conversation.messages[-1])
        assert final_answer(answer) == truth_of(sample)
        assert answer.count("\n") >= 1  # steps, not a word
        assert wrong_equation(answer) is None
        if draw is counted:
            assert f" {truth_of(sample)}" in answer.split("\n")[1]
        discarded.update(kept.facts["rejection"]["discarded"])
    kinds = {kind.partition(":")[0] for kind in discarded}
    assert kinds >= {"wrong answer", "cut off", "no final answer", "code-switching", "repetition"}
    assert "steps" in kinds
    assert step.apply(samples[:3]) == step.apply(samples[:3])


def test_a_script_or_a_model() -> None:
    with pytest.raises(ConfigError, match="a generator or a script"):
        Rejection(verifier=same_answer)
    with pytest.raises(DataError, match="no worked answer"):
        scripted_answer(asked("What?", "That."), 0)


def test_numbers_within_what_a_chart_shows() -> None:
    sample = asked("How many?", "So.\nAnswer: 40", questions=[{"tolerance": 2.0}])
    judge = partial(same_answer, sample=sample)
    assert [judge(answer).value for answer in ("41.5", "43", "forty")] == [1.0, 0.0, 1.0]
    assert same_answer("The red one.", asked("Which?", "red one")).value == 1.0
