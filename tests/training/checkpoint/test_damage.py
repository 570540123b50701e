"""What can befall files: bytes change, writing stops, the disk is full, the folder is read-only."""

import io
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qvl.errors import CheckpointError
from qvl.training.checkpoint import writer as writer_module
from qvl.training.checkpoint.folder import CHECKPOINTS, MARKER, METADATA, read_marker
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.reader import find_latest, open_checkpoint
from qvl.training.checkpoint.storage import read_listing
from qvl.training.checkpoint.writer import CheckpointWriter
from tests.training.checkpoint.network import Network, at, resume, save
from tests.training.checkpoint.test_ranks import check_equal

DATA = "__0_0.distcp"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    network = Network()
    for step in (1, 2):
        network.steps(step - 1, step)
        save(network, folder, step)
    return folder


@pytest.fixture
def run(two: Path, tmp_path: Path) -> Path:
    shutil.copytree(two, tmp_path / "run")
    return tmp_path / "run"


def flip(path: Path, at_byte: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at_byte is None else at_byte % len(data)] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (DATA, flip, "does not hold the bytes that were written"),
        (DATA, lambda p: p.write_bytes(p.read_bytes()[:-1]), "bytes, .* were written"),
        (DATA, Path.unlink, f"{DATA} is missing"),
        (METADATA, flip, "metadata does not hold the bytes"),
        (MARKER, flip, "checkpoint.json is not what was written|Expecting|Invalid|decode"),
        (MARKER, lambda p: p.write_bytes(b""), "Expecting value"),
    ],
)
def test_the_one_before_a_damaged_one_is_taken(
    run: Path, name: str, damage: Callable[[Path], object], message: str
) -> None:
    damage(run / CHECKPOINTS / "step-00000002" / name)
    first = Network()
    first.steps(0, 1)
    again = Network(seed=1)
    saved = resume(again, run)
    assert saved.position.updates == 1
    check_equal(again.whole(), first.whole(), exact=True)
    (note,) = saved.notes
    assert re.search(message, note)
    assert (run / CHECKPOINTS / "step-00000002.damaged").is_dir()
    # It is written again where the damaged one was, and neither counts nor comes back.
    again.steps(1, 2)
    save(again, run, 2)
    assert resume(Network(), run).position.updates == 2


def test_only_damaged_ones_are_an_error(run: Path) -> None:
    for path in (run / CHECKPOINTS).iterdir():
        flip(path / DATA)
    with pytest.raises(CheckpointError, match=r"no checkpoint in .* is good: step-00000002 is"):
        find_latest(run, CheckpointGroup())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(min_value=0), which=st.sampled_from([DATA, METADATA, MARKER]))
def test_any_changed_byte_is_noticed(two: Path, place: int, which: str) -> None:
    path = two / CHECKPOINTS / "step-00000002" / which
    good = path.read_bytes()
    try:
        flip(path, place)
        with pytest.raises(CheckpointError, match="is damaged"):
            open_checkpoint(two)
    finally:
        path.write_bytes(good)


def test_what_a_killed_run_left_is_cleaned(run: Path) -> None:
    folder = run / CHECKPOINTS
    shutil.copytree(folder / "step-00000002", folder / "step-00000003.part")
    shutil.copytree(folder / "step-00000002", folder / "step-00000004")
    (folder / "step-00000004" / MARKER).unlink()
    (folder / "notes.txt").write_text("mine")
    saved = find_latest(run, CheckpointGroup())
    assert saved is not None
    assert saved.position.updates == 2
    assert sorted(p.name for p in folder.iterdir()) == [
        "notes.txt", "step-00000001", "step-00000002",
    ]  # fmt: skip


def test_the_same_step_saved_again_loses_nothing_when_killed(run: Path) -> None:
    folder = run / CHECKPOINTS
    save(Network(seed=3), run, 2)
    check_equal(_resumed(run), Network(seed=3).whole(), exact=True)
    (folder / "step-00000002").rename(folder / "step-00000002.old")
    shutil.copytree(folder / "step-00000001", folder / "step-00000002.part")
    check_equal(_resumed(run), Network(seed=3).whole(), exact=True)
    assert sorted(p.name for p in folder.iterdir()) == ["step-00000001", "step-00000002"]


def _resumed(run: Path) -> dict[str, torch.Tensor]:
    network = Network(seed=1)
    resume(network, run)
    return network.whole()


def test_a_newer_format_is_not_called_damage(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qvl.training.checkpoint.folder.FORMAT", 2)
    with pytest.raises(CheckpointError, match="has the format 1, expected 2"):
        find_latest(run, CheckpointGroup())
    assert len(list((run / CHECKPOINTS).iterdir())) == 2


def test_a_list_of_tensors_runs_no_code(run: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path}/ran",)

    folder = run / CHECKPOINTS / "step-00000002"
    with (folder / METADATA).open("wb") as file:
        pickle.dump(Evil(), file)
    with pytest.raises(CheckpointError, match=r"no list of tensors: it asks for posix\.system"):
        read_listing(folder)
    assert not (tmp_path / "ran").exists()


def test_missing_room_is_said_before_writing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(run)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(CheckpointError, match=r"0\.000 GB free, .* GB are missing"):
        save(Network(), run, 3)
    monkeypatch.undo()
    assert resume(Network(), run).position.updates == 2


def test_a_disk_that_fills_up_leaves_the_checkpoint_before(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes at the next save, and no part stays to take room."""
    network = Network()
    with CheckpointWriter(run, CheckpointGroup()) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(torch, "save", _full)
            writer.save(network.state, at(3))
            with pytest.raises(CheckpointError, match="cannot be written: No space left on device"):
                writer.finish()
        assert sorted(p.name for p in (run / CHECKPOINTS).iterdir()) == [
            "step-00000001", "step-00000002",
        ]  # fmt: skip
        writer.save(network.state, at(3))
    assert resume(Network(), run).position.updates == 3


def _full(value: object, stream: io.BufferedIOBase, *args: object, **kwargs: object) -> None:
    stream.write(b"some of it")
    raise OSError(28, "No space left on device")


def test_an_error_of_the_last_save_is_not_lost(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "save", _full)
    with (
        pytest.raises(CheckpointError, match="No space left"),
        CheckpointWriter(run, CheckpointGroup()) as w,
    ):
        w.save(Network().state, at(3))


def test_what_stops_a_run_is_said_rather_than_the_save(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "save", _full)
    with pytest.raises(KeyboardInterrupt), CheckpointWriter(run, CheckpointGroup()) as w:  # noqa: PT012
        w.save(Network().state, at(3))
        raise KeyboardInterrupt


def test_a_folder_that_cannot_be_written(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    network = Network()
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(CheckpointError, match="cannot be written: Permission denied"):
        save(network, run, 3)


def test_the_marker_comes_last(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the rename, nothing was lost and nothing counts."""

    def killed(part: Path, folder: Path) -> None:
        raise OSError(4, "killed here")

    monkeypatch.setattr(writer_module, "put_in_place", killed)
    with pytest.raises(CheckpointError, match="cannot be completed: killed here"):
        save(Network(), run, 3)
    assert resume(Network(), run).position.updates == 2


def test_a_marker_cannot_name_files_elsewhere(run: Path) -> None:
    from qvl.training.checkpoint.folder import _hash_of

    folder = run / CHECKPOINTS / "step-00000002"
    raw = json.loads((folder / MARKER).read_text())
    raw["files"]["../../outside"] = raw["files"].pop(DATA)
    raw["sha256"] = _hash_of({k: v for k, v in raw.items() if k != "sha256"})
    (folder / MARKER).write_text(json.dumps(raw))
    with pytest.raises(ValueError, match="names files outside its folder"):
        read_marker(folder)
