"""Pictures that Chromium drew: another renderer, other spacing, sub-pixel placing, its own buttons.

Owns: words, paragraphs, shapes and buttons on a page, and typefaces as CSS names them. Does not
own: documents and charts (``browser_documents``), the browser (``data.synth.render``).

    rng -> HTML with what stands where -> Chromium -> Sample

What a model loses here against the same task of our own generators it would lose on people's
screens.
"""

import html
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from PIL import ImageFont

from qvl.data.records import Provenance, Sample
from qvl.data.synth.fonts import font_files
from qvl.data.synth.render.page import render_page
from qvl.data.synth.text import READ_PROMPT
from qvl.data.synth.words import Split, random_word
from qvl.evaluation.scorers.pointing import middle
from qvl.geometry import FACTOR, Box, ImageSize
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import agent, grounding
from qvl.tasks.actions import Click

Seed = tuple[int, ...]
Rng = np.random.Generator

_SHRINK = """() => {
    const line = document.querySelector(".line");
    let size = parseFloat(getComputedStyle(line).fontSize);
    while (line.scrollWidth > innerWidth && size > 10) line.style.fontSize = `${size -= 1}px`;
}"""
"""A typeface may be wider than the picture was planned for."""

_COLOURS = {
    "red": "#e02020", "green": "#1fa03a", "blue": "#2050e0", "orange": "#ff9010",
    "purple": "#8a35b0", "black": "#151515",
}  # fmt: skip
_KINDS = {
    "circle": "border-radius:50%",
    "square": "",
    "triangle": "clip-path:polygon(50% 0,100% 100%,0 100%)",
    "diamond": "clip-path:polygon(50% 0,100% 50%,50% 100%,0 50%)",
}
_CELL_PX = 3 * FACTOR


@lru_cache
def _css_fonts(fonts: Split) -> tuple[str, ...]:
    """Weight and family of the typefaces of a split: ``("400 %dpx 'Inter'", ...)``."""
    found = []
    for path in font_files(fonts):
        family, style = ImageFont.truetype(str(path), 10).getname()
        slant = "italic " if "Italic" in (style or "") else ""
        weight = 700 if "Bold" in (style or "") else 400
        found.append(f"{slant}{weight} %dpx '{family}'")
    return tuple(dict.fromkeys(found))


def css_font(rng: Rng, fonts: Split, size_px: int) -> str:
    """A typeface of a split as the value of the CSS property ``font``."""
    names = _css_fonts(fonts)
    return names[int(rng.integers(len(names)))] % size_px


def browser_sample(
    task: str,
    body: str,
    size: ImageSize,
    turn: tuple[str, str],
    *,
    seed: Seed,
    facts: dict[str, Any] | None = None,
    script: str = "() => null",
    whole: bool = False,
) -> Sample:
    """Returns a page as a picture with a question and its answer.

    Raises:
        MissingDependencyError: Playwright or Chromium is not installed.
        DataError: the page cannot be drawn.
    """
    document = (
        "<!doctype html><meta charset=utf-8><style>body{margin:0;background:#fdfdfd;color:#222}"
        f"</style>{body}"
    )
    drawn = render_page(document, size=size, script=script, whole=whole)
    pixels = np.asarray(drawn.picture, np.uint8)
    question, answer = turn
    return Sample(
        task=task,
        conversation=Conversation(
            (
                Message("user", (Image(pixels), Text(question))),
                Message("assistant", (Text(answer),)),
            )
        ),
        provenance=Provenance(generator=f"evaluation.suite {task}", seed=seed),
        facts=facts or {},
    )


def word(rng: Rng, *, seed: Seed, split: Split, fonts: Split) -> Sample:
    """A word in a picture a little larger than it."""
    text = random_word(rng, split=split, max_letters=8, plain=True)
    size = int(rng.integers(18, 40))
    width = FACTOR * max(2, int(np.ceil((len(text) * size * 0.72 + 12) / FACTOR)))
    height = FACTOR * max(2, int(np.ceil(size * 1.6 / FACTOR)))
    style = f"font:{css_font(rng, fonts, size)};padding:{rng.integers(2, 8)}px;white-space:nowrap"
    body = f'<div class=line style="{style}">{html.escape(text)}</div>'
    return browser_sample(
        "word",
        body,
        ImageSize(height, width),
        (READ_PROMPT, text),
        seed=seed,
        facts={"text": text},
        script=_SHRINK,
    )


def paragraph(rng: Rng, *, seed: Seed, split: Split, fonts: Split) -> Sample:
    """Running text of 12 to 25 words, broken into lines by the browser."""
    words = [
        random_word(rng, split=split, max_letters=9, plain=True)
        for _ in range(int(rng.integers(12, 26)))
    ]
    text = " ".join(words)
    style = (
        f"font:{css_font(rng, fonts, int(rng.integers(16, 22)))};line-height:1.35;"
        f"padding:{rng.integers(4, 14)}px;overflow-wrap:anywhere"
    )
    body = f'<div style="{style}">{html.escape(text)}</div>'
    size = ImageSize(4 * FACTOR, FACTOR * int(rng.integers(8, 11)))
    return browser_sample(
        "paragraph", body, size, (READ_PROMPT, text), seed=seed, facts={"text": text}, whole=True
    )


def shapes(rng: Rng, *, seed: Seed, form: Literal["box", "point", "count"]) -> Sample:
    """Shapes of different names in cells of a grid; one is asked for, or how many of a kind."""
    rows, columns = 2, 3
    count = int(rng.integers(1 if form == "count" else 2, rows * columns + 1))
    names = [f"{colour} {kind}" for colour in _COLOURS for kind in _KINDS]
    if form == "count":  # of one kind, so that the number is not all there is to see
        asked = str(rng.choice(list(_KINDS)))
        chosen = [
            f"{rng.choice(list(_COLOURS))} {asked if i == 0 else rng.choice(list(_KINDS))}"
            for i in range(count)
        ]
    else:
        chosen = [str(name) for name in rng.permutation(names)[:count]]
    body, placed = "", []
    for name, cell in zip(chosen, rng.permutation(rows * columns)[:count], strict=True):
        side = int(rng.integers(34, 70))
        x = int(cell) % columns * _CELL_PX + int(rng.integers(2, _CELL_PX - side - 1))
        y = int(cell) // columns * _CELL_PX + int(rng.integers(2, _CELL_PX - side - 1))
        colour, kind = name.split()
        body += (
            f'<div style="position:absolute;left:{x}px;top:{y}px;width:{side}px;height:{side}px;'
            f'background:{_COLOURS[colour]};{_KINDS[kind]}"></div>'
        )
        placed.append([name, [x, y, x + side, y + side]])
    return browser_sample(
        form,
        body,
        ImageSize(rows * _CELL_PX, columns * _CELL_PX),
        _about(form, placed),
        seed=seed,
        facts={"shapes": placed},
    )


def _about(form: str, placed: Sequence[Sequence[Any]]) -> tuple[str, str]:
    """The question about the first shape, in the words of our generators, and its answer."""
    name, box = str(placed[0][0]), Box(*placed[0][1])
    if form == "box":
        found = [grounding.GroundedBox(box=box, label=name)]
        return grounding.prompt(f"the {name}", kind="box"), grounding.format(found)
    if form == "point":
        marked = [grounding.GroundedPoint(point=middle(box), label=name)]
        return grounding.prompt(f"the {name}", kind="point"), grounding.format(marked)
    kind = name.split()[1]
    number = sum(str(other).endswith(kind) for other, _ in placed)
    return f"How many {kind}s are there in the image?", str(number)


def buttons(rng: Rng, *, seed: Seed, split: Split, fonts: Split) -> Sample:
    """Two to four labelled buttons of the browser's own look, under one another."""
    wanted = int(rng.integers(2, 5))
    labels = list(
        dict.fromkeys(random_word(rng, split=split, plain=True)[:7] for _ in range(wanted))
    )
    body = ""
    placed: list[tuple[str, Box]] = []
    for row, label in enumerate(labels):
        x, y = int(rng.integers(4, 60)), row * 50 + int(rng.integers(4, 12))
        width = 30 + 13 * len(label)
        placed.append((label, Box(x, y, x + width, y + 34)))
        body += (
            f'<button style="position:absolute;left:{x}px;top:{y}px;width:{width}px;height:34px;'
            f'padding:0;font:{css_font(rng, fonts, 18)}">{html.escape(label)}</button>'
        )
    label, box = placed[int(rng.integers(len(placed)))]
    turn = agent.click_prompt(label), agent.format(Click(point=middle(box)))
    return browser_sample(
        "click",
        body,
        ImageSize(8 * FACTOR, 8 * FACTOR),
        turn,
        seed=seed,
        facts={"buttons": [[name, [*place]] for name, place in placed]},
    )
