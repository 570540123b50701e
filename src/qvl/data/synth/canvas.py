"""A picture under construction that remembers which character and object stands where.

Owns drawing with labels and the camera effects that keep labels true. Does not decide what to draw.
"""

import io
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw, ImageEnhance, ImageFilter

from qvl.data.records import ALPHABET, DenseTargets
from qvl.data.synth.fonts import Font
from qvl.geometry import Box

Colour = tuple[int, int, int]

SHAPES = ("circle", "square", "triangle", "star", "diamond", "cross")
KINDS = (*SHAPES, "button", "checkbox", "field", "link", "line")
"""Kinds of object that dense targets name by index; a line is one of text."""

_INDEX = {character: i for i, character in enumerate(ALPHABET)}
# Height of a character's middle above the baseline, as a share of the font size: half an x-height.
_MIDDLE = 0.3


class Canvas:
    """An RGB picture with labels. Sizes in pixels; the picture is its own resized_px space."""

    def __init__(self, height: int, width: int, background: Colour) -> None:
        self.height, self.width = height, width
        self.image = PILImage.new("RGB", (width, height), background)
        self.draw = ImageDraw.Draw(self.image)
        self.glyphs: list[tuple[float, float, float]] = []
        self.objects: list[tuple[float, ...]] = []

    def text(self, x: float, y: float, text: str, font: Font, colour: Colour) -> Box:
        """Draws a line with its top left at (x, y); returns the box of advance and font height."""
        self.draw.text((x, y), text, font=font.face, fill=colour)
        middle = y + font.ascent - _MIDDLE * font.size_px
        at = x
        for character in text:
            width = font.width(character)
            if character != " ":
                self.glyphs.append((at + width / 2, middle, _INDEX[character]))
            at += width
        return Box(x, y, at, y + font.ascent + font.descent)

    def record(self, box: Box, kind: int, colour: int) -> None:
        """Remembers an object."""
        self.objects.append((*box, kind, colour))

    def turn(self, degrees: float, fill: Colour) -> None:
        """Turns the picture about its middle, labels of characters with it; objects must not exist
        yet."""
        assert not self.objects, "boxes of turned objects would be loose"
        self.image = self.image.rotate(degrees, PILImage.Resampling.BICUBIC, fillcolor=fill)
        self.draw = ImageDraw.Draw(self.image)
        angle = np.deg2rad(degrees)
        cos, sin, cx, cy = np.cos(angle), np.sin(angle), self.width / 2, self.height / 2
        self.glyphs = [
            (cx + cos * (x - cx) + sin * (y - cy), cy - sin * (x - cx) + cos * (y - cy), c)
            for x, y, c in self.glyphs
        ]

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Returns uint8[H, W, 3]."""
        return np.asarray(self.image, np.uint8)

    def targets(self) -> DenseTargets:
        """Returns the labels; characters whose centre left the picture are gone."""
        glyphs = np.array(self.glyphs, np.float32).reshape(-1, 3)
        x, y = glyphs[:, 0], glyphs[:, 1]
        inside = (x >= 0) & (y >= 0) & (x < self.width) & (y < self.height)
        return DenseTargets(
            glyphs=glyphs[inside], objects=np.array(self.objects, np.float32).reshape(-1, 6)
        )


@lru_cache
def _noise_bank() -> npt.NDArray[np.float32]:
    """float32[512, 512], unit deviation: drawing fresh noise for every picture would cost most of
    its time."""
    return np.random.default_rng(0).standard_normal((512, 512), np.float32)


def noise(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float32]:
    """Returns float32[H, W] of unit deviation, a random part of a fixed sheet of noise."""
    rows = (np.arange(height) + rng.integers(512)) % 512
    columns = (np.arange(width) + rng.integers(512)) % 512
    return _noise_bank()[rows[:, None], columns]


def photograph(
    rng: np.random.Generator, image: PILImage.Image, *, strength: float
) -> PILImage.Image:
    """Returns the picture as a camera or a screenshot pipeline might have kept it; nothing moves.

    Args:
        rng: source of randomness.
        image: RGB.
        strength: 0 leaves it alone, 1 is as bad as everyday pictures get.
    """
    width, height = image.size
    if rng.random() < 0.35 * strength:  # resampled on its way here
        scale = float(rng.uniform(0.6, 1.4))
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        image = image.resize(size, PILImage.Resampling.BILINEAR).resize(
            (width, height), PILImage.Resampling.BICUBIC
        )
    if rng.random() < 0.25 * strength:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.0))))
    if rng.random() < 0.3 * strength:
        image = ImageEnhance.Contrast(image).enhance(float(rng.uniform(0.6, 1.2)))
    if rng.random() < 0.3 * strength:  # uneven light
        pixels = np.asarray(image, np.float32)
        left, right = rng.uniform(0.7, 1.15, 2)
        slope = np.linspace(left, right, width, dtype=np.float32)[None, :, None]
        image = _from_floats(pixels * slope)
    if rng.random() < 0.3 * strength:
        pixels = np.asarray(image, np.float32)
        image = _from_floats(
            pixels + float(rng.uniform(2, 14)) * noise(rng, height, width)[:, :, None]
        )
    if rng.random() < 0.3 * strength:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(rng.integers(35, 95)))
        image = PILImage.open(file).convert("RGB")
    return image


def _from_floats(pixels: npt.NDArray[np.float32]) -> PILImage.Image:
    return PILImage.fromarray(pixels.clip(0, 255).astype(np.uint8))
