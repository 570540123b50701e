"""A network with an optimiser and a drawn batch for every step: what a run is, in small."""

from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.reader import Saved, find_latest, load_state
from qvl.training.checkpoint.state import Position, TrainState
from qvl.training.checkpoint.writer import CheckpointWriter

WIDTH, ROWS = 12, 4


class Network:
    """Its state is a function of seed and steps; with sharded=True over the ranks there are."""

    def __init__(
        self, seed: int = 0, *, sharded: bool = False, trained: tuple[str, ...] = ("0", "2")
    ):
        torch.manual_seed(seed)
        # The last layer has fewer rows than there may be ranks: shards of unequal size, and none.
        self.layers = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 3))
        if sharded:
            from torch.distributed.fsdp import fully_shard

            for layer in (self.layers[0], self.layers[2], self.layers):
                fully_shard(layer)
        self.sharded = sharded
        self.parameters = dict(self.layers.named_parameters())
        self.ema = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.train_only(*trained)

    def train_only(self, *layers: str) -> None:
        """Builds an optimiser over some layers, as a new stage does."""
        chosen = [p for name, p in self.parameters.items() if name.split(".")[0] in layers]
        self.optimiser = torch.optim.AdamW(chosen, lr=0.01, fused=True)

    @property
    def state(self) -> TrainState:
        return TrainState(parameters=self.parameters, optimiser=self.optimiser, ema=self.ema)

    def steps(self, start: int, stop: int) -> None:
        rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        for step in range(start, stop):
            rows = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(step))
            loss = self.layers(rows[rank::world]).square().sum() / ROWS
            (loss * (world if self.sharded else 1)).backward()  # FSDP means, we sum
            for p in self.parameters.values():
                if p.grad is not None and world > 1 and not self.sharded:
                    dist.all_reduce(p.grad)
            self.optimiser.step()
            self.optimiser.zero_grad()
            for name, p in self.parameters.items():
                self.ema[name].lerp_(p.detach(), 0.1)

    def whole(self) -> dict[str, Tensor]:
        """Every tensor of the state, gathered and copied."""
        return {
            key: (t.full_tensor() if hasattr(t, "full_tensor") else t).clone()
            for key, t in self.state.tensors().items()
        }


def at(step: int, **changes: object) -> Position:
    """The position after a step of a run with one stage."""
    facts = {"stage": 0, "stage_name": "sft", "source": "data", "counters": {"samples": step}}
    return Position(updates=step, step=step, **{**facts, **changes})  # type: ignore[arg-type]


def save(network: Network, folder: Path, step: int, group: CheckpointGroup | None = None) -> None:
    """Saves and waits."""
    with CheckpointWriter(folder, group or CheckpointGroup()) as writer:
        writer.save(network.state, at(step))


def resume(network: Network, folder: Path, group: CheckpointGroup | None = None) -> Saved:
    """Fills the network from the newest checkpoint."""
    group = group or CheckpointGroup()
    saved = find_latest(folder, group)
    assert saved is not None
    load_state(saved, network.state, group)
    return saved
