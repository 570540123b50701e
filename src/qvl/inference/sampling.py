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
    """Draws by inverting the cumulative distribution of the tokens that survive truncation."""

    def column(values: Sequence[float]) -> Tensor:
        # float64: a float32 running sum over 152,000 tokens loses the tail of the distribution.
        return torch.tensor(values, dtype=torch.float64, device=logits.device)[:, None]

    num_tokens = logits.shape[-1]
    top_k = [min(p.top_k, num_tokens) if p.top_k else num_tokens for p in params]
    scores, ids = logits.topk(max(top_k), dim=-1)  # descending, so every cut below is a prefix
    rank = torch.arange(max(top_k), device=logits.device)
    scores = scores.double() / column([p.temperature for p in params])
    probs = scores.masked_fill(rank >= column(top_k), -torch.inf).softmax(dim=-1)

    mass_before = probs.cumsum(dim=-1) - probs
    keep = mass_before < column([p.top_p for p in params])
    keep &= probs >= column([p.min_p for p in params]) * probs[:, :1]
    keep[:, 0] = True
    cumulative = probs.masked_fill(~keep, 0).cumsum(dim=-1)
    target = column(uniforms) * cumulative[:, -1:]
    drawn = (cumulative <= target).sum(dim=-1)
    drawn = drawn.minimum(keep.sum(dim=-1) - 1)  # rounding may carry the target to the very end
    return ids.gather(1, drawn[:, None]).squeeze(1)


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
