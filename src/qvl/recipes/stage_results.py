"""What the stages of a run improved, measured before and after each on held-out samples.

Owns: measuring, comparing, the table. Does not own: which samples (``tiny_all_run``), the
losses (``training.validation``), the cases (``evaluation.worlds``).

    trainer, held-out stages -> measure() -> numbers by name
    before, after, what should improve -> StageResult -> stages.json, stages.md
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from qvl.data.atomic import whole_file
from qvl.data.records import Sample
from qvl.data.synth.instructed import has_form
from qvl.errors import ConfigError
from qvl.evaluation.worlds import evaluate_world
from qvl.inference.engine import Engine
from qvl.processing.processor import Processor
from qvl.training.samples import ask_samples
from qvl.training.stages import Stage
from qvl.training.trainer import Trainer
from qvl.training.validation import validate

# Answers in a demanded form are short, two boxes the longest; one that rambles has lost it.
_MOST_TOKENS = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a stage should improve.

    Attributes:
        name: of a number that `measure` returns.
        meaning: in words.
        better: which way.
        slack: a share of the number before, by which it may be worse afterwards.
        chance: what chance reaches, a number or the name of one; it has to be exceeded as well.
    """

    name: str
    meaning: str
    better: Literal["lower", "higher"]
    slack: float = 0.0
    chance: str | float | None = None

    def holds(self, before: Mapping[str, float], after: Mapping[str, float]) -> bool:
        """Whether it is better after than before.

        >>> shown = Shown(name="loss", meaning="", better="lower")
        >>> shown.holds({"loss": 2.0}, {"loss": 1.5}), shown.holds({"loss": 2.0}, {"loss": 2.0})
        (True, False)
        """
        old, new = before[self.name], after[self.name]
        gain = old - new if self.better == "lower" else new - old
        above = self.chance is None or new > self.chance_of(after)
        return above and (gain > 0 or (self.slack > 0 and gain >= -self.slack * abs(old)))

    def chance_of(self, numbers: Mapping[str, float]) -> float:
        """What chance reaches; there must be such a number."""
        assert self.chance is not None
        return numbers[self.chance] if isinstance(self.chance, str) else self.chance


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """One stage that has ended.

    Attributes:
        stage: its name.
        trains: the parts.
        steps: that it took.
        minutes: of training, without the measurements.
        before: all numbers measured before it.
        after: all numbers measured after it.
        shows: what it should improve.
    """

    stage: str
    trains: tuple[str, ...]
    steps: int
    minutes: float
    before: Mapping[str, float]
    after: Mapping[str, float]
    shows: tuple[Shown, ...]

    @property
    def improved(self) -> bool:
        """Whether everything is better that should be."""
        return all(shown.holds(self.before, self.after) for shown in self.shows)

    @property
    def summary(self) -> str:
        """One line for people: what got better, and what did not."""
        groups: dict[str, list[str]] = {"improved": [], "not improved": []}
        for shown in self.shows:
            change = f"{shown.name} {self.before[shown.name]:.3g} -> {self.after[shown.name]:.3g}"
            better = shown.holds(self.before, self.after)
            groups["improved" if better else "not improved"].append(change)
        told = [f"{what}: {', '.join(changes)}" for what, changes in groups.items() if changes]
        return f"{self.stage} {'; '.join(told)}"

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``."""
        shows = [
            {**asdict(shown), "improved": shown.holds(self.before, self.after)}
            for shown in self.shows
        ]
        return {**asdict(self), "shows": shows, "improved": self.improved}


def measure(
    trainer: Trainer,
    held_out: Mapping[str, Stage],
    processor: Processor,
    *,
    worlds: Sequence[str] = (),
    instructed: Sequence[Sample] = (),
    cases: int = 32,
) -> dict[str, float]:
    """Returns losses and metrics of held-out samples, and scores of answers. Every rank calls it;
    only the first has the scores.

    Args:
        trainer: has the model as it is now.
        held_out: stages over held-out samples; their numbers get the key and a stroke in front.
        processor: of the model.
        worlds: names of `WORLDS`; held-out words in everyday typefaces.
        instructed: samples that ask for a form; counted is how many answers have it, and how many
            are right.
        cases: of each world.
    """
    found: dict[str, float] = {}
    for name, stage in held_out.items():
        numbers = validate(trainer.pack_loss, stage, trainer.ranks)
        found |= {f"{name}/{key}" if name else key: value for key, value in numbers.items()}
    if trainer.rank != 0 or not (worlds or instructed):
        return found
    model = trainer.model
    was_training = model.training
    engine = Engine(model, processor)
    for world in worlds:
        score = evaluate_world(world, engine, count=cases, fonts="train")
        found |= {f"world/{world}": score.mean, f"world/{world}/blank": score.blank}
    if instructed:
        answers = ask_samples(engine, instructed, max_tokens=_MOST_TOKENS)
        pairs = list(zip(answers, instructed, strict=True))
        formed = sum(has_form(one.got, sample.facts["form"]) for one, sample in pairs)
        found["form"] = formed / len(pairs)
        found["right"] = sum(one.is_right for one in answers) / len(pairs)
    model.train(was_training)
    return found


def check_measured(stage: str, shows: Sequence[Shown], numbers: Mapping[str, float]) -> None:
    """Returns if everything was measured that a stage should improve.

    Raises:
        ConfigError: something was not, such as the loss of a kind that no held-out sample is of.
    """
    missing = [shown.name for shown in shows if shown.name not in numbers]
    if missing:
        raise ConfigError(
            f"stage {stage!r} should improve {', '.join(missing)}, which the held-out samples do "
            f"not measure; they measure {', '.join(sorted(numbers))}",
            hint="raise held_out_packs",
        )


def write_results(folder: Path, results: Sequence[StageResult]) -> None:
    """Writes ``stages.json`` and ``stages.md``, each whole or not at all.

    Raises:
        DataError: they cannot be written.
    """
    plain = json.dumps([result.to_json() for result in results], indent=2)
    for name, text in (("stages.json", plain), ("stages.md", results_table(results))):
        with whole_file(folder / name) as file:
            file.write(f"{text}\n".encode())


def results_table(results: Sequence[StageResult]) -> str:
    """Returns a Markdown table, a line for each number that should have improved."""
    lines = [
        "| stage | trains | steps | minutes | on held-out samples | before | after | better |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        head = [result.stage, ", ".join(result.trains), f"{result.steps}", f"{result.minutes:.1f}"]
        for shown in result.shows:
            before, after = result.before[shown.name], result.after[shown.name]
            chance = ""
            if shown.chance is not None:
                chance = f", by chance {shown.chance_of(result.after):.3g}"
            better = "yes" if shown.holds(result.before, result.after) else "no"
            cells = [*head, f"{shown.meaning}{chance}", f"{before:.3g}", f"{after:.3g}", better]
            lines.append(f"| {' | '.join(cells)} |")
            head = [""] * len(head)
    return "\n".join(lines)
