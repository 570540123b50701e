"""The ranks that save and load together, in a group of their own.

Training sends gradients while a checkpoint is being written; two conversations in one group would
be mixed up. One process needs no group.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch.distributed as dist

from qvl.errors import CheckpointError

T = TypeVar("T")


class CheckpointGroup:
    """Made on every rank at the same point."""

    def __init__(self) -> None:
        together = dist.is_initialized() and dist.get_world_size() > 1
        self.process_group = dist.new_group(backend="gloo") if together else None
        self.rank = dist.get_rank() if together else 0
        self.world = dist.get_world_size() if together else 1

    @property
    def alone(self) -> bool:
        """True for one process."""
        return self.process_group is None

    def gather(self, value: T) -> list[T]:
        """Returns the values of all group, on every rank."""
        if self.process_group is None:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value, group=self.process_group)
        return values

    def first(self, action: Callable[[], T]) -> T:
        """Does something on the first rank; every rank returns its result or raises its error."""
        outcome: list[Any] = [None, None]
        if self.rank == 0:
            try:
                outcome[0] = action()
            except CheckpointError as error:
                outcome[1] = error
        if self.process_group is not None:
            dist.broadcast_object_list(outcome, src=0, group=self.process_group)
        if outcome[1] is not None:
            raise outcome[1]
        result: T = outcome[0]
        return result
