"""Packs come from worker processes that touch nothing of the process they were forked from."""

import gc
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qvl.data.mixture import Mixture
from qvl.data.records import Sample
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import TrainingError
from qvl.training.loader import load_steps
from tests.training.small import small_inputs, small_run, small_trainer


class Decoder:
    """As a video decoder: only the process that opened it can close it."""

    def __init__(self, told: Path) -> None:
        self.told, self.opened_by, self.itself = told, os.getpid(), self

    def __del__(self) -> None:
        name = "here" if os.getpid() == self.opened_by else "in another process"
        (self.told / name).touch()


def _collected(rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
    gc.collect()
    return shapes_sample(rng, seed=seed)


def test_workers_collect_nothing_that_was_left_before_them(tmp_path: Path) -> None:
    """They would wait for threads that were not forked."""
    run = small_run(tmp_path / "run")
    mixture = Mixture(parts={"shapes": (1.0, _collected)})
    run = replace(run, stages=(replace(run.stages[0], mixture=mixture),))
    trainer = small_trainer(run, small_inputs(tmp_path))
    decoder = Decoder(tmp_path)
    gc.collect()  # now only a full collection finds it
    del decoder
    steps = load_steps(trainer.run_config.stages[0], range(1), start=0, workers=1)
    (loaded,) = next(steps)
    steps.close()
    assert loaded.error is None
    assert loaded.samples
    assert (tmp_path / "here").exists()
    assert not (tmp_path / "in another process").exists()


def test_a_worker_that_is_killed_is_one_error(tmp_path: Path) -> None:
    """As the system does where memory ends."""
    inputs = small_inputs(tmp_path)

    def kill(line: object) -> None:
        (worker,) = multiprocessing.active_children()
        worker.kill()

    trainer = small_trainer(small_run(tmp_path / "run", workers=1), inputs, report=kill)
    with pytest.raises(TrainingError, match="a process that makes packs ended: DataLoader worker"):
        trainer.run()


def test_without_room_in_shared_memory_packs_can_be_made_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers have little of it."""
    inputs = small_inputs(tmp_path)

    def full(tensor: object) -> None:
        raise RuntimeError("unable to allocate shared memory(shm) for file </torch_1>")

    monkeypatch.setattr("torch.Tensor.share_memory_", full)
    run = small_run(tmp_path / "run", workers=1)
    with pytest.raises(TrainingError, match="/dev/shm") as caught:
        small_trainer(run, inputs).run()
    assert "--set workers=0" in str(caught.value.hint)
    assert small_trainer(replace(run, workers=0), inputs).run()
