"""The ranks of a pack share its work where the work is by rows: the tower's pictures, the head's
tokens.

Owns who does which rows. Does not own the split of tokens inside attention (``context``), or the
exchange (``exchange``). Each rank gives whole results, so objectives know nothing of it.

    all rows -> this rank's rows -> work -> gather_rows -> all results
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import pairwise

import torch.distributed as dist
from torch import Tensor

from qvl.errors import ConfigError
from qvl.model.vision import VisionTransformer
from qvl.model.windows import Grid
from qvl.training.parallel.exchange import add_up, gather_rows

_GROUP: ContextVar[dist.ProcessGroup | None] = ContextVar("pack_ranks", default=None)


@contextmanager
def pack_shared_by(group: dist.ProcessGroup | None) -> Iterator[None]:
    """Tells :func:`share_of_rows` which ranks work on the pack while the block runs."""
    token = _GROUP.set(group)
    try:
        yield
    finally:
        _GROUP.reset(token)


def need_whole_pack(what: str) -> None:
    """To be called by what looks inside the model, where a rank sees its share only.

    Raises:
        ConfigError: ranks share the pack.
    """
    if _GROUP.get() is not None:
        raise ConfigError(
            f"{what} need all of a pack on one rank, but layout.tp or layout.cp share it",
            hint="use dp_shard and dp_replicate for this stage",
        )


@dataclass(frozen=True, slots=True)
class RowShare:
    """This rank's part of n rows.

    Attributes:
        rows: its rows.
        counts: rows of each rank.
        group: the ranks; None for one.
    """

    rows: slice
    counts: tuple[int, ...]
    group: dist.ProcessGroup | None

    def join(self, part: Tensor) -> Tensor:
        """The results of all ranks' rows, from this rank's."""
        return part if self.group is None else gather_rows(part, self.counts, self.group)

    def add(self, part: Tensor) -> Tensor:
        """The sum over all rows, from the sum over this rank's."""
        return part if self.group is None else add_up(part, self.group)


def share_of_rows(n: int) -> RowShare:
    """Returns this rank's share of ``n`` rows that all ranks of the pack have."""
    group = _GROUP.get()
    if group is None:
        return RowShare(slice(0, n), (n,), None)
    world, rank = dist.get_world_size(group), dist.get_rank(group)
    cuts = [n * i // world for i in range(world + 1)]
    counts = tuple(stop - start for start, stop in pairwise(cuts))
    return RowShare(slice(cuts[rank], cuts[rank + 1]), counts, group)


def share_media(tower: VisionTransformer, group: dist.ProcessGroup) -> None:
    """Makes each rank encode a share of the pictures and frames it is given; every rank returns the
    features of all."""
    world, rank = dist.get_world_size(group), dist.get_rank(group)
    encode, unit = tower.forward, tower.config.merge_unit

    def on_share(
        pixel_values: Tensor, grid_thw: Sequence[Grid], *, max_patches_per_chunk: int | None = None
    ) -> Tensor:
        # Ranks with different pictures would run different numbers of chunks, and wait for ever.
        assert max_patches_per_chunk is None
        shares = split_media(grid_thw, world)
        patches = [sum(t * h * w for t, h, w in share) for share in shares]
        start = sum(patches[:rank])
        features = encode(pixel_values[start : start + patches[rank]], shares[rank])
        return gather_rows(features, [count // unit for count in patches], group)

    tower.forward = on_share  # type: ignore[method-assign]


def split_media(grids: Sequence[Grid], shares: int) -> list[list[Grid]]:
    """Cuts a row of pictures and videos into shares of about as many patches, in order.

    A cut goes between frame pairs, which the tower never mixes, so a video may be in several
    shares, and a share may be empty.

    >>> split_media([(4, 2, 2), (1, 4, 4)], 2)
    [[(4, 2, 2)], [(1, 4, 4)]]
    >>> split_media([(3, 2, 2)], 2)
    [[(1, 2, 2)], [(2, 2, 2)]]
    """
    total = sum(t * h * w for t, h, w in grids)
    result: list[list[Grid]] = [[] for _ in range(shares)]
    before = 0
    for time, height, width in grids:
        frame = height * width
        taken = [0] * shares
        for _ in range(time):
            # A frame pair goes to the share in which its middle lies.
            taken[(2 * before + frame) * shares // (2 * total)] += 1
            before += frame
        for share, count in zip(result, taken, strict=True):
            if count:
                share.append((count, height, width))
    return result
