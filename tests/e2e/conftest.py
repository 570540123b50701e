"""A whole checkpoint folder of random weights, and files that are broken in many ways."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qvl.checkpoint.export import export_model
from qvl.cli.main import main
from tests.inference.tiny import tiny_model, write_processor_files

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the published layout that loads and answers nonsense; do not change it."""
    # What a first call imports is not what is measured here.
    import huggingface_hub.errors  # noqa: F401

    import qvl.api  # noqa: F401

    inputs = tmp_path_factory.mktemp("inputs")
    write_processor_files(inputs)
    folder = tmp_path_factory.mktemp("models") / "random"
    export_model(tiny_model(), folder, files_from=inputs)
    return folder


@pytest.fixture
def model_copy(random_folder: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(random_folder, tmp_path / "model"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process: (exit code, stdout, stderr)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
