"""What training minimises over answers."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Rows of logits that stand in memory at once; with 152k columns a whole batch would be gigabytes.
_ROWS = 4096


def answer_losses(
    hidden: Tensor, labels: Tensor, logits_of: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Returns the cross-entropy of each predicted token and whether the best guess was right.

    Args:
        hidden: float[n, D], hidden states in front of the predicted tokens.
        labels: int64[n], those tokens.
        logits_of: hidden states to float32[n, V].

    Returns:
        float32[n], bool[n].
    """

    def piece(rows: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        logits = logits_of(rows).float()
        return F.cross_entropy(logits, wanted, reduction="none"), logits.detach().argmax(
            -1
        ) == wanted

    if len(labels) <= _ROWS:
        return piece(hidden, labels)
    parts = [
        checkpoint(piece, h, y, use_reentrant=False)
        for h, y in zip(hidden.split(_ROWS), labels.split(_ROWS), strict=True)
    ]
    return torch.cat([loss for loss, _ in parts]), torch.cat([right for _, right in parts])
