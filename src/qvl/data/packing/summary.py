"""What a plan of packs is, in numbers: for those who start a run.

Owns: the numbers and how they print. Does not own: the plan (``plan``), reasons (``planned``).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qvl.data.packing import PackBudget
from qvl.data.packing.plan import PackPlan, Sizes


@dataclass(frozen=True, kw_only=True, slots=True)
class SetSummary:
    """What became of a set.

    Attributes:
        name: of the set.
        samples: that it has.
        used: of them, in the order of the epochs.
        per_epoch: samples of it in an epoch.
        fitted: made smaller to fit a pack.
        dropped: reason -> samples that are not used for it.
    """

    name: str
    samples: int
    used: int
    per_epoch: int
    fitted: int
    dropped: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanSummary:
    """A plan in numbers; prints as a table in Markdown.

    Attributes:
        sets: what became of each.
        samples: in all epochs.
        tokens: in all epochs.
        patches: in all epochs.
        steps: of all epochs.
        packs_per_step: over all ranks.
        max_tokens: of a pack.
        efficiency: tokens over the room for them in all packs.
        imbalance: cost of the costliest pack of a step over the mean; mean of all steps.
        worst_imbalance: of the worst step in a hundred.
    """

    sets: tuple[SetSummary, ...]
    samples: int
    tokens: int
    patches: int
    steps: int
    packs_per_step: int
    max_tokens: int
    efficiency: float
    imbalance: float
    worst_imbalance: float

    def __str__(self) -> str:
        lines = ["| set | samples | used | in an epoch | made smaller |", "| --- |" + " --- |" * 4]
        lines += [
            f"| {found.name} | {found.samples:,} | {found.used:,} | {found.per_epoch:,} | "
            f"{found.fitted:,} |"
            for found in self.sets
        ]
        lines.append("")
        lines += [
            f"- {found.name}: {count:,} samples not used: {reason}"
            for found in self.sets
            for reason, count in found.dropped.items()
        ]
        return "\n".join(
            [
                *lines,
                f"- {self.steps:,} steps of {self.packs_per_step} packs of up to "
                f"{self.max_tokens:,} tokens, {self.efficiency:.1%} full: {self.samples:,} "
                f"samples, {self.tokens:,} tokens, {self.patches:,} patches",
                f"- the costliest pack of a step costs {self.imbalance:.3f} times the mean, "
                f"{self.worst_imbalance:.3f} times in the worst step of a hundred",
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``."""
        return asdict(self)


def summarise(
    plan: PackPlan, sizes: Sizes, budget: PackBudget, sets: tuple[SetSummary, ...]
) -> PlanSummary:
    """Counts what a plan holds."""
    tokens = plan.sums(sizes.tokens)
    costs = plan.sums(sizes.costs).astype(np.float64)
    imbalance = costs.max(1) / np.maximum(costs.mean(1), 1.0)
    return PlanSummary(
        sets=sets,
        samples=len(plan.samples),
        tokens=int(tokens.sum()),
        patches=int(plan.sums(sizes.patches).sum()),
        steps=plan.num_steps,
        packs_per_step=plan.packs_per_step,
        max_tokens=budget.max_tokens,
        efficiency=float(tokens.sum() / (tokens.size * budget.max_tokens)),
        imbalance=float(imbalance.mean()),
        worst_imbalance=float(np.quantile(imbalance, 0.99)),
    )
