"""What a stage minimises: the protocol that the loop knows, and one file for each objective.

    samples -> collate -> Batch -> counts, summed over the step -> loss of each pack / those totals

A pack's loss is its share of the loss of the whole step: a sum over its own items, divided by
totals over all packs of all ranks. However unevenly items fell, the sum of the shares is one mean.
"""

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from qvl.data.packing import Packed
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.metrics import Meter


class Batch(Protocol):
    """One pack as tensors; the loop moves it and counts its size."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each segment of the row."""

    @property
    def grid_thw(self) -> tuple[tuple[int, int, int], ...]:
        """Patch grids of all pictures and videos."""

    def to(self, device: torch.device) -> Self:
        """Returns the batch with its tensors on a device."""


B = TypeVar("B", bound=Batch)


class Objective(Protocol[B]):
    """One loss, of one pack at a time."""

    @property
    def heads(self) -> nn.Module | None:
        """Modules that train with the model and are not exported, named ``heads.*``; or None."""

    def collate(self, pack: Sequence[Packed]) -> B:
        """Returns the tensors of a pack. Runs in worker processes.

        Args:
            pack: samples; none when a rank has no work in a step. The batch of none must run
                through the same modules as any other, because other ranks wait in them.
        """

    def counts(self, batch: B) -> Tensor:
        """Returns float64[k], what `loss` divides by; the loop sums it over packs and ranks."""

    def loss(self, model: Qwen2_5_VL, batch: B, totals: Tensor, meter: Meter) -> Tensor:
        """Returns this pack's share of the loss of the step, float[].

        Every rank calls this once for each of its packs, and in it ``model.encode_media`` once,
        with no picture too; collectives inside are allowed.

        Args:
            model: its frozen parts need no gradient.
            batch: on the model's device.
            totals: float64[k] on the CPU, `counts` over the whole step.
            meter: takes what the log shows.
        """
