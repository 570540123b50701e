"""What a stretch of training saw: per-task losses, accuracies and speed."""

from collections import defaultdict

import torch
from torch import Tensor

from qvl.data.collate import TrainBatch
from qvl.training.dense import DenseLosses
from qvl.training.finding import FindingLosses


class Meter:
    """Sums over the steps since it was made. Data is always fresh, so these are scores on unseen
    samples."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._norms: list[float] = []

    def grad_norm(self, norm: float) -> None:
        """Counts the norm of a gradient before clipping."""
        self._norms.append(norm)

    def dense(self, losses: DenseLosses) -> None:
        """Counts what the dense heads got right."""
        sums = self._sums
        sums["glyphs_right"] += float(losses.glyphs_right)
        sums["glyphs"] += losses.num_glyphs
        sums["places_right"] += float(losses.places_right)
        sums["places"] += losses.num_places
        sums["box_error"] += float(losses.box_error_px)
        sums["digits_right"] += float(losses.digits_right)
        sums["digits"] += losses.num_digits
        sums["counts_right"] += float(losses.counts_right)
        sums["objects"] += losses.num_objects

    def finding(self, losses: FindingLosses) -> None:
        """Counts how often the object that is asked about was named, found and its box told."""
        self._sums["named_right"] += float(losses.named_right)
        self._sums["named"] += losses.num_named
        self._sums["found_right"] += float(losses.found_right)
        self._sums["found"] += losses.num_found
        self._sums["carried_right"] += float(losses.carried_right)
        self._sums["carried"] += losses.num_carried

    def answers(self, batch: TrainBatch, at: Tensor, losses: Tensor, right: Tensor) -> None:
        """Counts losses and right guesses of answer tokens by task, and of coordinates' digits."""
        sample = batch.sample_of_token[at]
        for task in sorted(set(batch.tasks)):
            of_task = torch.tensor([t == task for t in batch.tasks], device=sample.device)[sample]
            self._count(task, of_task, losses, right)
        if batch.is_coordinate.any():
            self._count("digits", batch.is_coordinate[at], losses, right)

    def _count(self, name: str, chosen: Tensor, losses: Tensor, right: Tensor) -> None:
        self._sums[f"ce/{name}"] += float(losses[chosen].sum())
        self._sums[f"right/{name}"] += float(right[chosen].sum())
        self._sums[f"n/{name}"] += float(chosen.sum())

    def sizes(self, batch: TrainBatch) -> None:
        """Counts patches, tokens and pictures."""
        self._sums["patches"] += len(batch.pixel_values)
        self._sums["tokens"] += len(batch.input_ids)
        self._sums["pictures"] += len(batch.lengths)

    def summary(self, seconds: float, *, world: int) -> dict[str, float]:
        """Returns one flat dictionary; rates are over all ranks, assuming they work alike."""
        sums, found = self._sums, {}
        for name in [key[2:] for key in sums if key.startswith("n/")]:
            found[f"ce/{name}"] = round(sums[f"ce/{name}"] / max(sums[f"n/{name}"], 1), 4)
            found[f"acc/{name}"] = round(sums[f"right/{name}"] / max(sums[f"n/{name}"], 1), 4)
        if sums["glyphs"]:
            found["glyph_acc"] = round(sums["glyphs_right"] / sums["glyphs"], 4)
        if sums["places"]:
            found["place_acc"] = round(sums["places_right"] / sums["places"], 4)
        if sums["objects"]:
            found["box_error_px"] = round(sums["box_error"] / sums["objects"], 2)
            found["digit_acc"] = round(sums["digits_right"] / sums["digits"], 4)
            found["count_acc"] = round(sums["counts_right"] / sums["objects"], 4)
        for name in ("named", "found", "carried"):
            if sums[name]:
                found[f"{name}_acc"] = round(sums[f"{name}_right"] / sums[name], 4)
        if self._norms:
            found["grad_norm"] = round(sum(self._norms) / len(self._norms), 3)
        for name in ("patches", "tokens", "pictures"):
            found[f"{name}_per_s"] = round(sums[name] * world / max(seconds, 1e-9), 1)
        return found
