"""The loss of predicted tokens, without the whole matrix of logits.

Owns: cross-entropy and z-loss of rows of hidden states, in chunks. Does not own: which rows count.

    hidden [n, D], head [V, D] -> chunk by chunk: logits, loss, gradients of both -> one number

A vocabulary of 152k makes logits of 600 kB a token. Gradients of a chunk are made at once, while
its logits stand, so that neither pass holds more than one chunk.
Source of the idea: Cut Your Losses (arXiv 2411.09009), Liger Kernel (arXiv 2410.10989).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from qvl.model.vlm import Qwen2_5_VL
from qvl.training.parallel.sharing import RowShare, share_of_rows

# Numbers in the logits of one chunk: 128 MB in float32, enough rows for efficient products.
_CHUNK_NUMBERS = 1 << 25


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadLoss:
    """The loss of n predicted tokens.

    Attributes:
        total: float32[], the weighted sum, with the z-loss; it has the gradients.
        losses: float32[n], cross-entropies, without gradients.
        right: bool[n], whether the best guess was right.
    """

    total: Tensor
    losses: Tensor
    right: Tensor


def head_loss(
    model: Qwen2_5_VL, hidden: Tensor, labels: Tensor, weights: Tensor, *, z_loss: float = 0.0
) -> HeadLoss:
    """Returns ``sum(weights * (cross-entropy + z_loss * log(Z)^2))``, Z the softmax's denominator.

    Source of the z-loss: PaLM (arXiv 2204.02311), section 5; 1e-4 there.

    Args:
        model: its head, or its embedding if tied, makes the logits.
        hidden: float[n, D], hidden states in front of the predicted tokens.
        labels: int64[n], those tokens.
        weights: float32[n].
        z_loss: 0 leaves the z-loss out.
    """
    head = model.model.embed_tokens if model.lm_head is None else model.lm_head
    share = share_of_rows(len(labels))
    hidden, labels, weights = (tensor[share.rows] for tensor in (hidden, labels, weights))
    rows = max(1, _CHUNK_NUMBERS // model.config.text.vocab_size)
    if type(head) in (nn.Embedding, nn.Linear):
        total, losses, right = _HeadLoss.apply(
            hidden, head.weight, labels, weights, z_loss, rows, torch.is_grad_enabled()
        )
        return _joined(share, total, losses, right)
    # An adapted or quantised head knows its own product, so its logits are made twice instead.
    losses, log_z, right = _by_checkpoints(model.logits, hidden, labels, rows)
    total = (weights * (losses + z_loss * log_z.square())).sum()
    return _joined(share, total, losses.detach(), right)


def _joined(share: RowShare, total: Tensor, losses: Tensor, right: Tensor) -> HeadLoss:
    """The loss of all rows, from those of this rank."""
    return HeadLoss(total=share.add(total), losses=share.join(losses), right=share.join(right))


def answer_losses(
    hidden: Tensor, labels: Tensor, logits_of: Callable[[Tensor], Tensor], *, rows: int = 256
) -> tuple[Tensor, Tensor]:
    """Returns the cross-entropy of each predicted token, with its gradient, and whether the best
    guess was right; for objectives that need more than a weighted sum.

    Args:
        hidden: float[n, D], hidden states in front of the predicted tokens.
        labels: int64[n], those tokens.
        logits_of: hidden states to float32[n, V].
        rows: whose logits stand in memory at once.

    Returns:
        float32[n], bool[n].
    """
    share = share_of_rows(len(labels))
    losses, _, right = _by_checkpoints(logits_of, hidden[share.rows], labels[share.rows], rows)
    return share.join(losses), share.join(right)


def _by_checkpoints(
    logits_of: Callable[[Tensor], Tensor], hidden: Tensor, labels: Tensor, rows: int
) -> tuple[Tensor, Tensor, Tensor]:
    def piece(part: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits = logits_of(part).float()
        log_z = logits.logsumexp(-1)
        losses = log_z - logits.gather(1, wanted[:, None])[:, 0]
        return losses, log_z, logits.detach().argmax(-1) == wanted

    if len(labels) <= rows:
        return piece(hidden, labels)
    parts = [
        checkpoint(piece, h, y, use_reentrant=False)
        for h, y in zip(hidden.split(rows), labels.split(rows), strict=True)
    ]
    losses, log_z, right = (torch.cat(column) for column in zip(*parts, strict=True))
    return losses, log_z, right


class _HeadLoss(torch.autograd.Function):
    """Gradients are made in the forward pass and scaled in the backward pass.

    With y the one-hot labels and p the softmax of the logits x W^T, the gradient of a row's
    weighted loss by its logits is ``w ((1 + 2 z log Z) p - y)``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        labels: Tensor,
        weights: Tensor,
        z_loss: float,
        rows: int,
        with_grad: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        by_hidden, by_weight = (with_grad and needed for needed in ctx.needs_input_grad[:2])
        grad_hidden = torch.empty_like(hidden) if by_hidden else None
        # Chunks are added up in float32 whatever the weights are held in.
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if by_weight else None
        losses, log_zs, right = [], [], []
        for start in range(0, len(labels), rows):
            part = slice(start, start + rows)
            h, y, w = hidden[part], labels[part, None], weights[part, None].float()
            logits = F.linear(h, weight).float()
            log_z = logits.logsumexp(-1, keepdim=True)
            losses.append((log_z - logits.gather(1, y))[:, 0])
            log_zs.append(log_z[:, 0])
            right.append(logits.argmax(-1) == y[:, 0])
            if grad_hidden is None and grad_weight is None:
                continue
            grad = logits.sub_(log_z).exp_()
            if z_loss:
                grad.mul_(1 + 2 * z_loss * log_z)
            grad.scatter_add_(1, y, grad.new_full(y.shape, -1.0)).mul_(w)
            grad = grad.to(h.dtype)
            if grad_hidden is not None:
                grad_hidden[part] = grad @ weight
            if grad_weight is not None:
                _add_product(grad_weight, grad, h)
        ctx.save_for_backward(
            grad_hidden, None if grad_weight is None else grad_weight.to(weight.dtype)
        )
        loss, log_z = (
            torch.cat(parts) if parts else weights.new_zeros(0, dtype=torch.float32)
            for parts in (losses, log_zs)
        )
        hits = torch.cat(right) if right else labels.new_zeros(0, dtype=torch.bool)
        ctx.mark_non_differentiable(loss, hits)
        return (weights.float() * (loss + z_loss * log_z.square())).sum(), loss, hits

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        by_hidden, by_weight = (
            None if tensor is None else tensor.mul_(grad.to(tensor.dtype))
            for tensor in ctx.saved_tensors
        )
        return by_hidden, by_weight, None, None, None, None, None


def _add_product(total: Tensor, grad: Tensor, hidden: Tensor) -> None:
    """``total += grad^T hidden``; in float32 without a second matrix of that size."""
    if grad.dtype == torch.float32 and not torch.is_autocast_enabled(grad.device.type):
        total.addmm_(grad.T, hidden)
    else:
        total.add_(grad.T @ hidden)
