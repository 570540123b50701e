"""Colours with names, and pairs of colours that can be told apart."""

import math

import numpy as np

Colour = tuple[int, int, int]

NAMED: dict[str, Colour] = {
    "red": (214, 39, 40),
    "orange": (255, 140, 0),
    "yellow": (250, 215, 30),
    "green": (44, 150, 50),
    "cyan": (40, 200, 210),
    "blue": (35, 80, 200),
    "purple": (130, 50, 170),
    "pink": (250, 130, 180),
    "brown": (120, 72, 35),
    "black": (20, 20, 20),
    "white": (250, 250, 250),
    "gray": (128, 128, 128),
}
COLOUR_NAMES = tuple(NAMED)


def luminance(colour: Colour) -> float:
    """Returns perceived brightness, 0 to 255. Source: ITU-R BT.601 luma weights."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def nearest_name(colour: Colour) -> str:
    """Returns the name whose colour is the least far away in RGB.

    >>> nearest_name((30, 30, 28))
    'black'
    """
    return min(NAMED, key=lambda name: math.dist(NAMED[name], colour))


def jittered(rng: np.random.Generator, colour: Colour, amount: int = 14) -> Colour:
    """Returns a colour near the given one."""
    r, g, b = (int(np.clip(c + rng.integers(-amount, amount + 1), 0, 255)) for c in colour)
    return r, g, b


def random_colour(rng: np.random.Generator) -> Colour:
    """Returns any colour."""
    r, g, b = (int(v) for v in rng.integers(0, 256, 3))
    return r, g, b


def paper_and_ink(rng: np.random.Generator, *, plain: float = 0.55) -> tuple[Colour, Colour]:
    """Returns a background and a text colour that can be told apart.

    Args:
        rng: source of randomness.
        plain: share of dark grey on light grey; the rest is any pair with enough contrast.
    """
    if rng.random() < plain:
        light = int(rng.integers(225, 256))
        dark = int(rng.integers(0, 70))
        return (light, light, light), (dark, dark, dark)
    while True:
        paper, ink = random_colour(rng), random_colour(rng)
        if abs(luminance(paper) - luminance(ink)) > 75:
            return paper, ink
