"""The two small modules that the tower and the language model share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / rms(x) * weight, statistics in float32.

    Rounds to the dtype of x before the weight is applied, as the published models were run.
    Source: transformers models/qwen2_5_vl/modeling_qwen2_5_vl.py, Qwen2_5_VLRMSNorm.
    """

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return self.weight * wide.to(x.dtype)


class GatedMLP(nn.Module):
    """down(silu(gate(x)) * up(x)); with biases in the tower, without in the language model."""

    def __init__(self, size: int, intermediate_size: int, *, bias: bool) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size, intermediate_size, bias=bias)
        self.up_proj = nn.Linear(size, intermediate_size, bias=bias)
        self.down_proj = nn.Linear(intermediate_size, size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_inference_mode_enabled():
            hidden = F.silu(self.gate_proj(x), inplace=True).mul_(self.up_proj(x))
        else:
            hidden = F.silu(self.gate_proj(x)) * self.up_proj(x)
        return self.down_proj(hidden)  # type: ignore[no-any-return]
