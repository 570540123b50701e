"""The tiny model on pictures that Chromium drew: words, a shape among several, buttons.

python benchmarks/transfer.py [--model FOLDER] [--count 100]

Another renderer, other typefaces, sub-pixel placing: what it loses here it would lose on people's
screens. Prints a Markdown table; words are held out of all training.
"""

import argparse
import html
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image

import qvl
from qvl.data.synth.words import random_word
from qvl.evaluation.metrics import character_errors
from qvl.geometry import Box, box_iou
from qvl.tasks import agent, grounding
from qvl.tasks.actions import Click

SEED = 77_001
PER_PAGE = 25
FONTS = ("DejaVu Sans", "Liberation Serif", "Roboto", "Lato", "Noto Sans", "DejaVu Sans Mono")
COLOURS = {"red": "#e02020", "green": "#1fa03a", "blue": "#2050e0", "orange": "#ff9010"}
STYLES = {"circle": "border-radius:50%", "square": ""}
Rng = np.random.Generator


class Cell(NamedTuple):
    """One picture to be: its HTML, its size, and what is right."""

    body: str
    width: int
    height: int
    question: str
    score: Callable[[str], float]


def word_cell(rng: Rng) -> tuple[str, int, int, str]:
    """A word in a box a little larger than it."""
    word = random_word(rng, split="heldout", max_letters=8, plain=True)
    size = int(rng.integers(18, 40))
    width = 28 * int(np.ceil((len(word) * size * 0.72 + 12) / 28))
    height = 28 * int(np.ceil(size * 1.6 / 28))
    style = f"font:{size}px '{rng.choice(FONTS)}';padding:{rng.integers(2, 8)}px;color:#222"
    return f'<div style="{style}">{html.escape(word)}</div>', width, height, word


def exact_word(rng: Rng) -> Cell:
    body, width, height, word = word_cell(rng)
    return Cell(body, width, height, "Read all the text in the image.", lambda a: a.strip() == word)


def word_characters(rng: Rng) -> Cell:
    body, width, height, word = word_cell(rng)
    return Cell(
        body,
        width,
        height,
        "Read all the text in the image.",
        lambda answer: 1 - character_errors(answer.strip(), word),
    )


def boxed_shape(rng: Rng) -> Cell:
    """Two or three shapes of different colours in separate columns; one is asked for."""
    count = int(rng.integers(2, 4))
    colours = [str(name) for name in rng.permutation(list(COLOURS))[:count]]
    body, wanted, name = "", Box(0, 0, 0, 0), ""
    for column, colour in enumerate(colours):
        kind = str(rng.choice(list(STYLES)))
        side = int(rng.integers(30, 60))
        x, y = column * 66 + int(rng.integers(2, 6)), int(rng.integers(4, 160 - side))
        body += (
            f'<div style="position:absolute;left:{x}px;top:{y}px;width:{side}px;height:{side}px;'
            f'background:{COLOURS[colour]};{STYLES[kind]}"></div>'
        )
        if column == 0:
            wanted, name = Box(x, y, x + side, y + side), f"{colour} {kind}"

    def score(answer: str) -> float:
        boxes = grounding.parse(answer).boxes
        return float(len(boxes) == 1 and box_iou(boxes[0].box, wanted) >= 0.5)

    return Cell(body, 196, 168, grounding.prompt(f"the {name}"), score)


def clicked_button(rng: Rng) -> Cell:
    """Three labelled buttons of the browser's own look, under one another."""
    labels = list(
        dict.fromkeys(random_word(rng, split="heldout", plain=True)[:7] for _ in range(3))
    )
    body, boxes = "", []
    for row, label in enumerate(labels):
        x, y = int(rng.integers(4, 60)), row * 50 + int(rng.integers(4, 12))
        width = 30 + 13 * len(label)
        boxes.append(Box(x, y, x + width, y + 34))
        body += (
            f'<button style="position:absolute;left:{x}px;top:{y}px;width:{width}px;height:34px;'
            f"font:18px '{rng.choice(FONTS)}'\">{html.escape(label)}</button>"
        )
    number = int(rng.integers(len(labels)))

    def score(answer: str) -> float:
        (action, *_) = (*agent.parse(answer).actions, None)
        point = action.point if isinstance(action, Click) else None
        box = boxes[number]
        return float(
            point is not None and box.x1 <= point.x <= box.x2 and box.y1 <= point.y <= box.y2
        )

    return Cell(body, 224, 168, agent.click_prompt(labels[number]), score)


WORLDS: dict[str, Callable[[Rng], Cell]] = {
    "word of up to 8 letters, exactly": exact_word,
    "characters of a word": word_characters,
    "box of a named shape among 2 or 3": boxed_shape,
    "click on a named button of three": clicked_button,
}


def render(cells: list[Cell]) -> list[PIL.Image.Image]:
    """One screenshot of all cells under one another, cut into pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("needs Chromium: apt-get install chromium")
    tops = np.cumsum([0, *(cell.height for cell in cells)])
    body = "".join(
        f'<div style="position:absolute;left:0;top:{top}px;width:{cell.width}px;'
        f'height:{cell.height}px;overflow:hidden;background:#fdfdfd">{cell.body}</div>'
        for cell, top in zip(cells, tops, strict=False)
    )
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder, "page.html"), Path(folder, "shot.png")
        page.write_text(f"<meta charset=utf-8><body style='margin:0'>{body}</body>")
        size = f"--window-size=400,{tops[-1]}"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size]
        subprocess.run(
            [chromium, *options, f"--screenshot={shot}", page.as_uri()],
            check=True,
            capture_output=True,
            timeout=120,
        )
        whole = PIL.Image.open(io.BytesIO(shot.read_bytes())).convert("RGB")
    return [
        whole.crop((0, int(top), cell.width, int(top) + cell.height))
        for cell, top in zip(cells, tops, strict=False)
    ]


def main() -> None:
    """Scores every world and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="hub name or folder; default: the tiny model")
    parser.add_argument("--count", type=int, default=100, help="pictures of each world")
    args = parser.parse_args()
    model = qvl.load(args.model)
    print("| drawn by Chromium | score |\n| --- | --- |")
    for number, (name, make) in enumerate(WORLDS.items()):
        cells = [make(np.random.default_rng((SEED, number, i))) for i in range(args.count)]
        pictures = [
            picture
            for start in range(0, len(cells), PER_PAGE)
            for picture in render(cells[start : start + PER_PAGE])
        ]
        scores = [
            float(cell.score(model.ask(picture, cell.question, max_tokens=160)))
            for cell, picture in zip(cells, pictures, strict=True)
        ]
        error = np.std(scores) / np.sqrt(len(scores))
        print(f"| {name} | {100 * np.mean(scores):.0f} ± {100 * error:.0f} |", flush=True)


if __name__ == "__main__":
    main()
