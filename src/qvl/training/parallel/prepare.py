"""A model is spread over ranks, in place.

Owns the order in which that is done. Does not own the parts: ``tensor``, ``context``, ``sharing``,
``blocks``.

    layer: to the device in float32 -> cut (tp) -> checkpointed -> compiled -> sharded
    whole: tokens and media shared by the ranks of a pack -> the rest sharded -> PackLoss
"""

from collections.abc import Mapping
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from qvl.model.language import DecoderLayer
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.parallel.blocks import checkpoint_block, compile_block
from qvl.training.parallel.context import share_tokens
from qvl.training.parallel.ranks import Ranks
from qvl.training.parallel.sharing import pack_shared_by, share_media
from qvl.training.parallel.tensor import cut_layer

Precision = Literal["float32", "bf16"]


class PackLoss(nn.Module):
    """One pack's loss as one module: with sharded weights, all that runs between gathering them and
    giving back their gradients.

    The embedding, the head and what else belongs to no block stay gathered until the backward pass
    is over, so an objective may call the head as often as it likes, on every rank differently.
    """

    def __init__(self, model: Qwen2_5_VL, ranks: Ranks) -> None:
        super().__init__()
        self.model = model
        self._ranks = ranks

    def forward(self, objective: Any, *arguments: Any) -> Tensor:
        """Returns ``objective.loss(model, *arguments)``."""
        with pack_shared_by(self._ranks.pack):
            return cast(Tensor, objective.loss(self.model, *arguments))

    def next_is_last(self, last: bool) -> None:
        """Copies of sharded weights add up their gradients after the last pack of a step only."""
        if isinstance(self, FSDPModule):
            self.set_requires_all_reduce(last)

    def trained_parts_changed(self) -> None:
        """To be called when parameters were frozen or freed."""
        for module in self.modules():
            if isinstance(module, FSDPModule):
                # In which dtype gradients are added up is set for what is trained at that moment;
                # gathering sets it anew.
                module.unshard()
                module.reshard()


def prepare(model: Qwen2_5_VL, ranks: Ranks, *, precision: Precision = "float32") -> PackLoss:
    """Spreads a model over ranks, in place, and returns what computes losses with it.

    Names of parameters stay those of the checkpoint; sharded ones become DTensors, so an optimiser
    is made afterwards. Weights are kept and updated in float32 whatever the precision; those that
    are frozen already, as under adapters, keep their dtype.

    Args:
        model: the same on every rank, on any device but meta. A layer at a time is moved and cut,
            so no device ever holds the whole.
        ranks: made from the layout.
        precision: in which sharded weights are gathered and blocks compute.

    Raises:
        ConfigError: the model cannot be cut in this way.
    """
    layout = ranks.layout
    layout.check_model(model.config)
    for block in (*model.visual.blocks, *model.model.layers):
        _move(block, ranks.device)
        if isinstance(block, DecoderLayer) and ranks.tensor is not None:
            cut_layer(block, ranks.tensor)
        checkpoint_block(block, layout.activation_checkpointing)
        if layout.compile:
            compile_block(block)
        _shard(
            block, ranks.layers if isinstance(block, DecoderLayer) else ranks.rest, ranks, precision
        )
    _move(model, ranks.device)
    _shard(model.visual.merger, ranks.rest, ranks, precision)
    if ranks.pack is not None:
        share_media(model.visual, ranks.pack)
        tensor = None if ranks.tensor is None else ranks.tensor.get_group()
        share_tokens(model.model, context=ranks.context, tensor=tensor)
    loss = PackLoss(model, ranks)
    _shard(loss, ranks.rest, ranks, precision)
    loss.register_forward_hook(_give_back)
    return loss


@torch.no_grad()
def copy_whole(parameters: Mapping[str, Tensor], target: nn.Module | None) -> None:
    """Copies parameters that ranks have parts of into a model that is whole; every rank calls it.

    Args:
        parameters: by name, the same names on every rank.
        target: has parameters of these names; None on ranks that get no copy.
    """
    targets = {} if target is None else dict(target.named_parameters())
    for name, parameter in parameters.items():
        whole = parameter.full_tensor() if isinstance(parameter, DTensor) else parameter
        if target is not None:
            targets[name].copy_(whole)


def _give_back(loss: nn.Module, arguments: Any, output: Any) -> None:
    """Without gradients there is no backward pass after which gathered weights are given back."""
    if isinstance(loss, FSDPModule) and not torch.is_grad_enabled():
        loss.reshard()


def _move(module: nn.Module, device: torch.device) -> None:
    """To the device; what is trained in float32."""
    module.to(device)
    for parameter in module.parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            parameter.data = parameter.data.float()


def _shard(module: nn.Module, mesh: DeviceMesh | None, ranks: Ranks, precision: Precision) -> None:
    """Shards what no module inside has sharded yet; gradients are summed over the mesh."""
    if mesh is None:
        return
    policy = MixedPrecisionPolicy(
        param_dtype=torch.bfloat16 if precision == "bf16" else None,
        reduce_dtype=getattr(torch, ranks.layout.reduce_dtype),
        # Angles of patches stay in float32; everything else follows the dtype of the weights.
        cast_forward_inputs=False,
    )
    sharded = fully_shard(module, mesh=mesh, mp_policy=policy)
    sharded.set_gradient_divide_factor(1.0)
    # The only kind of sum that every backend has.
    sharded.set_force_sum_reduction_for_comms(True)
