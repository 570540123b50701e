"""The reward model: its loss, its files, and its place among the scorers of filters."""

import json
from pathlib import Path

import pytest
import torch

from qvl.checkpoint import EMBEDDED
from qvl.checkpoint.export import export_model
from qvl.data.collate_pairs import collate_pairs
from qvl.data.preferences import answered
from qvl.data.sft.rewards import scorer_step
from qvl.data.steps import Kept
from qvl.errors import CheckpointError, ConfigError, DataError
from qvl.training.metrics import Meter
from qvl.training.objectives.reward import RewardHead, RewardObjective, reward_losses
from qvl.training.reward_model import load_reward_head, reward_scorer, save_reward_head
from tests.training.objectives.pairs_small import (
    PREFERENCES,
    packed,
    processor,
    small_model,
    without_rejected,
)

PROCESSOR = processor()


def head() -> RewardHead:
    torch.manual_seed(3)
    return RewardHead(32)


def test_rewards_are_float32_whatever_the_states_are() -> None:
    states = torch.randn(64, 32, generator=torch.Generator().manual_seed(1)).bfloat16()
    expected = head()(states.float())
    assert torch.equal(head()(states), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head()(states), expected)


def test_rewards_in_a_pack_equal_those_of_the_scorer(tmp_path: Path) -> None:
    model, rewarding = small_model().float(), head()
    export_model(model, tmp_path / "model", files_from=EMBEDDED)
    save_reward_head(rewarding, tmp_path / "model", about={"accuracy": 0.5})
    scorer = reward_scorer(tmp_path / "model")
    samples = []
    for one in PREFERENCES:
        texts = [answer.text for answer in one.rejected]
        samples += [without_rejected(one)]
        samples += [
            type(one)(task="t", conversation=answered(one, t), provenance=one.provenance)
            for t in texts
        ]
    scores = torch.tensor(scorer(samples))

    batch = collate_pairs(packed(PREFERENCES), PROCESSOR.tokenizer)
    meter = Meter()
    objective = RewardObjective(heads=rewarding, tokenizer=PROCESSOR.tokenizer, margin_weight=0.1)
    loss = objective.loss(model, batch, objective.counts(batch), meter)
    chosen, rejected = scores[batch.chosen], scores[batch.rejected]
    expected = reward_losses(chosen, rejected, 0.1 * batch.margins, centre_weight=0.0).mean()
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-4)
    shown = meter.summary(1.0)
    assert shown["pairs/accuracy"] == pytest.approx(
        float((chosen > rejected).float().mean()), rel=1e-4
    )
    loss.backward()
    assert rewarding.score.weight.grad is not None
    assert rewarding.score.weight.grad.abs().sum() > 0

    # A filter step keeps the same numbers; another head is another step.
    step = scorer_step("reward", scorer, batch_size=8)
    outcome = step.apply(samples[:1])[0]
    assert isinstance(outcome, Kept)
    assert outcome.samples[0].provenance.scores["reward"] == pytest.approx(
        float(scores[0]), rel=1e-4
    )
    save_reward_head(RewardHead(32), tmp_path / "model", about={})
    assert scorer_step("reward", reward_scorer(tmp_path / "model")).fingerprint != step.fingerprint
    cut = PREFERENCES[0].conversation.messages[:1]
    question = type(PREFERENCES[0])(
        task="t", conversation=type(PREFERENCES[0].conversation)(cut),
        provenance=PREFERENCES[0].provenance,
    )  # fmt: skip
    with pytest.raises(DataError, match="ends with a turn by user"):
        scorer([question])


def test_a_pack_of_nothing_trains_nothing() -> None:
    model, rewarding = small_model().float(), head()
    objective = RewardObjective(heads=rewarding, tokenizer=PROCESSOR.tokenizer)
    batch = objective.collate([])
    objective.loss(model, batch, torch.tensor([2.0]), Meter()).backward()
    assert rewarding.score.weight.grad is not None
    assert not rewarding.score.weight.grad.any()


def test_damaged_heads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no reward_head\.json"):
        load_reward_head(tmp_path)
    save_reward_head(head(), tmp_path, about={})
    again = load_reward_head(tmp_path)
    assert torch.equal(again.score.weight, head().score.weight)
    path = tmp_path / "reward_head.json"
    path.write_text(json.dumps({"format": "qvl-reward-1", "width": 64}))
    with pytest.raises(CheckpointError, match="no head of 64 channels"):
        load_reward_head(tmp_path)
    path.write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        load_reward_head(tmp_path)
    with pytest.raises(ConfigError, match="centre_weight is -1"):
        RewardObjective(heads=head(), tokenizer=PROCESSOR.tokenizer, centre_weight=-1)
