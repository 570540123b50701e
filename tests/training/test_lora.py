"""A run with adapters trains the adapters of the parts that have a rate, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.checkpoint import FileSystemReader

from qvl.data.collate import TrainBatch
from qvl.model.lora import adapter_parameters, add_lora, lora_layers
from qvl.model.lora_config import LoraConfig
from qvl.model.quantized_linear import Quantize
from qvl.model.vlm import Qwen2_5_VL
from qvl.processing.processor import Processor
from qvl.training.config import RunConfig
from qvl.training.loader import load_pack
from qvl.training.plan.work import Pack, Trained, step_flops
from qvl.training.stages import Stage
from qvl.training.trainer import Trainer
from tests.training.small import (
    CountedPacks,
    counted_run,
    small_config,
    small_inputs,
    small_model,
)

CONFIG = LoraConfig(rank=2, dora=True, dropout=0.1, modules_to_save=("embed_tokens",))


def with_adapters(*, quantised: bool = False) -> Qwen2_5_VL:
    model = small_model()
    choose = Quantize("int8")
    for name, module in list(model.named_modules()):
        if quantised and isinstance(module, nn.Linear):
            parent, _, key = name.rpartition(".")
            setattr(model.get_submodule(parent), key, choose(name, module))
    add_lora(model, CONFIG, generator=torch.Generator().manual_seed(1))
    return model


def state(model: Qwen2_5_VL) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.fixture
def run(tmp_path: Path) -> RunConfig:
    inputs = small_inputs(tmp_path / "inputs")
    source = CountedPacks(processor=Processor.from_folder(inputs))
    return counted_run(tmp_path / "run", source, steps=4, rates={"llm": 1e-2}, save_every=2)


@pytest.mark.parametrize("quantised", [False, True])
def test_what_trains_and_how_it_goes_on(run: RunConfig, quantised: bool) -> None:
    model = with_adapters(quantised=quantised)
    before = state(model)
    assert Trainer(run, model).run()
    after = model.state_dict()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    # No rate for tower and merger: their adapters rest too.
    expected = {name for name in adapter_parameters(model) if not name.startswith("visual.")}
    assert changed == expected
    (last,) = run.folder.rglob("step-00000004")
    keys = FileSystemReader(last).read_metadata().state_dict_metadata
    stored: dict[str, set[str]] = {}
    for key in keys:
        kind, _, name = key.partition("/")
        stored.setdefault(kind, set()).add(name.rpartition("/")[0] or name)
    assert stored["parameters"] == set(adapter_parameters(model))  # of the base, nothing
    assert stored["optimiser"] == expected

    again = with_adapters(quantised=quantised)
    steps: list[object] = []
    first = replace(run, folder=run.folder.with_name("again"))
    stopped = Trainer(first, again, report=steps.append).run(until=lambda: len(steps) == 1)
    assert not stopped
    third = with_adapters(quantised=quantised)
    assert Trainer(first, third).run()
    assert all(torch.equal(third.state_dict()[name], after[name]) for name in after)


def test_adapters_drop_out_while_they_train_and_only_then(run: RunConfig) -> None:
    model = with_adapters().eval()  # as it is loaded

    def look(trainer: Trainer, stage: Stage) -> dict[str, float]:
        trainer.model.eval()  # as an engine does that answers
        return {}

    seen: list[bool] = []
    hook = lora_layers(model)["model.layers.0.mlp.up_proj"].register_forward_pre_hook(
        lambda layer, arguments: seen.append(layer.training)
    )
    assert Trainer(replace(run, look_every=1), model, look=look).run()
    hook.remove()
    assert seen == [True] * 4


def test_utilisation_has_no_gradients_of_weights_that_rest(run: RunConfig) -> None:
    lines: list[dict[str, float]] = []
    run = replace(run, peak_flops=1e12)
    assert Trainer(run, with_adapters(), report=lines.append).run()
    batch = load_pack(run.stages[0], 3, 0).batch
    assert isinstance(batch, TrainBatch)
    answers = int((batch.labels != -100).sum())
    pack = Pack(lengths=batch.lengths, grids=batch.grid_thw, answers=answers)
    trained = Trained(tower=False, merger=False, llm=True, lora_rank=CONFIG.rank)
    by_token = step_flops(small_config(), pack, trained).model / pack.num_tokens
    assert lines[-1]["mfu"] * 1e12 / lines[-1]["tokens_per_s"] == pytest.approx(by_token, rel=1e-3)
