"""``--set``: typed, nested, and helpful about slips."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from qvl.cli.overrides import apply_overrides
from qvl.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Optim:
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.95)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    name: str
    steps: int
    rates: Mapping[str, float]


STAGES = (
    Stage(name="see", steps=5, rates={"tower": 1e-3}),
    Stage(name="read", steps=6, rates={"tower": 1e-4, "llm": 1e-3}),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    steps: int = 10
    seed: int | None = None
    name: str | None = None
    resume: bool = True
    precision: Literal["float32", "bfloat16"] = "float32"
    output: Path = Path("runs")
    words: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = STAGES
    optim: Optim = field(default_factory=Optim)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"steps is {self.steps}, expected at least 1")


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("steps=20", "steps", 20),
        ("seed=3", "seed", 3),
        ("seed=none", "seed", None),
        ("name=3", "name", "3"),
        ("resume=False", "resume", False),
        ("precision=bfloat16", "precision", "bfloat16"),
        ("output=/tmp/x=y", "output", Path("/tmp/x=y")),
        ("words=a, 'b'", "words", ("a", "b")),
        ("words=()", "words", ()),
        ("optim.lr=1e-5", "optim.lr", 1e-5),
        ("optim.betas=(0.8,0.9)", "optim.betas", (0.8, 0.9)),
    ],
)
def test_sets_one_field_by_its_type(setting: str, path: str, value: object) -> None:
    changed: object = apply_overrides(Run(), [setting])
    for name in path.split("."):
        changed = getattr(changed, name)
    assert changed == value
    assert type(changed) is type(value)


def test_reaches_into_lists_by_number_or_name_and_into_mappings() -> None:
    changed = apply_overrides(Run(), ["stages.0.steps=7", "stages.read.rates.llm=2e-3"])
    assert changed.stages[0] == Stage(name="see", steps=7, rates={"tower": 1e-3})
    assert changed.stages[1].rates == {"tower": 1e-4, "llm": 2e-3}
    assert STAGES[1].rates["llm"] == 1e-3


def test_later_settings_win_and_the_original_stays() -> None:
    original = Run()
    assert apply_overrides(original, ["steps=2", "steps=3"]).steps == 3
    assert original.steps == 10


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ("steps", "has no value"),
        ("stepz=3", "hint: did you mean 'steps'?"),
        ("optim.learning=3", "hint: known here: lr, betas"),
        ("steps.x=3", "x is no field of a int"),
        ("steps=many", "'many', expected int"),
        ("steps=1.5", "'1.5', expected int"),
        ("resume=1", "'1', expected bool"),
        ("precision=int4", "expected one of float32, bfloat16"),
        ("optim.betas=1", "expected tuple"),
        ("stages.2.steps=1", "known here: see, read"),
        ("stages.reed.steps=1", "did you mean 'read'?"),
        ("stages.read.rates.head=1", "no 'head' in the mapping"),
        ("stages=1", "expected tuple"),
        ("steps=0", "expected at least 1"),
    ],
)
def test_slips_are_named(setting: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply_overrides(Run(), [setting])
    assert error in str(caught.value)
