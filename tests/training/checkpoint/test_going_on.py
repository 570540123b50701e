"""One process: what is saved comes back, in the background, kept so many, refused when it is not
this run's."""

import random
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qvl.errors import CheckpointError, ConfigError
from qvl.training.checkpoint import writer as writer_module
from qvl.training.checkpoint.folder import CHECKPOINTS, Keeping
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.reader import check_source, find_latest, load_state, open_checkpoint
from qvl.training.checkpoint.state import carry_moments
from qvl.training.checkpoint.writer import CheckpointWriter
from tests.training.checkpoint.network import Network, at, resume, save
from tests.training.checkpoint.test_ranks import check_equal


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / CHECKPOINTS).iterdir())


def test_going_on_equals_never_stopping(tmp_path: Path) -> None:
    whole = Network()
    whole.steps(0, 3)
    save(whole, tmp_path, 3)
    drawn = (torch.rand(2), np.random.rand(), random.random())  # noqa: NPY002
    whole.steps(3, 6)
    again = Network(seed=1)
    saved = resume(again, tmp_path)
    assert saved.position == at(3)
    assert saved.notes == ()
    assert torch.equal(torch.rand(2), drawn[0])
    assert (np.random.rand(), random.random()) == drawn[1:]  # noqa: NPY002
    again.steps(3, 6)
    check_equal(again.whole(), whole.whole(), exact=True)


def test_a_run_that_never_saved_has_no_checkpoint(tmp_path: Path) -> None:
    assert find_latest(tmp_path, CheckpointGroup()) is None


def test_training_goes_on_while_a_checkpoint_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the file is the state at the call, and a second save waits for the first."""
    real, gate = writer_module.write_tensors, threading.Event()

    def slow(*args: object) -> None:
        assert gate.wait(20)
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(writer_module, "write_tensors", slow)
    network = Network()
    network.steps(0, 1)
    with CheckpointWriter(tmp_path, CheckpointGroup()) as writer:
        writer.save(network.state, at(1))
        before = network.whole()
        network.steps(1, 3)
        assert names(tmp_path) == ["step-00000001.part"]
        threading.Timer(0.3, gate.set).start()
        began = time.monotonic()
        writer.save(network.state, at(3))
        assert time.monotonic() - began > 0.2
    first, last = Network(seed=1), Network(seed=1)
    load_state(open_checkpoint(tmp_path, updates=1), first.state, CheckpointGroup())
    check_equal(first.whole(), before, exact=True)
    resume(last, tmp_path)
    check_equal(last.whole(), network.whole(), exact=True)


def test_a_checkpoint_that_is_waited_for_is_written_without_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = writer_module.write_tensors, {}

    def watched(folder: Path, tensors: dict[str, torch.Tensor], group: CheckpointGroup) -> None:
        written.update({name: tensor.data_ptr() for name, tensor in tensors.items()})
        real(folder, tensors, group)

    monkeypatch.setattr(writer_module, "write_tensors", watched)
    network = Network()
    network.steps(0, 2)
    with CheckpointWriter(tmp_path, CheckpointGroup()) as writer:
        writer.save(network.state, at(2), wait=True)
        assert names(tmp_path) == ["step-00000002"]
    held = network.state.tensors()
    assert {name: written[name] for name in held} == {n: t.data_ptr() for n, t in held.items()}
    again = Network(seed=1)
    resume(again, tmp_path)
    check_equal(again.whole(), network.whole(), exact=True)


@pytest.mark.parametrize(
    ("keeping", "stay"),
    [
        (Keeping(newest=1), [6]),
        (Keeping(newest=2), [5, 6]),
        (Keeping(newest=1, every=2), [2, 4, 6]),
        (Keeping(newest=9), [1, 2, 3, 4, 5, 6]),
    ],
)
def test_the_newest_stay_and_every_so_many(
    tmp_path: Path, keeping: Keeping, stay: list[int]
) -> None:
    network = Network()
    with CheckpointWriter(tmp_path, CheckpointGroup(), keeping=keeping) as writer:
        for step in range(1, 7):
            writer.save(network.state, at(step))
    assert names(tmp_path) == [f"step-{step:08d}" for step in stay]


def test_at_least_one_is_kept() -> None:
    with pytest.raises(ConfigError, match="newest=0"):
        Keeping(newest=0)


def test_layers_that_a_stage_adds_begin_afresh_and_others_keep_their_moments(
    tmp_path: Path,
) -> None:
    one = Network(trained=("0",))
    one.steps(0, 3)
    old = one.optimiser
    one.train_only("0", "2")
    assert carry_moments(old, one.optimiser) == 2
    one.steps(3, 4)
    save(one, tmp_path, 4)
    moments = one.state.tensors()
    assert moments["optimiser/0.weight/step"] == 4
    assert moments["optimiser/2.weight/step"] == 1
    again = Network(seed=1)
    resume(again, tmp_path)
    check_equal(again.whole(), one.whole(), exact=True)

    dropped = Network(seed=1, trained=("2",))
    resume(dropped, tmp_path)
    kept = [key for key in dropped.state.tensors() if key.startswith("optimiser/")]
    assert {key.split("/")[1] for key in kept} == {"2.weight", "2.bias"}
    added = Network(seed=1, trained=("2",))
    added.steps(0, 1)
    save(added, tmp_path / "added", 1)
    both = Network(seed=2)
    resume(both, tmp_path / "added")
    both.steps(1, 2)
    moments = both.state.tensors()
    assert moments["optimiser/0.weight/step"] == 1
    assert moments["optimiser/2.weight/step"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {n: t for n, t in p.items() if n != "2.bias"}, r"1 only in the checkpoint"),
        (lambda p: {**p, "heads.new": torch.zeros(2)}, r"1 only in the run \(heads.new\)"),
        (
            lambda p: {**p, "0.bias": torch.zeros(5)},
            r"1 unlike \(0.bias \[12\] float32 instead of \[5\] float32\)",
        ),
        (lambda p: {**p, "0.bias": p["0.bias"].half()}, r"float32 instead of \[12\] float16"),
    ],
)
def test_another_model_is_refused(tmp_path: Path, change: object, message: str) -> None:
    network = Network()
    save(network, tmp_path, 1)
    before = network.whole()
    other = replace(network.state, parameters=change(network.parameters), optimiser=None)  # type: ignore[operator]
    saved = find_latest(tmp_path, CheckpointGroup())
    assert saved is not None
    with pytest.raises(CheckpointError, match=message):
        load_state(saved, other, CheckpointGroup())
    check_equal(network.whole(), before, exact=True)


def test_a_run_with_averages_does_not_go_on_without(tmp_path: Path) -> None:
    network = Network()
    save(network, tmp_path, 1)
    saved = find_latest(tmp_path, CheckpointGroup())
    assert saved is not None
    with pytest.raises(CheckpointError, match="of its ema, 4 only in the checkpoint"):
        load_state(saved, replace(network.state, ema={}), CheckpointGroup())


def test_other_data_are_refused_unless_allowed(tmp_path: Path) -> None:
    save(Network(), tmp_path, 1)
    saved = open_checkpoint(tmp_path)
    check_source(saved, "data", allow_change=False)
    with pytest.raises(
        ConfigError, match=r"stage 'sft' has other data or packs .*: more instead of data"
    ):
        check_source(saved, "more", allow_change=False)
    check_source(saved, "more", allow_change=True)


def test_a_folder_of_one_run_holds_what_it_saved_in_any_order(tmp_path: Path) -> None:
    network = Network()
    save(network, tmp_path, 9)
    network.steps(0, 1)
    save(network, tmp_path, 10)
    with pytest.raises(CheckpointError, match="no checkpoint of step 7; hint: it has: step-0"):
        open_checkpoint(tmp_path, updates=7)
    assert open_checkpoint(tmp_path, updates=9).position.updates == 9
    shutil.rmtree(tmp_path / CHECKPOINTS)
    with pytest.raises(CheckpointError, match="has no checkpoint; hint: it has: none"):
        open_checkpoint(tmp_path)
