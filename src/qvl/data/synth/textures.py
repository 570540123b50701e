"""Surfaces without text: paper, and what pages lie on and signs hang from.

Owns: textures as RGB pictures. Does not own: putting things on them.

    rng, size -> paper() | surface() -> PIL picture
"""

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFilter

from qvl.data.synth.canvas import Colour, noise
from qvl.data.synth.palette import jittered, random_colour
from qvl.geometry import ImageSize

Plane = npt.NDArray[np.float32]

_WOODS: tuple[Colour, ...] = ((133, 94, 66), (181, 137, 94), (92, 64, 45), (205, 170, 125))
_PAPERS: tuple[Colour, ...] = ((252, 252, 250), (250, 246, 235), (244, 236, 215), (238, 240, 242))


def smooth_noise(rng: np.random.Generator, size: ImageSize, cell_px: float) -> Plane:
    """Returns float32[H, W] of about -1 to 1 that changes over ``cell_px`` pixels."""
    rows, columns = (max(2, round(side / cell_px) + 1) for side in size)
    small = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    image = PILImage.fromarray(small)
    return np.asarray(
        image.resize((size.width, size.height), PILImage.Resampling.BICUBIC), np.float32
    )


def paper(rng: np.random.Generator, size: ImageSize, *, strength: float = 1.0) -> PILImage.Image:
    """Returns blank paper: grain, fibres, unevenness, at times creases and stains.

    Args:
        rng: source of randomness.
        size: of the picture.
        strength: 0 gives a plain sheet, 1 a much handled one. Its grain then weighs up to 0.2, the
            greatest weight that SynthDoG's config gives to pictures of paper.
    """
    tint = jittered(rng, _PAPERS[int(rng.integers(len(_PAPERS)))], 4)
    grain = strength * float(rng.uniform(0, 5)) * noise(rng, *size)
    uneven = strength * float(rng.uniform(0, 14)) * smooth_noise(rng, size, max(size) / 3)
    fibres = strength * float(rng.uniform(0, 6)) * smooth_noise(rng, size, 3.0)
    plane = grain + uneven + fibres
    if rng.random() < 0.25 * strength:
        plane += _crease(rng, size)
    pixels = np.asarray(tint, np.float32) + plane[:, :, None]
    if rng.random() < 0.15 * strength:
        pixels -= _stain(rng, size)
    return picture(pixels)


def _crease(rng: np.random.Generator, size: ImageSize) -> Plane:
    """A fold across the sheet: dark on one side, light on the other."""
    height, width = size
    horizontal = rng.random() < 0.6
    at = float(rng.choice([1 / 3, 1 / 2, 2 / 3]) + rng.uniform(-0.02, 0.02))
    tilt = float(rng.uniform(-0.01, 0.01))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = (y - at * height + tilt * x) if horizontal else (x - at * width + tilt * y)
    depth = float(rng.uniform(8, 28))
    return (-depth * np.exp(-np.abs(away) / 2.5) + depth / 2 * np.exp(-((away - 5) ** 2) / 20)) * (
        1 + 0.3 * smooth_noise(rng, size, 40)
    )


def _stain(rng: np.random.Generator, size: ImageSize) -> npt.NDArray[np.float32]:
    """A ring or a blot, float32[H, W, 3] to subtract; coffee absorbs blue most."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cx, cy = rng.uniform(0, width), rng.uniform(0, height)
    radius = float(rng.uniform(0.06, 0.18)) * min(size)
    away = np.hypot(x - cx, y - cy) - radius * (1 + 0.04 * smooth_noise(rng, size, 60))
    ring = np.exp(-((away / 3) ** 2)) * float(rng.uniform(10, 35)) + (away < 0) * float(
        rng.uniform(0, 10)
    )
    return ring[:, :, None] * np.array([0.5, 0.75, 1.1], np.float32)


def surface(rng: np.random.Generator, size: ImageSize) -> PILImage.Image:
    """Returns a table, a wall, cloth, a gradient or a blurred scene, with nothing to read on it."""
    kinds = (_wood, _cloth, _plaster, _bricks, _gradient, _out_of_focus)
    kind = kinds[int(rng.choice(len(kinds), p=(0.2, 0.12, 0.22, 0.1, 0.18, 0.18)))]
    return kind(rng, size)


def wall(rng: np.random.Generator, size: ImageSize) -> PILImage.Image:
    """Returns what houses are faced with: plaster, bricks or boards."""
    kinds = (_plaster, _bricks, _wood)
    return kinds[int(rng.choice(3, p=(0.5, 0.3, 0.2)))](rng, size)


def _wood(rng: np.random.Generator, size: ImageSize) -> PILImage.Image:
    height, width = size
    rings = smooth_noise(rng, ImageSize(height, 8), float(rng.uniform(3, 8)))
    rings = np.repeat(rings[:, 4:5], width, axis=1)
    wavy = smooth_noise(rng, size, max(size) / 4) * float(rng.uniform(2, 12))
    rows = np.clip(np.arange(height)[:, None] + wavy, 0, height - 1).astype(np.int64)
    grain = rings[rows, np.arange(width)[None, :]]
    plane = 16 * grain + 5 * smooth_noise(rng, size, 2.5)
    board = int(rng.integers(90, 320))
    plane[:: max(board, 2)] -= 45
    tint = np.asarray(jittered(rng, _WOODS[int(rng.integers(len(_WOODS)))], 12), np.float32)
    image = picture(tint + plane[:, :, None] * np.array([1, 0.9, 0.75], np.float32))
    if rng.random() < 0.3:
        upright = image.transpose(PILImage.Transpose.ROTATE_90)
        return upright.resize((size.width, size.height))
    return image


def _cloth(rng: np.random.Generator, size: ImageSize) -> PILImage.Image:
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pitch = float(rng.uniform(3, 7))
    weave = np.sin(2 * np.pi * x / pitch) * np.sin(2 * np.pi * y / pitch)
    plane = 9 * weave + 10 * smooth_noise(rng, size, max(size) / 5) + 4 * noise(rng, *size)
    if rng.random() < 0.4:  # checked
        side = float(rng.uniform(28, 90))
        plane += 16 * ((x // side) % 2) + 16 * ((y // side) % 2) - 16
    return picture(np.asarray(_muted(rng), np.float32) + plane[:, :, None])


def _plaster(rng: np.random.Generator, size: ImageSize) -> PILImage.Image:
    plane = (
        float(rng.uniform(2, 10)) * smooth_noise(rng, size, 5)
        + float(rng.uniform(4, 16)) * smooth_noise(rng, size, max(size) / 3)
        + float(rng.uniform(0, 6)) * noise(rng, *size)
    )
    return picture(np.asarray(_muted(rng), np.float32) + plane[:, :, None])


def _bricks(rng: np.random.Generator, size: ImageSize) -> PILImage.Image:
    mortar = jittered(rng, (186, 180, 170), 20)
    image = PILImage.new("RGB", (size.width, size.height), mortar)
    draw = ImageDraw.Draw(image)
    tall = int(rng.integers(16, 40))
    long, joint = tall * 3, max(2, tall // 9)
    tint = jittered(rng, (150, 78, 60), 30)
    for row, y in enumerate(range(0, size.height, tall)):
        for x in range(-(long // 2) * (row % 2), size.width, long):
            corner = (x + long - joint - 1, y + tall - joint - 1)
            draw.rectangle(((x, y), corner), fill=jittered(rng, tint, 12))
    plane = 7 * smooth_noise(rng, size, 4) + 10 * smooth_noise(rng, size, max(size) / 3)
    return picture(np.asarray(image, np.float32) + plane[:, :, None])


def _gradient(rng: np.random.Generator, size: ImageSize) -> PILImage.Image:
    height, width = size
    first, last = (np.asarray(random_colour(rng), np.float32) for _ in range(2))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = float(rng.uniform(0, 2 * np.pi))
    along = np.cos(angle) * x / width + np.sin(angle) * y / height
    share = ((along - along.min()) / max(float(np.ptp(along)), 1e-6))[:, :, None]
    return picture(first * (1 - share) + last * share + 1.5 * noise(rng, *size)[:, :, None])


def _out_of_focus(rng: np.random.Generator, size: ImageSize) -> PILImage.Image:
    """Large shapes of light, as behind something near the lens."""
    image = PILImage.new("RGB", (size.width, size.height), _muted(rng))
    draw = ImageDraw.Draw(image, "RGBA")
    for _ in range(int(rng.integers(6, 26))):
        x, y = rng.uniform(0, size.width), rng.uniform(0, size.height)
        r = float(rng.uniform(0.04, 0.3)) * min(size)
        colour = (*random_colour(rng), int(rng.integers(60, 200)))
        if rng.random() < 0.5:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        else:
            draw.rectangle((x - r, y - 2 * r, x + r, y + 2 * r), fill=colour)
    return image.filter(ImageFilter.BoxBlur(float(rng.uniform(5, 14))))


def _muted(rng: np.random.Generator) -> Colour:
    grey = float(rng.uniform(60, 225))
    r, g, b = (int(0.65 * grey + 0.35 * channel) for channel in random_colour(rng))
    return r, g, b


def picture(pixels: npt.NDArray[np.float32]) -> PILImage.Image:
    """Returns float32[H, W, 3] of 0 to 255 as an RGB picture; what lies outside is clipped."""
    return PILImage.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
