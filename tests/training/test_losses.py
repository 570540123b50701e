"""The loss in chunks is the plain loss: its value, and its gradients by hidden states and head."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.model.vlm import Qwen2_5_VL
from qvl.training import losses
from qvl.training.losses import head_loss
from tests.training.small import small_model


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Qwen2_5_VL:
    """Logits stand for seven tokens at a time."""
    model = small_model()
    monkeypatch.setattr(losses, "_CHUNK_NUMBERS", 7 * model.config.text.vocab_size)
    return model


def rows(model: Qwen2_5_VL, n: int = 24) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(n, model.config.text.hidden_size, generator=generator)
    labels = torch.randint(model.config.text.vocab_size, (n,), generator=generator)
    return hidden.requires_grad_(), labels, torch.rand(n, generator=generator)


def plain(logits: Tensor, labels: Tensor, weights: Tensor, z_loss: float) -> Tensor:
    each = F.cross_entropy(logits, labels, reduction="none")
    return (weights * (each + z_loss * logits.logsumexp(-1).square())).sum()


@pytest.mark.parametrize("z_loss", [0.0, 0.3])
def test_chunks_equal_the_whole(model: Qwen2_5_VL, z_loss: float) -> None:
    hidden, labels, weights = rows(model)
    weight = model.model.embed_tokens.weight
    found = head_loss(model, hidden, labels, weights, z_loss=z_loss)
    expected = plain(model.logits(hidden), labels, weights, z_loss)
    torch.testing.assert_close(found.total, expected)
    torch.testing.assert_close(
        found.losses, F.cross_entropy(model.logits(hidden), labels, reduction="none").detach()
    )
    assert found.right.equal(model.logits(hidden).argmax(-1) == labels)
    ours = torch.autograd.grad(2.5 * found.total, (hidden, weight))
    theirs = torch.autograd.grad(2.5 * expected, (hidden, weight))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_a_tied_head_learns_from_both_ends(model: Qwen2_5_VL) -> None:
    assert model.lm_head is None
    weight = model.model.embed_tokens.weight
    _, labels, weights = rows(model)
    ids = labels.flip(0)
    chunked = head_loss(model, model.embed(ids), labels, weights).total
    whole = plain(model.logits(model.embed(ids)), labels, weights, 0.0)
    ours, theirs = (torch.autograd.grad(loss, weight)[0] for loss in (chunked, whole))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_frozen_head_gets_no_gradient(model: Qwen2_5_VL) -> None:
    model.requires_grad_(False)
    hidden, labels, weights = rows(model)
    head_loss(model, hidden, labels, weights).total.backward()
    assert hidden.grad is not None
    assert model.model.embed_tokens.weight.grad is None
    with torch.no_grad():
        assert not head_loss(model, hidden, labels, weights).total.requires_grad


class _Adapted(nn.Linear):
    """A head that is more than its matrix."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 1.5


def test_other_heads_compute_their_own_logits(model: Qwen2_5_VL) -> None:
    text = model.config.text
    model.lm_head = _Adapted(text.hidden_size, text.vocab_size, bias=False)
    hidden, labels, weights = rows(model)
    found = head_loss(model, hidden, labels, weights, z_loss=0.1).total
    expected = plain(model.logits(hidden), labels, weights, 0.1)
    ours, theirs = (torch.autograd.grad(loss, hidden)[0] for loss in (found, expected))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_no_tokens_cost_nothing(model: Qwen2_5_VL) -> None:
    hidden, labels, weights = rows(model, 0)
    found = head_loss(model, hidden, labels, weights)
    assert found.total.item() == 0
    found.total.backward()
    assert hidden.grad is not None
