"""Runs the model for the scheduler: the only file of inference where numpy becomes tensors.

Owns what lives on the device while requests run: the key-value cache, the features of pictures
not yet read by the language model, which tokens were seen. Does not own what runs when.

    new requests    -> receive: pictures through the vision tower, or found in the media cache
    ScheduledChunks -> step: ids, positions, features packed in a row -> logits -> chosen tokens

Requests are packed without padding. One runner serves one run of the engine: when that ends, by
its end, an error or an interrupt, the runner and all it holds goes with it.
Shapes: T tokens of a step over all requests, N requests that need a token, V vocabulary.
"""

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qvl.errors import CheckpointError
from qvl.inference.kv_cache import CacheShape
from qvl.inference.media_cache import Grid, MediaCache, media_key
from qvl.inference.sampling import choose_tokens, forbid, penalize_repetition, row_logprobs
from qvl.inference.scheduler import ScheduledChunk
from qvl.inference.sequence import SequenceState
from qvl.messages import TokenLogprob
from qvl.model.attention import Segments
from qvl.model.kv_cache import KVCache
from qvl.model.vlm import Qwen2_5_VL


class Choice(NamedTuple):
    """The next token of one request."""

    sequence: SequenceState
    token_id: int
    logprob: TokenLogprob | None


class _Item(NamedTuple):
    """One picture or video of a prompt: its key, patches and grid."""

    key: bytes
    pixel_values: npt.NDArray[np.float32]
    grid: Grid


class ModelRunner:
    """The model, the cache of one run, and what its requests need beside their tokens.

    Args:
        model: in eval mode, on the device to use.
        forbidden_ids: tokens that are never chosen.
        media_cache: shared between runs.
        max_patches_per_chunk: bounds the memory of the vision tower.
    """

    def __init__(
        self,
        model: Qwen2_5_VL,
        *,
        forbidden_ids: Collection[int],
        media_cache: MediaCache,
        max_patches_per_chunk: int,
    ) -> None:
        self._model = model
        self._device = model.device
        self._media_cache = media_cache
        self._max_patches_per_chunk = max_patches_per_chunk
        config = model.config
        self._media_ids = (config.image_token_id, config.video_token_id)
        self._vocab_size = config.text.vocab_size
        forbidden = torch.zeros(self._vocab_size, dtype=torch.bool)
        forbidden[list(forbidden_ids)] = True
        self._forbidden = forbidden.to(self._device)
        self._cache: KVCache | None = None
        self._features: dict[int, Tensor] = {}
        self._seen: dict[int, Tensor] = {}

    def allocate(self, shape: CacheShape) -> None:
        """Makes the key-value cache; the one before is given back first."""
        self._cache = None
        self._cache = KVCache(
            self._model.config.text,
            num_slots=shape.num_slots,
            max_tokens=shape.max_tokens,
            dtype=self._model.dtype,
            device=self._device,
        )

    @torch.inference_mode()
    def receive(self, sequences: Sequence[SequenceState]) -> None:
        """Encodes the pictures of new requests, all together, and drops their pixels."""
        items = {sequence.index: _items(sequence) for sequence in sequences}
        features = self._encode([item for per_request in items.values() for item in per_request])
        for sequence in sequences:
            parts = [features[item.key] for item in items[sequence.index]]
            if parts:
                self._features[sequence.index] = torch.cat(parts)
                sequence.drop_pixels()
            if sequence.params.repetition_penalty != 1:
                seen = torch.zeros(self._vocab_size, dtype=torch.bool)
                seen[torch.from_numpy(sequence.inputs.input_ids)] = True
                self._seen[sequence.index] = seen.to(self._device)

    @torch.inference_mode()
    def step(self, chunks: Sequence[ScheduledChunk]) -> list[Choice]:
        """Computes the chunks and returns the next token of every request that needs one."""
        assert self._cache is not None
        ids = [c.sequence.ids_between(c.start, c.stop) for c in chunks]
        positions = [c.sequence.positions_between(c.start, c.stop) for c in chunks]
        segments = Segments([c.stop - c.start for c in chunks])
        waiting = [c.sequence for c in chunks if c.needs_token]
        last = [
            end - 1 for c, end in zip(chunks, segments.offsets[1:], strict=True) if c.needs_token
        ]
        features = [part for c in chunks if (part := self._features_of(c)) is not None]
        hidden = self._model.hidden_states(
            self._tensor(np.concatenate(ids)),
            self._tensor(np.concatenate(positions, axis=1)),
            segments=segments,
            media_embeds=torch.cat(features) if features else None,
            cache=self._cache.view([c.sequence.slot for c in chunks]),
        )
        if not waiting:
            return []
        logits = self._model.logits(hidden[torch.tensor(last, device=self._device)])
        return self._choose(waiting, logits)

    def release(self, sequence: SequenceState) -> None:
        """Forgets what was held for a finished request; call before its slot is given away."""
        assert self._cache is not None
        self._cache.truncate(sequence.slot)
        self._seen.pop(sequence.index, None)

    def _choose(self, sequences: Sequence[SequenceState], logits: Tensor) -> list[Choice]:
        logits = forbid(logits, self._forbidden)
        if not bool(logits.amax(dim=-1).isfinite().all()):
            raise CheckpointError(
                f"the model's output is not a number (computed in {self._model.dtype})",
                hint="float16 overflows in this architecture, use bfloat16 or float32; "
                "otherwise the weights are damaged",
            )
        scores = self._penalized(sequences, logits)
        params = [sequence.params for sequence in sequences]
        draws = [s.random.random() if s.params.temperature > 0 else 0.0 for s in sequences]
        choices = []
        for row, (sequence, token) in enumerate(
            zip(sequences, choose_tokens(scores, params, draws).tolist(), strict=True)
        ):
            seen = self._seen.get(sequence.index)
            if seen is not None:
                seen[token] = True
            logprob = None
            if sequence.params.logprobs is not None:
                found = row_logprobs(logits[row], token, sequence.params.logprobs)
                top = tuple(zip(found.top_ids, found.top, strict=True))
                logprob = TokenLogprob(token, found.chosen, top)
            choices.append(Choice(sequence, token, logprob))
        return choices

    def _penalized(self, sequences: Sequence[SequenceState], logits: Tensor) -> Tensor:
        if not self._seen:
            return logits
        nothing = torch.zeros_like(self._forbidden)
        seen = torch.stack([self._seen.get(s.index, nothing) for s in sequences])
        penalty = torch.tensor(
            [s.params.repetition_penalty for s in sequences], device=self._device
        )
        return penalize_repetition(logits, seen, penalty)

    def _features_of(self, chunk: ScheduledChunk) -> Tensor | None:
        """The features of the pictures' tokens inside a chunk; drops them after the last one."""
        features = self._features.get(chunk.sequence.index)
        if features is None:
            return None
        is_media = np.isin(chunk.sequence.inputs.input_ids, self._media_ids)
        first = int(is_media[: chunk.start].sum())
        count = int(is_media[chunk.start : chunk.stop].sum())
        if first + count == len(features):
            del self._features[chunk.sequence.index]
        return features[first : first + count] if count else None

    def _encode(self, items: Sequence[_Item]) -> dict[bytes, Tensor]:
        """Features of every item by key; what is not in the media cache is encoded in one go."""
        found: dict[bytes, Tensor] = {}
        missing: dict[bytes, _Item] = {}
        for item in items:
            features = self._media_cache.get(item.key)
            if features is not None:
                found[item.key] = features
            else:
                missing[item.key] = item
        if missing:
            parts = [item.pixel_values for item in missing.values()]
            pixel_values = parts[0] if len(parts) == 1 else np.concatenate(parts)
            encoded = self._model.encode_media(
                self._tensor(pixel_values),
                [item.grid for item in missing.values()],
                max_patches_per_chunk=self._max_patches_per_chunk,
            )
            merge_unit = len(pixel_values) // len(encoded)
            lengths = [len(item.pixel_values) // merge_unit for item in missing.values()]
            for key, features in zip(missing, encoded.split(lengths), strict=True):
                # A copy: a slice would keep the features of all the other pictures alive.
                found[key] = features.clone()
                self._media_cache.put(key, found[key])
        return found

    def _tensor(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def memory_budget(device: torch.device) -> int:
    """Bytes that a key-value cache may take: part of what is free on the device now."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free * 0.8)
    return _available_host_bytes() // 2


def _available_host_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux: assume that half of what is installed is in use
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    available = next(line for line in lines if line.startswith("MemAvailable:"))
    return int(available.split()[1]) * 1024


def _items(sequence: SequenceState) -> list[_Item]:
    """Cuts the patches of a prompt into its pictures and videos."""
    items = []
    start = 0
    for t, h, w in sequence.inputs.grid_thw.tolist():
        patches = sequence.inputs.pixel_values[start : start + t * h * w]
        items.append(_Item(media_key(patches, (t, h, w)), patches, (t, h, w)))
        start += t * h * w
    return items
