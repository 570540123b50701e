"""The only training loop: stages in a row, some packs per rank and step.

Owns: the order of a step, what is frozen, what happens when something goes wrong, resuming. Does
not own: the data (``data.pack_source``), the losses (``objectives``), or which run it is
(``recipes``).

    source -> packs -> batches -> objective's loss -> gradients summed over packs and ranks ->
    judged by the guard -> update -> log, state
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from qvl.errors import ConfigError, DataError, QvlError
from qvl.model.lora import adapter_parameters, lora_layers
from qvl.model.vlm import Qwen2_5_VL
from qvl.training.checkpoint.run import Checkpoints
from qvl.training.checkpoint.state import TrainState, carry_moments
from qvl.training.config import RunConfig
from qvl.training.ema import Averages
from qvl.training.guard import IdleParts, StepGuard
from qvl.training.interrupt import StopSignals
from qvl.training.journal import Journal
from qvl.training.loader import Loaded, load_steps, packs_of_rank, worker_faults_told
from qvl.training.metrics import Meter
from qvl.training.objectives import Batch
from qvl.training.optim import build_optimiser
from qvl.training.parallel.gradients import clip_gradients, sum_gradients
from qvl.training.parallel.prepare import prepare
from qvl.training.parallel.ranks import Ranks
from qvl.training.plan.work import Pack, Trained, step_flops
from qvl.training.schedule import learning_rate
from qvl.training.stages import PARTS, Stage, part_of

# Counted over a whole run, across its checkpoints.
_COUNTED = ("samples", "bad_samples", "too_large_samples", "skipped_steps")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    """A stage while it runs: what it changes, and what watches over it."""

    number: int
    stage: Stage
    parameters: dict[str, nn.Parameter]
    trained: dict[str, nn.Parameter]
    optimiser: torch.optim.Optimizer
    averages: Averages | None
    guard: StepGuard
    idle: IdleParts

    @property
    def state(self) -> TrainState:
        """What a checkpoint holds of it."""
        return TrainState(
            parameters=self.parameters,
            optimiser=self.optimiser,
            ema={} if self.averages is None else self.averages.values,
            other={"guard": self.guard.state},
        )


class Trainer:
    """Runs the stages of a configuration on a model, in place.

    Args:
        run: what to do.
        model: the same on every rank; spread over them as the run's layout says.
        report: called with each log line as a dictionary, on rank 0.
        look: called on every rank each ``look_every`` steps and after the last one of a stage;
            measures what is not trained on, and returns it for the log.
    """

    def __init__(
        self,
        run: RunConfig,
        model: Qwen2_5_VL,
        *,
        report: Callable[[dict[str, Any]], None] = lambda line: None,
        look: Callable[["Trainer", Stage], Mapping[str, Any]] | None = None,
    ) -> None:
        self.run_config, self.model, self.report, self.look = run, model, report, look
        self.device = torch.device(run.device)
        self.ranks = Ranks(run.layout, self.device)
        self.rank, self.world = self.ranks.rank, self.ranks.world
        for stage in run.stages:
            self._packs(stage)
        self.journal = Journal(run.folder, rank=self.rank)
        self._counted: Counter[str] = Counter()
        precision = "float32" if run.precision == "bf16_weights" else run.precision
        self.pack_loss = prepare(model, self.ranks, precision=precision)
        self.pack_loss.train()  # a model is loaded to answer, when adapters drop nothing out
        self._lora_rank = max((x.spec.rank for x in lora_layers(model).values()), default=0)
        if run.precision == "bf16_weights":
            if self.ranks.layout.is_sharded:
                raise ConfigError(
                    "precision is 'bf16_weights' with sharded weights, expected 'bf16'",
                    hint="shards are float32 masters already, and gathered in bfloat16",
                )
            model.to(torch.bfloat16)

    def parameters(self, stage: Stage) -> dict[str, nn.Parameter]:
        """Returns everything that a stage may train or carries along, by name: of a model with
        adapters, only those."""
        found = adapter_parameters(self.model) or dict(self.model.named_parameters())
        if stage.objective.heads is not None:
            heads = stage.objective.heads.named_parameters()
            found.update({f"heads.{name}": parameter for name, parameter in heads})
        return found

    def run(self, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Trains to the end, going on from a saved state; returns False if it was stopped early, by
        ``until``, Ctrl-C or SIGTERM.

        Raises:
            TrainingError: too many steps had to be skipped, a part gets no gradient, a process that
                makes packs was killed, or the log cannot be written.
            DataError: a sample cannot be read, and this is not to be skipped.
            CheckpointError: the state cannot be saved or read.
        """
        run = self.run_config
        # For dropout in adapters; a run that goes on takes its generators from the checkpoint.
        torch.manual_seed(run.seed + self.ranks.data_rank)
        checkpoints = Checkpoints(run, self.model, layout=str(self.ranks.layout))
        before: _Running | None = None
        with checkpoints, worker_faults_told(), StopSignals() as signals:
            for number in range(checkpoints.first_stage, len(run.stages)):
                running = self._begin(number)
                if before is not None and run.keep_moments:
                    carry_moments(before.optimiser, running.optimiser)
                if not self._run_stage(running, checkpoints, lambda: until() or signals.asked):
                    return False
                before = running
        return True

    def _run_stage(
        self, running: _Running, checkpoints: Checkpoints, until: Callable[[], bool]
    ) -> bool:
        stage, run = running.stage, self.run_config
        start = checkpoints.resume(running.number, running.state)
        for note in checkpoints.take_notes():
            self._report(stage, start, {"note": note})
        steps = load_steps(stage, self._packs(stage), start=start, workers=run.workers)
        meter, began, since = Meter(), time.monotonic(), start
        for step, loaded in enumerate(steps, start):
            rate = learning_rate(step, steps=stage.num_steps, schedule=stage.schedule)
            for group in running.optimiser.param_groups:
                group["lr"] = group["peak"] * rate
            stop = self._step(running, step, loaded, meter, until)
            done = step + 1
            if done % run.log_every == 0 or done == stage.num_steps:
                seconds = time.monotonic() - began
                self._log(stage, done, rate, meter, seconds, steps=done - since)
                meter, began, since = Meter(), time.monotonic(), done
            if self.look is not None and (done % run.look_every == 0 or done == stage.num_steps):
                paused = time.monotonic()
                self._report(stage, done, self.look(self, stage))
                self.pack_loss.train()  # an engine that was asked left it answering
                began += time.monotonic() - paused
            ends = stop or done == stage.num_steps
            if done % run.save_every == 0 or ends:
                counters = self._counters(checkpoints)
                checkpoints.save(running.number, done, running.state, counters, wait=ends)
            if stop:
                return False
        return True

    def _begin(self, number: int) -> _Running:
        """Frees what the stage trains, freezes the rest, and makes what goes with it."""
        stage, run = self.run_config.stages[number], self.run_config
        parameters = self.parameters(stage)
        trained = {n: p for n, p in parameters.items() if part_of(n) in stage.rates}
        for name, parameter in parameters.items():
            parameter.requires_grad_(name in trained)
        self.pack_loss.trained_parts_changed()
        parts = {
            part: [p for name, p in trained.items() if part_of(name) == part]
            for part in PARTS
            if part in stage.rates
        }
        return _Running(
            number=number,
            stage=stage,
            parameters=parameters,
            trained=trained,
            optimiser=build_optimiser(
                run.optimiser, stage.rates, trained, master=run.precision == "bf16_weights"
            ),
            averages=None if run.ema is None else Averages(trained, decay=run.ema),
            guard=StepGuard(run.failures),
            idle=IdleParts(stage.name, parts, patience=run.failures.idle_steps),
        )

    def _packs(self, stage: Stage) -> range:
        return packs_of_rank(stage, rank=self.ranks.data_rank, world=self.ranks.num_data_ranks)

    def _step(
        self,
        running: _Running,
        step: int,
        loaded: list[Loaded],
        meter: Meter,
        until: Callable[[], bool],
    ) -> bool:
        """One step; returns whether some rank wants to stop after it."""
        stage, optimiser = running.stage, running.optimiser
        batches = [item.batch.to(self.device) for item in loaded]
        self._counted["samples"] += sum(len(item.samples) for item in loaded)
        self._counted["bad_samples"] += sum(len(item.failures) for item in loaded)
        too_large = sum(item.num_too_large for item in loaded)
        self._counted["too_large_samples"] += too_large
        meter.events("too_large_samples", too_large)
        totals = self._totals(stage, step, loaded, batches, meter)
        losses = self._backward(stage, batches, totals, meter)
        gradients = sum_gradients(running.trained.values())
        running.idle.look()
        norm = clip_gradients(gradients, self.run_config.optimiser.clip)
        # In one message: what is minimised, and whether to stop.
        mine = torch.tensor([sum(losses), float(until())], dtype=torch.float64)
        loss, stop = self.ranks.sum(mine).tolist()
        reason = running.guard.judge(loss, norm)
        if reason is None:
            optimiser.step()
            if running.averages is not None:
                running.averages.update(step)
        else:
            packs = list(zip(loaded, losses, strict=True))
            self.journal.skipped(stage.name, step, reason, packs)
            running.guard.give_up(reason)
        optimiser.zero_grad(set_to_none=True)
        if self.rank < self.ranks.layout.pack_ranks:
            self._counted["skipped_steps"] += int(reason is not None)
        if self.rank == 0:
            meter.events("skipped_steps", int(reason is not None))
            if reason is None:
                meter.ratio("loss", loss, 1)
                meter.ratio("grad_norm", norm, 1)
        return bool(stop)

    def _totals(
        self,
        stage: Stage,
        step: int,
        loaded: Sequence[Loaded],
        batches: Sequence[Batch],
        meter: Meter,
    ) -> Tensor:
        """The denominators of the step; stops all ranks alike if one has samples that it must not
        go on without."""
        skips = self.run_config.failures.bad_samples == "skip"
        failures = [failure for item in loaded for failure in item.failures]
        self.journal.unreadable(stage.name, step, failures)
        meter.events("bad_samples", len(failures))
        errors: list[QvlError] = [item.error for item in loaded if item.error is not None]
        if failures and not skips:
            sample, why = failures[0]
            hint = "mend it, or let the run skip bad samples (failures.bad_samples=skip)"
            errors.append(DataError(f"{sample}: {why}", hint=hint))
        counts = torch.stack([stage.objective.counts(batch).cpu() for batch in batches]).sum(0)
        shared = self.ranks.sum(torch.cat([counts, counts.new_tensor([float(len(errors))])]))
        if shared[-1] > 0:  # every rank says what is wrong on one of them
            everyones = self.ranks.gather(errors[0] if errors else None)
            raise next(error for error in everyones if error is not None)
        return shared[:-1]

    def _backward(
        self, stage: Stage, batches: Sequence[Batch], totals: Tensor, meter: Meter
    ) -> list[float]:
        """Adds the gradients of all packs of this rank; returns their shares of the loss."""
        bf16 = self.run_config.precision == "bf16"
        losses = []
        for number, batch in enumerate(batches, 1):
            self.pack_loss.next_is_last(number == len(batches))
            predicted = meter.total("answer_tokens")
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                loss = self.pack_loss(stage.objective, batch, totals, meter)
            loss.backward()
            losses.append(loss.detach())
            self._count(stage, batch, int(meter.total("answer_tokens") - predicted), meter)
        return torch.stack(losses).tolist()

    def _count(self, stage: Stage, batch: Batch, predicted: int, meter: Meter) -> None:
        meter.count("patches", sum(t * h * w for t, h, w in batch.grid_thw))
        meter.count("tokens", sum(batch.lengths))
        meter.count("pictures", len(batch.grid_thw))
        learning = {part: part in stage.rates for part in ("tower", "merger", "llm")}
        if self.run_config.peak_flops is None or not any(learning.values()):
            return
        pack = Pack(lengths=batch.lengths, grids=batch.grid_thw, answers=predicted)
        trained = Trained(**learning, lora_rank=self._lora_rank)
        meter.count("flops", step_flops(self.model.config, pack, trained).model)

    def _log(
        self, stage: Stage, done: int, rate: float, meter: Meter, seconds: float, *, steps: int
    ) -> None:
        peak = self.run_config.peak_flops
        summary = meter.summary(
            seconds,
            pack_ranks=self.ranks.layout.pack_ranks,
            peak_flops=None if peak is None else peak * self.world,
        )
        line = {
            "rate": round(rate, 4),
            "seconds": round(seconds, 2),
            "seconds_per_step": round(seconds / steps, 4),
        }
        self._report(stage, done, {**line, **summary})

    def _report(self, stage: Stage, done: int, found: Mapping[str, Any]) -> None:
        if self.rank == 0:
            line = {"stage": stage.name, "step": done, "steps": stage.num_steps, **found}
            self.journal.log(line)
            self.report(line)

    def _counters(self, checkpoints: Checkpoints) -> dict[str, int]:
        """What was counted on all ranks since the run began."""
        here = torch.tensor([self._counted[name] for name in _COUNTED], dtype=torch.float64)
        found = self.ranks.sum(here / self.ranks.layout.pack_ranks).tolist()
        return {
            name: checkpoints.counters.get(name, 0) + round(number)
            for name, number in zip(_COUNTED, found, strict=True)
        }
