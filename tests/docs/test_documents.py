"""Every command and every Python block of the documents runs, and prints what it says it prints."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qvl.cli.terminal import binary_size
from qvl.model.cost import kv_bytes_per_token, num_parameters
from qvl.model.presets import PRESETS
from tests.docs.documents import DOCUMENTS, ROOT, blocks, commands
from tests.material import requires_embedded

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LONGEST_EXAMPLE = 70

# Set up the machine or run this very suite; that their targets exist is tested below.
NOT_RUN = ("make ",)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in which the repository's pictures are found."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _uses_model(code: str) -> bool:
    return "load()" in code


def _with_python(*, model: bool) -> list[Path]:
    return [
        path
        for path in DOCUMENTS
        if any(
            block.kind == "python" and _uses_model(block.code) is model for block in blocks(path)
        )
    ]


def _run_python(document: Path, *, model: bool) -> None:
    """Runs the blocks of one document in one namespace, as a reader would type them."""
    space: dict[str, object] = {}
    for block in blocks(document):
        if block.kind != "python" or _uses_model(block.code) is not model:
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.code, _name(document), "exec"), space)
        if block.output is not None:
            assert printed.getvalue().split() == block.output.split()


@pytest.mark.parametrize("document", _with_python(model=False), ids=_name)
def test_python_blocks(document: Path, folder: Path) -> None:
    _run_python(document, model=False)


@requires_embedded
@pytest.mark.parametrize("document", _with_python(model=True), ids=_name)
def test_python_blocks_with_the_model(document: Path, folder: Path) -> None:
    _run_python(document, model=True)


COMMANDS = [
    (document, command)
    for document in DOCUMENTS
    for block in blocks(document)
    if block.kind == "console"
    for command in commands(block)
    if not command.startswith(NOT_RUN)
]


@requires_embedded
@pytest.mark.parametrize(("document", "command"), COMMANDS, ids=lambda value: str(value)[-40:])
def test_console_commands(document: Path, command: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{_name(document)}: {command}\n{done.stderr}"


def test_make_targets_in_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text))
        assert named <= targets, f"{_name(document)} names {sorted(named - targets)}"


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{_name(document)} links to {target}"


def test_the_tree_in_the_readme_is_the_tree() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^  ([a-z_]+(?:\.py|/)) ", text, re.MULTILINE))
    assert named
    missing = [name for name in named if not (ROOT / "src" / "qvl" / name).exists()]
    assert not missing


def test_the_sizes_in_the_readme_are_the_formulas() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+b) (\|.*)$", text, re.MULTILINE))
    expected = {
        name: f"| {num_parameters(config):,} | {binary_size(2 * num_parameters(config))} | "
        f"{binary_size(1000 * kv_bytes_per_token(config.text, value_bytes=2))} |"
        for name, config in PRESETS.items()
        if name in rows
    }
    assert len(rows) == 4
    assert rows == expected


@requires_embedded
@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_examples(example: Path, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(example)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_examples_are_short() -> None:
    assert EXAMPLES
    for example in EXAMPLES:
        assert len(example.read_text(encoding="utf-8").splitlines()) <= LONGEST_EXAMPLE, example
