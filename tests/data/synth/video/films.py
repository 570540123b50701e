"""Films for tests, and whether the fonts are there with which they are drawn."""

import numpy as np
import pytest

from qvl.data.synth.fonts import font_files
from qvl.data.synth.video.acts import Clock
from qvl.data.synth.video.film import Film
from qvl.data.synth.video.plot import random_film
from qvl.data.synth.video.things import random_things, thing_picture
from qvl.data.synth.video.timing import Kind, Timing, random_timing
from qvl.errors import MissingDependencyError


def _have_fonts() -> bool:
    try:
        font_files("train")
        for thing in random_things(np.random.default_rng(0), 20):
            thing_picture(thing, 20)
    except MissingDependencyError:
        return False
    return True


needs_fonts = pytest.mark.skipif(
    not _have_fonts(), reason="the fonts of videos are not installed: fonts-noto-color-emoji"
)


def made(
    number: int, *, rate: float = 3.0, kind: Kind | None = None, frames: int = 40, shots: int = 3
) -> tuple[Film, Timing]:
    """A film of about so many seen frames, and its clock."""
    rng = np.random.default_rng((11, number))
    timing = random_timing(rng, rate=rate, seconds=(1, 7200), frames=(frames, frames), kind=kind)
    clock = Clock(timing.seen_s, timing.duration_s)
    return random_film(rng, clock, height=196, width=252, shots=(1, shots)), timing
