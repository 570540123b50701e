"""From logits to the next token: pure functions on tensors, one row per request.

Owns the arithmetic of choosing: forbidden tokens, repetition penalty, temperature, top-k, top-p,
min-p and log-probabilities. Does not own state: which tokens a request has seen and its random
draws are arguments, so a request's tokens cannot depend on the requests beside it.

    logits -> forbid -> (log-probabilities) -> repetition penalty -> temperature
           -> top-k -> top-p -> min-p -> one draw -> token

The order after ``forbid`` is that of transformers' ``generate``
(Source: transformers, generation/utils.py, ``_get_logits_processor``).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from qvl.messages import SamplingParams

_LEAST_TEMPERATURE = 1e-30
"""Below it float32 cannot hold the quotient; the likeliest token has long won by then."""

_FIRST_WIDTH = 1024
"""Tokens sorted at first; at usual settings top-p and min-p keep fewer."""


def forbid(logits: Tensor, forbidden: Tensor) -> Tensor:
    """Returns float32 logits in which forbidden tokens are ``-inf``.

    Args:
        logits: float[N, V].
        forbidden: bool[V], True = never chosen.
    """
    return logits.float().masked_fill(forbidden, -torch.inf)


def penalize_repetition(logits: Tensor, seen: Tensor, penalty: Tensor) -> Tensor:
    """Makes tokens that occurred before less likely: positive logits shrink, negative ones grow.

    Source: CTRL (Keskar et al. 2019), section 4.1, with the sign rule of transformers'
    ``RepetitionPenaltyLogitsProcessor``; as there, the prompt counts as seen.

    Args:
        logits: float32[N, V].
        seen: bool[N, V], True = the token is in the prompt or was generated.
        penalty: float32[N], 1 = no change.
    """
    factor = penalty[:, None]
    penalized = torch.where(logits > 0, logits / factor, logits * factor)
    return torch.where(seen, penalized, logits)


def choose_tokens(
    logits: Tensor, params: Sequence[SamplingParams], uniforms: Sequence[float]
) -> Tensor:
    """Chooses one token per row: the largest logit at temperature 0, else a random draw.

    Args:
        logits: float32[N, V].
        params: one entry per row.
        uniforms: one number in [0, 1) per row; rows at temperature 0 ignore theirs.

    Returns:
        int64[N].
    """
    tokens = logits.argmax(dim=-1)
    sampled = [row for row, p in enumerate(params) if p.temperature > 0]
    if sampled:
        rows = torch.tensor(sampled, device=logits.device)
        tokens[rows] = _draw(
            logits[rows], [params[row] for row in sampled], [uniforms[row] for row in sampled]
        )
    return tokens


def _draw(logits: Tensor, params: Sequence[SamplingParams], uniforms: Sequence[float]) -> Tensor:
    """Draws by inverting the cumulative distribution, in the order of the vocabulary."""
    # Relative to the largest, so that a tiny temperature gives 0 and -inf and never inf.
    scores = logits - logits.amax(dim=-1, keepdim=True)
    temperatures = [max(p.temperature, _LEAST_TEMPERATURE) for p in params]
    probs = (scores / _column(temperatures, like=logits)).softmax(dim=-1)
    cut = [row for row, p in enumerate(params) if p.top_k or p.top_p < 1 or p.min_p]
    if cut:
        rows = torch.tensor(cut, device=logits.device)
        least = least_kept(probs[rows], [params[row] for row in cut])
        probs[rows] = probs[rows].where(probs[rows] >= least[:, None], 0)
    # float64: a float32 running sum over 152,000 tokens loses the tail of the distribution.
    cumulative = probs.cumsum(dim=-1, dtype=torch.float64)
    # A draw is at most 1 - 2 ** -53, so the target stays below the last sum.
    target = _column(uniforms, like=cumulative) * cumulative[:, -1:]
    return (cumulative <= target).sum(dim=-1)


def least_kept(probs: Tensor, params: Sequence[SamplingParams]) -> Tensor:
    """Returns the smallest probability that survives top-k, then top-p, then min-p.

    Tokens exactly as likely as the last one kept are kept too. Only as much of the vocabulary is
    sorted as the cuts reach: all of it takes as long as a step of the model.

    Args:
        probs: float32[N, V], each row adding up to 1.
        params: one entry per row.

    Returns:
        float32[N].
    """
    num_tokens = probs.shape[-1]
    limits = [min(p.top_k or num_tokens, num_tokens) for p in params]
    top_k = torch.tensor(limits, device=probs.device)[:, None]
    # Off is infinite: rounding may bring a running sum to 1 before its end.
    top_p = [p.top_p if p.top_p < 1 else torch.inf for p in params]
    mass_limit = torch.tensor(top_p, dtype=torch.float64, device=probs.device)[:, None]
    min_p = _column([p.min_p for p in params], like=probs)
    most = max(limits)
    width = min(most, max(_FIRST_WIDTH, *(p.top_k for p in params)))
    while True:
        likeliest = probs.topk(width, dim=-1).values
        within_k = torch.arange(width, device=probs.device) < top_k
        mass = likeliest.where(within_k, 0).cumsum(dim=-1, dtype=torch.float64)
        # What top-k leaves is a distribution of its own; without top-k the mass is 1 already.
        total = mass[:, -1:].where(top_k < num_tokens, 1.0)
        keep = within_k & (mass - likeliest < mass_limit * total)
        keep &= likeliest >= min_p * likeliest[:, :1]
        if width == most or not bool(keep[:, -1].any()):
            return likeliest.where(keep, torch.inf).amin(dim=-1)
        width = min(8 * width, most)


def _column(values: Sequence[float], *, like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None]


class RowLogprobs(NamedTuple):
    """Log-probabilities of one row's chosen token and of its most likely tokens."""

    chosen: float
    top_ids: list[int]
    top: list[float]


def row_logprobs(logits: Tensor, token: int, num_top: int) -> RowLogprobs:
    """Returns natural-log probabilities of one row.

    They are the model's own, over the tokens it may choose: after ``forbid``, before repetition
    penalty, temperature and truncation, so they do not change with the sampling parameters.

    Args:
        logits: float32[V].
        token: the chosen token.
        num_top: how many of the most likely tokens to list, most likely first.
    """
    logprobs = logits.log_softmax(dim=-1)
    top, top_ids = logprobs.topk(num_top)
    return RowLogprobs(float(logprobs[token]), top_ids.tolist(), top.tolist())
