"""The only training loop: stages in a row, one pack per rank and step.

Owns the order of a step, what is frozen, resuming, and the log. Does not own the data (``data``),
the losses, or which run it is (``recipes``).

    (seed, stage, step, rank) -> pack -> TrainBatch -> losses -> gradients summed over ranks ->
    update -> log, state
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from qvl.data.collate import TrainBatch, collate
from qvl.data.packing import Packed, fill_pack
from qvl.errors import ConfigError
from qvl.model.attention import Segments
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.training.checkpoint import load_state, save_state
from qvl.training.dense import DenseHeads
from qvl.training.finding import finding_losses, name_tokens, watching
from qvl.training.losses import answer_losses
from qvl.training.metrics import Meter
from qvl.training.optim import build_optimiser, clip_gradients, learning_rate
from qvl.training.stages import Stage, part_of


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A whole run.

    Attributes:
        folder: where state and log go; repeating a run with the same folder resumes it.
        stages: in order.
        seed: of everything random.
        device: "cpu" or "cuda".
        autocast: compute in bfloat16 over float32 weights.
        clip: most norm of the gradient.
        weight_decay: of matrices; vectors have none.
        coordinate_tasks: tasks whose digits are coordinates.
        kind_names: of the kinds of object that questions name, in the order of their numbers.
        colour_names: of colours, in the order of their numbers.
        finding_layer: the decoder layer whose first head learns to find what is asked about.
        packs_per_rank: packs whose gradients each rank adds up before an update.
        log_every: steps between log lines.
        save_every: steps between saved states.
        workers: processes per rank that make samples; 0 makes them in between.
    """

    folder: Path
    stages: tuple[Stage, ...]
    seed: int = 0
    device: str = "cpu"
    autocast: bool = False
    clip: float = 1.0
    weight_decay: float = 0.02
    coordinate_tasks: frozenset[str] = frozenset()
    kind_names: tuple[str, ...] = ()
    colour_names: tuple[str, ...] = ()
    finding_layer: int = 2
    packs_per_rank: int = 1
    log_every: int = 20
    save_every: int = 200
    workers: int = 1


# Packs each worker makes ahead, so that one slow picture delays no step.
_PREFETCH = 8


def _yield_to_ranks(worker: int) -> None:
    """Lets a worker run only while the ranks wait: one delayed rank delays them all."""
    os.nice(19)


def make_batch(
    run: RunConfig, processor: Processor, number: int, step: int, pack: int
) -> TrainBatch:
    """Returns one pack of a step as tensors, a function of the numbers alone.

    Args:
        run: has the stages and the seed.
        processor: makes model inputs; its tokenizer has one token per digit.
        number: of the stage, from 0.
        step: of the stage, from 0.
        pack: of the step, from 0 over all ranks.
    """
    stage = run.stages[number]

    def draw(i: int) -> Packed:
        sample = stage.mixture.sample(run.seed, number, step, pack, i)
        inputs = processor(sample.conversation, add_generation_prompt=False)
        return Packed(sample=sample, inputs=inputs)

    return collate(
        fill_pack(draw, stage.budget)[0],
        encode=processor.tokenizer.encode,
        digit_weight=stage.digit_weight,
        coordinate_tasks=run.coordinate_tasks,
    )


class _Packs(torch.utils.data.IterableDataset[TrainBatch]):
    """The packs of one rank for the rest of a stage, in order."""

    def __init__(
        self, run: RunConfig, processor: Processor, number: int, *, start: int, rank: int
    ) -> None:
        self.run, self.processor, self.number = run, processor, number
        self.start, self.rank = start, rank

    def __iter__(self) -> Iterator[TrainBatch]:
        worker = torch.utils.data.get_worker_info()
        # A loader asks its workers in turn, so worker w makes every num_workers-th pack.
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        each = self.run.packs_per_rank
        stop = self.run.stages[self.number].steps * each
        for i in range(self.start * each + first, stop, stride):
            pack = self.rank * each + i % each
            yield make_batch(self.run, self.processor, self.number, i // each, pack)


class Trainer:
    """Runs the stages of a configuration on a model, in place.

    Args:
        run: what to do.
        model: float32 weights, on the run's device.
        processor: makes model inputs; its tokenizer has one token per digit.
        heads: throw-away heads for stages with ``dense_weight``; None if no stage has any.
        report: called with each log line as a dictionary, on rank 0.
    """

    def __init__(
        self,
        run: RunConfig,
        model: Qwen2_5_VL,
        processor: Processor,
        *,
        heads: DenseHeads | None = None,
        report: Callable[[dict[str, Any]], None] = lambda line: None,
    ) -> None:
        if heads is None and any(stage.dense_weight for stage in run.stages):
            raise ConfigError("a stage has dense_weight but there are no dense heads")
        finds = any(stage.finding_weight for stage in run.stages)
        if finds and (heads is None or not run.kind_names):
            raise ConfigError(
                "a stage has finding_weight but there are no dense heads or kind_names"
            )
        if finds and run.finding_layer + 2 > len(model.model.layers):
            raise ConfigError(
                f"finding_layer is {run.finding_layer}, expected at most the last but one of "
                f"{len(model.model.layers)} layers"
            )
        names = (run.kind_names, run.colour_names) if finds else ((), ())
        self.names = name_tokens(processor.tokenizer.encode, *names)
        self.run_config, self.model, self.processor, self.heads = run, model, processor, heads
        self.report = report
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world = dist.get_world_size() if dist.is_initialized() else 1
        self.parameters = dict(model.named_parameters())
        if heads is not None:
            self.parameters.update({f"heads.{n}": p for n, p in heads.named_parameters()})

    @property
    def state_path(self) -> Path:
        """Where the state of the run lies."""
        return self.run_config.folder / "state.pt"

    def run(self, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Trains to the end, going on from a saved state; returns False if ``until`` stopped it
        early."""
        state = load_state(self.state_path)
        first = 0
        if state is not None:
            first = state["stage"]
            self._load_weights(state)
        for number in range(first, len(self.run_config.stages)):
            resumed = state if state is not None and number == first else None
            if not self._run_stage(number, resumed, until):
                return False
        return True

    def _run_stage(
        self, number: int, state: dict[str, Any] | None, until: Callable[[], bool]
    ) -> bool:
        stage, run = self.run_config.stages[number], self.run_config
        trained = {n: p for n, p in self.parameters.items() if part_of(n) in stage.rates}
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(name in trained)
        optimiser = build_optimiser(stage, trained, weight_decay=run.weight_decay)
        start = 0
        if state is not None:
            start = state["step"]
            optimiser.load_state_dict(state["optimiser"])
        packs = _Packs(run, self.processor, number, start=start, rank=self.rank)
        loader = iter(
            torch.utils.data.DataLoader(
                packs,
                batch_size=None,
                num_workers=run.workers,
                prefetch_factor=_PREFETCH if run.workers else None,
                worker_init_fn=_yield_to_ranks,
            )
        )
        meter, device = Meter(), torch.device(run.device)
        began = time.monotonic()
        for step in range(start, stage.steps):
            batches = [next(loader).to(device) for _ in range(run.packs_per_rank)]
            rate = learning_rate(
                step,
                steps=stage.steps,
                warmup=stage.warmup,
                decay_from=stage.decay_from,
                floor=stage.floor,
            )
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * rate
            self._step(stage, batches, trained, optimiser, meter)
            done = step + 1
            if done % run.log_every == 0 or done == stage.steps:
                self._log(stage, done, rate, meter, time.monotonic() - began)
                meter, began = Meter(), time.monotonic()
            stop = self._agree(until())
            if done % run.save_every == 0 or stop or done == stage.steps:
                self._save(number, done, optimiser)
            if stop:
                return False
        return True

    def _agree(self, stop: bool) -> bool:
        """True on every rank as soon as it is on one, so that all stop at the same step."""
        if self.world == 1:
            return stop
        flag = torch.tensor(float(stop))
        dist.all_reduce(flag)
        return bool(flag > 0)

    def _step(
        self,
        stage: Stage,
        batches: list[TrainBatch],
        trained: dict[str, nn.Parameter],
        optimiser: torch.optim.Optimizer,
        meter: Meter,
    ) -> None:
        # Divided by the totals of the whole step, the sum over packs and ranks is one mean over
        # all answer tokens, however unevenly they fell.
        weights = sum(float(batch.weights.sum()) for batch in batches)
        merged = sum(len(batch.dense.rows) for batch in batches)
        totals = torch.tensor([weights, float(merged)])
        if self.world > 1:
            dist.all_reduce(totals)
        for batch in batches:
            self._loss(stage, batch, float(totals[0]), float(totals[1]), meter).backward()
        grads = _sum_gradients(trained, self.world)
        meter.grad_norm(clip_gradients(grads, self.run_config.clip))
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    def _loss(
        self, stage: Stage, batch: TrainBatch, weight_sum: float, num_merged: float, meter: Meter
    ) -> Tensor:
        """Returns a pack's share of the loss of the step, and counts what the meter shows."""
        model = self.model
        sees = any(part in stage.rates for part in ("tower", "merger")) or stage.dense_weight > 0
        with torch.autocast(
            self.run_config.device, torch.bfloat16, enabled=self.run_config.autocast
        ):
            with torch.set_grad_enabled(sees):
                features = model.encode_media(batch.pixel_values, batch.grid_thw)
            loss = features.new_zeros((), dtype=torch.float32)
            if stage.dense_weight and self.heads is not None:
                dense = self.heads(features, batch.dense)
                meter.dense(dense)
                loss = loss + stage.dense_weight * dense.total / num_merged
            if stage.answer_weight:
                first = self.run_config.finding_layer
                last = first + 2 if stage.finding_weight else first
                with watching(model.model.layers[first:last]) as watched:
                    hidden = model.hidden_states(
                        batch.input_ids,
                        batch.position_ids,
                        segments=Segments(batch.lengths),
                        media_embeds=features,
                    )
                if stage.finding_weight and self.heads is not None:
                    found = finding_losses(
                        watched,
                        features,
                        batch,
                        table=model.model.embed_tokens.weight,
                        names=self.names,
                        carried=self.heads.carried,
                    )
                    meter.finding(found)
                    loss = loss + stage.finding_weight * found.total
                at = batch.labels != -100
                losses, right = answer_losses(hidden[at], batch.labels[at], model.logits)
                meter.answers(batch, at, losses.detach(), right)
                loss = loss + stage.answer_weight * (losses * batch.weights[at]).sum() / weight_sum
        meter.sizes(batch)
        return loss

    def _log(self, stage: Stage, done: int, rate: float, meter: Meter, seconds: float) -> None:
        if self.rank:
            return
        line = {
            "stage": stage.name, "step": done, "steps": stage.steps, "rate": round(rate, 4),
            "seconds": round(seconds, 2), **meter.summary(seconds, world=self.world),
        }  # fmt: skip
        self.run_config.folder.mkdir(parents=True, exist_ok=True)
        with open(self.run_config.folder / "log.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        self.report(line)

    def _save(self, number: int, step: int, optimiser: torch.optim.Optimizer) -> None:
        if self.rank:
            return
        state = {
            "stage": number,
            "step": step,
            "parameters": {n: p.detach() for n, p in self.parameters.items()},
            "optimiser": optimiser.state_dict(),
        }
        save_state(self.state_path, state)

    def _load_weights(self, state: dict[str, Any]) -> None:
        saved = state["parameters"]
        if saved.keys() != self.parameters.keys():
            raise ConfigError(
                f"{self.state_path} was saved by another model",
                hint="use another folder for this run",
            )
        with torch.no_grad():
            for name, parameter in self.parameters.items():
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
