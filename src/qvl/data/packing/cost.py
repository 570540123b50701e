"""What each sample costs in a training step: packs of like cost keep ranks from waiting.

Owns: the cost of samples from their sizes. Does not own: the formulas (``model.cost``).

    Lengths, CostModel -> sample_costs() -> int64[S]

Samples do not see one another, so the cost of a pack is the sum of its samples'.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qvl.data.lengths import Lengths
from qvl.model.config import ModelConfig
from qvl.model.cost import text_flops, vision_flops

UNIT = 1_000_000
"""Operations in one unit of cost: whole numbers whose sums stay far below 2^63."""

_GRID_BITS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CostModel:
    """How often a step runs through the products of each part.

    Attributes:
        config: of the model.
        vision_passes: through the tower; 3 when it is trained, 1 when it is frozen.
        text_passes: through the language model.
    """

    config: ModelConfig
    vision_passes: int = 3
    text_passes: int = 3

    @classmethod
    def of_parts(cls, config: ModelConfig, trained: Collection[str]) -> "CostModel":
        """Returns the cost when these parts (tower, merger, llm) are trained.

        A product is computed once forward, once for the gradient of what went in if anything before
        it is trained, and once for the gradient of its weights if it is trained itself.
        """
        before_llm = bool({"tower", "merger"} & set(trained))
        return cls(
            config=config,
            vision_passes=3 if "tower" in trained else 1,
            text_passes=3 if "llm" in trained else 1 + before_llm,
        )


def sample_costs(lengths: Lengths, model: CostModel) -> npt.NDArray[np.int64]:
    """Returns int64[S], in millions of operations: attention grows with the square of each segment,
    of each frame in the tower's full layers, and with the windows in the others."""
    return model.vision_passes * _vision(lengths, model.config) + model.text_passes * _text(
        lengths, model.config
    )


def _text(lengths: Lengths, config: ModelConfig) -> npt.NDArray[np.int64]:
    """A quadratic in the tokens and a head for each answer token, from the formula at three
    points."""
    first, second = (text_flops(config.text, num_tokens=n, num_logits=0) for n in (1, 2))
    head = text_flops(config.text, num_tokens=1, num_logits=1) - first
    square = (second - 2 * first) / 2
    tokens, answers = (x.astype(np.float64) for x in (lengths.tokens, lengths.answers))
    flops = (first - square) * tokens + square * tokens**2 + head * answers
    return np.rint(flops / UNIT).astype(np.int64)


def _vision(lengths: Lengths, config: ModelConfig) -> npt.NDArray[np.int64]:
    """Grids repeat, so each different one is computed once."""
    t, h, w = lengths.grids.astype(np.int64).T
    keys = (t << 2 * _GRID_BITS) | (h << _GRID_BITS) | w
    different, where = np.unique(keys, return_inverse=True)
    low = 2**_GRID_BITS - 1
    flops = [
        vision_flops(config.vision, (key >> 2 * _GRID_BITS, (key >> _GRID_BITS) & low, key & low))
        for key in different.tolist()
    ]
    costs = np.rint(np.array(flops, np.float64) / UNIT).astype(np.int64)
    return lengths.sums(costs[where])
