"""A budget of tokens is met by samples of every source, none more often than the others."""

from collections import Counter
from pathlib import Path

import pytest

from qvl.data.budget import BudgetSource
from qvl.data.local import run_local
from qvl.data.shards import ShardReader
from qvl.data.sources import JoinedSource
from qvl.data.weights import Supply, plan_tokens
from qvl.errors import ConfigError
from tests.data.pipelines import shapes


def test_each_source_gives_what_is_planned() -> None:
    books = Supply(name="books", tokens=70, samples=7, share=1, most_epochs=3)
    web = Supply(name="web", tokens=1000, samples=50, share=1)
    plan = plan_tokens([books, web], 1010)
    sources = {"books": shapes(7), "web": shapes(50)}
    mixed = BudgetSource.of(plan, sources, seed=3)
    assert mixed.counts == (21, 40)
    places = [mixed.place(number) for number in range(len(mixed))]
    came = Counter(places)
    assert {came[0, place] for place in range(7)} == {3}  # all of its epochs
    assert [came[1, place] for place in range(50)].count(1) == 40
    # Shuffled: the first third has of both.
    assert {source for source, _ in places[:20]} == {0, 1}
    other = BudgetSource.of(plan, sources, seed=4)
    assert [other.place(number) for number in range(len(other))] != places
    assert other.fingerprint(0, 9) != mixed.fingerprint(0, 9)
    with pytest.raises(IndexError):
        mixed.place(len(mixed))


def test_slips_are_named() -> None:
    plan = plan_tokens([Supply(name="books", tokens=70, samples=7, share=1)], 10)
    with pytest.raises(ConfigError, match="'books', which is not given"):
        BudgetSource.of(plan, {})
    with pytest.raises(ConfigError, match="at least 1 of each"):
        BudgetSource(sources=(shapes(3),), counts=(0,))


def test_sources_in_a_row(tmp_path: Path) -> None:
    one, other = shapes(3), shapes(4, seed=9)
    joined = JoinedSource(sources=(one, other))
    assert len(joined) == 7
    assert joined[3].provenance.seed == other[0].provenance.seed
    with pytest.raises(IndexError):
        joined[7]
    swapped = JoinedSource(sources=(one, shapes(4, seed=8)))
    assert joined.fingerprint(0, 3) == swapped.fingerprint(0, 3)
    assert joined.fingerprint(2, 5) != swapped.fingerprint(2, 5)
    assert run_local(joined, [], tmp_path / "out").num_kept == 7
    seeds = [sample.provenance.seed for sample in ShardReader(tmp_path / "out")]
    assert seeds == [joined[number].provenance.seed for number in range(7)]
