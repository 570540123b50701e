"""Frozen matrices held in 8 or 4 bits, to train adapters on: QLoRA.

Owns: the two formats, their arithmetic, and which layers of a model get one. Does not own adapters
(``lora``), reading files, or fast inference: every product makes the matrix wide again.

    nn.Linear -> Quantize -> QuantizedLinear: int8 or packed 4-bit codes, scales, bias as it was
    x -> a block of rows made wide, multiplied, forgotten, the next one -> x W^T

Nothing wide outlives its block. The gradient of x makes the blocks again instead of keeping them.

Source: QLoRA, arXiv 2305.14314. One deviation: the scales of 4-bit blocks are themselves held as
8-bit integers and not as 8-bit floats; they lie close around their mean, which both take off first,
and there integers are finer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Kind = Literal["int8", "nf4"]

# Quantiles of a normal distribution, with 0 and both ends exact.
# Source: arXiv 2305.14314, appendix E.
NF4_LEVELS = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
)  # fmt: skip
# Weights that share a scale, and scales that share one. Source: arXiv 2305.14314, section 3.
_BLOCK = 64
_SCALE_GROUP = 256
# Weights that are wide at a time; one row at least.
_WIDE_ELEMENTS = 1 << 23
# Weights that are quantised at a time: what is needed beside them leaves no holes in the heap.
_PIECE_ELEMENTS = 1 << 18
# In place of the scale of zeros.
_TINY = torch.finfo(torch.float32).tiny


class QuantizedMatrix(nn.Module):
    """A frozen matrix [outputs, inputs] in few bits; stands where the float matrix stood."""

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        self.shape = shape

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> QuantizedMatrix:
        """Moves, but keeps dtypes: half precision would round every scale, and so the base."""
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = buffer.to(fn(buffer.new_empty(0)).device)
        return self

    def rows(self, start: int, stop: int, dtype: torch.dtype) -> Tensor:
        """Some rows as floats, dtype[stop - start, inputs]."""
        raise NotImplementedError

    def blocks(self, dtype: torch.dtype) -> Iterator[tuple[slice, Tensor]]:
        """All rows as floats, a few at a time."""
        outputs, inputs = self.shape
        step = max(1, _WIDE_ELEMENTS // inputs)
        for start in range(0, outputs, step):
            stop = min(start + step, outputs)
            yield slice(start, stop), self.rows(start, stop, dtype)

    def multiply(self, x: Tensor) -> Tensor:
        """``x W^T``, float[..., outputs] in the dtype of x, or of autocast."""
        kind = x.device.type
        if torch.is_autocast_enabled(kind):
            x = x.to(torch.get_autocast_dtype(kind))
        return _Multiply.apply(x, self)


class _Multiply(torch.autograd.Function):
    """Saves neither x nor anything wide."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: QuantizedMatrix) -> Tensor:
        ctx.matrix = matrix
        out = x.new_empty(*x.shape[:-1], matrix.shape[0])
        for at, rows in matrix.blocks(x.dtype):
            out[..., at] = x @ rows.T
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        matrix: QuantizedMatrix = ctx.matrix
        wide = torch.promote_types(grad.dtype, torch.float32)
        grad_x = grad.new_zeros(*grad.shape[:-1], matrix.shape[1], dtype=wide)
        for at, rows in matrix.blocks(grad.dtype):
            grad_x += grad[..., at] @ rows
        return grad_x.to(grad.dtype), None


class Int8Matrix(QuantizedMatrix):
    """One scale a row; a weight is off by at most half a step, 1/254 of the largest of its row."""

    codes: Tensor
    scales: Tensor

    def __init__(self, weight: Tensor) -> None:
        outputs, inputs = weight.shape
        super().__init__((outputs, inputs))
        codes = weight.new_empty(outputs, inputs, dtype=torch.int8)
        scales = weight.new_empty(outputs, dtype=torch.float32)
        step = max(1, _PIECE_ELEMENTS // inputs)
        for start in range(0, outputs, step):
            at = slice(start, start + step)
            part = weight[at].float()
            scales[at] = part.abs().amax(1).div_(127).clamp_min_(_TINY)
            codes[at] = (part / scales[at, None]).round_().clamp_(-127, 127)
        self.register_buffer("codes", codes)  # int8[outputs, inputs]
        self.register_buffer("scales", scales)  # float32[outputs]

    def rows(self, start: int, stop: int, dtype: torch.dtype) -> Tensor:
        scales = self.scales[start:stop, None].to(dtype)
        return self.codes[start:stop].to(dtype).mul_(scales)


class Nf4Matrix(QuantizedMatrix):
    """Two codes a byte, a scale for each 64 inputs of a row, those in 8 bits: 4.13 bits a weight.

    A row whose inputs are no multiple of 64 is filled up with zeros. A weight is off by at most
    0.152 of the largest of its block, half the widest gap between levels, and the error of the
    scale.
    """

    codes: Tensor
    scales: Tensor
    steps: Tensor
    mean: Tensor
    pairs: Tensor

    def __init__(self, weight: Tensor) -> None:
        outputs, inputs = weight.shape
        super().__init__((outputs, inputs))
        self.padded = -(-inputs // _BLOCK) * _BLOCK
        step = max(1, _PIECE_ELEMENTS // self.padded)
        largest = [self._in_blocks(part).abs().amax(-1) for part in weight.split(step)]
        self._set_scales(torch.cat(largest))
        levels = torch.tensor(NF4_LEVELS, device=weight.device)
        # Both levels of each byte, the lower four bits first: float32[256, 2].
        pairs = torch.stack([levels.repeat(16), levels.repeat_interleave(16)], 1)
        self.register_buffer("pairs", pairs, persistent=False)
        codes = weight.new_empty(outputs, self.padded // 2, dtype=torch.uint8)
        between = (levels[1:] + levels[:-1]) / 2
        for start in range(0, outputs, step):
            stop = min(start + step, outputs)
            blocks = self._in_blocks(weight[start:stop])
            blocks /= self._wide_scales(start, stop)[..., None].clamp_min(_TINY)
            nearest = torch.bucketize(blocks, between, out_int32=True).view(stop - start, -1, 2)
            codes[start:stop] = nearest[..., 0] + 16 * nearest[..., 1]
        self.register_buffer("codes", codes)  # uint8[outputs, padded / 2]

    def rows(self, start: int, stop: int, dtype: torch.dtype) -> Tensor:
        pairs = self.pairs.to(dtype)
        blocks = F.embedding(self.codes[start:stop].int(), pairs).view(stop - start, -1, _BLOCK)
        blocks *= self._wide_scales(start, stop)[..., None].to(dtype)
        return blocks.flatten(1)[:, : self.shape[1]]

    def _in_blocks(self, part: Tensor) -> Tensor:
        """Rows filled up and cut: float32[rows, blocks, 64], a copy."""
        padding = self.padded - self.shape[1]
        return F.pad(part.float(), (0, padding)).view(len(part), -1, _BLOCK).clone()

    def _set_scales(self, scales: Tensor) -> None:
        """Holds float32[outputs, blocks] as differences from their mean, in 8 bits each."""
        mean = scales.mean()
        groups = (scales - mean).flatten()
        groups = F.pad(groups, (0, -len(groups) % _SCALE_GROUP)).view(-1, _SCALE_GROUP)
        steps = groups.abs().amax(1).div_(127).clamp_min_(_TINY)
        codes = groups.div_(steps[:, None]).round_().clamp_(-127, 127).to(torch.int8)
        self.register_buffer("scales", codes.flatten()[: scales.numel()].view(scales.shape))
        self.register_buffer("steps", steps)  # float32[ceil(outputs * blocks / 256)]
        self.register_buffer("mean", mean)  # float32[]

    def _wide_scales(self, start: int, stop: int) -> Tensor:
        """Scales of some rows, float32[rows, blocks]; not negative."""
        codes = self.scales[start:stop]
        first = start * codes.shape[1]
        group = torch.arange(first, first + codes.numel(), device=codes.device) // _SCALE_GROUP
        wide = codes * self.steps[group].view(codes.shape) + self.mean
        return wide.clamp_min_(0)


MATRICES: dict[Kind, Callable[[Tensor], QuantizedMatrix]] = {"int8": Int8Matrix, "nf4": Nf4Matrix}


class QuantizedLinear(nn.Module):
    """``x W^T + b`` with W in few bits, frozen.

    Args:
        linear: whose place it takes; its bias is kept, its weight is not.
        kind: a key of :data:`MATRICES`.
    """

    def __init__(self, linear: nn.Linear, kind: Kind) -> None:
        super().__init__()
        self.weight = MATRICES[kind](linear.weight.detach())
        self.bias = linear.bias
        if self.bias is not None:
            self.bias.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.weight.multiply(x)
        return out if self.bias is None else out + self.bias.to(out.dtype)


class Quantize:
    """Chooses the layers of a model and makes them :class:`QuantizedLinear`, one by one.

    For ``checkpoint.load.load_model(folder, replace=Quantize("nf4"))``, which calls it while it
    reads: peak memory is then little more than the result. Norms, embeddings and the patch
    embedding are never quantised.

    Args:
        kind: a key of :data:`MATRICES`.
        skip: ends of names of layers that stay as they are.
    """

    def __init__(self, kind: Kind, *, skip: tuple[str, ...] = ("lm_head",)) -> None:
        self.kind = kind
        self.skip = skip

    def __call__(self, name: str, module: nn.Module) -> nn.Module:
        skipped = any(f".{name}".endswith(f".{end}") for end in self.skip)
        if skipped or not isinstance(module, nn.Linear):
            return module
        return QuantizedLinear(module, self.kind)
