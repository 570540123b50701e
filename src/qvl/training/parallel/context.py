"""Context parallelism: the tokens of a pack split over ranks, for packs too long for one.

Owns which rank has which tokens, and attention over keys that the others have. Does not own the
model: one forward call is wrapped, and attention is a back end of its one entry.

    x [T, D] -> this rank's rows -> layers (keys and values of all ranks gathered in each) -> norm
        -> rows of all ranks -> [T, D] in order

Every sample is cut into 2 n pieces, of which rank r has numbers r and 2 n - 1 - r: early pieces
look at few keys and late ones at many, so every rank has the same work whatever the lengths.
Source of the order: Llama 3 (arXiv 2407.21783), section 3.3.2, which cuts the row and not samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.bias import causal_lower_right

from qvl.errors import ConfigError
from qvl.model.attention import Backend
from qvl.model.kv_cache import CacheView
from qvl.model.language import TextModel
from qvl.model.segments import Segments, take_rows
from qvl.training.parallel.exchange import enter_copies, gather_rows, leave_copies


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """The next ``num_queries`` tokens of this rank; they are the last of the first ``num_keys`` of
    a sample."""

    sample: int
    num_queries: int
    num_keys: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """How the tokens of a pack are split.

    Attributes:
        rows: int64[n], tokens of this rank, in the order of the row.
        counts: tokens of each rank.
        order: int64[T], where each token stands among the gathered rows of all ranks.
        back: int64[T], the token of each gathered row.
        pieces: of this rank.
    """

    rows: Tensor
    counts: tuple[int, ...]
    order: Tensor
    back: Tensor
    pieces: tuple[Piece, ...]


def owned_ranges(segments: Segments, world: int) -> list[list[tuple[int, int, int]]]:
    """Returns (sample, first token, stop) of the pieces of each rank, counted in the sample.

    >>> first, second = owned_ranges(Segments([8, 4]), 2)
    >>> first
    [(0, 0, 2), (0, 6, 8), (1, 0, 1), (1, 3, 4)]
    >>> second
    [(0, 2, 4), (0, 4, 6), (1, 1, 2), (1, 2, 3)]
    """
    ranges: list[list[tuple[int, int, int]]] = [[] for _ in range(world)]
    for sample, length in enumerate(segments.lengths):
        cuts = [length * i // (2 * world) for i in range(2 * world + 1)]
        for i, (first, stop) in enumerate(pairwise(cuts)):
            if first < stop:
                ranges[min(i, 2 * world - 1 - i)].append((sample, first, stop))
    return ranges


@lru_cache(maxsize=8)
def cut_tokens(segments: Segments, world: int, rank: int, device: torch.device) -> Cut:
    """Returns the split of a pack as one rank sees it."""
    ranges, offsets = owned_ranges(segments, world), segments.offsets
    back = torch.cat(
        [
            torch.arange(offsets[sample] + first, offsets[sample] + stop)
            for own in ranges
            for sample, first, stop in own
        ]
    )
    counts = tuple(sum(stop - first for _, first, stop in own) for own in ranges)
    return Cut(
        rows=back.split(counts)[rank].to(device),
        counts=counts,
        order=back.argsort().to(device),
        back=back.to(device),
        pieces=tuple(
            Piece(sample=sample, num_queries=stop - first, num_keys=stop)
            for sample, first, stop in ranges[rank]
        ),
    )


def share_tokens(
    text: TextModel, *, context: dist.ProcessGroup | None, tensor: dist.ProcessGroup | None
) -> None:
    """Makes each rank of ``context`` run the decoder on a share of the tokens it is given; every
    rank returns the states of all. Ranks of ``tensor`` run it together on the same tokens."""
    decode = text.forward

    def on_share(
        x: Tensor,
        position_ids: Tensor,
        segments: Segments,
        *,
        cache: CacheView | None,
        backend: str | Backend,
    ) -> Tensor:
        assert cache is None, "a model that is split over ranks is for training"
        if context is not None:
            if type(segments) is not Segments:
                raise ConfigError(
                    "layout.cp splits samples that stand alone, but here answers share a question",
                    hint="use layout.tp or dp_shard for this objective",
                )
            world, rank = dist.get_world_size(context), dist.get_rank(context)
            cut = cut_tokens(segments, world, rank, x.device)
            x, position_ids = x.index_select(0, cut.rows), position_ids[:, cut.rows]
            backend = partial(attend_across, cut=cut, group=context)
        if tensor is not None:
            x = enter_copies(x, tensor)
        x = decode(x, position_ids, segments, cache=None, backend=backend)
        if context is None:
            return x
        return take_rows(gather_rows(x, cut.counts, context), cut.order, cut.back)

    if tensor is not None:
        # The final norm is no layer: like the head it works on what the ranks have together.
        norm = text.norm.forward
        text.norm.forward = lambda x: norm(leave_copies(x, tensor))  # type: ignore[method-assign]
    text.forward = on_share  # type: ignore[method-assign]


def attend_across(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    segments: Segments,
    *,
    causal: bool,
    cut: Cut,
    group: dist.ProcessGroup,
) -> Tensor:
    """Attention of this rank's tokens with those of all ranks that they may see.

    Keys and values of the whole pack stand in memory while a layer runs; with grouped queries they
    are a fraction of its activations, and with checkpointing no layer keeps them.

    Args:
        q: float[n, H, C], this rank's.
        k: float[n, K, C], like v.
        v: float[n, K, C].
        segments: of the whole pack.
        causal: must be True.
        cut: which tokens are whose.
        group: the ranks.
    """
    assert causal
    assert segments.total == len(cut.order)
    everything = gather_rows(torch.stack([k, v], 1), cut.counts, group)
    keys, values = take_rows(everything, cut.order, cut.back).unbind(1)
    return attend_pieces(q, keys, values, segments, cut.pieces)


def attend_pieces(
    q: Tensor, keys: Tensor, values: Tensor, segments: Segments, pieces: Sequence[Piece]
) -> Tensor:
    """Causal attention of some tokens of a pack.

    Args:
        q: float[n, H, C], their queries.
        keys: float[T, K, C], of the whole pack, like values.
        values: float[T, K, C].
        segments: of the whole pack.
        pieces: what they may see; together they are the n tokens.
    """
    if not pieces:
        # No token is here; other ranks wait for the gradients of their keys all the same.
        return q + 0 * (keys.sum() + values.sum())
    # `split`, not slices of the whole: its gradient is one concatenation.
    of_samples = list(
        zip(keys.split(segments.lengths), values.split(segments.lengths), strict=True)
    )
    results = []
    for piece, queries in zip(pieces, q.split([p.num_queries for p in pieces]), strict=True):
        k, v = (x[: piece.num_keys] for x in of_samples[piece.sample])
        results.append(_attend_piece(queries, k, v))
    return torch.cat(results)


def _attend_piece(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q float[n, H, C] are the last n of the m tokens k float[m, K, C]."""
    num_kv = k.shape[1]
    groups = q.shape[1] // num_kv
    # A key/value head is a batch entry, which its query heads see without a copy for each.
    q = q.unflatten(1, (num_kv, groups)).permute(1, 2, 0, 3)
    k, v = (x.transpose(0, 1)[:, None].expand(-1, groups, -1, -1) for x in (k, v))
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=_triangle(q, k))
    return out.permute(2, 0, 1, 3).flatten(1, 2)


def _triangle(q: Tensor, k: Tensor) -> Tensor:
    """What lets the last query see the last key; on a GPU no mask stands in memory."""
    rows, columns = q.shape[-2], k.shape[-2]
    if q.device.type == "cuda":
        bias: Tensor = causal_lower_right(rows, columns)
        return bias
    return torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)
