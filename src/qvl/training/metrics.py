"""What a stretch of training saw: per-task losses, accuracies and speed.

Owns: sums, over packs and ranks, and what is made of them. Does not own: what is worth counting,
which objectives say.

    objective, loop -> ratio(name, part, whole), count(name, number) -> summary -> one line of a log
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from qvl.data.collate import TrainBatch


class Meter:
    """Sums over the steps since it was made."""

    def __init__(self) -> None:
        self._sums: dict[str, float | Tensor] = {}

    def ratio(self, name: str, part: Tensor | float, whole: Tensor | float) -> None:
        """Counts towards ``name``, shown as the sum of the parts over the sum of the wholes."""
        self._add(f"part/{name}", part)
        self._add(f"whole/{name}", whole)

    def count(self, name: str, number: Tensor | float) -> None:
        """Counts towards ``name``, shown per second."""
        self._add(f"count/{name}", number)

    def events(self, name: str, number: int) -> None:
        """Counts towards ``name``, shown as a number; nothing is shown of what never happened."""
        if number:
            self._add(f"events/{name}", number)

    def answers(self, batch: TrainBatch, at: Tensor, losses: Tensor, right: Tensor) -> None:
        """Counts losses and right guesses of answer tokens by task.

        Args:
            batch: has the tasks.
            at: bool[T], the answer tokens.
            losses: float32[n] of those.
            right: bool[n] of those.
        """
        sample = batch.sample_of_token[at]
        for task in sorted(set(batch.tasks)):
            of_task = torch.tensor([t == task for t in batch.tasks], device=sample.device)[sample]
            self.tokens(task, losses[of_task], right[of_task])
        self.count("answer_tokens", len(losses))

    def tokens(self, name: str, losses: Tensor, right: Tensor) -> None:
        """Counts cross-entropies and right guesses of some tokens under a name."""
        self.ratio(f"ce/{name}", losses.sum(), len(losses))
        self.ratio(f"acc/{name}", right.sum(), len(losses))

    def total(self, name: str) -> float:
        """Returns what `count` was given for a name, on this rank."""
        return float(self._sums.get(f"count/{name}", 0.0))

    def summary(
        self, seconds: float, *, pack_ranks: int = 1, peak_flops: float | None = None
    ) -> dict[str, float]:
        """Returns one flat dictionary over all ranks; every rank has to call it.

        Args:
            seconds: that the stretch took.
            pack_ranks: ranks that share a pack, each of which counted it.
            peak_flops: operations a second that all ranks together could do; with it the line has
                the share of them that the model needed ("mfu"; source: PaLM, arXiv 2204.02311,
                appendix B).
        """
        seconds = max(seconds, 1e-9)
        sums = _summed({name: float(value) for name, value in self._sums.items()})
        found = {}
        for key, value in sums.items():
            kind, _, name = key.partition("/")
            if kind == "part" and sums[f"whole/{name}"]:
                found[name] = _rounded(value / sums[f"whole/{name}"])
            elif kind == "count" and name != "flops":
                found[f"{name}_per_s"] = _rounded(value / pack_ranks / seconds)
            elif kind == "events":
                found[name] = int(value)
        if peak_flops is not None:
            done = sums.get("count/flops", 0.0) / pack_ranks
            found["mfu"] = _rounded(done / seconds / peak_flops)
        return found

    def _add(self, key: str, value: Tensor | float) -> None:
        # Tensors stay where they are: asking a device for a number makes it wait.
        number = value.detach().double() if isinstance(value, Tensor) else value
        self._sums[key] = self._sums.get(key, 0.0) + number


def _summed(sums: dict[str, float]) -> dict[str, float]:
    """Adds dictionaries over ranks; ranks may have seen different tasks."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return sums
    everyones: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(everyones, sums)
    total: dict[str, float] = {}
    for one in everyones:
        for name, value in one.items():
            total[name] = total.get(name, 0.0) + value
    return total


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
