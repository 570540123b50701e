"""What a block keeps for its backward pass, and how it is compiled.

Owns both, block by block, in place: ``forward`` is wrapped, so names of parameters stay. Does not
own which modules are blocks (``prepare``).

    norms and perceptron -> compiled; block.forward -> checkpointed
"""

from functools import cache, partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import (
    CheckpointPolicy,
    checkpoint,
    create_selective_checkpoint_contexts,
)

from qvl.model.layers import GatedMLP, RMSNorm
from qvl.training.parallel.layout import Checkpointing

# Products with weights and attention cost nearly all of a block's time; what is between them nearly
# all of the memory it would keep. Batched products write out attention's scores and are not kept.
_PRODUCTS = frozenset({"aten::mm", "aten::addmm"})


def checkpoint_block(block: nn.Module, kind: Checkpointing) -> None:
    """Makes a block's backward pass compute again what is not kept."""
    if kind == "none":
        return
    options: dict[str, Any] = {"use_reentrant": False}
    if kind == "selective":
        options["context_fn"] = partial(create_selective_checkpoint_contexts, _keep)
    block.forward = partial(checkpoint, block.forward, **options)


def _keep(context: Any, op: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    return CheckpointPolicy.MUST_SAVE if _is_kept(op) else CheckpointPolicy.PREFER_RECOMPUTE


@cache
def _is_kept(op: Any) -> bool:
    """Every device and back end has a kernel of attention of its own, all called that."""
    name = op.name()
    return name in _PRODUCTS or "attention" in name or "attn" in name


def compile_block(block: nn.Module) -> None:
    """Compiles the parts of a block that treat every token alone.

    What attention does with a pack follows from its lengths, so compiled attention would be
    compiled again for each pack.
    """
    for child in block.children():
        if isinstance(child, RMSNorm | GatedMLP):
            child.forward = torch.compile(child.forward, dynamic=True)  # type: ignore[method-assign]
