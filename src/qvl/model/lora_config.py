"""What is said about adapters: which layers get one, of which rank and kind.

Owns the dataclasses and the meaning of patterns. Does not own the layers (``lora``), and needs no
torch.

    LoraConfig (patterns) + names of layers -> LoraSpec of each
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from qvl.errors import ConfigError

ALL_LINEAR = "all-linear"
_HEAD = "lm_head"
PARTS = {"llm": "model.layers.", "tower": "visual.blocks.", "merger": "visual.merger."}
"""Parts that a pattern can name, by what the names of their layers begin with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraSpec:
    """The adapter of one layer.

    Attributes:
        rank: of the update.
        alpha: numerator of its scale.
        dropout: chance that an input of the update is left out while training.
        rank_stabilised: the scale is alpha / sqrt(rank) instead of alpha / rank.
        dora: the length of every row of the weight is a parameter of its own.
    """

    rank: int
    alpha: float
    dropout: float = 0.0
    rank_stabilised: bool = False
    dora: bool = False

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ConfigError(f"lora rank is {self.rank}, expected 1 or more")
        if not 0 < self.alpha < math.inf:
            raise ConfigError(f"lora alpha is {self.alpha}, expected more than 0")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"lora dropout is {self.dropout}, expected 0 or more and below 1")

    @property
    def scaling(self) -> float:
        """What the update is multiplied by."""
        return self.alpha / (math.sqrt(self.rank) if self.rank_stabilised else self.rank)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraConfig:
    """Which layers of a model get adapters, and of which kind.

    A pattern is "all-linear" (every linear layer but the head), a part ("llm", "tower", "merger"),
    the end of a layer's name ("q_proj", "attn.proj", "layers.3.mlp.up_proj"), or a regular
    expression for its whole name.

    Attributes:
        rank: of every update without a pattern of its own. Sixteen, and twice that as alpha, is
            what open recipes mostly take; no value is published for this model.
        alpha: likewise.
        targets: patterns of the layers that get an adapter.
        dropout: see :class:`LoraSpec`.
        rank_stabilised: see :class:`LoraSpec`.
        dora: see :class:`LoraSpec`.
        rank_pattern: ranks by pattern; the first that fits counts.
        alpha_pattern: alphas by pattern.
        modules_to_save: ends of names of modules that train whole instead ("embed_tokens",
            "lm_head", "merger").
    """

    rank: int = 16
    alpha: float = 32.0
    targets: tuple[str, ...] = (ALL_LINEAR,)
    dropout: float = 0.0
    rank_stabilised: bool = False
    dora: bool = False
    rank_pattern: Mapping[str, int] = field(default_factory=dict)
    alpha_pattern: Mapping[str, float] = field(default_factory=dict)
    modules_to_save: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.spec(self.rank, self.alpha)
        if not self.targets:
            raise ConfigError("lora has no targets", hint=f"such as {ALL_LINEAR!r} or 'llm'")

    def spec(self, rank: int, alpha: float) -> LoraSpec:
        """An adapter of this configuration."""
        return LoraSpec(
            rank=rank,
            alpha=alpha,
            dropout=self.dropout,
            rank_stabilised=self.rank_stabilised,
            dora=self.dora,
        )


def selects(pattern: str, name: str) -> bool:
    """Whether a pattern of :class:`LoraConfig` means the layer of this name.

    >>> patterns = ("llm", "up_proj", "model.layers.1[0-9].*", "0.mlp.up_proj")
    >>> [selects(pattern, "model.layers.10.mlp.up_proj") for pattern in patterns]
    [True, True, True, False]
    """
    if pattern == ALL_LINEAR:
        return name != _HEAD
    if pattern in PARTS:
        return name.startswith(PARTS[pattern])
    if name == pattern or name.endswith(f".{pattern}"):
        return True
    try:
        return re.fullmatch(pattern, name) is not None
    except re.error as error:
        raise ConfigError(f"lora pattern {pattern!r} is no regular expression: {error}") from error
