"""What things stand before: plain, graded, a surface, or an open landscape.

Owns: pictures without anything that has a name to be asked for. Does not own: surfaces themselves
(``data.synth.textures``).

    rng, size -> background() -> Background with its pixels and where its ground begins
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw

from qvl.data.synth.palette import Colour, random_colour
from qvl.data.synth.picking import pick
from qvl.data.synth.textures import picture, smooth_noise, surface
from qvl.geometry import ImageSize

_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((120, 180, 235), (215, 235, 250)),
    ((90, 130, 190), (250, 205, 170)),
    ((150, 165, 180), (215, 220, 222)),
    ((24, 30, 66), (70, 80, 120)),
)
_GROUNDS: tuple[Colour, ...] = (
    (118, 168, 84), (196, 178, 128), (150, 150, 148), (232, 236, 240), (140, 118, 84),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Background:
    """A picture to put things on.

    Attributes:
        pixels: uint8[H, W, 3].
        horizon: share of the height above the ground; 0 where everything lies in one plane.
    """

    pixels: npt.NDArray[np.uint8]
    horizon: float = 0.0


def background(rng: np.random.Generator, size: ImageSize) -> Background:
    """Returns any kind of background."""
    kind = rng.choice(["plain", "graded", "surface", "landscape"], p=[0.2, 0.2, 0.3, 0.3])
    if kind == "surface":
        return Background(pixels=np.asarray(surface(rng, size), np.uint8))
    if kind == "landscape":
        return _landscape(rng, size)
    if kind == "graded":
        return Background(pixels=_graded(_soft(rng), _soft(rng), size))
    plain = np.empty((*size, 3), np.float32)
    plain[:] = _soft(rng)
    plain += 4 * smooth_noise(rng, size, float(rng.uniform(20, 120)))[:, :, None]
    return Background(pixels=np.asarray(picture(plain), np.uint8))


def _soft(rng: np.random.Generator) -> Colour:
    """A colour before which most things can be seen: washed out, or dark."""
    r, g, b = random_colour(rng)
    share = float(rng.uniform(0.55, 0.9))
    towards = 255 if rng.random() < 0.75 else 20
    r, g, b = (round(channel + (towards - channel) * share) for channel in (r, g, b))
    return r, g, b


def _graded(top: Colour, bottom: Colour, size: ImageSize) -> npt.NDArray[np.uint8]:
    share = np.linspace(0, 1, size.height, dtype=np.float32)[:, None, None]
    column = (1 - share) * np.array(top, np.float32) + share * np.array(bottom, np.float32)
    return np.broadcast_to(column, (*size, 3)).astype(np.uint8)


def _landscape(rng: np.random.Generator, size: ImageSize) -> Background:
    """Sky, hills far away, and ground that comes towards the viewer."""
    height, width = size
    horizon = float(rng.uniform(0.25, 0.45))
    sky = PILImage.fromarray(_graded(*pick(rng, _SKIES), size))
    pen = ImageDraw.Draw(sky)
    ground = pick(rng, _GROUNDS)
    for ridge in range(int(rng.integers(0, 3))):
        shade = 0.65 + 0.15 * ridge
        hill: Colour = tuple(round(c * shade + 40 * (1 - shade)) for c in ground)  # type: ignore[assignment]
        base, swing = horizon * height, float(rng.uniform(0.02, 0.1)) * height
        waves = rng.uniform(0.5, 2.5, 2), rng.uniform(0, 6.3, 2)
        xs = np.linspace(0, width, 60)
        ys = base - swing * (
            1 + np.sin(xs / width * 6.3 * waves[0][0] + waves[1][0]) * 0.6
            + np.sin(xs / width * 6.3 * waves[0][1] + waves[1][1]) * 0.4
        )  # fmt: skip
        points = [(0.0, float(height)), *zip(xs.tolist(), ys.tolist(), strict=True)]
        pen.polygon([*points, (float(width), float(height))], fill=hill)
    top = round(horizon * height)
    land = ImageSize(height - top, width)
    far, near = (tuple(round(c * light) for c in ground) for light in (0.95, 0.75))
    floor = _graded(far, near, land).astype(np.float32)  # type: ignore[arg-type]
    floor += 7 * smooth_noise(rng, land, float(rng.uniform(6, 40)))[:, :, None]
    sky.paste(picture(floor), (0, top))
    return Background(pixels=np.asarray(sky, np.uint8), horizon=horizon)
