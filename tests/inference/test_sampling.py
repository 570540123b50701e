"""The arithmetic of choosing a token, against transformers' processors and the definitions."""

import pytest
import torch
from transformers import LogitsProcessorList
from transformers.generation import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from qvl.inference import sampling
from qvl.inference.sampling import (
    choose_tokens,
    forbid,
    least_kept,
    penalize_repetition,
    row_logprobs,
)
from qvl.messages import SamplingParams

V = 40


def random_logits(rows: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, V, generator=torch.Generator().manual_seed(seed)) * 2


def uniforms(count: int) -> list[float]:
    """Evenly spread draws: the tokens they choose have the distribution's own frequencies."""
    return [(index + 0.5) / count for index in range(count)]


def frequencies(logits: torch.Tensor, params: SamplingParams, draws: int = 4000) -> torch.Tensor:
    rows = logits.expand(draws, -1)
    tokens = choose_tokens(rows, [params] * draws, uniforms(draws))
    return torch.bincount(tokens, minlength=V).double() / draws


@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(temperature=1.0),
        SamplingParams(temperature=0.5),
        SamplingParams(temperature=1.7, top_k=5),
        SamplingParams(temperature=1.0, top_p=0.7),
        SamplingParams(temperature=1.0, min_p=0.2),
        SamplingParams(temperature=1.3, top_k=20, top_p=0.9, min_p=0.05),
        SamplingParams(temperature=2.0, top_k=1),
        SamplingParams(temperature=0.7, top_p=1e-9),
    ],
)
def test_draws_follow_the_distribution_of_transformers(params: SamplingParams) -> None:
    logits = random_logits(1)
    warpers = LogitsProcessorList([TemperatureLogitsWarper(params.temperature)])
    if params.top_k:
        warpers.append(TopKLogitsWarper(params.top_k))
    if params.top_p < 1:
        warpers.append(TopPLogitsWarper(params.top_p))
    if params.min_p:
        warpers.append(MinPLogitsWarper(params.min_p))
    expected = warpers(torch.zeros(1, 1, dtype=torch.long), logits.clone()).softmax(-1)[0]
    ours = frequencies(logits, params)
    torch.testing.assert_close(ours, expected.double(), atol=1e-3, rtol=0)
    assert (ours > 0).sum() <= (expected > 0).sum()


@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(temperature=1.0, top_p=0.99),
        SamplingParams(temperature=1.0, top_p=0.4),
        SamplingParams(temperature=1.0, top_k=30, top_p=0.4),
        SamplingParams(temperature=9.0, top_k=30, top_p=0.97),
        SamplingParams(temperature=9.0, min_p=0.3),
        SamplingParams(temperature=1.0, top_k=3),
    ],
)
def test_how_much_is_sorted_changes_nothing(
    params: SamplingParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    probs = random_logits(3).softmax(-1)
    flat = SamplingParams(temperature=1.0, top_p=0.9999)
    monkeypatch.setattr(sampling, "_FIRST_WIDTH", V)
    expected = least_kept(probs, [params] * 3)
    monkeypatch.setattr(sampling, "_FIRST_WIDTH", 2)
    assert least_kept(probs, [params] * 3).tolist() == expected.tolist()
    assert least_kept(probs, [params, flat, params])[[0, 2]].tolist() == expected[[0, 2]].tolist()


def test_top_p_that_is_off_cuts_nothing() -> None:
    probs = torch.tensor([[0.6, 0.4000001, 1e-9]])  # rounding: more than 1 before the last
    assert least_kept(probs, [SamplingParams(min_p=1e-12)]) == probs[0, 2]


def test_equally_likely_tokens_are_kept_together() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0, 2.0, 0.0]])
    drawn = {
        int(choose_tokens(logits, [SamplingParams(temperature=1.0, top_k=2)], [draw]))
        for draw in uniforms(100)
    }
    assert drawn == {0, 2, 3}


def test_repetition_penalty_is_that_of_transformers() -> None:
    logits = random_logits(2)
    prompts = torch.tensor([[1, 5, 5, 7], [0, 2, 30, 39]])
    seen = torch.zeros(2, V, dtype=torch.bool).scatter(1, prompts, True)
    ours = penalize_repetition(logits, seen, torch.tensor([1.3, 1.3]))
    theirs = RepetitionPenaltyLogitsProcessor(1.3)(prompts, logits.clone())
    torch.testing.assert_close(ours, theirs, atol=0, rtol=0)
    off = penalize_repetition(logits, seen, torch.tensor([1.0, 1.0]))
    torch.testing.assert_close(off, logits, atol=0, rtol=0)


def test_rows_do_not_see_each_other() -> None:
    logits = random_logits(4)
    params = [
        SamplingParams(),
        SamplingParams(temperature=1.0, top_k=3),
        SamplingParams(temperature=0.8, top_p=0.9),
        SamplingParams(temperature=1.5, min_p=0.1),
    ]
    draws = [0.1, 0.9, 0.5, 0.3]
    together = choose_tokens(logits, params, draws).tolist()
    alone = [
        int(choose_tokens(logits[row : row + 1], [params[row]], [draws[row]])) for row in range(4)
    ]
    assert together == alone
    assert together[0] == int(logits[0].argmax())


def test_forbidden_tokens_are_never_drawn() -> None:
    forbidden = torch.zeros(V, dtype=torch.bool)
    forbidden[::2] = True
    logits = forbid(random_logits(1), forbidden)
    drawn = frequencies(logits, SamplingParams(temperature=50.0))
    assert drawn[::2].sum() == 0
    assert (drawn[1::2] > 0).all()


@pytest.mark.parametrize("draw", [0.0, 1 - 2**-53])
def test_extreme_draws_stay_inside(draw: float) -> None:
    params = SamplingParams(temperature=1.0, top_k=3)
    logits = random_logits(1)
    assert int(choose_tokens(logits, [params], [draw])) in logits.topk(3).indices


@pytest.mark.parametrize("temperature", [1e-6, 1e-40, 1e-300])
def test_cold_draws_are_greedy(temperature: float) -> None:
    logits = random_logits(1)
    token = choose_tokens(logits, [SamplingParams(temperature=temperature)], [0.999])
    assert int(token) == int(logits.argmax())


def test_bfloat16_logits_are_widened() -> None:
    forbidden = torch.zeros(V, dtype=torch.bool)
    assert forbid(random_logits(1).bfloat16(), forbidden).dtype == torch.float32


def test_logprobs_are_the_models_own() -> None:
    logits = random_logits(1)[0]
    found = row_logprobs(logits, 7, 3)
    expected = logits.log_softmax(-1)
    assert found.chosen == pytest.approx(float(expected[7]))
    assert found.top_ids == expected.topk(3).indices.tolist()
    assert found.top == pytest.approx(expected.topk(3).values.tolist())
    assert row_logprobs(logits, 7, 0).top_ids == []
