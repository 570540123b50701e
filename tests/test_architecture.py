"""The walls of docs/architecture.md, read from the source: who may import what, and how big.

Every rule walks the syntax trees only; nothing of qvl is imported but in the import-time test.
"""

import ast
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "qvl"

# A module imports only from lower layers, and from its own folder.
LAYERS = {
    "errors": 0,
    "geometry": 0,
    "options": 0,
    "sampling_params": 0,
    "video_facts": 0,
    "messages": 0,
    "processing": 1,
    "tasks": 1,
    "model": 2,
    "endpoint": 2,
    "checkpoint": 3,
    "data": 3,
    "inference": 4,
    "training": 4,
    "evaluation": 4,
    "answers": 4,
    "agents": 5,
    "server": 5,
    "recipes": 5,
    "api": 6,
    "cli": 7,
}
# Inside layer 0 the files stand in this order; a file imports only those before it.
GROUND_FLOOR = ("errors", "geometry", "options", "sampling_params", "video_facts", "messages")

TORCH_FREE = (
    "qvl",
    "qvl.errors",
    "qvl.messages",
    "qvl.options",
    "qvl.sampling_params",
    "qvl.video_facts",
    "qvl.geometry",
    "qvl.processing",
    "qvl.tasks",
    "qvl.endpoint",
    "qvl.evaluation",
    "qvl.answers",
    "qvl.agents",
    "qvl.data",
    "qvl.inference.scheduler",
    "qvl.inference.plan",
    "qvl.model.config",
    "qvl.model.cost",
    "qvl.model.presets",
)
TORCH_ALLOWED = {
    f"qvl.data.{name}"
    for name in ("collate", "collate_captions", "collate_drawings", "collate_pairs")
}
NUMPY_TO_TENSOR = {"qvl.inference.runner", *TORCH_ALLOWED}

# Libraries that only tests and benchmarks may use, as oracles and peers.
ORACLES = {"transformers", "peft", "trl", "vllm", "torchvision"}
# Files that may import one when they are used, each with its reason.
USES_PEER = {
    "qvl.data.pseudo_label": "transformers",  # Grounding DINO and SAM mark real pictures
    "qvl.data.vllm": "vllm",  # labels data with it where it is installed
}

FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
SIZE_NAMES = {"3b", "7b", "32b", "72b"}

LINES_SMELL, LINES_LIMIT = 450, 700
FUNCTION_LIMIT = 100
# Files allowed to pass the limit, each with its reason.
LONG_FILES: dict[str, str] = {}


class Module(NamedTuple):
    """One source file: its dotted name and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        """The folder or file directly under ``qvl`` that it belongs to; '' for qvl itself."""
        return [*self.name.split("."), ""][1]

    def under(self, prefix: str) -> bool:
        return self.name == prefix or (prefix != "qvl" and self.name.startswith(prefix + "."))


class Import(NamedTuple):
    """One imported name, and whether importing the module already runs it."""

    target: str
    line: int
    at_import: bool


def _read(path: Path) -> Module:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path)))


MODULES = [_read(path) for path in sorted(PACKAGE.rglob("*.py"))]
NAMES = {module.name for module in MODULES}


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _imports(module: Module) -> Iterator[Import]:
    """Every import but those under ``if TYPE_CHECKING``; names of ours resolved to modules."""

    def walk(node: ast.AST, at_import: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if _is_type_checking(child):
                continue
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, at_import)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                for alias in child.names:
                    full = f"{base}.{alias.name}"
                    yield Import(full if full in NAMES else base, child.lineno, at_import)
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                yield from walk(child, at_import and not function)

    yield from walk(module.tree, True)


def _where(module: Module, line: int) -> str:
    return f"{module.path.relative_to(ROOT)}:{line}"


def _calls(module: Module) -> Iterator[tuple[str, int]]:
    """Dotted names of what is called or looked up, such as ``os.environ``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield ast.unparse(node), node.lineno


def _report(problems: list[str]) -> None:
    assert not problems, "\n" + "\n".join(problems)


def test_every_part_has_a_layer() -> None:
    unknown = {module.part for module in MODULES if module.part} - set(LAYERS)
    assert not unknown, f"give a layer in LAYERS to: {sorted(unknown)}"


def test_imports_go_down() -> None:
    problems = []
    for module in MODULES:
        if not module.part:
            continue
        for item in _imports(module):
            if item.target == "qvl":
                if module.part != "cli":
                    where = _where(module, item.line)
                    problems.append(f"{where}: import from the module that owns the name")
                continue
            if not item.target.startswith("qvl."):
                continue
            part = item.target.split(".")[1]
            if part == module.part:
                continue
            own, other = LAYERS[module.part], LAYERS.get(part, 99)
            lower = (
                GROUND_FLOOR.index(part) < GROUND_FLOOR.index(module.part)
                if own == other == 0
                else other < own
            )
            if not lower:
                where = _where(module, item.line)
                problems.append(f"{where}: {module.part} [{own}] imports {part} [{other}]")
    _report(problems)


def test_model_knows_nothing_of_ours_but_errors() -> None:
    problems = [
        f"{_where(module, item.line)}: imports {item.target}"
        for module in MODULES
        if module.part == "model"
        for item in _imports(module)
        if item.target.startswith("qvl.") and item.target.split(".")[1] not in ("model", "errors")
    ]
    _report(problems)


def test_model_opens_no_file_and_reads_no_environment() -> None:
    outside = {"os", "io", "pathlib", "logging", "subprocess", "socket", "tempfile", "shutil"}
    problems = []
    for module in MODULES:
        if module.part != "model":
            continue
        for item in _imports(module):
            if item.target.split(".")[0] in outside:
                problems.append(f"{_where(module, item.line)}: imports {item.target}")
        for name, line in _calls(module):
            if name in ("open", "torch.load", "torch.save", "print"):
                problems.append(f"{_where(module, line)}: uses {name}")
    _report(problems)


def _packages_of(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(2, len(parts) + 1)]


def _reaches_torch(name: str, by_name: dict[str, Module], seen: set[str]) -> list[str] | None:
    """The chain of imports by which importing ``name`` imports torch, or None."""
    for step in _packages_of(name):
        if step in seen or step not in by_name:
            continue
        seen.add(step)
        for item in _imports(by_name[step]):
            if not item.at_import:
                continue
            if item.target.split(".")[0] == "torch":
                return [step, "torch"]
            if item.target.startswith("qvl."):
                chain = _reaches_torch(item.target, by_name, seen)
                if chain is not None:
                    return [step, *chain]
    return None


def test_torch_stays_out_where_it_is_not_needed() -> None:
    by_name = {module.name: module for module in MODULES}
    problems = []
    for module in MODULES:
        if module.name in TORCH_ALLOWED or not any(module.under(p) for p in TORCH_FREE):
            continue
        for item in _imports(module):
            if item.target.split(".")[0] == "torch":
                problems.append(f"{_where(module, item.line)}: imports torch")
        chain = _reaches_torch(module.name, by_name, set())
        if chain is not None:
            problems.append(f"{module.name} imports torch: {' -> '.join(chain)}")
    _report(problems)


def test_numpy_becomes_tensors_in_two_files() -> None:
    problems = [
        f"{_where(module, line)}: {name}"
        for module in MODULES
        if module.name not in NUMPY_TO_TENSOR
        for name, line in _calls(module)
        if name == "torch.from_numpy"
    ]
    _report(problems)


def test_oracles_stay_in_tests_and_benchmarks() -> None:
    problems = [
        f"{_where(module, item.line)}: imports {item.target}"
        for module in MODULES
        for item in _imports(module)
        if item.target.split(".")[0] in ORACLES
        and (item.at_import or USES_PEER.get(module.name) != item.target.split(".")[0])
    ]
    _report(problems)


def test_torchvision_is_nowhere() -> None:
    needle = re.compile(r"^\s*(import|from)\s+torchvision\b", re.MULTILINE)
    folders = ("src", "tests", "benchmarks", "examples")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    _report([str(path) for path in files if needle.search(path.read_text(encoding="utf-8"))])


def test_nothing_is_called_utils() -> None:
    names = [path for path in PACKAGE.rglob("*") if path.stem.lower() in FORBIDDEN_NAMES]
    _report([f"{path}: a helper lives with its user, or gets a real name" for path in names])


def test_files_and_functions_stay_readable() -> None:
    problems = []
    for module in MODULES:
        where = str(module.path.relative_to(ROOT))
        lines = len(module.path.read_text(encoding="utf-8").splitlines())
        if lines > LINES_LIMIT and where not in LONG_FILES:
            problems.append(f"{where}: {lines} lines, the limit is {LINES_LIMIT}")
        elif lines > LINES_SMELL:
            warnings.warn(f"{where}: {lines} lines, aim at 250", stacklevel=1)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LIMIT:
                    problems.append(
                        f"{_where(module, node.lineno)}: {node.name} has {length} lines"
                    )
    _report(problems)


# Files that may catch everything, each with its reason.
CATCHES_ALL = {
    "qvl.processing.tokenizer": "the tokenizers library raises plain Exception for a faulty file",
}


def test_only_process_edges_catch_everything() -> None:
    problems = []
    for module in MODULES:
        if module.part in ("cli", "server") or module.name in CATCHES_ALL:
            continue
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            last = node.body[-1]
            if isinstance(last, ast.Raise) and last.exc is None:  # cleans up and passes it on
                continue
            caught = "everything" if node.type is None else ast.unparse(node.type)
            if caught in ("everything", "Exception", "BaseException"):
                problems.append(f"{_where(module, node.lineno)}: catches {caught}")
    _report(problems)


# Files that may read the environment, each with its reason.
READS_ENVIRONMENT = {
    "qvl.training.parallel.processes": "torchrun tells a rank its number there",
}


def test_only_the_edges_print_and_read_the_environment() -> None:
    problems = []
    for module in MODULES:
        if module.part in ("cli", "server"):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
                problems.append(f"{_where(module, node.lineno)}: prints; use logging")
        for name, line in _calls(module):
            if name in ("os.environ", "os.getenv") and module.name not in READS_ENVIRONMENT:
                problems.append(f"{_where(module, line)}: reads the environment")
    _report(problems)


def test_code_never_asks_for_a_size_by_name() -> None:
    """A hub name in a hint is fine, and so are published scores; logic that knows of sizes belongs
    to the presets."""
    problems = []
    for module in MODULES:
        if module.name == "qvl.model.presets" or module.part == "recipes":
            continue
        if module.under("qvl.evaluation.benchmarks") or module.under("qvl.agents.environments"):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and str(node.value).lower() in SIZE_NAMES:
                problems.append(f"{_where(module, node.lineno)}: {node.value!r}")
    _report(problems)


IMPORT_PROBE = """
import sys, time
start = time.process_time()
import qvl
seconds = time.process_time() - start
heavy = sorted({"torch", "numpy", "PIL", "transformers"} & set(sys.modules))
print(seconds, *heavy)
"""


def test_import_is_fast_and_light() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", IMPORT_PROBE], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    assert all(run[1:] == [] for run in runs), f"import qvl imports {runs[0][1:]}"
    best = min(float(run[0]) for run in runs)
    assert best < 0.3, f"import qvl takes {best:.2f} s"


def test_public_names_exist() -> None:
    import qvl

    if not (PACKAGE / "api.py").exists():
        pytest.skip("qvl.api is not there yet")
    missing = [name for name in dir(qvl) if not hasattr(qvl, name)]
    assert not missing
