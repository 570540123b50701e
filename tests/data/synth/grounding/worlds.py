"""Scenes for tests: things at random places, without pictures; and whether emoji can be drawn."""

import numpy as np
import pytest

from qvl.data.synth.fonts import font_named
from qvl.data.synth.grounding.cutouts import Noun
from qvl.data.synth.grounding.scene import Scene, Thing
from qvl.geometry import Box, Point

needs_emoji = pytest.mark.skipif(
    font_named("NotoColorEmoji") is None, reason="the font NotoColorEmoji is not installed"
)

NOUNS = (
    Noun(name="cup", plural="cups"),
    Noun(name="dog", plural="dogs", group="animal"),
    Noun(name="poodle", plural="poodles", group="animal", also=frozenset({"dog"})),
    Noun(name="rug", plural="rugs"),
)
COLOURS = ("red", "blue", "green")


def thing(
    noun: Noun, box: Box, colour: str = "", *, colours: frozenset[str] | None = None
) -> Thing:
    """Something at a place."""
    return Thing(
        noun=noun,
        box=box,
        colour=colour,
        colours=frozenset([colour]) if colour else colours,
        point=Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2),
        is_flat=noun.name == "rug",
        mask=np.ones((int(box.y2 - box.y1), int(box.x2 - box.x1)), bool),
    )


def world(rng: np.random.Generator) -> Scene:
    """A blank picture with things anywhere, some in no clear colour."""
    things = []
    for _ in range(int(rng.integers(1, 12))):
        width, height = (int(v) for v in rng.integers(20, 120, 2))
        x, y = int(rng.integers(0, 560 - width)), int(rng.integers(0, 420 - height))
        noun = NOUNS[int(rng.integers(len(NOUNS)))]
        colour = ["", *COLOURS][int(rng.integers(4))]
        box = Box(float(x), float(y), float(x + width), float(y + height))
        things.append(thing(noun, box, colour, colours=frozenset({"red"})))
    return Scene(pixels=np.zeros((420, 560, 3), np.uint8), things=tuple(things))
