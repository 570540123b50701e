"""Attention over all segments in one kernel call, for CUDA.

Owns: which kernels there are, and calling them. Does not own: the segments (``segments``), the back
ends of a CPU (``attention``).

    q, k, v of all tokens in a row + cumulative lengths -> varlen kernel -> one row
    q, k, v of all tokens in a row + blocks of pairs in one segment -> flex kernel -> one row

Neither pads, sorts nor groups segments: a pack of many lengths costs no more than one of equal
ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from qvl.errors import InputError, MissingDependencyError
from qvl.model.segments import Segments

_HALF = (torch.bfloat16, torch.float16)
_BLOCK = 128
"""Rows and columns of a block of pairs. Source: torch flex_attention's default, for which its
kernels are tuned."""

Varlen = Callable[[Tensor, Tensor, Tensor, Tensor, int, bool], Tensor]
"""(q, k, v, cu_seqlens, longest, causal) -> [T, H, C]"""


def varlen(
    q_THC: Tensor, k_TKC: Tensor, v_TKC: Tensor, segments: Segments, *, causal: bool
) -> Tensor:
    """FlashAttention where it is installed, else torch's own kernel of the kind.

    Raises:
        MissingDependencyError: there is neither, or they do not work with these tensors.
    """
    kernel = varlen_kernel()
    if kernel is None or not q_THC.is_cuda or q_THC.dtype not in _HALF:
        raise MissingDependencyError(
            f"attention backend 'varlen' needs CUDA, 16-bit numbers, and flash-attn or torch 2.10; "
            f"got {q_THC.dtype} on {q_THC.device.type} with torch {torch.__version__}",
            hint="use the backend 'sdpa', which works everywhere",
        )
    return kernel(q_THC, k_TKC, v_TKC, segments.cu_seqlens(q_THC.device), segments.longest, causal)


@cache
def varlen_kernel() -> Varlen | None:
    """Returns the kernel that is installed, or None."""
    try:
        from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]
    except ImportError:
        return _torch_kernel()

    def run(q: Tensor, k: Tensor, v: Tensor, cu: Tensor, longest: int, causal: bool) -> Tensor:
        out: Tensor = flash_attn_varlen_func(q, k, v, cu, cu, longest, longest, causal=causal)
        return out

    return run


def _torch_kernel() -> Varlen | None:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    # The arguments changed: 2.10 has is_causal, 2.11 a window instead, 2.12 grouped queries.
    # Source: documentation of torch.nn.attention.varlen of these releases.
    known = inspect.signature(varlen_attn).parameters

    def run(q: Tensor, k: Tensor, v: Tensor, cu: Tensor, longest: int, causal: bool) -> Tensor:
        options: dict[str, Any] = {}
        if causal:
            options |= {"window_size": (-1, 0)} if "window_size" in known else {"is_causal": True}
        groups = q.shape[1] // k.shape[1]
        if groups > 1 and "enable_gqa" in known:
            options["enable_gqa"] = True
        elif groups > 1:
            k, v = (x.repeat_interleave(groups, dim=1) for x in (k, v))
        out = varlen_attn(q, k, v, cu, cu, longest, longest, **options)
        assert isinstance(out, Tensor)  # statistics come beside it only when asked for
        return out

    return run


def flex(
    q_THC: Tensor, k_TKC: Tensor, v_TKC: Tensor, segments: Segments, *, causal: bool
) -> Tensor:
    """Torch's flex attention: any dtype; compiled on CUDA. On a CPU it runs without gradients and
    writes out all pairs: for comparison only.

    Raises:
        InputError: gradients are wanted on a CPU.
    """
    from torch.nn.attention.flex_attention import flex_attention

    if not q_THC.is_cuda and torch.is_grad_enabled() and q_THC.requires_grad:
        raise InputError(
            f"attention backend 'flex' has no gradients on {q_THC.device.type}",
            hint="use the backend 'sdpa' or 'matmul'",
        )
    run: Any = _compiled_flex() if q_THC.is_cuda else flex_attention
    q, k, v = (x.transpose(0, 1)[None] for x in (q_THC, k_TKC, v_TKC))
    mask = block_mask(segments, q_THC.device, causal)
    out: Tensor = run(q, k, v, block_mask=mask, enable_gqa=q.shape[1] != k.shape[1])
    return out[0].transpose(0, 1)


@cache
def _compiled_flex() -> Callable[..., Tensor]:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention)


@lru_cache(maxsize=8)
def block_mask(segments: Segments, device: torch.device, causal: bool) -> object:
    """Which blocks of pairs a row has: none of it, all of it, or some pairs, told by the segment of
    each token. Made from the lengths; all pairs together would be a gigabyte at 32k tokens."""
    from torch.nn.attention.flex_attention import BlockMask

    with torch.inference_mode(False):
        lengths = torch.tensor(segments.lengths)
        owner = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        some, whole = _blocks(segments, owner, causal)
        owner = owner.to(device)

        def sees(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            same = owner[query] == owner[key]
            return same & (query >= key) if causal else same

        some_count, some_at = _listed(some)
        whole_count, whole_at = _listed(whole)
        mask: object = BlockMask.from_kv_blocks(
            some_count.to(device),
            some_at.to(device),
            whole_count.to(device),
            whole_at.to(device),
            BLOCK_SIZE=_BLOCK,
            mask_mod=sees,
            seq_lengths=(segments.total, segments.total),
        )
    return mask


def _blocks(segments: Segments, owner: Tensor, causal: bool) -> tuple[Tensor, Tensor]:
    """bool[B, B] each: blocks of queries and keys with some pairs, and those with all pairs."""
    offsets = torch.tensor(segments.offsets)
    first = torch.arange(0, segments.total, _BLOCK)
    last = (first + _BLOCK).clamp(max=segments.total) - 1
    low, high = owner[first], owner[last]  # segments that a block touches
    touches = (low[:, None] <= high) & (low <= high[:, None])
    one = low == high
    begin, end = offsets[low], offsets[high + 1]
    inside = one[:, None] & one & (low[:, None] == low)
    inside &= (first >= begin[:, None]) & (first + _BLOCK <= end[:, None])
    # The last block is shorter than the others, so some of its pairs do not exist.
    inside &= (first + _BLOCK <= segments.total)[:, None]
    if causal:
        number = torch.arange(len(first))
        touches &= number[:, None] >= number
        inside &= number[:, None] > number
    return touches & ~inside, inside


def _listed(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """int32[1, 1, B] and int32[1, 1, B, B]: how many blocks of keys, and which, those first."""
    count = blocks.sum(-1, dtype=torch.int32)
    order = blocks.int().argsort(dim=-1, descending=True, stable=True).int()
    return count[None, None], order[None, None].contiguous()


def choose_backend(device: torch.device, dtype: torch.dtype) -> str:
    """Returns the back end that is fastest for packs here: a key of `attention.BACKENDS`."""
    if device.type != "cuda" or dtype not in _HALF or not _is_recent(device):
        return "sdpa"
    return "flex" if varlen_kernel() is None else "varlen"


@cache
def _is_recent(device: torch.device) -> bool:
    """Whether the kernels run on it. Source: README of FlashAttention 2: Ampere or newer."""
    return torch.cuda.get_device_capability(device) >= (8, 0)
