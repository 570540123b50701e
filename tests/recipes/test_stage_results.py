"""What a stage improved, told apart from what it did not."""

import pytest

from qvl.recipes.stage_results import Shown, StageResult

LOSS = Shown(name="loss", meaning="answers", better="lower")
COLOUR = Shown(name="colour", meaning="asked", better="higher", chance="chance")
KEPT = Shown(name="kept", meaning="others, no more than 2 % worse", better="lower", slack=0.02)


def result(**after: float) -> StageResult:
    return StageResult(
        stage="sft",
        trains=("llm",),
        steps=1,
        minutes=1.0,
        before={"loss": 2.0, "colour": 0.1, "chance": 0.2, "kept": 1.0},
        after={"loss": 1.0, "colour": 0.5, "chance": 0.2, "kept": 1.01, **after},
        shows=(LOSS, COLOUR, KEPT),
    )


def test_all_better_is_told_in_one_line() -> None:
    assert result().improved
    assert result().summary == "sft improved: loss 2 -> 1, colour 0.1 -> 0.5, kept 1 -> 1.01"


@pytest.mark.parametrize(
    ("name", "worse"), [("loss", 2.0), ("colour", 0.1), ("colour", 0.15), ("kept", 1.03)]
)
def test_what_is_not_better_is_told_apart(name: str, worse: float) -> None:
    found = result(**{name: worse})
    assert not found.improved
    improved, missed = found.summary.split("; ")
    assert name not in improved
    assert missed.startswith(f"not improved: {name} ")


def test_a_gain_below_chance_is_none() -> None:
    accuracy = Shown(name="accuracy", meaning="gained", better="higher", chance=0.5)
    assert accuracy.holds({"accuracy": 0.0}, {"accuracy": 0.51})
    assert not accuracy.holds({"accuracy": 0.0}, {"accuracy": 0.5})


def test_nothing_better_is_told_without_a_praise() -> None:
    found = result(loss=3.0, colour=0.0, kept=2.0)
    assert found.summary == "sft not improved: loss 2 -> 3, colour 0.1 -> 0, kept 1 -> 2"
