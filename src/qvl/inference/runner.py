"""Runs the model for the scheduler: the only file of inference where numpy becomes tensors.

Owns what lives on the device while requests run: the key-value cache, the features of pictures
not yet read by the language model, which tokens were seen. Does not own what runs when.

    new requests    -> receive: pictures through the vision tower, or found in the media cache;
                       a long video piece by piece, as it is decoded
    ScheduledChunks -> step: ids, positions, features packed in a row -> logits -> chosen tokens

Requests are packed without padding. One runner serves one run of the engine: when that ends, by
its end, an error or an interrupt, the runner and all it holds goes with it.
Shapes: T tokens of a step over all requests, N requests that need a token, V vocabulary.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from qvl.errors import CheckpointError, InputError
from qvl.inference.kv_cache import CacheShape
from qvl.inference.media_cache import Grid, MediaCache, media_key
from qvl.inference.sampling import choose_tokens, forbid, penalize_repetition, row_logprobs
from qvl.inference.scheduler import ScheduledChunk
from qvl.inference.sequence import SequenceState
from qvl.messages import TokenLogprob
from qvl.model.attention import Segments
from qvl.model.kv_cache import KVCache
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.media import PreparedMedia
from qvl.processing.processor import ModelInputs
from qvl.processing.video_chunks import pairs_per_piece


class Choice(NamedTuple):
    """The next token of one request."""

    sequence: SequenceState
    token_id: int
    logprob: TokenLogprob | None


class _Piece(NamedTuple):
    """A picture, or some pairs of frames of a video: its key, patches and grid."""

    key: bytes
    pixel_values: npt.NDArray[np.float32]
    grid: Grid


class ModelRunner:
    """The model, the cache of one run, and what its requests need beside their tokens.

    Args:
        model: in eval mode, on the device to use.
        forbidden_ids: tokens that are never chosen.
        media_cache: shared between runs.
        max_patches_per_chunk: bounds the memory of the vision tower: of pixels and of its work.
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
        features = self._encode([_prepared(sequence.inputs) for sequence in sequences])
        for sequence, parts in zip(sequences, features, strict=True):
            if parts:
                self._features[sequence.index] = _joined(parts)
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

    @torch.inference_mode()
    def encode(self, media: PreparedMedia) -> Tensor:
        """Returns the features of one picture or video, float[M, D]."""
        return _joined(self._encode([[media]])[0])

    def _encode(self, prompts: Sequence[Sequence[PreparedMedia]]) -> list[list[Tensor]]:
        """The features of each prompt in parts; equal pieces are encoded once.

        Pieces wait for one another until there are enough for the vision tower, so that many
        pictures are one call and a long video is never in memory as a whole.
        """
        held: dict[bytes, Tensor] = {}
        missing: dict[bytes, _Piece] = {}
        num_waiting = 0
        orders: list[list[bytes | Tensor]] = []
        for prompt in prompts:
            orders.append([])
            for part in _parts(prompt, self._max_patches_per_chunk):
                if isinstance(part, Tensor):
                    orders[-1].append(self._own(part))
                    continue
                orders[-1].append(part.key)
                if part.key in held or part.key in missing:
                    continue
                features = self._media_cache.get(part.key)
                if features is not None:
                    held[part.key] = features
                    continue
                num_waiting += len(part.pixel_values)
                if missing and num_waiting > self._max_patches_per_chunk:
                    held |= self._run_tower(missing)
                    missing, num_waiting = {}, len(part.pixel_values)
                missing[part.key] = part
                # The next piece of a long video is as large: do not decode it before this is gone.
                if num_waiting + len(part.pixel_values) > self._max_patches_per_chunk:
                    held |= self._run_tower(missing)
                    missing, num_waiting = {}, 0
        held |= self._run_tower(missing)
        return [
            [held[part] if isinstance(part, bytes) else part for part in order] for order in orders
        ]

    def _own(self, features: Tensor) -> Tensor:
        """Features made before, on the device.

        Raises:
            InputError: a model of another size made them.
        """
        size = self._model.config.text.hidden_size
        if features.shape[-1] != size:
            raise InputError(
                f"a picture or video was encoded to {features.shape[-1]} numbers a token by "
                f"another model, this one takes {size}",
                hint="encode it with the model that is asked",
            )
        return features.to(self._device)

    def _run_tower(self, pieces: dict[bytes, _Piece]) -> dict[bytes, Tensor]:
        """Encodes pieces in one go and puts them into the media cache."""
        if not pieces:
            return {}
        parts = [piece.pixel_values for piece in pieces.values()]
        pixel_values = parts[0] if len(parts) == 1 else np.concatenate(parts)
        encoded = self._model.encode_media(
            self._tensor(pixel_values), [piece.grid for piece in pieces.values()]
        )
        merge_unit = len(pixel_values) // len(encoded)
        lengths = [len(part) // merge_unit for part in parts]
        # A copy: a slice would keep the features of all the other pictures alive.
        found = {
            key: features.clone()
            for key, features in zip(pieces, encoded.split(lengths), strict=True)
        }
        for key, features in found.items():
            self._media_cache.put(key, features)
        return found

    def _tensor(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def memory_budget(device: torch.device) -> int:
    """Bytes that a key-value cache may take: part of what is free on the device now."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # torch keeps what earlier runs took; to this one it is free.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int((free + kept) * 0.8)
    return _available_host_bytes() // 2


def _available_host_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux: assume that half of what is installed is in use
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    available = next(line for line in lines if line.startswith("MemAvailable:"))
    return int(available.split()[1]) * 1024


def _prepared(inputs: ModelInputs) -> list[PreparedMedia]:
    """A prompt's pictures and videos, each with its own patches."""
    prepared = []
    start = 0
    for item in inputs.media:
        stop = start + (item.num_patches if item.is_in_pixel_values else 0)
        prepared.append(
            PreparedMedia(
                plan=item,
                pixel_values=inputs.pixel_values[start:stop],
                chunks=item.chunks,
                features=item.features,
            )
        )
        start = stop
    return prepared


def _parts(prompt: Sequence[PreparedMedia], max_patches: int) -> Iterator[_Piece | Tensor]:
    """Cuts pictures and videos into pieces for the tower; features pass as they are.

    A video is cut by its grid alone, so it has the same pieces, and they the same keys, whether it
    was decoded whole or is decoded while they are taken.
    """
    for media in prompt:
        if media.features is not None:
            assert isinstance(media.features, Tensor)
            yield media.features
        elif media.chunks is not None:
            for patches in media.chunks:
                yield _piece(patches.pixel_values, patches.grid)
        else:
            t, h, w = media.plan.grid
            most = pairs_per_piece(media.plan.grid, max_patches)
            for first in range(0, t, most):
                last = min(first + most, t)
                pixel_values = media.pixel_values[first * h * w : last * h * w]
                yield _piece(pixel_values, (last - first, h, w))


def _piece(pixel_values: npt.NDArray[np.float32], grid: Grid) -> _Piece:
    return _Piece(media_key(pixel_values, grid), pixel_values, grid)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
