"""Whether a thing can be told from what is behind it.

Owns: the rule. Does not own: choosing another colour (``arranging``), leaving a thing out
(``scene``).

    pixels of a thing, those behind them -> stands_out()
"""

import numpy as np
import numpy.typing as npt

from qvl.data.synth.grounding.cutouts import perceptual

NEAR = 20.0
"""Distance in CIELAB below which two colours are alike at a glance: yellow on another yellow is 5,
a white label on pale grey 10. Chosen by looking at scenes."""
MOST_NEAR = 0.4
"""Most of a thing that may be like what is behind it; with more, people see the rest alone."""

_SAMPLED_PIXELS = 2048


def stands_out(thing: npt.NDArray[np.uint8], behind: npt.NDArray[np.uint8]) -> bool:
    """Returns whether a thing can be seen; without pixels it cannot.

    Args:
        thing: uint8[N, 3], its visible pixels.
        behind: uint8[N, 3], what would be seen at each of them without it.
    """
    if not len(thing):
        return False
    step = max(1, len(thing) // _SAMPLED_PIXELS)
    mine, other = (perceptual(pixels[::step].astype(float)) for pixels in (thing, behind))
    distance = np.sqrt(((mine - other) ** 2).sum(1))
    return float((distance < NEAR).mean()) <= MOST_NEAR
