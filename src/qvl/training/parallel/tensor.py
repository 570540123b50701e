"""Tensor parallelism: every matrix of a decoder layer cut over ranks.

Owns how a layer's matrices are cut. Does not own the rest of the model, which is not cut: the
tower's pictures and the head's rows are shared instead (``sharing``), and their weights sharded
over the same ranks. That takes one mechanism for all that has rows, no rank ever holds the logits
of more than its share of the answers, and a tied embedding needs no care.

    x on all ranks -> q, k, v, gate, up: columns, so heads and channels -> o, down: rows -> summed

Source: Megatron-LM (arXiv 1909.08053), section 3.
"""

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import Replicate
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    PrepareModuleInput,
    RowwiseParallel,
    parallelize_module,
)

from qvl.errors import ConfigError
from qvl.model.language import DecoderLayer


def cut_layer(layer: DecoderLayer, mesh: DeviceMesh) -> None:
    """Cuts a layer over a mesh of one axis, in place; biases go with their columns.

    The input of a block becomes a DTensor once, so that the gradients of q, k and v are summed
    before they are exchanged.

    Raises:
        ConfigError: a matrix has an adapter or is quantised.
    """
    for name, module in layer.named_modules():
        if name.endswith("_proj") and type(module) is not nn.Linear:
            raise ConfigError(
                f"layout.tp cuts plain matrices, but {name} is a {type(module).__name__}",
                hint="shard weights instead (layout.dp_shard), or merge adapters first",
            )
    everywhere = Replicate()
    # x, cos, sin, attention: only x is multiplied by a matrix.
    block = (everywhere, None, None, None)
    parallelize_module(
        layer,
        mesh,
        {
            "self_attn": PrepareModuleInput(input_layouts=block, desired_input_layouts=block),
            "self_attn.q_proj": ColwiseParallel(),
            "self_attn.k_proj": ColwiseParallel(),
            "self_attn.v_proj": ColwiseParallel(),
            "self_attn.o_proj": RowwiseParallel(),
            "mlp": PrepareModuleInput(
                input_layouts=(everywhere,), desired_input_layouts=(everywhere,)
            ),
            "mlp.gate_proj": ColwiseParallel(),
            "mlp.up_proj": ColwiseParallel(),
            "mlp.down_proj": RowwiseParallel(),
        },
    )
