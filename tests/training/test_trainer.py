"""The loop: it learns, freezes, resumes bit for bit, and does the same on two ranks as on one."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from qvl.data.collate import TrainBatch
from qvl.errors import ConfigError
from qvl.processing.processor import Processor
from qvl.recipes.tiny import TinyRun, run_config
from qvl.training import trainer as trainer_module
from qvl.training.loader import load_pack
from qvl.training.parallel.processes import launch
from qvl.training.stages import part_of
from qvl.training.trainer import Trainer
from tests.training.small import (
    CountedPacks,
    counted_run,
    gradients_of_a_step,
    small_inputs,
    small_model,
    small_run,
    small_trainer,
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_inputs(tmp_path_factory.mktemp("inputs"))


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    named = trainer.parameters(trainer.run_config.stages[0])
    return {name: p.detach().clone() for name, p in named.items()}


def log(run: TinyRun) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_resuming_equals_never_stopping(tmp_path: Path, inputs: Path, stop_after: int) -> None:
    whole = small_trainer(small_run(tmp_path / "whole"), inputs)
    assert whole.run()

    steps = iter(range(100))
    run = small_run(tmp_path / "parts")
    first = small_trainer(run, inputs)
    assert not first.run(until=lambda: next(steps) + 1 >= stop_after)
    second = small_trainer(run, inputs)
    assert second.run()
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(second)[name]), name


def test_only_the_parts_of_a_stage_change(tmp_path: Path, inputs: Path) -> None:
    run = small_run(tmp_path)
    run = replace(run, stages=run.stages[:1])
    trainer = small_trainer(run, inputs)
    before = weights(trainer)
    trainer.run()
    for name, value in weights(trainer).items():
        # `carried` reads the language model, which this stage does not run.
        stays = part_of(name) == "llm" or name == "heads.carried.bias"
        assert torch.equal(before[name], value) == stays, name


def test_losses_fall(tmp_path: Path, inputs: Path) -> None:
    run = small_run(tmp_path, save_every=1000, log_every=5)
    run = replace(run, stages=(replace(run.stages[1], steps=80, warmup=5),))
    small_trainer(run, inputs).run()
    lines = log(run)
    assert lines[-1]["ce/shapes"] < 0.7 * lines[0]["ce/shapes"]
    assert lines[-1]["ce/digits"] < lines[0]["ce/digits"]
    assert lines[-1]["box_error_px"] < lines[0]["box_error_px"]


def test_a_step_is_its_seed_and_number_alone(tmp_path: Path, inputs: Path) -> None:
    stage = small_trainer(small_run(tmp_path), inputs).run_config.stages[1]
    first, again, other = (load_pack(stage, step, 0).batch for step in (2, 2, 3))
    assert isinstance(first, TrainBatch)
    assert isinstance(again, TrainBatch)
    assert isinstance(other, TrainBatch)
    assert torch.equal(first.pixel_values, again.pixel_values)
    assert torch.equal(first.input_ids, again.input_ids)
    assert not torch.equal(first.input_ids, other.input_ids)


def test_only_answers_are_predicted(tmp_path: Path, inputs: Path) -> None:
    processor = Processor.from_folder(inputs)
    stage = small_trainer(small_run(tmp_path), inputs).run_config.stages[1]
    batch = load_pack(stage, 0, 0).batch
    assert isinstance(batch, TrainBatch)
    predicted = batch.labels[batch.labels != -100].tolist()
    text = processor.tokenizer.decode(predicted, skip_special_tokens=False)
    assert "user" not in text
    assert "assistant" not in text
    whole = processor.tokenizer.decode(batch.input_ids.tolist(), skip_special_tokens=False)
    assert text.count("<|im_end|>") == whole.count("<|im_start|>assistant") > len(batch.lengths)
    assert (batch.weights > 0).equal(batch.labels != -100)


def _two_ranks(folder: Path, inputs: Path) -> None:
    torch.set_num_threads(1)
    trainer = small_trainer(small_run(folder, packs_per_step=2), inputs)
    trainer.run()
    gradients = gradients_of_a_step(folder / "step", inputs, packs_per_step=4)
    if trainer.rank == 0:
        torch.save((weights(trainer), gradients), folder / "two.pt")


def test_two_ranks_equal_one_that_does_both_packs(tmp_path: Path, inputs: Path) -> None:
    launch(_two_ranks, tmp_path / "two", inputs, processes=2)
    two, gradients = torch.load(tmp_path / "two" / "two.pt", weights_only=True)

    one = small_trainer(small_run(tmp_path / "one", packs_per_step=2), inputs)
    one.run()
    for name, value in weights(one).items():
        torch.testing.assert_close(value, two[name], rtol=1e-4, atol=2e-6, msg=name)

    whole = gradients_of_a_step(tmp_path / "step", inputs, per_pack=4)
    assert gradients.keys() == whole.keys()
    for name, value in whole.items():
        torch.testing.assert_close(value, gradients[name], rtol=1e-4, atol=1e-6, msg=name)


def test_dense_stages_need_heads(tmp_path: Path, inputs: Path) -> None:
    run = small_run(tmp_path)
    model = small_trainer(run, inputs).model
    with pytest.raises(ConfigError, match="dense_weight but there are no dense heads"):
        run_config(run, model, None, Processor.from_folder(inputs))


def test_a_step_takes_its_share_of_the_steps_of_its_line(
    tmp_path: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run that goes on, the first line covers fewer."""
    clock = SimpleNamespace(monotonic=map(float, range(100)).__next__)  # a second a look
    monkeypatch.setattr(trainer_module, "time", clock)
    run = small_run(tmp_path, log_every=2)
    run = replace(run, stages=run.stages[1:])
    steps = iter(range(100))
    assert not small_trainer(run, inputs).run(until=lambda: next(steps) == 2)
    assert small_trainer(run, inputs).run()
    lines = [line for line in log(run) if "seconds" in line]
    assert [(line["step"], line["seconds_per_step"]) for line in lines] == [(2, 0.5), (4, 1.0)]


def test_a_run_that_is_given_another_model_says_whose_weights_go_on(
    tmp_path: Path, inputs: Path
) -> None:
    source = CountedPacks(processor=Processor.from_folder(inputs))
    run = counted_run(tmp_path, source, steps=2, base_model="one")
    assert not Trainer(run, small_model()).run(until=lambda: True)
    lines: list[dict[str, object]] = []
    other = replace(run, base_model="two")
    assert Trainer(other, small_model(seed=1), report=lines.append).run()
    notes = [line["note"] for line in lines if "note" in line]
    assert "it began from one, now the model is two: the weights are the checkpoint's" in notes
