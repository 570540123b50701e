"""National flags drawn from descriptions of their geometry.

Owns: the descriptions, drawing them. Does not own: names of countries and facts about them
(``countries``).

    FLAGS["FR"] -> Flag(ratio, parts) -> draw_flag() -> picture

Only flags of stripes, crosses, discs, plain stars, triangles and rectangles are here: they can be
described exactly. Flags with coats of arms are not here, nor those that another country shares but
for a shade: Romania and Chad, Indonesia and Monaco.
Source: the constitutions and flag laws of the countries, as far as proportions go; shades of colour
are those commonly used.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PIL import Image as PILImage
from PIL import ImageDraw

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "red": (206, 17, 38), "white": (255, 255, 255), "blue": (0, 56, 147), "black": (0, 0, 0),
    "green": (0, 122, 61), "yellow": (252, 209, 22), "orange": (255, 136, 62),
    "light blue": (91, 155, 213), "dark red": (138, 21, 56), "gold": (255, 206, 0),
    "dark blue": (0, 32, 91), "maroon": (164, 19, 49), "sky": (65, 143, 222),
    "crimson": (220, 20, 60),
}  # fmt: skip

_OVERSAMPLE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """A flag as parts that are painted in order.

    Attributes:
        ratio: height and width.
        parts: see `_PAINT`; places and sizes are shares of height and width, or of the height alone
            where said.
        words: what is seen, as a caption says it.
    """

    ratio: tuple[float, float]
    parts: tuple[tuple[object, ...], ...]
    words: str


def _stripes(
    direction: Literal["horizontal", "vertical"],
    colours: str,
    ratio: tuple[float, float] = (2, 3),
    shares: tuple[float, ...] = (),
) -> Flag:
    names = colours.split(", ")
    weights = shares or (1.0,) * len(names)
    parts, at = [], 0.0
    for name, weight in zip(names, weights, strict=True):
        end = at + weight / sum(weights)
        box = (0.0, at, 1.0, end) if direction == "horizontal" else (at, 0.0, end, 1.0)
        parts.append(("box", name, *box))
        at = end
    way = "from top to bottom" if direction == "horizontal" else "from left to right"
    words = f"{len(names)} {direction} stripes, {way} {', '.join(names[:-1])} and {names[-1]}"
    return Flag(ratio=ratio, parts=tuple(parts), words=words)


def _with(flag: Flag, words: str, *parts: tuple[object, ...]) -> Flag:
    return Flag(ratio=flag.ratio, parts=(*flag.parts, *parts), words=f"{flag.words}, {words}")


def _plain(colour: str, ratio: tuple[float, float], words: str, *parts: tuple[object, ...]) -> Flag:
    ground = ("box", colour, 0.0, 0.0, 1.0, 1.0)
    return Flag(ratio=ratio, parts=(ground, *parts), words=words)


def _nordic(
    ground: str, cross: str, ratio: tuple[float, float], across: tuple[float, float, float],
    down: tuple[float, float, float], inner: tuple[str, float] | None = None,
) -> Flag:  # fmt: skip
    """A cross nearer to the left; ``across`` and ``down`` are widths of ground, arm, ground."""
    (a, b, c), (d, e, f) = across, down
    wide, tall = a + b + c, d + e + f
    boxes = [
        ("box", cross, a / wide, 0.0, (a + b) / wide, 1.0),
        ("box", cross, 0.0, d / tall, 1.0, (d + e) / tall),
    ]
    words = f"a {cross} cross on {ground}, its upright arm nearer to the left"
    if inner is not None:
        colour, width = inner
        x, y = (a + b / 2) / wide, (d + e / 2) / tall
        boxes += [
            ("box", colour, x - width / wide / 2, 0.0, x + width / wide / 2, 1.0),
            ("box", colour, 0.0, y - width / tall / 2, 1.0, y + width / tall / 2),
        ]
        words = f"a {colour} cross with a {cross} border on {ground}, nearer to the left"
    return _plain(ground, ratio, words, *boxes)


FLAGS: dict[str, Flag] = {
    "FR": _stripes("vertical", "blue, white, red"),
    "IT": _stripes("vertical", "green, white, red"),
    "IE": _stripes("vertical", "green, white, orange", (1, 2)),
    "BE": _stripes("vertical", "black, gold, red", (13, 15)),
    "NG": _stripes("vertical", "green, white, green", (1, 2)),
    "PE": _stripes("vertical", "red, white, red"),
    "CI": _stripes("vertical", "orange, white, green"),
    "ML": _stripes("vertical", "green, yellow, red"),
    "GN": _stripes("vertical", "red, yellow, green"),
    "DE": _stripes("horizontal", "black, red, gold", (3, 5)),
    "NL": _stripes("horizontal", "maroon, white, dark blue"),
    "RU": _stripes("horizontal", "white, blue, red"),
    "AT": _stripes("horizontal", "red, white, red"),
    "HU": _stripes("horizontal", "red, white, green", (1, 2)),
    "BG": _stripes("horizontal", "white, green, red", (3, 5)),
    "EE": _stripes("horizontal", "light blue, black, white", (7, 11)),
    "LT": _stripes("horizontal", "yellow, green, red", (3, 5)),
    "LV": _stripes("horizontal", "dark red, white, dark red", (1, 2), (2, 1, 2)),
    "LU": _stripes("horizontal", "red, white, sky", (3, 5)),
    "AM": _stripes("horizontal", "red, blue, orange", (1, 2)),
    "YE": _stripes("horizontal", "red, white, black"),
    "CO": _stripes("horizontal", "yellow, blue, red", (2, 3), (2, 1, 1)),
    "GA": _stripes("horizontal", "green, yellow, blue", (3, 4)),
    "SL": _stripes("horizontal", "green, white, blue"),
    "MU": _stripes("horizontal", "red, blue, yellow, green"),
    "TH": _stripes("horizontal", "red, white, blue, white, red", (2, 3), (1, 1, 2, 1, 1)),
    "CR": _stripes("horizontal", "blue, white, red, white, blue", (3, 5), (1, 1, 2, 1, 1)),
    "UA": _stripes("horizontal", "blue, yellow"),
    "PL": _stripes("horizontal", "white, crimson", (5, 8)),
    "BW": _stripes("horizontal", "light blue, white, black, white, light blue", (2, 3),
                   (9, 1, 4, 1, 9)),
    "JP": _plain("white", (2, 3), "a red disc in the middle of a white field",
                 ("disc", "crimson", 0.5, 0.5, 0.3)),
    "BD": _plain("green", (3, 5), "a red disc on green, a little left of the middle",
                 ("disc", "red", 0.45, 0.5, 1 / 3)),
    "PW": _plain("light blue", (5, 8), "a yellow disc on light blue, a little left of the middle",
                 ("disc", "yellow", 0.4375, 0.5, 0.3)),
    "LA": _with(_stripes("horizontal", "red, blue, red", (2, 3), (1, 2, 1)),
                "and a white disc in the middle", ("disc", "white", 0.5, 0.5, 0.2)),
    "NE": _with(_stripes("horizontal", "orange, white, green", (6, 7)),
                "and an orange disc in the middle", ("disc", "orange", 0.5, 0.5, 0.14)),
    "VN": _plain("red", (2, 3), "a yellow star in the middle of a red field",
                 ("star", "yellow", 0.5, 0.5, 0.3)),
    "SO": _plain("light blue", (2, 3), "a white star in the middle of a light blue field",
                 ("star", "white", 0.5, 0.5, 0.25)),
    "GH": _with(_stripes("horizontal", "red, yellow, green"),
                "and a black star in the middle", ("star", "black", 0.5, 0.5, 1 / 6)),
    "SN": _with(_stripes("vertical", "green, yellow, red"),
                "and a green star in the middle", ("star", "green", 0.5, 0.5, 0.16)),
    "CM": _with(_stripes("vertical", "green, red, yellow"),
                "and a yellow star in the middle", ("star", "yellow", 0.5, 0.5, 0.16)),
    "BF": _with(_stripes("horizontal", "red, green"),
                "and a yellow star in the middle", ("star", "yellow", 0.5, 0.5, 0.2)),
    "CL": _with(_stripes("horizontal", "white, red"),
                "with a white star on a blue square at the upper left",
                ("box", "blue", 0.0, 0.0, 1 / 3, 0.5), ("star", "white", 1 / 6, 0.25, 0.125)),
    "CZ": _with(_stripes("horizontal", "white, red"), "and a blue triangle at the left",
                ("triangle", "blue", 0.5)),
    "SD": _with(_stripes("horizontal", "red, white, black", (1, 2)),
                "and a green triangle at the left", ("triangle", "green", 1 / 3)),
    "PS": _with(_stripes("horizontal", "black, white, green", (1, 2)),
                "and a red triangle at the left", ("triangle", "red", 1 / 3)),
    "BS": _with(_stripes("horizontal", "sky, yellow, sky", (1, 2)),
                "and a black triangle at the left", ("triangle", "black", 0.433)),
    "CU": _with(_stripes("horizontal", "blue, white, blue, white, blue", (1, 2)),
                "and a red triangle with a white star at the left",
                ("triangle", "red", 0.433), ("star", "white", 0.144, 0.5, 1 / 6)),
    "KW": _with(_stripes("horizontal", "green, white, red", (1, 2)),
                "with a black trapezium at the left", ("trapezium", "black", 0.25)),
    "DK": _nordic("red", "white", (28, 37), (12, 4, 21), (12, 4, 12)),
    "SE": _nordic("blue", "yellow", (10, 16), (5, 2, 9), (4, 2, 4)),
    "FI": _nordic("white", "blue", (11, 18), (5, 3, 10), (4, 3, 4)),
    "NO": _nordic("red", "white", (16, 22), (6, 4, 12), (6, 4, 6), ("dark blue", 2)),
    "IS": _nordic("blue", "white", (18, 25), (7, 4, 14), (7, 4, 7), ("red", 2)),
    "CH": _plain("red", (1, 1), "a white cross in the middle of a red square",
                 ("box", "white", 13 / 32, 6 / 32, 19 / 32, 26 / 32),
                 ("box", "white", 6 / 32, 13 / 32, 26 / 32, 19 / 32)),
    "MG": Flag(ratio=(2, 3), parts=(
        ("box", "white", 0.0, 0.0, 1 / 3, 1.0), ("box", "red", 1 / 3, 0.0, 1.0, 0.5),
        ("box", "green", 1 / 3, 0.5, 1.0, 1.0)),
        words="a white stripe at the left, and at the right red above green"),
    "BJ": Flag(ratio=(2, 3), parts=(
        ("box", "green", 0.0, 0.0, 0.4, 1.0), ("box", "yellow", 0.4, 0.0, 1.0, 0.5),
        ("box", "red", 0.4, 0.5, 1.0, 1.0)),
        words="a green stripe at the left, and at the right yellow above red"),
    "GW": Flag(ratio=(1, 2), parts=(
        ("box", "red", 0.0, 0.0, 1 / 3, 1.0), ("box", "yellow", 1 / 3, 0.0, 1.0, 0.5),
        ("box", "green", 1 / 3, 0.5, 1.0, 1.0), ("star", "black", 1 / 6, 0.5, 0.15)),
        words="a red stripe with a black star at the left, and at the right yellow above green"),
    "AE": Flag(ratio=(1, 2), parts=(
        ("box", "green", 0.0, 0.0, 1.0, 1 / 3), ("box", "white", 0.0, 1 / 3, 1.0, 2 / 3),
        ("box", "black", 0.0, 2 / 3, 1.0, 1.0), ("box", "red", 0.0, 0.0, 0.25, 1.0)),
        words="an upright red stripe at the left, and beside it green, white and black stripes"),
    "TO": _plain("red", (1, 2), "a red field with a red cross on white at the upper left",
                 ("box", "white", 0.0, 0.0, 0.41, 0.5), ("box", "red", 0.163, 0.06, 0.247, 0.44),
                 ("box", "red", 0.079, 0.165, 0.331, 0.335)),
    "PA": Flag(ratio=(2, 3), parts=(
        ("box", "white", 0.0, 0.0, 1.0, 1.0), ("box", "red", 0.5, 0.0, 1.0, 0.5),
        ("box", "blue", 0.0, 0.5, 0.5, 1.0), ("star", "blue", 0.25, 0.25, 0.14),
        ("star", "red", 0.75, 0.75, 0.14)),
        words="four fields: white with a blue star, red, blue, and white with a red star"),
}  # fmt: skip
"""By ISO 3166-1 code."""


def draw_flag(code: str, height_px: int) -> PILImage.Image:
    """Returns a flag in its own proportions."""
    flag = FLAGS[code]
    tall = height_px * _OVERSAMPLE
    wide = round(tall * flag.ratio[1] / flag.ratio[0])
    image = PILImage.new("RGB", (wide, tall))
    pen = ImageDraw.Draw(image)
    for form, name, *numbers in flag.parts:
        _PAINT[str(form)](pen, wide, tall, COLOURS[str(name)], *numbers)
    return image.resize((round(wide / _OVERSAMPLE), height_px), PILImage.Resampling.BOX)


def _box(pen: ImageDraw.ImageDraw, wide: int, tall: int, colour: Colour, *box: float) -> None:
    x1, y1, x2, y2 = box
    pen.rectangle(
        (round(x1 * wide), round(y1 * tall), round(x2 * wide) - 1, round(y2 * tall) - 1), colour
    )


def _disc(
    pen: ImageDraw.ImageDraw, wide: int, tall: int, colour: Colour, x: float, y: float, r: float
) -> None:
    """``r`` is a share of the height."""
    cx, cy, radius = x * wide, y * tall, r * tall
    pen.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), colour)


def _star(
    pen: ImageDraw.ImageDraw, wide: int, tall: int, colour: Colour, x: float, y: float, r: float
) -> None:
    """Five points, one upwards; ``r`` is that of the circle around it, a share of the height."""
    inner = r * math.sin(math.radians(18)) / math.sin(math.radians(54))
    points = []
    for i in range(10):
        radius = (r if i % 2 == 0 else inner) * tall
        angle = math.pi * i / 5
        points.append((x * wide + radius * math.sin(angle), y * tall - radius * math.cos(angle)))
    pen.polygon(points, colour)


def _triangle(pen: ImageDraw.ImageDraw, wide: int, tall: int, colour: Colour, reach: float) -> None:
    """At the left edge; ``reach`` is a share of the width."""
    pen.polygon([(0, 0), (reach * wide, tall / 2), (0, tall)], colour)


def _trapezium(
    pen: ImageDraw.ImageDraw, wide: int, tall: int, colour: Colour, reach: float
) -> None:
    pen.polygon([(0, 0), (reach * wide, tall / 3), (reach * wide, 2 * tall / 3), (0, tall)], colour)


_PAINT: dict[str, Callable[..., None]] = {
    "box": _box, "disc": _disc, "star": _star, "triangle": _triangle, "trapezium": _trapezium,
}  # fmt: skip
