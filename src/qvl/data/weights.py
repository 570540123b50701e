"""How much of each source a training stage takes: tokens and epochs from wished shares.

Owns: the plan of a stage's budget, turning shares of tokens into shares of samples. Does not own:
counting tokens (``lengths``), drawing samples (``mixture``).

    Supply(tokens, share, most epochs), ..., budget -> plan_tokens() -> TokenPlan -> mixture_of()

A source is repeated up to its limit and no further; what it cannot give goes to the others in
proportion to their shares. When all together cannot fill the budget, that is an error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qvl.data.lengths import lengths_of
from qvl.data.mixture import Generator, Mixture
from qvl.data.shards import ShardReader
from qvl.errors import ConfigError
from qvl.processing.processor import Processor

STAGE_TOKENS = {
    "vision_pretrain": 1_500_000_000_000,
    "multimodal_pretrain": 2_000_000_000_000,
    "long_context_pretrain": 600_000_000_000,
}
"""Tokens of the published training. Source: report, table 2."""

MOST_EPOCHS = 4.0
"""Up to here repeated text is worth about as much as new text.
Source: Muennighoff et al., Scaling Data-Constrained Language Models (2023), section 6."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """What there is of a source, and how much of it is wished for.

    Attributes:
        name: of the source.
        tokens: of an epoch, as the language model counts them.
        samples: of an epoch.
        share: of the stage's tokens, in proportion to the others.
        most_epochs: how often its samples may come; infinite for sources that draw new ones.
    """

    name: str
    tokens: int
    samples: int
    share: float
    most_epochs: float = MOST_EPOCHS

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.samples < 1:
            raise ConfigError(
                f"source {self.name!r} has {self.samples} samples of {self.tokens} tokens, "
                "expected at least 1 of each"
            )
        if not (self.share > 0 and math.isfinite(self.share)) or not self.most_epochs > 0:
            raise ConfigError(
                f"source {self.name!r} has the share {self.share:g} and at most "
                f"{self.most_epochs:g} epochs, expected both above 0"
            )

    @property
    def most_tokens(self) -> float:
        """Tokens of all epochs it may have."""
        return self.tokens * self.most_epochs


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedSource:
    """What a stage takes of a source.

    Attributes:
        name: of the source.
        tokens: taken, all epochs together.
        epochs: how often each of its samples comes.
        share: of all tokens of the stage.
        wished: share that was wished for, of all tokens.
        sample_share: of all samples of the stage; sources of short samples give more of them.
    """

    name: str
    tokens: int
    epochs: float
    share: float
    wished: float
    sample_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenPlan:
    """What a stage takes of all sources. Prints as a table in Markdown."""

    budget: int
    sources: tuple[PlannedSource, ...]

    def __str__(self) -> str:
        lines = [
            "| source | tokens | epochs | share | wished | of samples |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| {source.name} | {source.tokens:,} | {source.epochs:.2f} | {source.share:.1%} | "
            f"{source.wished:.1%} | {source.sample_share:.1%} |"
            for source in self.sources
        ]
        return "\n".join([*lines, f"| all | {self.budget:,} | | 100.0% | | |"])

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``."""
        return {"budget": self.budget, "sources": [asdict(source) for source in self.sources]}


def plan_tokens(supplies: Sequence[Supply], budget: int) -> TokenPlan:
    """Divides a budget of tokens among sources.

    Args:
        supplies: with wished shares and limits.
        budget: tokens of the stage; `STAGE_TOKENS` has the published ones.

    >>> books = Supply(name="books", tokens=100, samples=10, share=1, most_epochs=2)
    >>> web = Supply(name="web", tokens=1000, samples=50, share=1)
    >>> [(s.name, s.tokens, s.epochs) for s in plan_tokens([books, web], 1000).sources]
    [('books', 200, 2.0), ('web', 800, 0.8)]

    Raises:
        ConfigError: no sources, two of one name, or less than the budget in all of them together.
    """
    names = [supply.name for supply in supplies]
    if not supplies or len(set(names)) < len(names) or budget < 1:
        raise ConfigError(
            f"a budget of {budget} tokens for the sources {names}, expected at least 1 token and "
            "different names"
        )
    most = sum(supply.most_tokens for supply in supplies)
    if most < budget:
        raise ConfigError(
            f"a budget of {budget:,} tokens, but the sources have at most {most:,.0f} in all their "
            "epochs",
            hint="add data, allow more epochs, or plan fewer tokens",
        )
    taken = _whole(_filled(supplies, budget), budget)
    samples = [
        tokens * supply.samples / supply.tokens
        for supply, tokens in zip(supplies, taken, strict=True)
    ]
    wished = sum(supply.share for supply in supplies)
    planned = [
        PlannedSource(
            name=supply.name,
            tokens=tokens,
            epochs=tokens / supply.tokens,
            share=tokens / budget,
            wished=supply.share / wished,
            sample_share=count / sum(samples),
        )
        for supply, tokens, count in zip(supplies, taken, samples, strict=True)
    ]
    return TokenPlan(budget=budget, sources=tuple(planned))


def _filled(supplies: Sequence[Supply], budget: int) -> list[float]:
    """Tokens of each: in proportion to the shares, none above its limit, together the budget."""
    taken = [0.0] * len(supplies)
    rest = float(budget)
    waiting = list(range(len(supplies)))
    while waiting:
        shares = sum(supplies[i].share for i in waiting)
        level = rest / shares
        full = [i for i in waiting if supplies[i].most_tokens <= supplies[i].share * level]
        if not full:
            for i in waiting:
                taken[i] = supplies[i].share * level
            break
        for i in full:
            taken[i] = supplies[i].most_tokens
            rest -= taken[i]
        waiting = [i for i in waiting if i not in full]
    return taken


def _whole(taken: Sequence[float], budget: int) -> list[int]:
    """Whole tokens that add up to the budget: the largest remainders are rounded up."""
    whole = [math.floor(tokens) for tokens in taken]
    by_remainder = sorted(range(len(taken)), key=lambda i: whole[i] - taken[i])
    for i in by_remainder[: budget - sum(whole)]:
        whole[i] += 1
    return whole


def supply_of(
    name: str,
    reader: ShardReader,
    processor: Processor,
    *,
    share: float,
    most_epochs: float = MOST_EPOCHS,
) -> Supply:
    """Counts what a folder of shards has.

    Raises:
        ConfigError: it is empty, or the share or the limit is not above 0.
        DataError: a shard is damaged.
        InputError: a sample cannot be read as this model's input.
    """
    lengths = lengths_of(reader, processor)
    return Supply(
        name=name,
        tokens=int(lengths.tokens.sum(dtype="int64")),
        samples=len(reader),
        share=share,
        most_epochs=most_epochs,
    )


def mixture_of(plan: TokenPlan, generators: Mapping[str, Generator]) -> Mixture:
    """Returns the mixture that draws samples so that tokens come in the planned shares.

    Args:
        plan: of the stage.
        generators: of every source of the plan, such as `ShardReader.draw`.

    Raises:
        ConfigError: a source has no generator.
    """
    missing = [source.name for source in plan.sources if source.name not in generators]
    if missing:
        raise ConfigError(f"the plan has the source {missing[0]!r}, which has no generator")
    return Mixture(
        parts={
            source.name: (source.sample_share, generators[source.name]) for source in plan.sources
        }
    )
