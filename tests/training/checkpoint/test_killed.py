"""A real trainer that is killed, stopped, resumed: what comes out is what would have come out."""

import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from qvl.errors import CheckpointError, ConfigError
from qvl.training.checkpoint.folder import CHECKPOINTS, complete
from qvl.training.checkpoint.reader import open_checkpoint
from qvl.training.parallel.layout import Layout
from qvl.training.trainer import Trainer
from tests.training.checkpoint.processes import LONGEST_S, on_ranks, start
from tests.training.parallel.test_runs import trainer_of
from tests.training.small import small_inputs, small_run, small_trainer

pytestmark = pytest.mark.timeout(2 * LONGEST_S)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_inputs(tmp_path_factory.mktemp("inputs"))


def make(folder: Path, inputs: Path, **changes: object) -> Trainer:
    """A trainer that averages, keeps moments from stage to stage, and saves after every step."""
    trainer = small_trainer(small_run(folder), inputs)
    trainer.run_config = replace(trainer.run_config, ema=0.9, keep_moments=True, **changes)  # type: ignore[arg-type]
    return trainer


def train(folder: Path, inputs: Path) -> None:
    """In a process of its own: to the end, from wherever an earlier one got."""
    torch.set_num_threads(1)
    make(folder, inputs).run()


def last(folder: Path) -> dict[str, Tensor]:
    """Every tensor of the newest checkpoint."""
    from qvl.training.checkpoint.group import CheckpointGroup
    from qvl.training.checkpoint.storage import read_tensors, shapes_of

    saved = open_checkpoint(folder)
    found = {k: torch.empty(s, dtype=d) for k, (s, d) in shapes_of(saved.listing).items()}
    read_tensors(saved.path, found, saved.listing, CheckpointGroup())
    return found


def assert_same_end(one: Path, other: Path) -> None:
    found, expected = last(one), last(other)
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        if not key.startswith("random/"):
            torch.testing.assert_close(found[key], tensor, rtol=0, atol=0, equal_nan=True, msg=key)
    assert open_checkpoint(one).position == open_checkpoint(other).position


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert make(folder, inputs).run()
    return folder


@pytest.mark.parametrize(
    "kills", [pytest.param(5), pytest.param(20, marks=pytest.mark.slow)], ids=str
)
def test_killed_at_random_moments_it_comes_to_the_same_end(
    tmp_path: Path, inputs: Path, uninterrupted: Path, kills: int
) -> None:
    """The kill comes some moments after the first sign of a save, so that many fall into one."""
    chance = random.Random(kills)
    folder, killed = tmp_path / "run", 0
    while True:
        process = start(train, folder, inputs)
        seen = newest(folder)
        if killed < kills:
            deadline = time.monotonic() + LONGEST_S
            while newest(folder) == seen and process.is_alive() and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(chance.random() * 0.1)
            process.kill()
        process.join(LONGEST_S)
        assert process.exitcode in (0, -signal.SIGKILL)
        killed += process.exitcode != 0
        if process.exitcode == 0:
            break
    assert killed
    assert_same_end(folder, uninterrupted)


def newest(folder: Path) -> set[str]:
    """Names under which something is being written or was."""
    return {p.name for p in (folder / CHECKPOINTS).glob("step-*")}


def test_asked_to_stop_it_finishes_the_step_and_saves(
    tmp_path: Path, inputs: Path, uninterrupted: Path
) -> None:
    process = start(train, tmp_path, inputs)
    deadline = time.monotonic() + LONGEST_S
    while not complete(tmp_path / CHECKPOINTS) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.terminate()
    process.join(LONGEST_S)
    assert process.exitcode == 0
    assert make(tmp_path, inputs).run()
    assert_same_end(tmp_path, uninterrupted)


def stop_and_go_on(folder: Path, inputs: Path) -> None:
    layout, steps = Layout(dp_replicate=1, dp_shard=2), iter(range(100))
    assert trainer_of(folder / "whole", inputs, layout).run()
    first = trainer_of(folder / "parts", inputs, layout)
    assert not first.run(until=lambda: next(steps) == 4)
    assert trainer_of(folder / "parts", inputs, layout).run()


def test_two_ranks_with_shards_of_the_weights_go_on_bit_for_bit(
    tmp_path: Path, inputs: Path
) -> None:
    on_ranks(2, tmp_path, stop_and_go_on, tmp_path, inputs)
    assert_same_end(tmp_path / "parts", tmp_path / "whole")


def test_a_change_of_data_is_refused_or_allowed(tmp_path: Path, inputs: Path) -> None:
    steps = iter(range(100))
    assert not make(tmp_path, inputs).run(until=lambda: next(steps) >= 1)
    other = small_trainer(small_run(tmp_path, seed=9), inputs).run_config
    with pytest.raises(
        ConfigError, match="has other data or packs than when step-00000002 was saved"
    ):
        make(tmp_path, inputs, stages=other.stages).run()
    assert make(tmp_path, inputs, stages=other.stages, allow_data_change=True).run()


def test_going_on_is_told_with_what_changed(tmp_path: Path, inputs: Path) -> None:
    steps = iter(range(100))
    first = make(tmp_path, inputs)
    assert not first.run(until=lambda: next(steps) >= 1)
    (newest_one,) = complete(tmp_path / CHECKPOINTS)[-1:]
    (newest_one / "__0_0.distcp").write_bytes(b"")
    lines: list[dict[str, object]] = []
    again = make(tmp_path, inputs, log_every=2)
    again.report = lines.append
    assert again.run()
    notes = [line["note"] for line in lines if "note" in line]
    assert str(notes[0]).startswith("step-00000002 is damaged (__0_0.distcp has 0 bytes, ")
    assert notes[1:] == [
        "going on from step-00000001",
        "the configuration is not the one it was saved with",
    ]


def test_counters_go_on(tmp_path: Path, inputs: Path, uninterrupted: Path) -> None:
    assert any(key.startswith("ema/") for key in last(uninterrupted))
    counters = open_checkpoint(uninterrupted).position.counters
    assert counters["samples"] > 7
    assert counters["skipped_steps"] == 0


def test_another_run_in_the_folder_is_refused(tmp_path: Path, inputs: Path) -> None:
    steps = iter(range(100))
    trainer = make(tmp_path, inputs)
    assert not trainer.run(until=lambda: next(steps) >= 4)
    stages = trainer.run_config.stages
    with pytest.raises(CheckpointError, match="saved in stage 1, 'multimodal_pretrain'; the run's"):
        make(tmp_path, inputs, stages=stages[:1]).run()
