"""A small transformer that turns captions into vectors, beside which the vision tower learns.

Owns: the network and its sizes. Does not own: tokens (``processing.tokenizer``), the loss
(``objectives.contrastive``). It is thrown away after the first stage.

    input_ids int64[T], lengths -> embeddings -> decoder layers -> norm -> one vector per caption

It is built of the language model's layers; positions count from 0 in each caption.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from qvl.errors import ConfigError
from qvl.model.attention import attend
from qvl.model.config import TextConfig
from qvl.model.language import DecoderLayer
from qvl.model.layers import RMSNorm
from qvl.model.rotary import text_rotary
from qvl.model.segments import Segments

# Source: CLIP (arXiv 2103.00020), model.py, initialize_parameters.
_EMBEDDING_STD = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class TextTowerConfig:
    """Sizes of a text tower.

    Attributes:
        vocab_size: of the tokenizer.
        hidden_size: channels.
        intermediate_size: of the perceptrons.
        num_hidden_layers: decoder layers.
        num_attention_heads: of queries, keys and values alike.
        direction: "causal" takes the last token's state as the caption's, as CLIP does;
            "bidirectional" the mean over tokens.
    """

    vocab_size: int
    hidden_size: int = 512
    intermediate_size: int = 1408
    num_hidden_layers: int = 12
    num_attention_heads: int = 8
    direction: Literal["causal", "bidirectional"] = "causal"

    def __post_init__(self) -> None:
        if self.direction not in ("causal", "bidirectional"):
            raise ConfigError(
                f"direction is {self.direction!r}, expected 'causal' or 'bidirectional'"
            )
        self.layers()

    def layers(self) -> TextConfig:
        """The configuration of the layers.

        Raises:
            ConfigError: sizes do not fit one another.
        """
        head_dim = self.hidden_size // max(1, self.num_attention_heads)
        half = head_dim // 2
        return TextConfig(
            vocab_size=self.vocab_size,
            hidden_size=self.hidden_size,
            intermediate_size=self.intermediate_size,
            num_hidden_layers=self.num_hidden_layers,
            num_attention_heads=self.num_attention_heads,
            num_key_value_heads=self.num_attention_heads,
            head_dim=head_dim,
            rms_norm_eps=1e-6,
            rope_theta=10_000.0,
            mrope_section=(half - 2 * (half // 3), half // 3, half // 3),
            max_position_embeddings=1 << 16,
            tie_word_embeddings=True,
        )


class TextTower(nn.Module):
    """The tower. Its weights come from the generator, or from torch's own."""

    def __init__(self, config: TextTowerConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        sizes = config.layers()
        self._sizes = sizes
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(sizes) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, sizes.rms_norm_eps)
        self._init(generator)

    @torch.no_grad()
    def _init(self, generator: torch.Generator | None) -> None:
        """As `qvl.model.init.init_weights`: normal by the number of inputs, residual ones less."""
        depth = (2 * self.config.num_hidden_layers) ** -0.5
        nn.init.normal_(self.embed_tokens.weight, std=_EMBEDDING_STD, generator=generator)
        for name, module in self.layers.named_modules():
            if isinstance(module, nn.Linear):
                std = module.in_features**-0.5
                is_residual = name.endswith(("o_proj", "down_proj"))
                std *= depth if is_residual else 1.0
                nn.init.normal_(module.weight, std=std, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, input_ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Returns float[S, hidden_size], a vector for each caption.

        Args:
            input_ids: int64[T], the captions in a row.
            lengths: tokens of each, none of them 0; there may be no caption at all.
        """
        if not lengths:
            # A blank token runs, so that every weight is used wherever there is nothing to read.
            return self.forward(input_ids.new_zeros(1), (1,))[:0]
        causal = self.config.direction == "causal"
        positions = torch.cat([torch.arange(length) for length in lengths]).to(input_ids.device)
        cos, sin = text_rotary(
            positions.expand(3, -1),
            head_dim=self._sizes.head_dim,
            theta=self._sizes.rope_theta,
            sections=self._sizes.mrope_section,
        )
        x = self.embed_tokens(input_ids)
        kind = x.device.type
        if torch.is_autocast_enabled(kind):
            x = x.to(torch.get_autocast_dtype(kind))
        cos, sin = cos.to(x.dtype), sin.to(x.dtype)
        segments = Segments(lengths)
        attention = partial(attend, segments=segments, causal=causal)
        for layer in self.layers:
            x = layer(x, cos, sin, attention)
        x = self.norm(x)
        if causal:
            return x[torch.tensor(segments.offsets[1:], device=x.device) - 1]
        return mean_by_segment(x, lengths)


def mean_by_segment(x: Tensor, lengths: Sequence[int]) -> Tensor:
    """Returns float[S, D], the mean of the rows of each segment.

    >>> mean_by_segment(torch.tensor([[1.0], [3.0], [7.0]]), (2, 1)).tolist()
    [[2.0], [7.0]]

    Args:
        x: float[T, D].
        lengths: rows of each segment; they add up to T.
    """
    sums = x.new_zeros(len(lengths), x.shape[1]).index_add(0, segments_of(lengths, x.device), x)
    return sums / torch.tensor(lengths, dtype=x.dtype, device=x.device)[:, None]


def segments_of(lengths: Sequence[int], device: torch.device) -> Tensor:
    """Returns int64[T], the number of the segment that each row is in.

    >>> segments_of((2, 1), torch.device("cpu")).tolist()
    [0, 0, 1]
    """
    counts = torch.tensor(lengths)
    return torch.repeat_interleave(torch.arange(len(lengths)), counts).to(device)
