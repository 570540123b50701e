"""The Qwen2.5 decoder with three-axis rotary positions, over packed tokens.

Owns: the decoder layers. Does not own: the head and the mixing in of media (``vlm``), the cache
(``kv_cache``).

    embeddings [T, D], position_ids [3, T], segments, cache -> layers -> norm -> [T, D]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from qvl.model.attention import Backend, Segments, attend
from qvl.model.config import TextConfig
from qvl.model.kv_cache import CacheView
from qvl.model.layers import GatedMLP, RMSNorm, add, add_branch
from qvl.model.rotary import rotate, text_rotary

# q [T, H, C], k [T, K, C], v [T, K, C] -> [T, H, C]
Attention = Callable[[Tensor, Tensor, Tensor], Tensor]


class TextAttention(nn.Module):
    """Grouped-query attention; q, k, v have biases, the output has none."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        size, kv_size = config.hidden_size, config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(size, size)
        self.k_proj = nn.Linear(size, kv_size)
        self.v_proj = nn.Linear(size, kv_size)
        self.o_proj = nn.Linear(size, size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, attention: Attention) -> Tensor:
        q, k, v = (
            project(x).unflatten(-1, (-1, self.head_dim))
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        out = attention(rotate(q, cos, sin), rotate(k, cos, sin), v)
        return self.o_proj(out.flatten(1))


class DecoderLayer(nn.Module):
    """Pre-norm residual layer."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.self_attn = TextAttention(config)
        self.mlp = GatedMLP(config.hidden_size, config.intermediate_size, bias=False)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, attention: Attention) -> Tensor:
        x = add(x, self.self_attn(self.input_layernorm(x), cos, sin, attention))
        return add_branch(x, lambda rows: self.mlp(self.post_attention_layernorm(rows)))


class TextModel(nn.Module):
    """Embedding, layers and final norm."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self,
        x: Tensor,
        position_ids: Tensor,
        segments: Segments,
        *,
        cache: CacheView | None,
        backend: str | Backend,
    ) -> Tensor:
        """Hidden states after the final norm.

        Args:
            x: embeddings of the new tokens of all sequences in a row, float[T, D]; overwritten in
                inference mode.
            position_ids: int64[3, T].
            segments: new tokens of each sequence.
            cache: the sequences' slots, in the order of the segments; the new tokens are appended
                to them.
            backend: a key of :data:`qvl.model.attention.BACKENDS`, or a back end itself, for
                tokens that need no cache.
        """
        config = self.config
        cos, sin = text_rotary(
            position_ids,
            head_dim=config.head_dim,
            theta=config.rope_theta,
            sections=config.mrope_section,
        )
        # As published: computed in float32, applied in the dtype of queries and keys (the tower
        # rotates in float32).
        dtype = _compute_dtype(x)
        cos, sin = cos.to(dtype), sin.to(dtype)
        step = None if cache is None else cache.step(segments, backend)
        for i, layer in enumerate(self.layers):
            attention: Attention = (
                partial(attend, segments=segments, causal=True, backend=backend)
                if step is None
                else partial(step.attend, layer=i)
            )
            x = layer(x, cos, sin, attention)
        if cache is not None:
            cache.advance(segments)
        return self.norm(x)


def _compute_dtype(x: Tensor) -> torch.dtype:
    """The dtype that a projection of x will have."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
