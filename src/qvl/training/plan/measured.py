"""A pack as training will see it, from real samples: packed as they will be, nothing decoded.

Owns the typical pack of a plan. Does not own packing (``data/packing``).

    samples, processor -> sizes -> plan of packs -> the pack of middle cost, fill, imbalance
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qvl.data.lengths import Lengths, measure
from qvl.data.packing import PackBudget
from qvl.data.packing.cost import CostModel, sample_costs
from qvl.data.packing.planned import plan_packs
from qvl.data.packing.usable import PlanOptions, SampleSet
from qvl.data.sources import Source
from qvl.model.config import ModelConfig
from qvl.processing.processor import Processor
from qvl.training.plan.work import Pack, Trained

# Patches of a pack whose tokens are all of pictures. Source: merge size 2, so 4 patches a token.
_PATCHES_PER_TOKEN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredPacks:
    """What packs of a set are like.

    Attributes:
        pack: the one of middle cost.
        samples: that were packed.
        dropped: that are larger than a pack or cannot be read.
        tokens: of all samples.
        efficiency: tokens over the room for them.
        imbalance: cost of the costliest pack of a step over the mean.
    """

    pack: Pack
    samples: int
    dropped: int
    tokens: int
    efficiency: float
    imbalance: float


def measured_packs(
    source: Source,
    processor: Processor,
    config: ModelConfig,
    trained: Trained,
    *,
    length: int,
    packs_per_step: int,
) -> MeasuredPacks:
    """Measures the samples of a set and packs them.

    Args:
        source: of the samples.
        processor: of the model, whose tokenizer and pixel limits decide the sizes.
        config: of the model, for the cost of packs.
        trained: parts that learn.
        length: tokens of a pack.
        packs_per_step: whose costs are to be alike.

    Raises:
        ConfigError: no sample fits a pack.
    """
    parts = [part for part in ("tower", "merger", "llm") if getattr(trained, part)]
    cost = CostModel.of_parts(config, parts)
    lengths = measure(source, processor)
    options = PlanOptions(
        budget=PackBudget(max_tokens=length, max_patches=_PATCHES_PER_TOKEN * length),
        cost=cost,
        packs_per_step=packs_per_step,
        too_long="drop",
        unreadable="drop",
    )
    one = SampleSet(name="samples", source=source, lengths=lengths)
    packs, summary = plan_packs([one], processor, options)
    costs = packs.plan.sums(sample_costs(lengths, cost)).ravel()
    middle = int(np.argsort(costs)[len(costs) // 2])
    return MeasuredPacks(
        pack=pack_of(lengths, packs.plan.pack(*divmod(middle, packs_per_step))),
        samples=summary.samples,
        dropped=sum(sum(found.dropped.values()) for found in summary.sets),
        tokens=summary.tokens,
        efficiency=summary.efficiency,
        imbalance=summary.imbalance,
    )


def pack_of(lengths: Lengths, numbers: npt.NDArray[np.int64]) -> Pack:
    """Returns the shape of a pack of these samples."""
    chosen = lengths.take(np.asarray(numbers))
    return Pack(
        lengths=tuple(chosen.tokens.tolist()),
        grids=tuple((int(t), int(h), int(w)) for t, h, w in chosen.grids),
        answers=int(chosen.answers.sum()),
    )
