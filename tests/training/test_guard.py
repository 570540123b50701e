"""Exploding steps are told from usual ones, and parts that learn nothing are named."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from qvl.errors import ConfigError, TrainingError
from qvl.training.config import FailurePolicy
from qvl.training.guard import IdleParts, StepGuard
from qvl.training.stages import Part


def used(guard: StepGuard, steps: int = 20) -> StepGuard:
    for step in range(steps):
        assert guard.judge(2.0 + 0.01 * step, 1.0) is None
    return guard


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_skipped_from_the_first_step_on(bad: float) -> None:
    guard = StepGuard(FailurePolicy())
    assert "loss is" in str(guard.judge(bad, 1.0))
    assert "norm is" in str(guard.judge(1.0, bad))


def test_a_spike_is_relative_to_the_usual() -> None:
    guard = used(StepGuard(FailurePolicy(spike=10.0)))
    assert guard.judge(2.0, 9.0) is None
    assert guard.judge(2.0, 11.0) == "the gradient norm is 11, 11 times the usual"
    assert "the loss is 25" in str(guard.judge(25.0, 1.0))
    assert used(StepGuard(FailurePolicy(spike=None))).judge(1e9, 1e9) is None


def test_first_steps_may_be_large() -> None:
    guard = StepGuard(FailurePolicy())
    assert [guard.judge(10.0, norm) for norm in (1.0, 400.0, 3.0)] == [None] * 3


def test_tiny_losses_may_jump() -> None:
    guard = StepGuard(FailurePolicy())
    assert all(guard.judge(1e-4, 1.0) is None for _ in range(20))
    assert guard.judge(0.5, 1.0) is None


def test_after_steps_that_had_nothing_to_learn_others_may_follow() -> None:
    guard = StepGuard(FailurePolicy())
    assert all(guard.judge(2.0, 0.0) is None for _ in range(20))
    assert guard.judge(2.0, 1.0) is None


def test_spikes_do_not_become_usual() -> None:
    guard = used(StepGuard(FailurePolicy(most_skipped=200)))
    assert all(guard.judge(2.0, 100.0) is not None for _ in range(100))


def test_many_in_a_row_stop_the_run() -> None:
    guard = StepGuard(FailurePolicy(most_skipped=3))
    for _ in range(2):
        guard.judge(math.nan, 1.0)
        guard.give_up("the loss is nan")
    assert guard.judge(1.0, 1.0) is None
    for _ in range(3):
        guard.judge(math.nan, 1.0)
    with pytest.raises(TrainingError, match=r"3 steps in a row .* because the loss is nan"):
        guard.give_up("the loss is nan")


@given(st.lists(st.floats(0.01, 1e4) | st.just(math.nan), max_size=60), st.integers(0, 60))
@settings(max_examples=20, deadline=None)
def test_going_on_judges_as_if_never_stopped(norms: list[float], cut: int) -> None:
    policy = FailurePolicy(window=16, most_skipped=100)
    whole, first, second = (StepGuard(policy) for _ in range(3))
    expected = [whole.judge(1.0, norm) for norm in norms]
    found = [first.judge(1.0, norm) for norm in norms[:cut]]
    second.state.copy_(first.state)
    assert found + [second.judge(1.0, norm) for norm in norms[cut:]] == expected


def test_a_part_without_gradient_is_named() -> None:
    names: tuple[Part, ...] = ("tower", "llm")
    parts = {part: [nn.Parameter(torch.ones(2))] for part in names}
    idle = IdleParts("sft", parts, patience=3)
    for step in range(3):
        parts["llm"][0].grad = torch.ones(2) if step == 1 else torch.zeros(2)
        parts["tower"][0].grad = torch.zeros(2)
        if step < 2:
            idle.look()
    with pytest.raises(TrainingError, match="'sft' trains tower, but no gradient came there in 3"):
        idle.look()


@pytest.mark.parametrize(
    "wrong", [{"spike": 1.0}, {"window": 0}, {"most_skipped": 0}, {"bad_samples": "replace"}]
)
def test_policies_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        FailurePolicy(**wrong)  # type: ignore[arg-type]
