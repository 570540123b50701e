"""Which code made the scores of a run: a hash of its files, so that no change is forgotten.

Owns: which files the scores of a benchmark depend on. Does not own comparing (``compare``).

    Benchmark -> modules of its questions and rule -> what they import of rules -> hash
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from qvl.evaluation.benchmark import Benchmark

_SOURCES = Path(__file__).parents[2]
_OURS = "qvl."
# What reads truths and answers and compares them. The rest asks, writes or prints.
_RULES = (
    "qvl.evaluation.benchmarks.",
    "qvl.evaluation.layouts.",
    "qvl.evaluation.metrics",
    "qvl.evaluation.sandbox",
    "qvl.evaluation.scorers.",
    "qvl.evaluation.suite.",
    "qvl.evaluation.worlds",
    "qvl.geometry",
    "qvl.tasks.",
)


def hash_of_rules(benchmark: Benchmark) -> str:
    """Returns a hash of the source files that decide the scores of a benchmark.

    A comment changes it as well: scoring again is cheap, a change that nobody sees is not. Rules
    that are no part of qvl are told apart by `Benchmark.version` alone.
    """
    todo = [*_modules(benchmark.load), *_modules(benchmark.score)]
    found: dict[str, bytes] = {}
    while todo:
        name = todo.pop()
        path = _SOURCES.joinpath(*name.split(".")).with_suffix(".py")
        if name.startswith(_OURS) and name not in found and path.is_file():
            found[name] = path.read_bytes()
            todo += _imported(found[name])
    total = hashlib.sha256()
    for name, source in sorted(found.items()):
        total.update(name.encode() + hashlib.sha256(source).digest())
    return total.hexdigest()[:16]


def _modules(part: Any) -> Iterator[str]:
    """The modules of a function, and of functions that it was bound to."""
    if isinstance(part, partial):
        for bound in (part.func, *part.args, *part.keywords.values()):
            yield from _modules(bound)
    elif callable(part) and isinstance(name := getattr(part, "__module__", None), str):
        yield name  # code that was typed in has none


def _imported(source: bytes) -> Iterator[str]:
    """Names of rules that a module imports; some are of what is in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            yield from (name for name in names if name.startswith(_RULES))
