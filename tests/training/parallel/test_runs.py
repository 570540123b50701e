"""Whole runs on many ranks: stages that freeze parts, heads that are not the model's, a checkpoint
from which another layout goes on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from qvl.data.synth.canvas import KINDS
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.processing.processor import Processor
from qvl.recipes.tiny import run_config
from qvl.training.objectives.dense import DenseHeads
from qvl.training.parallel.layout import Layout
from qvl.training.trainer import Trainer
from tests.training.parallel.small import on_ranks
from tests.training.parallel.test_prepare import full
from tests.training.small import small_inputs, small_model, small_run

# As in `test_prepare`.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_inputs(tmp_path_factory.mktemp("inputs"))


def trainer_of(folder: Path, inputs: Path, layout: Layout) -> Trainer:
    """Two stages of two packs a step: the tower with its heads, then everything."""
    model = small_model()
    torch.manual_seed(0)
    heads = DenseHeads(32, num_kinds=len(KINDS), num_colours=len(COLOUR_NAMES))
    run = small_run(folder, packs_per_step=2)
    config = run_config(run, model, heads, Processor.from_folder(inputs))
    return Trainer(replace(config, layout=layout, save_every=100), model)


def weights(trainer: Trainer) -> dict[str, Tensor]:
    stage = trainer.run_config.stages[-1]
    return {name: full(p.detach()) for name, p in trainer.parameters(stage).items()}


def _stop_and_go_on(folder: Path, inputs: Path) -> None:
    steps = iter(range(100))
    first = trainer_of(folder, inputs, Layout(dp_replicate=1, dp_shard=None))
    assert not first.run(until=lambda: next(steps) == 4)
    second = trainer_of(folder, inputs, Layout(cp=2, activation_checkpointing="full"))
    assert second.run()
    found = weights(second)
    if second.rank == 0:
        torch.save(found, folder / "weights.pt")


def test_a_run_on_shards_that_goes_on_split_is_the_run_of_one_rank(
    tmp_path: Path, inputs: Path
) -> None:
    one = trainer_of(tmp_path / "one", inputs, Layout())
    assert one.run()
    on_ranks(_stop_and_go_on, tmp_path / "two", inputs, processes=2)
    found = torch.load(tmp_path / "two" / "weights.pt", weights_only=True)
    for name, value in weights(one).items():
        # Steps move weights by 1e-3 and more. Adam divides small gradients by their own size, and
        # their rounding with them.
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=2e-5)
