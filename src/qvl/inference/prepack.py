"""Matrices in the layout that this CPU multiplies fastest, made while a model is loaded.

Owns: which layout a CPU gets, and the modules that hold it. Does not own reading files
(``checkpoint.load``). A model loaded so can only run: its weights cannot be trained or exported.

    folder, dtype, device -> load_for_inference -> Qwen2_5_VL with its matrices packed or as stored

torch's own half-precision products are slow on a CPU with few rows, and on one without bfloat16
instructions at any size. Two layouts cover x86, each as large as the weights it replaces:

- ``OneDnnLinear`` where the CPU has bfloat16 instructions: oneDNN's blocks, the same arithmetic.
- ``WideLinear`` elsewhere: the same numbers held as float16 and multiplied in float32 by FBGEMM, so
  that hidden states are float32 and the result is more exact than bfloat16 arithmetic.
"""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from qvl.checkpoint.adapter import MergeAdapter, read_adapter
from qvl.checkpoint.load import load_model
from qvl.checkpoint.safetensors_file import Workspace
from qvl.model.layers import RMSNorm
from qvl.model.vision import PatchProjection
from qvl.model.vlm import Qwen2_5_VL

Pack = Callable[[nn.Module], nn.Module]

# Packed at a time, as float32: bounds what packing a vocabulary takes beside the result.
_PART_ELEMENTS = 1 << 25
# Source: FBGEMM FbgemmFP16.h, the default rows of a block of PackedGemmMatrixFP16.
_BLOCK = 512


def load_for_inference(
    folder: Path,
    *,
    dtype: torch.dtype,
    device: torch.device | str = "cpu",
    adapter: Path | None = None,
) -> Qwen2_5_VL:
    """Loads a model to run it: as `load_model` does, packed where that is faster.

    An adapter is merged on the way, before packing, so answers cost what they cost without one.

    Args:
        folder: a model's folder.
        dtype: of the weights. ``model.dtype`` can be wider: that of hidden states and cache.
        device: where to run.
        adapter: folder of an adapter for this model.

    Raises:
        CheckpointError: something is missing, damaged or does not belong together.
    """
    device = torch.device(device)
    pack = choose_packing(dtype) if device.type == "cpu" else None
    merge = None if adapter is None else MergeAdapter(read_adapter(adapter), folder)

    def replace(name: str, module: nn.Module) -> nn.Module:
        merged = module if merge is None else merge(name, module)
        return merged if pack is None else pack(merged)

    model = load_model(
        folder, dtype=dtype, device=device, replace=replace if pack or merge else None
    )
    return model.requires_grad_(False)


def choose_packing(dtype: torch.dtype) -> Pack | None:
    """The layout for this CPU; None if torch's own products are as good."""
    features = torch.cpu.get_capabilities()
    if dtype == torch.bfloat16 and (features.get("avx512_bf16") or features.get("amx_bf16")):
        return pack_for_onednn
    half = dtype in (torch.bfloat16, torch.float16)
    if half and "fbgemm" in torch.backends.quantized.supported_engines:
        return WidePacking()
    return None


def pack_for_onednn(module: nn.Module) -> nn.Module:
    """Replaces what multiplies by a bfloat16 matrix."""
    match module:
        case nn.Linear():
            return OneDnnLinear(module.weight, module.bias)
        case PatchProjection():
            return OneDnnLinear(module.weight.flatten(1), None)
    return module


class WidePacking:
    """Replaces what multiplies by a matrix, and makes everything around it float32."""

    def __init__(self) -> None:
        self._workspace = Workspace()

    def __call__(self, module: nn.Module) -> nn.Module:
        match module:
            case nn.Linear():
                return WideLinear(module.weight, module.bias, self._workspace)
            case PatchProjection():
                return WideLinear(module.weight.flatten(1), None, self._workspace)
            case RMSNorm():
                return module.float()
        return module


class OneDnnLinear(nn.Module):
    """``x W^T + b`` in bfloat16 with W in oneDNN's layout for few rows, which serves many too."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self._bias = None if bias is None else bias.detach()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach())

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(torch.bfloat16)
        return torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "none", [], "")


class WideLinear(nn.Module):
    """``x W^T + b`` in float32 with W held in 2 bytes a weight.

    float16 has more digits than bfloat16 and fewer exponents. So W is first multiplied by a power
    of two that brings its largest weight to the top of float16's range; then every weight down to
    2 ** -29 of the largest is held exactly, and smaller ones are off by at most 2 ** -40 of it.

    FBGEMM fills the inputs up to a multiple of 512. Where that would take much memory the inputs
    beyond the last multiple are a product of their own, with weights as they came.

    Args:
        weight: bfloat16 or float16[outputs, inputs].
        bias: [outputs].
        workspace: for a part of the weight in float32.
        max_part: this many weights are packed at a time, or one row.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        workspace: Workspace,
        *,
        max_part: int = _PART_ELEMENTS,
    ) -> None:
        super().__init__()
        weight = weight.detach()
        outputs, inputs = weight.shape
        _, exponent = math.frexp(max(abs(bound.item()) for bound in torch.aminmax(weight)))
        # Then all are below 2 ** 15, and float16 ends at 65504. The bound keeps a matrix of next to
        # nothing from a scale that float32 cannot hold.
        scale = 2.0 ** min(15 - exponent, 100)
        self._inverse_scale = 1 / scale
        beyond = inputs % _BLOCK
        has_tail = inputs > _BLOCK and beyond > 0 and _BLOCK - beyond > inputs / 10
        self._num_packed = inputs - beyond if has_tail else inputs
        self._tail = weight[:, self._num_packed :].clone() if has_tail else None
        # The smaller side is scaled back.
        self._scale_input = has_tail or inputs < outputs
        bias = None if bias is None else bias.detach().float() * (1 if self._scale_input else scale)
        self._parts = []
        rows = max(1, max_part // inputs)
        for start in range(0, outputs, rows):
            part = weight[start : start + rows, : self._num_packed]
            wide = workspace.take(part.numel(), torch.float32).view(part.shape)
            wide.copy_(part).mul_(scale)
            part_bias = None if bias is None else bias[start : start + rows].contiguous()
            self._parts.append(torch.ops.quantized.linear_prepack_fp16(wide, part_bias))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        packed = x[:, : self._num_packed]
        if self._scale_input:
            packed = packed * self._inverse_scale
        outs = [torch.ops.quantized.linear_dynamic_fp16(packed, part) for part in self._parts]
        out = outs[0] if len(outs) == 1 else torch.cat(outs, dim=-1)
        if not self._scale_input:
            out.mul_(self._inverse_scale)
        if self._tail is not None:
            out.addmm_(x[:, self._num_packed :], self._tail.float().T)
        return out
