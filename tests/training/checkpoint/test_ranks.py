"""Several ranks: bit for bit on as many, the same state on any other number, sharded or not."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from qvl.errors import CheckpointError
from qvl.training.checkpoint.adapters import sums_of
from qvl.training.checkpoint.folder import CHECKPOINTS, find_damage, read_marker
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.reader import find_latest
from tests.training.checkpoint.network import Network, resume, save
from tests.training.checkpoint.processes import LONGEST_S, on_ranks

pytestmark = pytest.mark.timeout(2 * LONGEST_S)

LAYOUTS = {"replicated": False, "sharded": True}


def check_equal(found: dict[str, Tensor], expected: dict[str, Tensor], *, exact: bool) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        if exact:
            assert torch.equal(found[key], value), key
        else:
            torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-6, msg=key)


def save_and_go_on(folder: Path) -> None:
    """Three steps, a save, two more; once more from the save; rank 0 keeps what came out."""
    group = CheckpointGroup()
    for name, sharded in LAYOUTS.items():
        whole = Network(sharded=sharded)
        torch.manual_seed(group.rank)
        whole.steps(0, 3)
        middle = whole.whole()
        save(whole, folder / name, 3, group)
        drawn = torch.rand(3)
        whole.steps(3, 5)
        again = Network(seed=1, sharded=sharded)
        saved = resume(again, folder / name, group)
        assert saved.marker.world_size == 2
        check_equal(again.whole(), middle, exact=True)
        assert torch.equal(torch.rand(3), drawn)
        again.steps(3, 5)
        end, found = whole.whole(), again.whole()
        check_equal(found, end, exact=True)
        # A base model is known again however it is laid out.
        alone = sums_of(found, CheckpointGroup())
        assert sums_of(again.state.tensors(), group) == alone
        if group.rank == 0:
            torch.save((middle, end), folder / f"{name}.pt")


def go_on_elsewhere(folder: Path) -> None:
    for name in LAYOUTS:
        middle, end = torch.load(folder / f"{name}.pt", weights_only=True)
        for sharded in LAYOUTS.values():
            network = Network(seed=2, sharded=sharded)
            resume(network, folder / name)
            check_equal(network.whole(), middle, exact=True)
            network.steps(3, 5)
            check_equal(network.whole(), end, exact=False)


def save_fails_on_the_other_rank(folder: Path) -> None:
    """Every rank is told of what befell one, and the checkpoint before stays."""
    group = CheckpointGroup()
    network = Network()
    save(network, folder, 1, group)
    if group.rank == 1:
        torch.save = _full  # type: ignore[assignment]
    network.steps(0, 1)
    with pytest.raises(CheckpointError, match=r"cannot be written \(rank 1\): No space left"):
        save(network, folder, 2, group)
    saved = find_latest(folder, group)
    assert saved is not None
    assert saved.position.updates == 1
    assert [p.name for p in (folder / CHECKPOINTS).iterdir()] == ["step-00000001"]


def _full(*args: object, **kwargs: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranks")
    on_ranks(2, folder, save_and_go_on, folder)
    return folder


def test_two_ranks_go_on_bit_for_bit(two_ranks: Path) -> None:
    assert sorted(p.name for p in two_ranks.glob("*.pt")) == ["replicated.pt", "sharded.pt"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_two_ranks_saved_goes_on_on_one(two_ranks: Path, name: str) -> None:
    middle, end = torch.load(two_ranks / f"{name}.pt", weights_only=True)
    network = Network(seed=2)
    resume(network, two_ranks / name)
    check_equal(network.whole(), middle, exact=True)
    network.steps(3, 5)
    check_equal(network.whole(), end, exact=False)


def test_what_two_ranks_saved_goes_on_on_four(two_ranks: Path) -> None:
    on_ranks(4, two_ranks, go_on_elsewhere, two_ranks)


def test_both_ranks_write_and_each_file_is_vouched_for(two_ranks: Path) -> None:
    for name in LAYOUTS:
        (path,) = (two_ranks / name / CHECKPOINTS).iterdir()
        marker = read_marker(path)
        assert marker.files.keys() == {".metadata", "__0_0.distcp", "__1_0.distcp"}
        assert {p.name for p in path.iterdir()} == {*marker.files, "checkpoint.json"}
        assert find_damage(path, marker.files.items()) is None


def test_a_rank_that_cannot_write_stops_all(tmp_path: Path) -> None:
    on_ranks(2, tmp_path, save_fails_on_the_other_rank, tmp_path / "run")
