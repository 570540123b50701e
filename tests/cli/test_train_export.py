"""``qvl train export``: from a run's folder to a model that answers, and what is said if not."""

from pathlib import Path

import pytest

from qvl.checkpoint import EMBEDDED
from qvl.checkpoint.load import load_model
from qvl.training.checkpoint.group import CheckpointGroup
from qvl.training.checkpoint.state import Position, TrainState
from qvl.training.checkpoint.writer import CheckpointWriter
from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that began from the embedded model, with two checkpoints."""
    folder = tmp_path_factory.mktemp("run")
    model = load_model(EMBEDDED)
    with CheckpointWriter(folder, CheckpointGroup(), base_model=str(EMBEDDED)) as writer:
        for step in (10, 20):
            position = Position(updates=step, stage=0, stage_name="sft", step=step)
            writer.save(TrainState(parameters=dict(model.named_parameters())), position)
    return folder


def test_the_newest_becomes_a_model_that_answers(run: Run, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    code, out, err = run("train", "export", str(folder), "--output", str(output))
    assert (code, out) == (0, f"{output}\n")
    assert err.startswith(f"step-00000020 of {folder}: stage sft")
    ours, theirs = (f / "model.safetensors" for f in (output, EMBEDDED))
    assert ours.read_bytes() == theirs.read_bytes()
    assert run("info", "--model", str(output))[0] == 0


def test_what_cannot_be_exported_is_one_line(run: Run, folder: Path, tmp_path: Path) -> None:
    def fails(*arguments: str) -> str:
        code, out, err = run("train", "export", *arguments, "--output", str(tmp_path / "out"))
        assert (code, out) == (1, "")
        return err

    assert "no checkpoint of step 15" in (err := fails(str(folder), "--step", "15"))
    assert "it has: step-00000010, step-00000020" in err
    assert "holds no averaged parameters" in fails(str(folder), "--ema")
    assert "no adapters" in fails(str(folder), "--adapter")
    assert "has no checkpoint" in fails(str(tmp_path / "nothing"))
    assert not (tmp_path / "out").exists()
