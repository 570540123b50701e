"""What one step of training holds and computes: the shape of a pack, what trains, operations.

Owns the rule by which a forward pass's operations become those of training. Does not own the
forward pass's (``model/cost``), nor time.

    Pack, Trained -> step_flops -> Flops(model's own, done again for checkpointing)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from qvl.errors import ConfigError
from qvl.model.config import ModelConfig, TextConfig, VisionConfig
from qvl.model.cost import (
    merger_flops,
    patch_embed_flops,
    text_attention_flops,
    text_flops,
    text_head_flops,
    vision_attention_flops,
    vision_flops,
)
from qvl.training.parallel.layout import Checkpointing


@dataclass(frozen=True, kw_only=True)
class Pack:
    """What one rank works on at a time.

    Attributes:
        lengths: tokens of each sample.
        grids: (time, height, width) in patches of each picture or video.
        answers: tokens that are predicted; None: all of them.
    """

    lengths: tuple[int, ...]
    grids: tuple[tuple[int, int, int], ...] = ()
    answers: int | None = None

    def __post_init__(self) -> None:
        if not self.lengths or min(self.lengths) < 1:
            raise ConfigError(f"lengths of a pack are {self.lengths[:4]}, expected positive ones")

    @cached_property
    def num_tokens(self) -> int:
        """Tokens of the language model."""
        return sum(self.lengths)

    @cached_property
    def num_patches(self) -> int:
        """Patches of the tower."""
        return sum(t * h * w for t, h, w in self.grids)

    @property
    def num_answers(self) -> int:
        """Tokens whose logits are computed."""
        return self.num_tokens if self.answers is None else self.answers


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """Which parts learn; `lora_rank` above 0 trains adapters on every matrix of a part instead.

    Attributes:
        tower: the vision tower.
        merger: between tower and language model.
        llm: the language model.
        lora_rank: of the adapters; 0 trains the parts themselves.
    """

    tower: bool = True
    merger: bool = True
    llm: bool = True
    lora_rank: int = 0

    def __post_init__(self) -> None:
        if not (self.tower or self.merger or self.llm):
            raise ConfigError("nothing trains, expected at least one of tower, merger, llm")
        if self.lora_rank < 0:
            raise ConfigError(f"lora_rank is {self.lora_rank}, expected 0 or more")

    @property
    def sees(self) -> bool:
        """Whether gradients reach the tower's output."""
        return self.tower or self.merger


@dataclass(frozen=True, kw_only=True, slots=True)
class Flops:
    """Operations of a step on one pack.

    Attributes:
        model: of the forward and backward pass; what utilisation is counted by.
        recomputed: done a second time to save memory.
    """

    model: int
    recomputed: int = 0

    @property
    def total(self) -> int:
        """What the hardware does."""
        return self.model + self.recomputed


def step_flops(
    config: ModelConfig, pack: Pack, trained: Trained, *, recompute: Checkpointing = "none"
) -> Flops:
    """Returns the operations of forward and backward on a pack.

    A product costs once forward, once more for the gradient of its input and once for that of its
    weights; a frozen weight has no gradient, and what stands before everything that trains has
    neither. Of adapters only the products with the frozen matrices are counted.

    Source: Kaplan et al. 2020 (arXiv 2001.08361), section 2.1, for the factor three.
    """
    vision, text = config.vision, config.text
    model = _tower(vision, pack.grids, trained) + _language(text, pack, trained)
    seen = sum(vision_flops(vision, grid) for grid in pack.grids)
    forward = (seen if trained.tower else 0) + text_forward(text, pack)
    # Selective checkpointing keeps the products' results; what it repeats is not counted here.
    return Flops(model=model, recomputed=forward if recompute == "full" else 0)


def text_forward(config: TextConfig, pack: Pack) -> int:
    """Operations of the language model's forward pass, the head on answers only."""
    layers = sum(text_flops(config, num_tokens=length, num_logits=0) for length in pack.lengths)
    return layers + text_head_flops(config, pack.num_answers)


def _language(config: TextConfig, pack: Pack, trained: Trained) -> int:
    attention = sum(text_attention_flops(config, num_tokens=length) for length in pack.lengths)
    linear = text_forward(config, pack) - attention
    # Of attention, gradients of queries, keys and values are four products for the two forward.
    return (3 if trained.llm and not trained.lora_rank else 2) * linear + 3 * attention


def _tower(config: VisionConfig, grids: Sequence[tuple[int, int, int]], trained: Trained) -> int:
    weights = 0 if trained.lora_rank else 1
    total = 0
    for grid in grids:
        forward = vision_flops(config, grid)
        merger, patches = merger_flops(config, grid), patch_embed_flops(config, grid)
        total += forward
        if trained.sees:
            total += (1 + weights * trained.merger) * merger
        if trained.tower:
            attention = vision_attention_flops(config, grid)
            total += (1 + weights) * (forward - merger - patches - attention) + 2 * attention
            total += weights * patches  # pixels need no gradient
    return total
