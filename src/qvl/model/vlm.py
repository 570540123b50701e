"""The whole model: tower, decoder and head, named as the published checkpoints name them.

Owns: putting media features in place of their tokens, and the head. Does not own: making inputs
(``processing``), loading weights (``checkpoint``), choosing tokens (``inference``).

    pixel_values, grid_thw -> encode_media -> [M, D] --+
    input_ids ------------------------------> embed ---+-> decoder -> [T, D] -> logits [n, V]

There is no batch axis: all sequences of a call stand in one row, cut by ``segments``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qvl.errors import InputError
from qvl.model.attention import BACKENDS, Segments
from qvl.model.config import ModelConfig
from qvl.model.kv_cache import CacheView
from qvl.model.language import TextModel
from qvl.model.vision import VisionTransformer
from qvl.model.windows import Grid


class Qwen2_5_VL(nn.Module):
    """Qwen2.5-VL. Build under ``torch.device("meta")`` when weights are going to be loaded."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self._attention_backend = "auto"
        self.visual = VisionTransformer(config.vision)
        self.model = TextModel(config.text)
        # A tied model has no head of its own, so that its state dict has none either; logits then
        # use the embedding.
        self.lm_head: nn.Module | None = (
            None
            if config.text.tie_word_embeddings
            else nn.Linear(config.text.hidden_size, config.text.vocab_size, bias=False)
        )

    @property
    def attention_backend(self) -> str:
        """A key of :data:`qvl.model.attention.BACKENDS`; setting it sets the tower's too."""
        return self._attention_backend

    @attention_backend.setter
    def attention_backend(self, name: str) -> None:
        if name not in BACKENDS:
            raise InputError(f"attention backend is {name!r}; expected one of {sorted(BACKENDS)}")
        self._attention_backend = name
        self.visual.attention_backend = name

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of hidden states, and so of a cache; matrices may be held in a narrower one."""
        return self.model.norm.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.model.embed_tokens.weight.device

    def encode_media(
        self,
        pixel_values: Tensor,
        grid_thw: Sequence[Grid],
        *,
        max_patches_per_chunk: int | None = None,
    ) -> Tensor:
        """Features of pictures and videos in order, float[M, D]; see :class:`VisionTransformer`."""
        return self.visual(pixel_values, grid_thw, max_patches_per_chunk=max_patches_per_chunk)

    def embed(self, input_ids: Tensor, media_embeds: Tensor | None = None) -> Tensor:
        """Embeddings of int64[T]; image and video tokens take ``media_embeds``, float[M, D].

        Raises:
            InputError: the number of those tokens is not M.
        """
        x = self.model.embed_tokens(input_ids).to(self.dtype)
        is_media = (input_ids == self.config.image_token_id) | (
            input_ids == self.config.video_token_id
        )
        places = is_media.nonzero().flatten()
        num_features = 0 if media_embeds is None else len(media_embeds)
        if len(places) != num_features:
            raise InputError(
                f"input_ids has {len(places)} image and video tokens; expected {num_features}, one "
                "for each media feature",
                hint="make ids and pixel_values with one processor; do not cut inside an image",
            )
        if media_embeds is None:
            return x
        return x.index_copy(0, places, media_embeds.to(x.dtype))

    def hidden_states(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        *,
        segments: Segments,
        pixel_values: Tensor | None = None,
        grid_thw: Sequence[Grid] | None = None,
        media_embeds: Tensor | None = None,
        cache: CacheView | None = None,
    ) -> Tensor:
        """Hidden states after the final norm, float[T, D]; arguments as in :meth:`forward`."""
        if not len(input_ids) == position_ids.shape[-1] == segments.total:
            raise InputError(
                f"input_ids has {len(input_ids)} tokens, position_ids {position_ids.shape[-1]}, "
                f"segments {segments.total}; expected one number in all three"
            )
        if pixel_values is not None:
            if media_embeds is not None or grid_thw is None:
                raise InputError(
                    "pixel_values needs grid_thw, and cannot be given together with media_embeds"
                )
            media_embeds = self.encode_media(pixel_values, grid_thw)
        x = self.embed(input_ids, media_embeds)
        return self.model(x, position_ids, segments, cache=cache, backend=self.attention_backend)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every vocabulary row, float32[n, V], from hidden states float[n, D]."""
        if self.lm_head is not None:
            return self.lm_head(hidden).float()
        return F.linear(hidden, self.model.embed_tokens.weight).float()

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        *,
        segments: Segments,
        pixel_values: Tensor | None = None,
        grid_thw: Sequence[Grid] | None = None,
        media_embeds: Tensor | None = None,
        cache: CacheView | None = None,
        logits_at: Tensor | None = None,
    ) -> Tensor:
        """Logits for the token after each of ``logits_at``.

        Args:
            input_ids: int64[T], the sequences in a row; with a cache, only their new tokens.
            position_ids: int64[3, T], time, height and width of each token.
            segments: tokens of each sequence in this call.
            pixel_values: float[P, 1176], all pictures and videos in order of appearance.
            grid_thw: their grids in patches, as host integers.
            media_embeds: float[M, D], instead of the two above: features made before by
                :meth:`encode_media`.
            cache: slots of the sequences, in the order of the segments; the new tokens are
                appended. For inference only: what is written carries no gradient.
            logits_at: int64[n], tokens of the row to score; None scores all.

        Returns:
            float32[n, V].
        """
        hidden = self.hidden_states(
            input_ids,
            position_ids,
            segments=segments,
            pixel_values=pixel_values,
            grid_thw=grid_thw,
            media_embeds=media_embeds,
            cache=cache,
        )
        return self.logits(hidden if logits_at is None else hidden[logits_at])
