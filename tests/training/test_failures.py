"""What goes wrong is counted and named, and stops a run only when it has to."""

import json
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from qvl.data.collate import TrainBatch
from qvl.data.drawn_packs import DrawnPacks
from qvl.data.mixture import Mixture
from qvl.data.packing import PackBudget, Packed
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import DataError, TrainingError
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.training.checkpoint.reader import open_checkpoint
from qvl.training.config import FailurePolicy
from qvl.training.metrics import Meter
from qvl.training.objectives.answers import AnswerObjective
from qvl.training.trainer import Trainer
from tests.training.small import CountedPacks, counted_run, small_inputs, small_model


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Processor:
    return Processor.from_folder(small_inputs(tmp_path_factory.mktemp("inputs")))


class _Poisoned(AnswerObjective):
    """Losses of some steps are not a number."""

    def __init__(self, steps: tuple[int, ...]) -> None:
        super().__init__()
        object.__setattr__(self, "poison", list(steps))
        object.__setattr__(self, "step", -1)

    def loss(self, model: Qwen2_5_VL, batch: TrainBatch, totals: Tensor, meter: Meter) -> Tensor:
        object.__setattr__(self, "step", self.step + 1)  # type: ignore[attr-defined]
        loss = super().loss(model, batch, totals, meter)
        return loss * float("nan") if self.step in self.poison else loss  # type: ignore[attr-defined]


def log(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_step_that_is_not_a_number_changes_nothing(tmp_path: Path, processor: Processor) -> None:
    source = CountedPacks(processor=processor)
    run = counted_run(tmp_path, source, steps=2, objective=_Poisoned((1,)))
    trained, once = small_model(), small_model()
    Trainer(run, trained).run()
    Trainer(counted_run(tmp_path / "once", source, steps=1), once).run()
    for name, value in once.named_parameters():
        assert torch.equal(value, trained.get_parameter(name)), name
    assert [line.get("skipped_steps", 0) for line in log(tmp_path)] == [0, 1]
    (record,) = (tmp_path / "bad").iterdir()
    kept = json.loads(record.read_text())
    assert kept["reason"] == "the loss is nan"
    assert "(1,)" in kept["packs"][0]["samples"][0]


def test_many_bad_steps_stop_with_the_last_samples_named(
    tmp_path: Path, processor: Processor
) -> None:
    run = counted_run(
        tmp_path, CountedPacks(processor=processor), steps=9, objective=_Poisoned((1, 2)),
        failures=FailurePolicy(most_skipped=2),
    )  # fmt: skip
    with pytest.raises(TrainingError, match="2 steps in a row"):
        Trainer(run, small_model()).run()
    assert len(list((tmp_path / "bad").iterdir())) == 2


def test_bad_samples_stop_or_are_left_out(tmp_path: Path, processor: Processor) -> None:
    source = CountedPacks(processor=processor, per_pack=2, bad=(1, 2, 3))
    run = counted_run(tmp_path / "stop", source, steps=2)
    with pytest.raises(DataError, match=r"sample 1: it is torn.*bad_samples=skip"):
        Trainer(run, small_model()).run()
    skipping = replace(
        run, folder=tmp_path / "skip", failures=FailurePolicy(bad_samples="skip"), workers=1
    )
    assert Trainer(skipping, small_model()).run()  # the second pack is empty
    assert [line["bad_samples"] for line in log(tmp_path / "skip")] == [1, 2]
    lines = (tmp_path / "skip" / "bad" / "samples-0.jsonl").read_text().splitlines()
    assert [json.loads(line)["sample"] for line in lines] == ["sample 1", "sample 2", "sample 3"]


def test_drawn_samples_too_large_for_a_pack_are_counted(
    tmp_path: Path, processor: Processor
) -> None:
    source = DrawnPacks(
        mixture=Mixture(parts={"shapes": (1.0, shapes_sample)}),
        budget=PackBudget(max_tokens=600, max_patches=120),
        processor=processor,
        seed=(0,),
    )
    expected = [source.pack(step, 0).num_too_large for step in range(3)]
    assert any(expected)
    run = counted_run(tmp_path, source, steps=3)
    assert Trainer(run, small_model()).run()
    assert [line.get("too_large_samples", 0) for line in log(tmp_path)] == expected
    counters = open_checkpoint(tmp_path).position.counters
    assert counters["too_large_samples"] == sum(expected)


class _Refuses(AnswerObjective):
    """Cannot use any sample."""

    def collate(self, pack: Sequence[Packed]) -> TrainBatch:
        if pack:
            raise DataError("it has no answer", hint="give one")
        return super().collate(pack)


def test_an_error_in_a_worker_stays_one_line(tmp_path: Path, processor: Processor) -> None:
    source = CountedPacks(processor=processor)
    run = counted_run(tmp_path, source, steps=1, objective=_Refuses(), workers=1)
    with pytest.raises(DataError) as caught:
        Trainer(run, small_model()).run()
    assert str(caught.value) == "it has no answer; hint: give one"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_and_the_run_goes_on(
    tmp_path: Path, processor: Processor, number: signal.Signals
) -> None:
    source = CountedPacks(processor=processor)
    run = counted_run(tmp_path, source, steps=3)
    before = signal.getsignal(number)

    def interrupt(line: dict[str, Any]) -> None:
        if line.get("step") == 1:
            os.kill(os.getpid(), number)

    stopped = Trainer(run, small_model(), report=interrupt)
    assert not stopped.run()
    assert signal.getsignal(number) == before
    model, whole = small_model(), small_model()
    assert Trainer(run, model).run()
    assert Trainer(counted_run(tmp_path / "whole", source, steps=3), whole).run()
    for name, value in whole.named_parameters():
        assert torch.equal(value, model.get_parameter(name)), name


def test_frozen_parts_have_no_gradient_and_no_state(tmp_path: Path, processor: Processor) -> None:
    run = counted_run(tmp_path, CountedPacks(processor=processor), steps=1, rates={"llm": 1e-3})
    model = small_model()
    kept: list[torch.optim.Optimizer] = []
    hook = register_optimizer_step_post_hook(lambda optimiser, args, kwargs: kept.append(optimiser))
    Trainer(run, model).run()
    hook.remove()
    assert not any(p.requires_grad or p.grad is not None for p in model.visual.parameters())
    assert len(kept[0].state) == len(list(model.model.parameters()))


def test_a_tower_that_sees_nothing_is_named(tmp_path: Path, processor: Processor) -> None:
    run = counted_run(
        tmp_path, CountedPacks(processor=processor, bad=(0, 1, 2)), steps=3, rates={"tower": 1e-3},
        failures=FailurePolicy(bad_samples="skip", idle_steps=2),
    )  # fmt: skip
    with pytest.raises(TrainingError, match="trains tower, but no gradient came there in 2 steps"):
        Trainer(run, small_model()).run()


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path, processor: Processor) -> None:
    (tmp_path / "log.jsonl").mkdir()
    run = counted_run(tmp_path, CountedPacks(processor=processor), steps=1)
    with pytest.raises(TrainingError, match=r"log\.jsonl cannot be written: Is a directory"):
        Trainer(run, small_model()).run()


def test_speed_is_counted_in_tokens_and_operations(tmp_path: Path, processor: Processor) -> None:
    source = CountedPacks(processor=processor)
    run = counted_run(tmp_path, source, steps=1, peak_flops=1e12, ema=0.9)
    Trainer(run, small_model()).run()
    (line,) = log(tmp_path)
    assert 0 < line["mfu"] < 1
    assert 0 < line["answer_tokens_per_s"] < line["tokens_per_s"]
    assert line["loss"] == pytest.approx(line["ce/shapes"], rel=1e-3)


def test_weights_in_bfloat16_learn(tmp_path: Path, processor: Processor) -> None:
    source = CountedPacks(processor=processor)
    run = counted_run(tmp_path, source, steps=2, precision="bf16_weights")
    model, untrained = small_model(), small_model()
    Trainer(run, model).run()
    weight = model.model.layers[0].mlp.up_proj.weight
    assert weight.dtype == torch.bfloat16
    assert not weight.float().equal(
        untrained.model.layers[0].mlp.up_proj.weight.to(torch.bfloat16).float()
    )
