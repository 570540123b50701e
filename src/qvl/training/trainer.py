"""The only training loop: stages in a row, some packs per rank and step.

Owns: the order of a step, what is frozen, resuming, and the log. Does not own: the data
(``data.pack_source``), the losses (``objectives``), or which run it is (``recipes``).

    source -> packs -> batches -> objective's loss -> gradients summed over packs and ranks ->
    update -> log, state
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from qvl.errors import ConfigError
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.checkpoint import load_state, save_state
from qvl.training.config import RunConfig
from qvl.training.loader import Loaded, load_steps, packs_of_rank
from qvl.training.metrics import Meter
from qvl.training.objectives import Batch
from qvl.training.optim import build_optimiser, clip_gradients
from qvl.training.schedule import learning_rate
from qvl.training.stages import Stage, part_of


class Trainer:
    """Runs the stages of a configuration on a model, in place.

    Args:
        run: what to do.
        model: float32 weights, on the run's device.
        report: called with each log line as a dictionary, on rank 0.
    """

    def __init__(
        self,
        run: RunConfig,
        model: Qwen2_5_VL,
        *,
        report: Callable[[dict[str, Any]], None] = lambda line: None,
    ) -> None:
        self.run_config, self.model, self.report = run, model, report
        self.device = torch.device(run.device)
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world = dist.get_world_size() if dist.is_initialized() else 1
        for stage in run.stages:
            packs_of_rank(stage, rank=self.rank, world=self.world)

    @property
    def state_path(self) -> Path:
        """Where the state of the run lies."""
        return self.run_config.folder / "state.pt"

    def parameters(self, stage: Stage) -> dict[str, nn.Parameter]:
        """Returns everything that a stage may train or carries along, by name."""
        found = dict(self.model.named_parameters())
        if stage.objective.heads is not None:
            heads = stage.objective.heads.named_parameters()
            found.update({f"heads.{name}": parameter for name, parameter in heads})
        return found

    def run(self, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Trains to the end, going on from a saved state; returns False if ``until`` stopped it
        early."""
        state = load_state(self.state_path)
        first = 0
        if state is not None:
            first = state["stage"]
            self._load_weights(self.run_config.stages[first], state)
        for number in range(first, len(self.run_config.stages)):
            resumed = state if state is not None and number == first else None
            if not self._run_stage(number, resumed, until):
                return False
        return True

    def _run_stage(
        self, number: int, state: dict[str, Any] | None, until: Callable[[], bool]
    ) -> bool:
        stage, run = self.run_config.stages[number], self.run_config
        parameters = self.parameters(stage)
        trained = {n: p for n, p in parameters.items() if part_of(n) in stage.rates}
        for name, parameter in parameters.items():
            parameter.requires_grad_(name in trained)
        optimiser = build_optimiser(run.optimiser, stage.rates, trained)
        start = 0
        if state is not None:
            start = state["step"]
            optimiser.load_state_dict(state["optimiser"])
        packs = packs_of_rank(stage, rank=self.rank, world=self.world)
        steps = load_steps(stage, packs, start=start, workers=run.workers)
        meter, began = Meter(), time.monotonic()
        for step, loaded in enumerate(steps, start):
            batches = self._batches(loaded)
            rate = learning_rate(step, steps=stage.num_steps, schedule=stage.schedule)
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * rate
            self._step(stage, batches, trained, optimiser, meter)
            done = step + 1
            if done % run.log_every == 0 or done == stage.num_steps:
                self._log(stage, done, rate, meter, time.monotonic() - began)
                meter, began = Meter(), time.monotonic()
            stop = self._agree(until())
            if done % run.save_every == 0 or stop or done == stage.num_steps:
                self._save(number, done, parameters, optimiser)
            if stop:
                return False
        return True

    def _batches(self, loaded: list[Loaded]) -> list[Batch]:
        batches = []
        for item in loaded:
            if item.batch is None:
                assert item.error is not None
                raise item.error
            batches.append(item.batch.to(self.device))
        return batches

    def _agree(self, stop: bool) -> bool:
        """True on every rank as soon as it is on one, so that all stop at the same step."""
        return bool(self._sum(torch.tensor([float(stop)])) > 0)

    def _sum(self, numbers: Tensor) -> Tensor:
        """Returns the sum over ranks of numbers on the CPU."""
        if self.world == 1:
            return numbers
        total = numbers.to(self.device)
        dist.all_reduce(total)
        return total.cpu()

    def _step(
        self,
        stage: Stage,
        batches: list[Batch],
        trained: dict[str, nn.Parameter],
        optimiser: torch.optim.Optimizer,
        meter: Meter,
    ) -> None:
        objective = stage.objective
        counts = [objective.counts(batch).cpu() for batch in batches]
        totals = self._sum(torch.stack(counts).sum(0))
        bf16 = self.run_config.precision == "bf16"
        for batch in batches:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                loss = objective.loss(self.model, batch, totals, meter)
            meter.ratio("loss", loss, 0)
            loss.backward()
            meter.count("patches", sum(t * h * w for t, h, w in batch.grid_thw))
            meter.count("tokens", sum(batch.lengths))
            meter.count("pictures", len(batch.grid_thw))
        if self.rank == 0:
            meter.ratio("loss", 0, 1)
        norm = clip_gradients(_sum_gradients(trained, self.world), self.run_config.optimiser.clip)
        if self.rank == 0:
            meter.ratio("grad_norm", norm, 1)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    def _log(self, stage: Stage, done: int, rate: float, meter: Meter, seconds: float) -> None:
        summary = meter.summary(seconds)
        if self.rank:
            return
        line = {
            "stage": stage.name, "step": done, "steps": stage.num_steps, "rate": round(rate, 4),
            "seconds": round(seconds, 2), **summary,
        }  # fmt: skip
        self.run_config.folder.mkdir(parents=True, exist_ok=True)
        with open(self.run_config.folder / "log.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        self.report(line)

    def _save(
        self,
        number: int,
        step: int,
        parameters: dict[str, nn.Parameter],
        optimiser: torch.optim.Optimizer,
    ) -> None:
        if self.rank:
            return
        state = {
            "stage": number,
            "step": step,
            "parameters": {n: p.detach() for n, p in parameters.items()},
            "optimiser": optimiser.state_dict(),
        }
        save_state(self.state_path, state)

    def _load_weights(self, stage: Stage, state: dict[str, Any]) -> None:
        saved, parameters = state["parameters"], self.parameters(stage)
        if saved.keys() != parameters.keys():
            raise ConfigError(
                f"{self.state_path} was saved by another model",
                hint="use another folder for this run",
            )
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(saved[name])


def _sum_gradients(trained: dict[str, nn.Parameter], world: int) -> list[Tensor]:
    """Adds gradients over ranks in one message; a parameter that got none counts as zero."""
    parameters = list(trained.values())
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    grads = [p.grad for p in parameters if p.grad is not None]
    if world > 1:
        flat = torch.cat([g.flatten() for g in grads])
        dist.all_reduce(flat)
        for grad, part in zip(grads, flat.split([g.numel() for g in grads]), strict=True):
            grad.copy_(part.view_as(grad))
    return grads
