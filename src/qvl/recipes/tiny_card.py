"""The embedded model's card: scores on held-out worlds, cost, limits, all from the run itself.

run folder -> finished model -> scores with and without sight -> MODEL_CARD.md
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from qvl.checkpoint.load import load_model
from qvl.evaluation.worlds import WORLDS, Score, evaluate_world
from qvl.inference.engine import Engine
from qvl.processing.processor import Processor

# The worlds of the card, of those of the suite; what the others show is a run of the suite.
_MEANING = {
    "word": "a word of up to 8 letters, exactly",
    "word_characters": "a word, share of characters right",
    "line": "1 to 3 short lines, share of characters right",
    "spot": "the same in JSON, share of characters right of lines whose box has IoU at least 0.5",
    "spot_boxes": "boxes of these lines, IoU at least 0.5",
    "colour": "colour of the one circle, star, ...",
    "shape": "kind of the one red, blue, ... object",
    "box": "box of a named shape among 2 to 5, IoU at least 0.5",
    "point": "point inside a named shape among 2 to 5",
    "count": "number of shapes, 1 to 6",
    "click": "click inside the button that is named",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CardScore:
    """A score and, where letters matter, the same with everyday typefaces.

    Attributes:
        score: held-out seeds, words and typefaces.
        everyday: held-out seeds and words in typefaces of the training; None where nothing is read.
    """

    score: Score
    everyday: Score | None


def score_model(folder: Path, *, count: int = 200) -> list[CardScore]:
    """Returns the scores of a model in float32 on every world.

    Args:
        folder: of the model.
        count: cases of each world.
    """
    model = load_model(folder, dtype=torch.float32)
    engine = Engine(model, Processor.from_folder(folder))
    found = []
    for name in _MEANING:
        world = WORLDS[name]
        heldout = evaluate_world(name, engine, count=count)
        everyday = evaluate_world(name, engine, count=count, fonts="train") if world.reads else None
        found.append(CardScore(score=heldout, everyday=everyday))
    return found


def scores_table(scores: Sequence[CardScore]) -> str:
    """Returns the scores as a Markdown table, in percent."""
    lines = [
        "| task | everyday typefaces | held-out typefaces | picture blank | cases |",
        "| --- | --- | --- | --- | --- |",
    ]
    for item in scores:
        score, everyday = item.score, item.everyday
        first = _percent(everyday) if everyday else _percent(score)
        second = _percent(score) if everyday else ""
        meaning = f"{score.world}: {_MEANING[score.world]}"
        blank = f"{100 * score.blank:.0f}"
        lines.append(f"| {meaning} | {first} | {second} | {blank} | {score.count} |")
    return "\n".join(lines)


def _percent(score: Score) -> str:
    return f"{100 * score.mean:.0f} ± {100 * score.stderr:.0f}"


def training_table(run_folder: Path) -> str:
    """Returns what each stage cost, as a Markdown table, from the run's log."""
    lines = ["| stage | steps | minutes | pictures |", "| --- | --- | --- | --- |"]
    totals: dict[str, list[float]] = {}
    for text in (run_folder / "log.jsonl").read_text().splitlines():
        line = json.loads(text)
        total = totals.setdefault(line["stage"], [0, 0.0, 0.0])
        total[0] = line["step"]
        total[1] += line["seconds"]
        total[2] += line["pictures_per_s"] * line["seconds"]
    for name, (steps, seconds, pictures) in totals.items():
        lines.append(f"| {name} | {steps:.0f} | {seconds / 60:.0f} | {pictures:,.0f} |")
    return "\n".join(lines)


def write_card(run_folder: Path, model_folder: Path, *, count: int = 200) -> Path:
    """Scores a finished model and writes its card into its folder."""
    record = json.loads((run_folder / "run.json").read_text())
    card = _CARD.format(
        scores=scores_table(score_model(model_folder, count=count)),
        training=training_table(run_folder),
        seed=record["configuration"]["seed"],
        versions=", ".join(f"{name} {number}" for name, number in record["versions"].items()),
        hardware=", ".join(f"{key} {value}" for key, value in record["hardware"].items() if value),
    )
    path = model_folder / "MODEL_CARD.md"
    path.write_text(card)
    return path


_CARD = """\
# The embedded tiny model

A Qwen2.5-VL of 5.5 million parameters, trained from random weights by `qvl train tiny`. It shows
that every part of the system works, offline and within seconds; it is not a replacement for the
published checkpoints, which load by name.

## What it can do

It is asked to read short text, find, count and name coloured shapes, and click labelled buttons,
in the official prompt and answer formats. Scores in percent, on drawings whose seeds, words and
typefaces were never trained on; "picture blank" is the same question about an empty picture, so
only what lies above it is sight.

{scores}

Prompts it knows: "Read all the text in the image."; "Spotting all the text in the image with
line-level, and output in JSON format."; "Locate the red circle in this image and output the bbox
coordinates in JSON format." (or "point coordinates"); "How many circles are there in the image?";
"What color is the circle?"; "What shape is the red object?"; "Click the Save button." (answered by
a `computer_use` call, without a tools block). The picture comes before the text.

## What it was trained on

Drawings made by `qvl.data.synth` as the training asked for them: text in typefaces that Debian
ships, shapes, user interfaces, with camera effects. No photographs, no text from the web, nothing
licensed. One word in eight and a group of typefaces are held out.

## How

{training}

The tower first learns alone, on pages where every letter, shape and button is labelled, through
throw-away heads that also ask each token for its own row and column; then the language model learns
to read the frozen tower out; then everything trains together; last, it learns which of several
things a question means. Seed {seed}; {versions}; {hardware}.

## Limits

Nothing but short Latin text, shapes and simple interfaces. Photographs of things get an answer in
the right format with invented content. Text smaller than about 15 px after resizing to at most
144 tokens (about 336 x 336 px), handwriting, long pages and other wordings of the prompts fail.
"""
