"""The ratio is exact at every point of the order, and every sample comes at most once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.data.encoding import content_id
from qvl.data.local import run_local
from qvl.data.run import RunOptions
from qvl.data.sft.mixing import MixedSource, mixed_half, split_by_media, turns_of
from qvl.data.shards import ShardReader, write_shards
from qvl.errors import ConfigError
from qvl.messages import Image
from tests.data.pipelines import shapes
from tests.data.small import asked, drawn, picture


@given(st.lists(st.integers(1, 12), min_size=1, max_size=6))
def test_counts_stay_within_one_of_their_shares(shares: list[int]) -> None:
    had = [0] * len(shares)
    turns = turns_of(shares)
    for number, (source, before) in enumerate(turns, start=1):
        assert before == had[source]
        had[source] += 1
        for count, share in zip(had, shares, strict=True):
            assert abs(count - number * share / sum(shares)) < 1
    assert had == shares


def test_half_and_half_is_exact_at_every_prefix(tmp_path: Path) -> None:
    text = [asked(f"Say {n}.", str(n)) for n in range(11)]
    samples = [*drawn(6), *text, *drawn(3, seed=9)]
    write_shards(samples, tmp_path / "all", per_shard=4)
    reader = ShardReader(tmp_path / "all")
    parts = split_by_media(reader)
    assert [len(part) for part in parts] == [11, 9]
    mixed = mixed_half(reader)
    assert len(mixed) == 19
    kinds = [bool(sample.targets) for sample in (mixed[i] for i in range(len(mixed)))]
    for length in range(1, len(kinds) + 1):
        assert abs(2 * sum(kinds[:length]) - length) <= 1
    ids = [content_id(mixed[i]) for i in range(len(mixed))]
    assert len(set(ids)) == len(ids)

    summary = run_local(mixed, [], tmp_path / "mixed", options=RunOptions(per_shard=5))
    assert summary.num_kept == 19
    kept = ShardReader(tmp_path / "mixed")
    assert [bool(kept.media(i)) for i in range(19)] == kinds


def test_other_ratios_and_their_ends() -> None:
    sources = (shapes(7, seed=1), shapes(9, seed=2))
    mixed = MixedSource(sources=sources, shares=(1, 2))
    places = [mixed.place(number) for number in range(len(mixed))]
    assert len(set(places)) == len(places)
    assert max(place for source, place in places if source == 1) == 8
    with pytest.raises(IndexError):
        mixed.place(len(mixed))
    for start, stop in ((0, 3), (2, 7), (5, 13)):
        taken = [mixed.place(number) for number in range(start, stop)]
        for source in (0, 1):
            numbers = [place for which, place in taken if which == source]
            assert mixed._range(source, start, stop) == (numbers[0], numbers[-1] + 1)
    assert mixed.fingerprint(0, 3) != mixed.fingerprint(1, 4)


def test_what_cannot_be_mixed_is_refused(tmp_path: Path) -> None:
    write_shards([asked("?", "!", Image(picture()))], tmp_path)
    with pytest.raises(ConfigError, match="0 samples of text and 1 with media"):
        mixed_half(ShardReader(tmp_path))
    with pytest.raises(ConfigError, match="as many shares"):
        MixedSource(sources=(shapes(1),), shares=(1, 1))
