"""Keys and values of past tokens, allocated once, and attention over them.

Owns: the storage, one slot a sequence, how long each slot is, and attention of new tokens over
their slot. Does not own: who gets which slot (the inference scheduler).

    KVCache.view(slots) + Segments of new tokens -> CacheStep
        -> in each layer: write new keys and values, attend to past and new
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from qvl.errors import ContextLengthError
from qvl.model.attention import Backend, Segments, attend
from qvl.model.config import TextConfig

# Rows of a continued prefill that share one mask, which so has this times the past's size at most.
_MASK_ROWS = 256


class KVCache:
    """Fixed memory for ``num_slots`` sequences of up to ``max_tokens`` tokens.

    keys, values: dtype[L, slots, K, max_tokens, C], so that one head of one sequence is
    contiguous. Memory that is never written is, on the CPU, never really taken.
    """

    def __init__(
        self,
        config: TextConfig,
        *,
        num_slots: int,
        max_tokens: int,
        dtype: torch.dtype,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (
            config.num_hidden_layers,
            num_slots,
            config.num_key_value_heads,
            max_tokens,
            config.head_dim,
        )
        self.keys = torch.empty(shape, dtype=dtype, device=device)
        self.values = torch.empty(shape, dtype=dtype, device=device)
        self.num_slots = num_slots
        self.max_tokens = max_tokens
        self.lengths = [0] * num_slots
        # Places of each slot that hold numbers: the longest it ever was, or cleared since.
        self._written = [0] * num_slots

    def view(self, slots: Sequence[int]) -> CacheView:
        """The cache as one forward call sees it: segment i of the call belongs to ``slots[i]``.

        Slots that follow each other (2, 3, 4) decode in one batch; in any other order the result
        is the same, slower.
        """
        return CacheView(cache=self, slots=tuple(slots))

    def truncate(self, slot: int, length: int = 0) -> None:
        """Forget everything of a slot but its first ``length`` tokens."""
        if not 0 <= length <= self.lengths[slot]:
            raise ValueError(
                f"slot {slot} holds {self.lengths[slot]} tokens; cannot cut to {length}"
            )
        self.lengths[slot] = length

    def append(self, slot: int, num_tokens: int) -> None:
        """Count tokens just written as the past of a slot."""
        self.lengths[slot] += num_tokens
        self._written[slot] = max(self._written[slot], self.lengths[slot])

    def clear_unwritten(self, slot: int, stop: int) -> None:
        """Make sure that the first ``stop`` places of a slot hold numbers.

        Memory fresh from the system may hold nan; a masked place has weight 0, but 0 * nan is nan.
        """
        start = self._written[slot]
        if start < stop:
            self.keys[:, slot, :, start:stop] = 0
            self.values[:, slot, :, start:stop] = 0
            self._written[slot] = stop


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheView:
    """Some slots of a cache, in the order of the segments of one call."""

    cache: KVCache
    slots: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(set(self.slots)) != len(self.slots):
            raise ValueError(f"a slot can take part once in a call, got {self.slots}")

    def step(self, segments: Segments, backend: str | Backend) -> CacheStep:
        """Plan one call that appends ``segments.lengths[i]`` tokens to ``slots[i]``.

        Raises:
            ContextLengthError: a slot is too short for its new tokens.
        """
        cache = self.cache
        if len(segments.lengths) != len(self.slots):
            raise ValueError(f"{len(segments.lengths)} segments for {len(self.slots)} slots")
        past = [cache.lengths[slot] for slot in self.slots]
        for slot, before, new in zip(self.slots, past, segments.lengths, strict=True):
            if before + new > cache.max_tokens:
                raise ContextLengthError(
                    f"slot {slot} would hold {before} + {new} tokens; expected at most "
                    f"{cache.max_tokens}",
                    hint="allocate the cache with a larger max_tokens, or shorten the prompt",
                )
        return CacheStep(self, segments, past, backend)

    def advance(self, segments: Segments) -> None:
        """Count the new tokens as past, once all layers have written them."""
        for slot, new in zip(self.slots, segments.lengths, strict=True):
            self.cache.append(slot, new)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Neighbouring segments that attend together."""

    # Rows of the call.
    start: int
    stop: int
    # Slots slot : slot + count.
    slot: int
    count: int
    past: int
    # New segments without a past: they need not read the cache.
    fresh: Segments | None
    # Single new tokens: additive dtype[count, 1, 1, length] that hides what lies behind each; None
    # when all sequences are equally long.
    mask: Tensor | None
    length: int


class CacheStep:
    """One call's plan, shared by all layers."""

    def __init__(
        self, view: CacheView, segments: Segments, past: Sequence[int], backend: str | Backend
    ) -> None:
        self._cache = view.cache
        self._backend = backend
        device = view.cache.keys.device
        slots = [s for s, n in zip(view.slots, segments.lengths, strict=True) for _ in range(n)]
        places = [p + i for p, n in zip(past, segments.lengths, strict=True) for i in range(n)]
        self._slot_of_row = torch.tensor(slots, device=device)
        self._place_of_row = torch.tensor(places, device=device)
        self._runs = _runs(view, segments, past)

    def attend(self, q_THC: Tensor, k_TKC: Tensor, v_TKC: Tensor, *, layer: int) -> Tensor:
        """Append new keys and values to their slots, then attend causally; float[T, H, C]."""
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        keys[self._slot_of_row, :, self._place_of_row] = k_TKC
        values[self._slot_of_row, :, self._place_of_row] = v_TKC
        results = []
        for run in self._runs:
            rows = slice(run.start, run.stop)
            if run.fresh is not None:
                results.append(
                    attend(
                        q_THC[rows],
                        k_TKC[rows],
                        v_TKC[rows],
                        run.fresh,
                        causal=True,
                        backend=self._backend,
                    )
                )
                continue
            seen = slice(run.slot, run.slot + run.count)
            k, v = (x[seen, :, : run.length] for x in (keys, values))
            decode = run.stop - run.start == run.count
            results.append(
                _decode(q_THC[rows], k, v, run.mask)
                if decode
                else _continue(q_THC[rows], k[0], v[0], run.past)
            )
        return results[0] if len(results) == 1 else torch.cat(results)


def _runs(view: CacheView, segments: Segments, past: Sequence[int]) -> list[_Run]:
    """Join neighbouring segments that can attend together."""
    lengths, slots = segments.lengths, view.slots
    runs: list[_Run] = []
    i = 0
    while i < len(lengths):
        stop = i + 1
        if past[i] == 0:
            while stop < len(lengths) and past[stop] == 0:
                stop += 1
        elif lengths[i] == 1:
            while (
                stop < len(lengths)
                and past[stop]
                and lengths[stop] == 1
                and slots[stop] == slots[stop - 1] + 1
                and _worth_joining(past[i : stop + 1])
            ):
                stop += 1
        total = max(past[j] + lengths[j] for j in range(i, stop))
        if past[i] and stop - i > 1:
            for slot in slots[i:stop]:
                view.cache.clear_unwritten(slot, total)
        runs.append(
            _Run(
                start=segments.offsets[i],
                stop=segments.offsets[stop],
                slot=slots[i],
                count=stop - i,
                past=past[i],
                fresh=Segments(lengths[i:stop]) if past[i] == 0 else None,
                mask=_decode_mask(past[i:stop], view.cache) if past[i] else None,
                length=total,
            )
        )
        i = stop
    return runs


def _worth_joining(past: Sequence[int]) -> bool:
    """Whether reading every sequence up to the longest wastes less than the calls it saves.

    A call costs about as much as reading a few hundred tokens.
    """
    return len(past) * max(past) <= 1.25 * sum(past) + 512 * len(past)


def _decode_mask(past: Sequence[int], cache: KVCache) -> Tensor | None:
    if min(past) == max(past):
        return None
    device = cache.keys.device
    hidden = torch.arange(max(past) + 1, device=device) > torch.tensor(past, device=device)[:, None]
    mask = torch.zeros(hidden.shape, dtype=cache.keys.dtype, device=device)
    return mask.masked_fill_(hidden, -torch.inf)[:, None, None]


def _decode(q_SHC: Tensor, k_SKTC: Tensor, v_SKTC: Tensor, mask: Tensor | None) -> Tensor:
    """One new token a sequence: the query heads of a key/value head are rows of one product.

    16 times faster on the CPU than ``enable_gqa``, which repeats every key.
    """
    q = q_SHC.unflatten(1, (k_SKTC.shape[1], -1))
    out = F.scaled_dot_product_attention(q, k_SKTC, v_SKTC, attn_mask=mask)
    return out.flatten(1, 2)


def _continue(q_THC: Tensor, k_KNC: Tensor, v_KNC: Tensor, past: int) -> Tensor:
    """Several new tokens of one sequence behind ``past`` old ones, in blocks of rows."""
    num_kv, groups = k_KNC.shape[0], q_THC.shape[1] // k_KNC.shape[0]
    k, v = (x[:, None].expand(-1, groups, -1, -1) for x in (k_KNC, v_KNC))
    results = []
    for start in range(0, len(q_THC), _MASK_ROWS):
        rows = q_THC[start : start + _MASK_ROWS]
        seen = past + start + len(rows)
        mask = rows.new_full((len(rows), seen), -torch.inf).triu_(past + start + 1)
        out = F.scaled_dot_product_attention(
            rows.unflatten(1, (num_kv, groups)).permute(1, 2, 0, 3),
            k[:, :, :seen],
            v[:, :, :seen],
            attn_mask=mask,
        )
        results.append(out.permute(2, 0, 1, 3).flatten(1, 2))
    return torch.cat(results)
