"""Where the scenes of drawn videos take place: a meadow, a street, a room, a slide of a talk.

Owns: drawing places from a seed. Does not own: what moves in front of them (`actors`).

    Backdrop -> backdrop_picture(backdrop, height, width) -> RGB, larger than the frame for pans
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFilter

from qvl.data.synth.fonts import font_files, load_font
from qvl.data.synth.palette import NAMED, Colour, jittered

WORLD_WIDTH, WORLD_HEIGHT = 1.6, 1.2
"""Size of a place, in frames: how far a camera can pan."""

_HORIZON = 0.42


@dataclass(frozen=True, kw_only=True, slots=True)
class Backdrop:
    """One place; equal ones look alike.

    Attributes:
        place: a key of `PLACES`, or "slide".
        seed: of everything left to chance.
        lines: of a slide: its title, then its points.
    """

    place: str
    seed: int
    lines: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How a description calls it."""
        return f'a slide titled "{self.lines[0]}"' if self.lines else f"a {self.place}"


@lru_cache(maxsize=8)
def backdrop_picture(backdrop: Backdrop, height: int, width: int) -> PILImage.Image:
    """Returns the place, RGB.

    Args:
        backdrop: what to draw.
        height: of a frame.
        width: of a frame; the picture is larger by `WORLD_HEIGHT` and `WORLD_WIDTH`.
    """
    rng = np.random.default_rng(backdrop.seed)
    size = (round(width * WORLD_WIDTH), round(height * WORLD_HEIGHT))
    if backdrop.lines:
        return _slide(rng, size, backdrop.lines, (width, height))
    return PLACES[backdrop.place](rng, size)


def _gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> PILImage.Image:
    width, height = size
    share = np.linspace(0, 1, height)[:, None, None]
    rows = np.array(top) * (1 - share) + np.array(bottom) * share
    return PILImage.fromarray(
        np.broadcast_to(rows, (height, width, 3)).round().clip(0, 255).astype(np.uint8)
    )


def _hills(
    rng: np.random.Generator,
    picture: PILImage.Image,
    at: float,
    colour: Colour,
    *,
    rough: float = 0.06,
) -> None:
    """Fills everything below a wavy line at a share of the height."""
    width, height = picture.size
    waves = [(rng.uniform(1, 4), rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 1)) for _ in "123"]
    line = [
        (
            x,
            height
            * (at + rough * sum(a * math.sin(f * 6.3 * x / width + p) for f, p, a in waves) / 2),
        )
        for x in range(0, width + 8, 8)
    ]
    ImageDraw.Draw(picture).polygon([*line, (width, height), (0, height)], fill=colour)


def _speckled(
    rng: np.random.Generator, picture: PILImage.Image, top: float, colours: list[Colour], count: int
) -> None:
    """Dots below a share of the height, larger towards the bottom: flowers, stones, tufts."""
    width, height = picture.size
    pen = ImageDraw.Draw(picture)
    for _ in range(count):
        depth = float(rng.random())
        x, y = rng.uniform(0, width), height * (top + (1 - top) * depth)
        r = 0.8 + 2.4 * depth
        colour = colours[int(rng.integers(len(colours)))]
        pen.ellipse((x - r, y - 0.7 * r, x + r, y + 0.7 * r), fill=colour)


def _clouds(rng: np.random.Generator, picture: PILImage.Image, count: int) -> None:
    width, height = picture.size
    layer = PILImage.new("L", picture.size)
    pen = ImageDraw.Draw(layer)
    for _ in range(count):
        x, y = rng.uniform(0, width), rng.uniform(0.04, 0.24) * height
        for _ in range(4):
            cx, cy = x + rng.uniform(-1, 1) * width * 0.05, y + rng.uniform(-1, 1) * height * 0.015
            rx, ry = rng.uniform(0.03, 0.06) * width, rng.uniform(0.015, 0.035) * height
            pen.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=150)
    layer = layer.filter(ImageFilter.GaussianBlur(3))
    picture.paste((255, 255, 255), (0, 0), layer)


def _meadow(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    picture = _gradient(size, jittered(rng, (120, 180, 235)), jittered(rng, (215, 235, 250)))
    _clouds(rng, picture, int(rng.integers(2, 6)))
    _hills(rng, picture, _HORIZON - 0.08, jittered(rng, (110, 160, 110)))
    _hills(rng, picture, _HORIZON, jittered(rng, (120, 185, 95)), rough=0.03)
    flowers = [(235, 225, 120), (240, 240, 240), (90, 150, 70), (100, 165, 75)]
    _speckled(rng, picture, _HORIZON + 0.06, flowers, 160)
    return picture


def _snowfield(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    picture = _gradient(size, jittered(rng, (150, 170, 195)), jittered(rng, (215, 222, 230)))
    _hills(rng, picture, _HORIZON - 0.12, jittered(rng, (165, 180, 200)), rough=0.14)
    _hills(rng, picture, _HORIZON, jittered(rng, (232, 236, 242), 6), rough=0.03)
    _speckled(rng, picture, _HORIZON + 0.05, [(215, 222, 232), (250, 250, 252)], 120)
    return picture


def _desert(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    picture = _gradient(size, jittered(rng, (110, 170, 225)), jittered(rng, (250, 225, 180)))
    width, height = size
    x, r = rng.uniform(0.1, 0.9) * width, 0.06 * height
    pen = ImageDraw.Draw(picture)
    pen.ellipse((x - r, 0.1 * height - r, x + r, 0.1 * height + r), fill=(255, 244, 200))
    _hills(rng, picture, _HORIZON - 0.04, jittered(rng, (214, 170, 110)))
    _hills(rng, picture, _HORIZON + 0.06, jittered(rng, (232, 195, 135)), rough=0.05)
    _speckled(rng, picture, _HORIZON + 0.15, [(205, 165, 110), (190, 150, 100)], 90)
    return picture


def _beach(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    width, height = size
    picture = _gradient(size, jittered(rng, (100, 175, 235)), jittered(rng, (205, 232, 248)))
    _clouds(rng, picture, 3)
    pen = ImageDraw.Draw(picture)
    shore = height * (_HORIZON + 0.2)
    pen.rectangle((0, height * _HORIZON - 10, width, height), fill=jittered(rng, (40, 120, 175)))
    for _ in range(40):
        x, y = rng.uniform(0, width), rng.uniform(height * _HORIZON - 6, shore)
        pen.line((x, y, x + rng.uniform(8, 40), y), fill=(110, 175, 215))
    _hills(rng, picture, _HORIZON + 0.2, (245, 245, 240), rough=0.02)
    _hills(rng, picture, _HORIZON + 0.23, jittered(rng, (236, 214, 165)), rough=0.02)
    _speckled(rng, picture, _HORIZON + 0.3, [(220, 195, 145), (246, 230, 190)], 120)
    return picture


def _city_street(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    width, height = size
    picture = _gradient(size, jittered(rng, (165, 190, 215)), jittered(rng, (225, 230, 235)))
    pen = ImageDraw.Draw(picture)
    x, ground = 0.0, height * (_HORIZON + 0.06)
    while x < width:
        wide, tall = rng.uniform(0.08, 0.16) * width, rng.uniform(0.2, 0.44) * height
        wall = jittered(rng, (150, 130, 120), 40)
        pen.rectangle((x, ground - tall, x + wide, ground), fill=wall)
        pane = jittered(rng, (235, 225, 170), 20) if rng.random() < 0.4 else (95, 110, 130)
        for wy in np.arange(ground - tall + 6, ground - 10, 13):
            for wx in np.arange(x + 5, x + wide - 7, 12):
                pen.rectangle((wx, wy, wx + 5, wy + 6), fill=pane)
        x += wide
    pen.rectangle((0, ground, width, ground + 0.06 * height), fill=jittered(rng, (185, 182, 178)))
    pen.rectangle((0, ground + 0.06 * height, width, height), fill=jittered(rng, (92, 94, 98), 8))
    lane = ground + 0.3 * height
    for dash in range(0, width, 46):
        pen.rectangle((dash, lane, dash + 24, lane + 3), fill=(225, 225, 215))
    return picture


def _room(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    width, height = size
    wall = jittered(rng, (205, 195, 180), 35)
    picture = _gradient(size, wall, jittered(rng, wall, 8))
    pen = ImageDraw.Draw(picture)
    floor = height * (_HORIZON + 0.16)
    wood = jittered(rng, (165, 120, 80), 20)
    pen.rectangle((0, floor, width, height), fill=wood)
    edge = (max(wood[0] - 25, 0), max(wood[1] - 22, 0), max(wood[2] - 18, 0))
    for foot in range(-width, 2 * width, 38):
        pen.line((foot, height, width / 2 + (foot - width / 2) * 0.72, floor), fill=edge)
    pen.rectangle((0, floor - 5, width, floor), fill=(240, 238, 232))
    x = rng.uniform(0.05, 0.3) * width
    wx, wy = 0.16 * width, 0.26 * height
    pen.rectangle((x, 0.1 * height, x + wx, 0.1 * height + wy), fill=(245, 245, 242))
    pen.rectangle(
        (x + 4, 0.1 * height + 4, x + wx - 4, 0.1 * height + wy - 4), fill=(170, 210, 240)
    )
    pen.line(
        (x + wx / 2, 0.1 * height, x + wx / 2, 0.1 * height + wy), fill=(245, 245, 242), width=3
    )
    frame = rng.uniform(0.55, 0.8) * width
    pen.rectangle((frame, 0.12 * height, frame + 0.13 * width, 0.3 * height), fill=(90, 65, 45))
    inside = (frame + 4, 0.12 * height + 4, frame + 0.13 * width - 4, 0.3 * height - 4)
    pen.rectangle(inside, fill=jittered(rng, (150, 160, 140), 60))
    return picture


def _night_landscape(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    width, height = size
    picture = _gradient(size, jittered(rng, (12, 16, 42), 6), jittered(rng, (52, 62, 110)))
    pen = ImageDraw.Draw(picture)
    for _ in range(90):
        x, y = rng.uniform(0, width), rng.uniform(0, _HORIZON * height)
        pen.point((x, y), fill=(235, 235, 250))
        if rng.random() < 0.2:
            pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(255, 255, 255))
    _hills(rng, picture, _HORIZON - 0.03, jittered(rng, (34, 44, 66), 6), rough=0.12)
    _hills(rng, picture, _HORIZON + 0.05, jittered(rng, (44, 58, 66), 6), rough=0.04)
    return picture


def _sea_floor(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    width, height = size
    picture = _gradient(size, jittered(rng, (95, 185, 215)), jittered(rng, (15, 70, 125)))
    pen = ImageDraw.Draw(picture)
    for _ in range(36):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(1.5, 5)
        pen.ellipse((x - r, y - r, x + r, y + r), outline=(185, 225, 240))
    _hills(rng, picture, 0.86, jittered(rng, (190, 175, 125)), rough=0.04)
    for _ in range(9):
        x = rng.uniform(0, width)
        points = [
            (x + 5 * math.sin(i * 0.9), height * (0.9 - 0.035 * i))
            for i in range(rng.integers(4, 9))
        ]
        pen.line(points, fill=jittered(rng, (45, 125, 85)), width=4)
    return picture


def _plain_wall(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    names = ("white", "gray", "blue", "green", "yellow", "pink", "cyan", "brown")
    base = np.array(NAMED[names[int(rng.integers(len(names)))]])
    pale = [int(value) for value in 255 - (255 - base) * rng.uniform(0.12, 0.4)]
    tone: Colour = (pale[0], pale[1], pale[2])
    picture = _gradient(size, tone, jittered(rng, tone, 12))
    cells = rng.normal(0, 2.5, (size[1] // 4 + 1, size[0] // 4 + 1, 1))
    grain = np.repeat(np.repeat(cells, 4, 0), 4, 1)[: size[1], : size[0]]
    return PILImage.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))


def _tiled_floor(rng: np.random.Generator, size: tuple[int, int]) -> PILImage.Image:
    light = jittered(rng, (226, 222, 214), 12)
    dark = jittered(rng, (150, 165, 175), 45)
    picture = PILImage.new("RGB", size, light)
    pen = ImageDraw.Draw(picture)
    tile = int(rng.integers(24, 44))
    for y in range(0, size[1], tile):
        for x in range(0, size[0], tile):
            if (x + y) // tile % 2:
                pen.rectangle((x, y, x + tile - 1, y + tile - 1), fill=dark)
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def _slide(
    rng: np.random.Generator, size: tuple[int, int], lines: tuple[str, ...], frame: tuple[int, int]
) -> PILImage.Image:
    """A page of a talk that fills the middle of the world, which is where a still camera looks."""
    paper = jittered(rng, (248, 248, 246), 6)
    accent = jittered(rng, list(NAMED.values())[int(rng.integers(9))], 20)
    picture = PILImage.new("RGB", size, paper)
    pen = ImageDraw.Draw(picture)
    left, top = (size[0] - frame[0]) / 2, (size[1] - frame[1]) / 2
    margin, files = frame[0] * 0.07, font_files("train")
    family = files[int(rng.integers(len(files)))]
    pen.rectangle((0, top, size[0], top + frame[1] * 0.05), fill=accent)
    title_px = _fitting(lines[0], family, frame[0] - 2 * margin, frame[1] // 7)
    title, body = load_font(family, title_px), max(9, frame[1] // 13)
    pen.text((left + margin, top + frame[1] * 0.1), lines[0], font=title.face, fill=(30, 30, 40))
    y = top + frame[1] * 0.34
    for line in lines[1:]:
        size_px = _fitting(line, family, frame[0] - 2.6 * margin, body)
        pen.ellipse((left + margin, y + 4, left + margin + 5, y + 9), fill=accent)
        text_at = (left + margin * 1.5, y)
        pen.text(text_at, line, font=load_font(family, size_px).face, fill=(50, 50, 60))
        y += frame[1] * 0.13
    return picture


def _fitting(text: str, family: Path, width: float, size_px: int) -> int:
    """The largest size, up to one, at which a text is no wider than the width."""
    while size_px > 7 and load_font(family, size_px).length(text) > width:
        size_px -= 1
    return size_px


PLACES: dict[str, Callable[[np.random.Generator, tuple[int, int]], PILImage.Image]] = {
    "meadow": _meadow,
    "snowy field": _snowfield,
    "desert": _desert,
    "beach": _beach,
    "city street": _city_street,
    "room": _room,
    "night landscape": _night_landscape,
    "sea floor": _sea_floor,
    "plain wall": _plain_wall,
    "tiled floor": _tiled_floor,
}
"""Names of places, as descriptions call them after "a"."""
