"""Where a process stands among the others, and what they tell each other outside the model.

Owns process groups: one for each way in which ranks share. Does not own gradients (``gradients``)
or what is exchanged inside a pack (``sharing``).

    Layout, rank -> Ranks: whose pack, which groups; sums and lists over all ranks
"""

from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from qvl.training.parallel.layout import Layout

T = TypeVar("T")


class Ranks:
    """Made on every rank at the same point, as process groups are.

    Attributes:
        layout: with every number known.
        rank: of this process.
        world: number of processes.
        data_rank: which packs are this rank's; ranks of one pack have one number.
        num_data_ranks: packs that are trained on at a time.
        layers: mesh [dp_replicate, dp_shard * cp] over which layers are sharded, without the first
            axis if that is 1; None if nothing is sharded.
        tensor: mesh [tp]; None for 1.
        rest: as ``layers``, with [dp_replicate, dp_shard * cp * tp]: what is not cut over tensor
            ranks, which is everything but the decoder's layers, is sharded over them too.
        pack: group of the ranks that share a pack; None if each has its own.
        context: group of the ranks that share a pack's tokens; None for 1.
    """

    def __init__(self, layout: Layout, device: torch.device) -> None:
        together = dist.is_initialized()
        self.rank = dist.get_rank() if together else 0
        self.world = dist.get_world_size() if together else 1
        self.device = device
        self.layout = layout = layout.resolve(self.world)
        self.data_rank = self.rank // layout.pack_ranks
        self.num_data_ranks = self.world // layout.pack_ranks
        self.layers: DeviceMesh | None = None
        self.rest: DeviceMesh | None = None
        self.tensor: DeviceMesh | None = None
        self.pack: dist.ProcessGroup | None = None
        self.context: dist.ProcessGroup | None = None
        if not layout.is_sharded:
            return
        replicate, shard, cp, tp = layout.dp_replicate, layout.dp_shard, layout.cp, layout.tp
        assert replicate is not None
        assert shard is not None
        sharded = ("dp_replicate", "dp_shard") if replicate > 1 else ("dp_shard",)
        whole = self._mesh(dp_replicate=replicate, dp_shard=shard * cp, tp=tp)
        self.layers = whole[sharded]
        self.rest = self._mesh(dp_replicate=replicate, dp_shard=shard * cp * tp)[sharded]
        if tp > 1:
            self.tensor = whole["tp"]
        if layout.pack_ranks > 1:
            self.pack = self._mesh(data=self.num_data_ranks, pack=cp * tp)["pack"].get_group()
        if cp > 1:
            split = self._mesh(data=self.num_data_ranks, cp=cp, tp=tp)
            self.context = split["cp"].get_group()

    def _mesh(self, **sizes: int) -> DeviceMesh:
        names = tuple(sizes)
        return init_device_mesh(self.device.type, tuple(sizes.values()), mesh_dim_names=names)

    def sum(self, numbers: Tensor) -> Tensor:
        """Returns the sum over all ranks, on the device that ``numbers`` are on.

        The denominators of a step's losses are summed by this: ranks that share a pack each count
        it, and each returns its whole loss. So are votes, such as to stop after this step.
        """
        if self.world == 1:
            return numbers
        total = numbers.to(self.device, copy=True)
        dist.all_reduce(total)
        return total.to(numbers.device)

    def gather(self, value: T) -> list[T]:
        """Returns the values of all ranks, in their order, on every rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values
