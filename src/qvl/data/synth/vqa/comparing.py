"""Questions about several pictures: what differs, whether they are the same, in which order.

Owns: pairs and rows of pictures made from one set of layers, and what is asked about them. Does not
own: cut-outs and painting (``grounding``).

    background + layers -> the same picture, or one with a layer gone, moved or another in its place
        -> question, answer
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from qvl.data.records import Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.grounding.backgrounds import background
from qvl.data.synth.grounding.cutouts import resized
from qvl.data.synth.grounding.emoji import Glyph, cutout, glyphs
from qvl.data.synth.grounding.nouns import with_article
from qvl.data.synth.grounding.scene import Layer, compose
from qvl.data.synth.picking import listed, pick, shuffled
from qvl.data.synth.text_tasks.turns import sample_of
from qvl.errors import DataError
from qvl.geometry import FACTOR, ImageSize

Pixels = npt.NDArray[np.uint8]
Drawn = TypeVar("Drawn")

_TRIES = 50

_ORDINALS = ("first", "second", "third", "fourth")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spot:
    """A thing in its cell of a grid, so that nothing covers another."""

    glyph: Glyph
    row: int
    column: int
    scale: float


def _painted(
    rng: np.random.Generator, ground: Pixels, spots: Sequence[_Spot], cell: int, *, strength: float
) -> Pixels:
    """Things stand in the middle of their cells; two pictures of the same spots are equal but for
    the camera.

    Raises:
        DataError: one of the things could not be seen.
    """
    layers = []
    for spot in spots:
        thing = cutout(spot.glyph)
        tall, wide = thing.pixels.shape[:2]
        scale = spot.scale * cell / max(tall, wide)
        thing = resized(thing, max(8, round(tall * scale)), max(8, round(wide * scale)))
        height, width = thing.pixels.shape[:2]
        x = spot.column * cell + (cell - width) // 2
        y = spot.row * cell + (cell - height) // 2
        layers.append(Layer(cutout=thing, x=x, y=y))
    scene = compose(ground, layers)
    if len(scene.things) < len(spots):
        raise DataError("a thing is too thin to be seen, or too like the background")
    picture = photograph(rng, PILImage.fromarray(scene.pixels), strength=strength)
    return np.asarray(picture, np.uint8)


def _grid(rng: np.random.Generator, rows: int, columns: int, count: int) -> list[_Spot]:
    """Different things in different cells."""
    kinds = shuffled(rng, _distinct())[:count]
    cells = shuffled(rng, [(r, c) for r in range(rows) for c in range(columns)])[:count]
    return [
        _Spot(glyph=glyph, row=row, column=column, scale=float(rng.uniform(0.6, 0.85)))
        for glyph, (row, column) in zip(kinds, cells, strict=True)
    ]


def _distinct() -> list[Glyph]:
    """Things that no other one could be called."""
    return [glyph for glyph in glyphs() if not glyph.noun.also]


def _place(spot: _Spot, rows: int, columns: int) -> str:
    vertical = "top" if spot.row == 0 else "bottom" if spot.row == rows - 1 else "middle"
    side = "left" if spot.column == 0 else "right" if spot.column == columns - 1 else "centre"
    return "centre" if (vertical, side) == ("middle", "centre") else f"{vertical} {side}"


def _differences(
    rng: np.random.Generator, spots: list[_Spot], rows: int, columns: int
) -> tuple[list[_Spot], list[str]]:
    """Other spots, and what was changed in words."""
    count = int(rng.integers(1, 4))
    changed: dict[int, _Spot | None] = {}
    said = []
    used = {spot.glyph.character for spot in spots}
    empty = [(r, c) for r in range(rows) for c in range(columns)]
    taken = {(spot.row, spot.column) for spot in spots}
    free = shuffled(rng, [cell for cell in empty if cell not in taken])
    for number in shuffled(rng, range(len(spots)))[:count]:
        spot = spots[number]
        name, where = spot.glyph.noun.name, _place(spot, rows, columns)
        form = int(rng.integers(3))
        if form == 0:
            changed[number] = None
            said.append(f"The {name} at the {where} is gone.")
        elif form == 1 and free:
            row, column = free.pop()
            changed[number] = replace(spot, row=row, column=column)
            to = _place(changed[number] or spot, rows, columns)
            said.append(f"The {name} has moved from the {where} to the {to}.")
        else:
            other = pick(rng, [g for g in _distinct() if g.character not in used])
            used.add(other.character)
            changed[number] = replace(spot, glyph=other)
            said.append(
                f"In place of the {name} at the {where} there is {with_article(other.noun.name)}."
            )
    after = [changed.get(number, spot) for number, spot in enumerate(spots)]
    return [spot for spot in after if spot is not None], said


def _pair(rng: np.random.Generator, strength: float) -> tuple[list[Pixels], tuple[str, str], str]:
    """Spot the difference, or say that there is none."""
    yes_or_no = rng.random() < 0.3
    is_same = rng.random() < (0.5 if yes_or_no else 0.3)
    # Decided before anything is drawn: what cannot be seen shall not make one answer rarer.
    pictures, said = _tried(lambda: _before_and_after(rng, strength, is_same=is_same))
    if yes_or_no:
        question = pick(rng, ("Do the two images show the same?", "Are both pictures the same?"))
        answer = "No" if said else "Yes"
        return pictures, (question, answer), "same"
    question = pick(
        rng,
        (
            "What is different in the second image?",
            "Compare the two images. What has changed from the first to the second?",
            "Find all differences between the two pictures.",
        ),
    )
    answer = "\n".join(said) if said else "Nothing is different: both images show the same things."
    return pictures, (question, answer), "differences"


def _before_and_after(
    rng: np.random.Generator, strength: float, *, is_same: bool
) -> tuple[list[Pixels], list[str]]:
    """Two pictures, and what was changed in words."""
    rows, columns = 3, 3
    cell = FACTOR * int(rng.integers(3, 6))
    spots = _grid(rng, rows, columns, int(rng.integers(4, 8)))
    ground = background(rng, ImageSize(rows * cell, columns * cell)).pixels
    after, said = (list(spots), []) if is_same else _differences(rng, spots, rows, columns)
    pictures = [_painted(rng, ground, which, cell, strength=strength) for which in (spots, after)]
    return pictures, said


def _tried(draw: Callable[[], Drawn]) -> Drawn:
    """What is drawn, by the first try in which everything can be seen."""
    for _ in range(_TRIES):
        try:
            return draw()
        except DataError:
            continue
    raise DataError(f"none of {_TRIES} groups of pictures shows all of its things clearly")


def _order(rng: np.random.Generator, strength: float) -> tuple[list[Pixels], tuple[str, str], str]:
    """Pictures to which things were added one by one, shown in another order."""
    rows, columns, count = 2, 3, int(rng.integers(3, 5))
    cell = FACTOR * int(rng.integers(3, 5))
    spots = _grid(rng, rows, columns, count + 1)
    ground = background(rng, ImageSize(rows * cell, columns * cell)).pixels
    order = shuffled(rng, range(count))
    pictures = [_painted(rng, ground, spots[: step + 2], cell, strength=strength) for step in order]
    right = [str(order.index(step) + 1) for step in range(count)]
    question = (
        f"These {count} pictures were taken one after the other while things were put down. In "
        "which order were they taken? Answer with the numbers of the pictures."
    )
    return pictures, (question, ", ".join(right)), "order"


def _which(rng: np.random.Generator, strength: float) -> tuple[list[Pixels], tuple[str, str], str]:
    """In which of several pictures something is."""
    count = int(rng.integers(2, 5))
    cell = FACTOR * int(rng.integers(3, 5))
    every = _grid(rng, 2 * count, 2, 3 * count)
    groups = [every[3 * i : 3 * i + 3] for i in range(count)]
    pictures = []
    for group in groups:
        cells = shuffled(rng, [(r, c) for r in range(2) for c in range(2)])
        group = [
            replace(spot, row=row, column=column)
            for spot, (row, column) in zip(group, cells, strict=False)
        ]
        ground = background(rng, ImageSize(2 * cell, 2 * cell)).pixels
        pictures.append(_painted(rng, ground, group, cell, strength=strength))
    asked = int(rng.integers(count))
    names = [spot.glyph.noun.name for spot in groups[asked]]
    if rng.random() < 0.5:
        question = f"In which of the {count} images is there {with_article(pick(rng, names))}?"
        return pictures, (question, f"In the {_ORDINALS[asked]} image."), "which"
    question = f"What is in the {_ORDINALS[asked]} image?"
    answer = f"There is {listed([with_article(name) for name in sorted(names)])}."
    return pictures, (question, answer), "which"


_FORMS = (_pair, _pair, _order, _which)


def comparison_sample(
    rng: np.random.Generator, *, seed: tuple[int, ...], strength: float = 0.3
) -> Sample:
    """Returns two to four pictures and a question about all of them.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        strength: of the camera effects, which differ from picture to picture.

    Raises:
        MissingDependencyError: the font with the emoji is not installed.
        DataError: by chance no pictures were drawn on which everything can be seen.
    """
    kind = pick(rng, _FORMS)
    pictures, turn, form = _tried(lambda: kind(rng, strength))
    return sample_of(
        [turn],
        task="comparison",
        generator="vqa.comparing.comparison_sample",
        seed=seed,
        facts={"form": form, "answers": [turn[1]]},
        pictures=pictures,
        licence="OFL-1.1",
    )
