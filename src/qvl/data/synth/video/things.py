"""What moves in drawn videos: pictures with names, such as a red car, a blue star, a card.

Owns: the names, and the picture of a thing at a size, cached. Does not own: where it is (`actors`).

    random_things() -> Thing -> thing_picture(thing, size_px) -> RGBA, trimmed to what is painted

Every picture touches all four of its sides, so the box of a thing is the box of its picture.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from qvl.data.synth.fonts import font_files, load_font
from qvl.data.synth.palette import NAMED, Colour, luminance
from qvl.errors import MissingDependencyError

Kind = Literal["emoji", "shape", "card"]

FACING_LEFT: dict[str, str] = {
    "red car": "🚗", "taxi": "🚕", "bus": "🚌", "fire engine": "🚒", "police car": "🚓",
    "tractor": "🚜", "bicycle": "🚲", "scooter": "🛵", "steam train": "🚂", "helicopter": "🚁",
    "speedboat": "🚤", "horse": "🐎", "cow": "🐄", "pig": "🐖", "sheep": "🐑", "elephant": "🐘",
    "giraffe": "🦒", "zebra": "🦓", "tiger": "🐅", "kangaroo": "🦘", "squirrel": "🐿",
    "hedgehog": "🦔", "rooster": "🐓", "duck": "🦆", "turtle": "🐢", "snail": "🐌",
    "blue fish": "🐟", "yellow fish": "🐠", "dolphin": "🐬", "whale": "🐳", "shark": "🦈",
    "bee": "🐝",
}  # fmt: skip
"""Pictures of things that look to the left; they are turned round when they go to the right."""

STANDING: dict[str, str] = {
    "rocket": "🚀", "sailing boat": "⛵", "flying saucer": "🛸", "dog": "🐕", "cat": "🐈",
    "lion": "🦁", "rabbit": "🐇", "owl": "🦉", "penguin": "🐧", "snake": "🐍", "frog": "🐸",
    "butterfly": "🦋", "ladybug": "🐞", "spider": "🕷", "octopus": "🐙", "crab": "🦀",
    "shrimp": "🦐", "tree": "🌳", "fir tree": "🌲", "cactus": "🌵", "sunflower": "🌻",
    "rose": "🌹", "mushroom": "🍄", "apple": "🍎", "banana": "🍌", "bunch of grapes": "🍇",
    "slice of watermelon": "🍉", "strawberry": "🍓", "pineapple": "🍍", "carrot": "🥕",
    "tomato": "🍅", "loaf of bread": "🍞", "piece of cheese": "🧀", "burger": "🍔",
    "slice of pizza": "🍕", "donut": "🍩", "birthday cake": "🎂", "ice cream cone": "🍦",
    "cup of coffee": "☕", "house": "🏠", "tent": "⛺", "castle": "🏰", "soccer ball": "⚽",
    "basketball": "🏀", "football": "🏈", "tennis racket": "🎾", "balloon": "🎈", "gift": "🎁",
    "guitar": "🎸", "trumpet": "🎺", "drum": "🥁", "violin": "🎻", "bell": "🔔",
    "photo camera": "📷",
    "television": "📺", "laptop": "💻", "alarm clock": "⏰", "key": "🔑", "hammer": "🔨",
    "pair of scissors": "✂", "padlock": "🔒", "light bulb": "💡", "candle": "🕯",
    "stack of books": "📚", "pencil": "✏", "paper clip": "📎", "magnet": "🧲", "compass": "🧭",
    "umbrella": "☂", "crown": "👑", "top hat": "🎩", "shoe": "👟", "cap": "🧢", "diamond": "💎",
    "cloud": "☁", "lightning bolt": "⚡", "snowflake": "❄", "flame": "🔥", "anchor": "⚓",
    "die": "🎲", "puzzle piece": "🧩", "kite": "🪁", "robot": "🤖", "ghost": "👻",
    "pumpkin": "🎃", "snowman": "⛄", "alien": "👽",
}  # fmt: skip
"""Other pictures."""

_EMOJI = FACING_LEFT | STANDING
_SHAPES = ("ball", "square", "triangle", "star", "ring", "cross", "hexagon", "heart")
_HUES = tuple(name for name in NAMED if name not in ("white", "black", "gray", "brown"))
_EMOJI_PATHS = tuple(
    Path(folder) / "NotoColorEmoji.ttf"
    for folder in ("/usr/share/fonts/truetype/noto", "/usr/local/share/fonts", "/usr/share/fonts")
)
_EMOJI_PX = 109
"""The only size of the pictures in that font. Source: googlefonts/noto-emoji README, CBDT."""
_OVERSAMPLE = 4
_EMOJI_SHARE = 0.65


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """One kind of thing; equal things look alike.

    Attributes:
        kind: how it is drawn.
        name: without an article, such as "red car".
        form: the character of an emoji, the name of a shape, the words of a card.
        colour: of a shape or card.
    """

    kind: Kind
    name: str
    form: str
    colour: Colour = (0, 0, 0)

    @property
    def has_side(self) -> bool:
        """Whether it looks to the left and is turned round when it goes to the right."""
        return self.name in FACING_LEFT

    @property
    def definite(self) -> str:
        """The name after its article.

        >>> Thing(kind="shape", name="red ball", form="ball").definite
        'the red ball'
        """
        return f"the {self.name}"

    @property
    def indefinite(self) -> str:
        """The name of any such thing.

        >>> Thing(kind="shape", name="orange ball", form="ball").indefinite
        'an orange ball'
        """
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"


def random_things(rng: np.random.Generator, count: int) -> list[Thing]:
    """Returns things of which no two look alike or share a name."""
    num_emoji = int(rng.binomial(count, _EMOJI_SHARE))
    names = list(_EMOJI)
    chosen = [names[int(i)] for i in rng.choice(len(names), num_emoji, replace=False)]
    things = [Thing(kind="emoji", name=name, form=_EMOJI[name]) for name in chosen]
    pairs = rng.choice(len(_SHAPES) * len(_HUES), count - num_emoji, replace=False)
    for pair in pairs.tolist():
        hue, form = _HUES[pair % len(_HUES)], _SHAPES[pair // len(_HUES)]
        things.append(Thing(kind="shape", name=f"{hue} {form}", form=form, colour=NAMED[hue]))
    return [things[int(i)] for i in rng.permutation(count)]


def recoloured(rng: np.random.Generator, thing: Thing) -> tuple[str, Colour]:
    """Returns the name and value of a colour that a shape may take, not its own."""
    others = [hue for hue in _HUES if NAMED[hue] != thing.colour]
    hue = others[int(rng.integers(len(others)))]
    return hue, NAMED[hue]


@lru_cache(maxsize=256)
def thing_picture(thing: Thing, size_px: int) -> PILImage.Image:
    """Returns the picture, RGBA; its longer side has the size, no side is without paint.

    Raises:
        MissingDependencyError: the font of emoji, or those of words, are not installed.
    """
    if thing.kind == "emoji":
        picture = _emoji_picture(thing.form)
    elif thing.kind == "card":
        return card_picture(thing.form, size_px, thing.colour)
    else:
        picture = _shape_picture(thing.form, thing.colour)
    scale = size_px / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return _trimmed(picture.resize((width, height), PILImage.Resampling.BICUBIC))


def card_picture(text: str, height_px: int, colour: Colour) -> PILImage.Image:
    """Returns words on a card with round corners, RGBA."""
    font = load_font(font_files("train")[0], max(8, round(height_px * 0.56)))
    width = max(round(font.length(text) + height_px * 0.7), height_px)
    picture = PILImage.new("RGBA", (width, height_px))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, width - 1, height_px - 1), height_px // 6, (*colour, 255))
    ink = (20, 20, 20) if luminance(colour) > 130 else (250, 250, 250)
    pen.text((width / 2, height_px / 2), text, font=font.face, fill=ink, anchor="mm")
    return picture


@lru_cache(maxsize=1)
def _emoji_font() -> ImageFont.FreeTypeFont:
    for path in _EMOJI_PATHS:
        if path.is_file():
            return ImageFont.truetype(str(path), _EMOJI_PX)
    raise MissingDependencyError(
        "drawing videos needs the font Noto Color Emoji, which is not installed",
        hint="on Debian: apt-get install fonts-noto-color-emoji",
    )


@lru_cache(maxsize=256)
def _emoji_picture(character: str) -> PILImage.Image:
    picture = PILImage.new("RGBA", (160, 160))
    pen = ImageDraw.Draw(picture)
    pen.text((10, 10), character, font=_emoji_font(), embedded_color=True)
    return _trimmed(picture)


@lru_cache(maxsize=64)
def _shape_picture(form: str, colour: Colour) -> PILImage.Image:
    """A shape with a lighter upper edge, four times as large as it is shown at most."""
    side = 128 * _OVERSAMPLE
    mask = PILImage.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    inner = side - 1
    if form in ("ball", "ring"):
        pen.ellipse((0, 0, inner, inner), fill=255)
        if form == "ring":
            gap = side * 0.27
            pen.ellipse((gap, gap, inner - gap, inner - gap), fill=0)
    else:
        pen.polygon([(x * inner, y * inner) for x, y in _corners(form)], fill=255)
    mask = mask.resize((side // _OVERSAMPLE, side // _OVERSAMPLE), PILImage.Resampling.BOX)
    light = np.linspace(0.25, -0.22, mask.height)[:, None, None]
    base = np.array(colour, np.float64)
    shaded = np.where(light > 0, base + (255 - base) * light, base * (1 + light))
    pixels = np.broadcast_to(shaded, (mask.height, mask.width, 3)).round().astype(np.uint8)
    picture = PILImage.fromarray(pixels).convert("RGBA")
    picture.putalpha(mask)
    return _trimmed(picture)


def _corners(form: str) -> list[tuple[float, float]]:
    """Corners of a shape in the unit square."""
    if form == "triangle":
        return [(0.5, 0.0), (1.0, 1.0), (0.0, 1.0)]
    if form == "cross":
        a, b = 0.32, 0.68
        return [(a, 0), (b, 0), (b, a), (1, a), (1, b), (b, b), (b, 1), (a, 1), (a, b), (0, b),
                (0, a), (a, a)]  # fmt: skip
    if form == "hexagon":
        return [(0.25, 0), (0.75, 0), (1, 0.5), (0.75, 1), (0.25, 1), (0, 0.5)]
    if form == "star":
        radii = [1.0, 0.42] * 5
        return [
            (0.5 + r / 2 * math.sin(math.pi * i / 5), 0.53 - r / 2 * math.cos(math.pi * i / 5))
            for i, r in enumerate(radii)
        ]
    if form == "heart":
        # Source: the curve 16 sin^3 t, 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t.
        angles = [2 * math.pi * i / 60 for i in range(60)]
        ys = [
            13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
            for t in angles
        ]
        return [
            (0.5 + math.sin(t) ** 3 / 2, (12 - y) / 29) for t, y in zip(angles, ys, strict=True)
        ]
    return [(0, 0), (1, 0), (1, 1), (0, 1)]


def _trimmed(picture: PILImage.Image) -> PILImage.Image:
    """The picture without empty rows and columns at its edges."""
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 40 else 0).getbbox()
    return picture if box is None else picture.crop(box)
