"""Media and tokens are split evenly, completely and in order, whatever their sizes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import ConfigError
from qvl.model.attention import Segments, attend
from qvl.training.parallel.context import attend_pieces, cut_tokens
from qvl.training.parallel.sharing import (
    need_whole_pack,
    pack_shared_by,
    share_of_rows,
    split_media,
)

sides = st.sampled_from([2, 4, 6, 10])
grids = st.lists(st.tuples(st.integers(1, 9), sides, sides), max_size=6)


def _frames(grid_list: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    return [(h, w) for t, h, w in grid_list for _ in range(t)]


@given(grids, st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_media_are_cut_between_frames_only(media: list[tuple[int, int, int]], world: int) -> None:
    shares = split_media(media, world)
    assert len(shares) == world
    assert [frame for share in shares for frame in _frames(share)] == _frames(media)
    total = sum(h * w for h, w in _frames(media))
    largest = max((h * w for h, w in _frames(media)), default=0)
    for share in shares:
        assert abs(sum(t * h * w for t, h, w in share) - total / world) <= largest


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_ranks_together_attend_as_one(lengths: list[int], world: int) -> None:
    segments = Segments(lengths)
    total = segments.total
    generator = torch.Generator().manual_seed(total)
    q, k, v = (torch.randn(total, heads, 8, generator=generator) for heads in (4, 2, 2))
    cuts = [cut_tokens(segments, world, rank, q.device) for rank in range(world)]
    assert torch.equal(torch.cat([cut.rows for cut in cuts]).sort().values, torch.arange(total))
    gathered = torch.cat([attend_pieces(q[cut.rows], k, v, segments, cut.pieces) for cut in cuts])
    torch.testing.assert_close(gathered[cuts[0].order], attend(q, k, v, segments, causal=True))
    assert torch.equal(torch.arange(total)[cuts[0].back][cuts[0].order], torch.arange(total))


def test_long_samples_cost_every_rank_the_same() -> None:
    segments = Segments([8192, 501, 20000, 77])
    cuts = [cut_tokens(segments, 8, rank, torch.device("cpu")) for rank in range(8)]
    seen = [sum(p.num_queries * p.num_keys for p in cut.pieces) for cut in cuts]
    tokens = [len(cut.rows) for cut in cuts]
    assert max(tokens) <= 1.01 * min(tokens)
    assert max(seen) <= 1.01 * min(seen)


def test_alone_a_rank_has_all_rows() -> None:
    share = share_of_rows(5)
    values = torch.arange(5)
    assert torch.equal(share.join(values[share.rows]), values)
    assert share.add(values.sum()) == values.sum()


def test_what_looks_inside_the_model_is_refused_where_a_pack_is_shared() -> None:
    need_whole_pack("losses")
    with pack_shared_by(object()), pytest.raises(ConfigError, match=r"losses need all of"):
        need_whole_pack("losses")
    need_whole_pack("losses")
