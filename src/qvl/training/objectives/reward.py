"""A reward model: one number for an answer, higher for the better of two.

Owns: the head, the loss of pairs. Does not own: the row of a question with its answers
(``data.branches``), saved reward models (``training.reward_model``).

    batch -> tower, language model -> state of each answer's last token -> head -> reward
        -> loss of each pair / totals of the step
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.data.collate_pairs import PairBatch, collate_pairs
from qvl.data.packing import Packed
from qvl.errors import ConfigError
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.tokenizer import Tokenizer
from qvl.training.metrics import Meter
from qvl.training.objectives.answers import media_features
from qvl.training.objectives.pairs import count_pairs, pair_states


class RewardHead(nn.Module):
    """A linear layer from a hidden state to a reward; a constant would cancel in every pair.

    It computes in float32 whatever the states are in: rewards of a pair differ by little.

    Args:
        width: channels of the language model.
        generator: of the CPU; None takes torch's own.
    """

    def __init__(self, width: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1, bias=False)
        # Source: Stiennon et al. 2020 (arXiv 2009.01325), appendix B: variance 1 / (width + 1).
        nn.init.normal_(self.score.weight, std=(width + 1) ** -0.5, generator=generator)

    def forward(self, hidden: Tensor) -> Tensor:
        """Returns float32[A] of float[A, D], states of the last tokens of answers."""
        with torch.autocast(hidden.device.type, enabled=False):
            return F.linear(hidden.float(), self.score.weight.float())[:, 0]


@dataclass(frozen=True, kw_only=True, slots=True)
class RewardObjective:
    """The better answer of a pair gets the higher reward.

    Attributes:
        heads: trained with the model.
        tokenizer: that makes the model inputs.
        margin_weight: by how much rewards have to differ, for each unit of a pair's margin; 0
            leaves margins out. Source: Llama 2 (arXiv 2307.09288), equation 2.
        centre_weight: of the squared sum of a pair's rewards, which keeps them around zero so that
            rewards of different questions can be compared. Source: Eisenstein et al. 2023 (arXiv
            2312.09244), equation 2.
    """

    heads: RewardHead
    tokenizer: Tokenizer
    margin_weight: float = 0.0
    centre_weight: float = 0.0

    def __post_init__(self) -> None:
        for name in ("margin_weight", "centre_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}, expected 0 or more")

    def collate(self, pack: Sequence[Packed]) -> PairBatch:
        return collate_pairs(pack, self.tokenizer)

    def counts(self, batch: PairBatch) -> Tensor:
        """Pairs."""
        return torch.tensor([len(batch.chosen)], dtype=torch.float64)

    def loss(self, model: Qwen2_5_VL, batch: PairBatch, totals: Tensor, meter: Meter) -> Tensor:
        features = media_features(model, batch)
        rewards = self.heads(pair_states(model, batch, features)[batch.ends])
        chosen, rejected = rewards[batch.chosen], rewards[batch.rejected]
        losses = reward_losses(
            chosen,
            rejected,
            self.margin_weight * batch.margins,
            centre_weight=self.centre_weight,
        )
        _count(meter, batch, chosen, rejected)
        return losses.sum() / (float(totals[0]) or 1.0)


def reward_losses(
    chosen: Tensor, rejected: Tensor, margins: Tensor, *, centre_weight: float
) -> Tensor:
    """Returns the loss of each pair, float32[R]: -log sigmoid(chosen - rejected - margin).

    Source: Bradley and Terry 1952; InstructGPT (arXiv 2203.02155), equation 1.

    Args:
        chosen: float32[R], rewards of the better answers.
        rejected: float32[R], of the worse ones.
        margins: float32[R].
        centre_weight: see `RewardObjective`.
    """
    losses = -F.logsigmoid(chosen - rejected - margins)
    return losses + centre_weight * (chosen + rejected).square()


@torch.no_grad()
def _count(meter: Meter, batch: PairBatch, chosen: Tensor, rejected: Tensor) -> None:
    count_pairs(meter, batch, chosen - rejected)
    meter.ratio("reward/chosen", chosen.sum(), len(chosen))
    meter.ratio("reward/rejected", rejected.sum(), len(rejected))
