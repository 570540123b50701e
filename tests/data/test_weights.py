"""A plan spends the budget exactly, keeps every limit, and is as near to the wishes as it can."""

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qvl.data.records import Sample
from qvl.data.shards import ShardReader, write_shards
from qvl.data.weights import STAGE_TOKENS, Supply, mixture_of, plan_tokens, supply_of
from qvl.errors import ConfigError
from qvl.processing.processor import Processor
from tests.data.small import asked
from tests.material import EMBEDDED, requires_embedded

SUPPLIES = st.lists(
    st.tuples(st.integers(1, 10**6), st.floats(0.01, 100), st.floats(0.1, 10)),
    min_size=1,
    max_size=6,
)


@given(SUPPLIES, st.floats(0.01, 1))
@settings(max_examples=200, deadline=None)
def test_budget_limits_and_shares(rows: list[tuple[int, float, float]], part: float) -> None:
    supplies = [
        Supply(name=str(i), tokens=tokens, samples=tokens, share=share, most_epochs=epochs)
        for i, (tokens, share, epochs) in enumerate(rows)
    ]
    budget = int(part * sum(supply.most_tokens for supply in supplies))
    assume(budget >= 1)
    plan = plan_tokens(supplies, budget)
    assert sum(source.tokens for source in plan.sources) == budget
    levels = []
    for supply, source in zip(supplies, plan.sources, strict=True):
        assert source.tokens <= math.ceil(supply.most_tokens)
        if source.tokens < math.floor(supply.most_tokens) - 1:
            levels.append((source.tokens - 1, source.tokens + 1, supply.share))
    # Sources below their limit have tokens in proportion to their shares.
    for low, high, share in levels:
        for other_low, other_high, other_share in levels:
            assert low / share <= other_high / other_share
            assert other_low / other_share <= high / share
    # No source, full or not, has more by its share than one that could have had more.
    for supply, source in zip(supplies, plan.sources, strict=True):
        for _, high, share in levels:
            assert (source.tokens - 1) / supply.share <= high / share


def test_what_cannot_be_planned_is_refused() -> None:
    books = Supply(name="books", tokens=10**12, samples=10**9, share=1)
    with pytest.raises(ConfigError, match="at most 4,000,000,000,000 in all"):
        plan_tokens([books], 5 * 10**12)
    with pytest.raises(ConfigError, match="different names"):
        plan_tokens([books, books], 10)
    with pytest.raises(ConfigError, match="share -1"):
        Supply(name="web", tokens=1, samples=1, share=-1)
    with pytest.raises(ConfigError, match="0 samples"):
        Supply(name="web", tokens=1, samples=0, share=1)
    plan = plan_tokens([books], STAGE_TOKENS["vision_pretrain"])
    assert plan.sources[0].epochs == 1.5
    assert "| books | 1,500,000,000,000 | 1.50 | 100.0% | 100.0% | 100.0% |" in str(plan)
    with pytest.raises(ConfigError, match="'books', which has no generator"):
        mixture_of(plan, {})


def text(rng: np.random.Generator, *, seed: tuple[int, ...], words: int) -> Sample:
    return asked("?", "word " * words)


def test_a_mixture_gives_the_planned_shares_of_tokens() -> None:
    supplies = [
        Supply(name="short", tokens=10 * 100, samples=100, share=3, most_epochs=math.inf),
        Supply(name="long", tokens=100 * 100, samples=100, share=1, most_epochs=math.inf),
    ]
    plan = plan_tokens(supplies, 10**6)
    mixture = mixture_of(plan, {"short": partial(text, words=10), "long": partial(text, words=100)})
    tokens = {10: 0, 100: 0}
    for number in range(3000):
        answer = mixture.sample(0, number).conversation.messages[-1].content[0]
        words = answer.text.count("word")  # type: ignore[union-attr]
        tokens[words] += words
    assert tokens[10] / sum(tokens.values()) == pytest.approx(0.75, abs=0.05)


@requires_embedded
def test_shards_are_counted(tmp_path: Path) -> None:
    write_shards([asked("How many?", f"There are {n} of them.") for n in range(5)], tmp_path)
    processor = Processor.from_folder(EMBEDDED)
    supply = supply_of("counts", ShardReader(tmp_path), processor, share=1)
    assert supply.samples == 5
    assert supply.tokens > 5 * 10
