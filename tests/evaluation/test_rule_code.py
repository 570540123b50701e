"""A change of any code that scores is seen, by the benchmarks that use it and by no others."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qvl.agents.miniwob.benchmark import MINIWOB
from qvl.evaluation import rule_code
from qvl.evaluation.benchmarks.table import BENCHMARKS
from qvl.evaluation.rule_code import hash_of_rules
from tests.evaluation.quiz import QUIZ

SOURCES = Path(rule_code.__file__).parents[2]
ALL = {**BENCHMARKS, MINIWOB.name: MINIWOB}


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the code, which can be changed."""
    for part in ("evaluation", "tasks", "agents"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(SOURCES / "qvl" / part, tmp_path / "qvl" / part, ignore=ignore)
    shutil.copy(SOURCES / "qvl" / "geometry.py", tmp_path / "qvl")
    monkeypatch.setattr(rule_code, "_SOURCES", tmp_path)
    return tmp_path / "qvl"


@pytest.mark.parametrize(
    ("file", "seen_by", "not_by"),
    [
        ("evaluation/scorers/choice_letters.py", "ai2d mmmu mvbench mathvista", "chartqa gsm8k"),
        ("evaluation/scorers/maths_values.py", "mathvision gsm8k charxiv-reasoning", "ai2d docvqa"),
        ("evaluation/scorers/ocrbench_v2.py", "ocrbench-v2-en ocrbench-v2-zh", "ocrbench"),
        ("evaluation/benchmarks/chartqa.py", "chartqa", "docvqa miniwob"),
        ("evaluation/suite/judges.py", "own-colour own-box", "refcoco-val"),
        ("tasks/counting.py", "countbench pixmo-count", "chartqa"),
        ("geometry.py", "screenspot refcoco-val", "ifeval"),
        ("agents/miniwob/benchmark.py", "miniwob", "chartqa"),
        ("evaluation/run.py", "", "chartqa own-colour miniwob megabench"),
    ],
)
def test_a_change_is_seen_where_it_matters(
    file: str, seen_by: str, not_by: str, sources: Path
) -> None:
    names = [*seen_by.split(), *not_by.split()]
    before = {name: hash_of_rules(ALL[name]) for name in names}
    with (sources / file).open("a") as opened:
        opened.write("\n_MORE = 1\n")
    changed = [name for name in names if hash_of_rules(ALL[name]) != before[name]]
    assert changed == seen_by.split()


def test_rules_of_others_are_taken_as_they_are() -> None:
    """From another package, or typed in, where a function has no module."""
    typed: dict[str, Any] = {}
    exec("def rule(question, reply): ...", {"__builtins__": {}}, typed)
    assert typed["rule"].__module__ is None
    other = hash_of_rules(replace(QUIZ, score=partial(typed["rule"], reply=max)))
    assert other == hash_of_rules(QUIZ) != hash_of_rules(ALL["chartqa"])
