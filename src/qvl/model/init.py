"""Models without weights, to be filled by loading, and random weights to start training from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from qvl.model.config import ModelConfig
from qvl.model.layers import RMSNorm
from qvl.model.vision import PatchProjection
from qvl.model.vlm import Qwen2_5_VL

# Projections whose result is added to the residual stream.
_RESIDUAL = ("attn.proj", "o_proj", "down_proj")


class _SkipInit(TorchFunctionMode):
    """Leaves parameters as they are.

    On the meta device torch's own initialisation, of numbers that do not exist, imports its
    compiler: 2 seconds and 70 MB at the start of every program.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def empty_model(config: ModelConfig) -> Qwen2_5_VL:
    """A model on the meta device: names, shapes and dtypes, but no memory."""
    with torch.device("meta"), _SkipInit():
        return Qwen2_5_VL(config)


@torch.no_grad()
def init_weights(
    model: Qwen2_5_VL, generator: torch.Generator, *, std: float | None = None
) -> None:
    """Fill every parameter in place; one seed gives one model.

    Matrices are normal with deviation ``std``, or 1 / sqrt(inputs) when None (which keeps the size
    of activations whatever the width); those that write to the residual stream are divided by
    sqrt(2 * layers), so that it does not grow with depth (Source: GPT-2, Radford et al. 2019,
    section 2.3). Embeddings have deviation 0.02, biases 0, norms 1.

    Args:
        model: on a real device.
        generator: of the same device as the weights.
        std: 0.02 is what the published configuration names (``initializer_range``).
    """
    depths = {
        "visual": model.config.vision.depth,
        "model": model.config.text.num_hidden_layers,
    }
    for name, module in model.named_modules():
        if isinstance(module, RMSNorm):
            module.weight.fill_(1.0)
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(0.0, 0.02, generator=generator)
        elif isinstance(module, nn.Linear | PatchProjection):
            inputs = module.weight[0].numel()
            deviation = 1 / math.sqrt(inputs) if std is None else std
            if name.endswith(_RESIDUAL):
                deviation /= math.sqrt(2 * depths[name.split(".")[0]])
            module.weight.normal_(0.0, deviation, generator=generator)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
