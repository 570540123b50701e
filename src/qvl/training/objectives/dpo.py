"""Direct preference optimisation: the better answer is made likelier than the worse one.

Owns: the losses over log-probabilities, and what the log shows. Does not own: the reference's
log-probabilities (``training.reference``), those of the policy (``pairs``).

    batch -> log-probabilities of answers, policy and reference -> log-ratios -> loss of each pair
        -> sums / totals of the step
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from qvl.data.collate_pairs import PairBatch, collate_pairs
from qvl.data.packing import Packed
from qvl.errors import ConfigError
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.tokenizer import Tokenizer
from qvl.training.metrics import Meter
from qvl.training.objectives.answers import media_features
from qvl.training.objectives.pairs import AnswerLogps, answer_logps, count_pairs
from qvl.training.reference import Reference

DpoLoss = Literal["sigmoid", "ipo", "length_normalised"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DpoObjective:
    """A loss on pairs of answers, optionally with the cross-entropy of the better ones.

    Attributes:
        tokenizer: that makes the model inputs.
        reference: gives the log-probabilities to stay near to.
        loss_kind: see `pair_losses`.
        beta: how strongly the policy is held near the reference.
        label_smoothing: the share of pairs taken to be the wrong way round.
        sft_weight: of the mean cross-entropy of the better answers' tokens, which keeps their
            likelihood from falling together with the worse ones'.
            Source: iterative reasoning preference optimisation (arXiv 2404.19733), equation 2; the
            mean is over tokens, as in TRL, not over answers.
    """

    tokenizer: Tokenizer
    reference: Reference
    loss_kind: DpoLoss = "sigmoid"
    beta: float = 0.1
    label_smoothing: float = 0.0
    sft_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.loss_kind not in get_args(DpoLoss):
            raise ConfigError(
                f"loss_kind is {self.loss_kind!r}, expected one of {', '.join(get_args(DpoLoss))}"
            )
        if not 0 < self.beta < float("inf") or not 0 <= self.sft_weight < float("inf"):
            raise ConfigError(
                f"beta is {self.beta} and sft_weight {self.sft_weight}, expected more than 0 and "
                "at least 0"
            )
        if not 0 <= self.label_smoothing < 0.5:
            raise ConfigError(
                f"label_smoothing is {self.label_smoothing}, expected 0 or more and less than 0.5"
            )
        if self.label_smoothing and self.loss_kind == "ipo":
            raise ConfigError("label_smoothing has no meaning for the loss 'ipo'")

    @property
    def heads(self) -> None:
        return None

    def collate(self, pack: Sequence[Packed]) -> PairBatch:
        return collate_pairs(pack, self.tokenizer)

    def counts(self, batch: PairBatch) -> Tensor:
        """Pairs, and predicted tokens of better answers."""
        tokens = _is_chosen(batch)[batch.answers].sum()
        return torch.tensor([len(batch.chosen), int(tokens)], dtype=torch.float64)

    def loss(self, model: Qwen2_5_VL, batch: PairBatch, totals: Tensor, meter: Meter) -> Tensor:
        trains_tower = any(parameter.requires_grad for parameter in model.visual.parameters())
        features = None if trains_tower else media_features(model, batch)
        # First, because an adapter cannot be switched off between a forward and its backward pass.
        reference = self.reference(model, batch, features)
        features = media_features(model, batch) if features is None else features
        policy = answer_logps(model, batch, features)
        losses = pair_losses(
            policy.sums,
            reference,
            policy.tokens,
            batch.chosen,
            batch.rejected,
            kind=self.loss_kind,
            beta=self.beta,
            label_smoothing=self.label_smoothing,
        )
        _count(meter, batch, policy, reference, self.beta)
        loss = losses.sum() / (float(totals[0]) or 1.0)
        if self.sft_weight:
            better = policy.losses[_is_chosen(batch)[batch.answers]].sum()
            loss = loss + self.sft_weight * better / (float(totals[1]) or 1.0)
        return loss


def pair_losses(
    policy: Tensor,
    reference: Tensor,
    tokens: Tensor,
    chosen: Tensor,
    rejected: Tensor,
    *,
    kind: DpoLoss,
    beta: float,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Returns the loss of each pair, float[R].

    With r the log-ratio of an answer, policy over reference, and d the r of the better answer less
    that of the worse:

    - sigmoid: -log sigmoid(beta d). Source: DPO (arXiv 2305.18290), equation 7.
    - ipo: (d - 1 / (2 beta))^2, with r divided by the answer's tokens. Source: IPO (arXiv
      2310.12036), equation 17; by tokens as its authors did, according to TRL.
    - length_normalised: as sigmoid, with r divided by the answer's tokens, so that length alone
      gives no reward. Source: Tulu 3 (arXiv 2411.15124), equation 6.

    Label smoothing e mixes in the loss of the pair turned round: (1 - e) l(d) + e l(-d).
    Source: Mitchell, A note on DPO with noisy preferences (2023), conservative DPO.

    Args:
        policy: float[A], log-probabilities of answers.
        reference: float[A].
        tokens: float[A].
        chosen: int64[R], the better answer of each pair.
        rejected: int64[R], the worse one.
        kind: of loss.
        beta: of the formulas.
        label_smoothing: e.
    """
    ratios = policy - reference
    if kind != "sigmoid":
        ratios = ratios / tokens
    difference = ratios[chosen] - ratios[rejected]
    if kind == "ipo":
        return (difference - 1 / (2 * beta)).square()
    right, wrong = F.logsigmoid(beta * difference), F.logsigmoid(-beta * difference)
    return -(1 - label_smoothing) * right - label_smoothing * wrong


def _is_chosen(batch: PairBatch) -> Tensor:
    """bool[A]."""
    found = torch.zeros(batch.num_answers, dtype=torch.bool, device=batch.chosen.device)
    return found.index_fill(0, batch.chosen, True)


@torch.no_grad()
def _count(
    meter: Meter, batch: PairBatch, policy: AnswerLogps, reference: Tensor, beta: float
) -> None:
    """Rewards and their margins as in the DPO paper, section 5; log-probabilities by token.

    The drift of the better answers is the mean log-ratio of a token: below zero they became less
    likely than they were.
    """
    chosen, rejected = batch.chosen, batch.rejected
    rewards = beta * (policy.sums - reference)
    count_pairs(meter, batch, rewards[chosen] - rewards[rejected])
    meter.count("answer_tokens", len(policy.losses))
    preferred = policy.sums[chosen] > policy.sums[rejected]
    meter.ratio("pairs/preferred", preferred.sum(), len(preferred))
    for name, at in (("chosen", chosen), ("rejected", rejected)):
        tokens = policy.tokens[at].sum()
        meter.ratio(f"logp/{name}", policy.sums[at].sum(), tokens)
        meter.ratio(f"drift/{name}", (policy.sums - reference)[at].sum(), tokens)
