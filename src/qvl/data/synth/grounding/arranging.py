"""Which things a picture shows and where they stand.

Owns: choosing kinds, sizes and places. Does not own: what they look like (``drawings``, ``emoji``),
what can be seen of them in the end (``scene``).

    rng, size -> arranged() -> Scene
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PILImage

from qvl.data.synth.grounding import drawings, emoji
from qvl.data.synth.grounding.backgrounds import Background, background
from qvl.data.synth.grounding.cutouts import Cutout, resized, turned
from qvl.data.synth.grounding.scene import Layer, Scene, compose, is_clear, paint
from qvl.data.synth.picking import pick, shuffled
from qvl.geometry import ImageSize

LAYOUTS = ("scattered", "crowd", "rows", "landscape", "lying")
"""How things are placed: anywhere; dozens of few kinds; in lines; standing on open ground, smaller
when farther; on rugs, trays and plates."""

_TINTS = 6
_TRIES = 12
_MOST_KINDS = 7

# What stands outdoors and what lies on tables; sometimes anything is anywhere, so that a model has
# to look.
_SENSIBLE = 0.85
_FITTING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "landscape": (
        ("car", "bus", "truck", "rocket", "house", "lighthouse", "tree", "flower", "mushroom",
         "bird", "snowman"),
        ("animal", "plant", "vehicle", "place"),
    ),
    "lying": (
        ("cup", "bottle", "flower", "mushroom", "fish", "clock", "robot"),
        ("fruit", "vegetable", "food", "drink", "tool", "household", "clothing"),
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spot:
    """Where a thing is to be put: its middle, and the longer side of its box."""

    x: float
    y: float
    side_px: float


def arranged(rng: np.random.Generator, size: ImageSize, *, layout: str | None = None) -> Scene:
    """Returns a picture of things.

    Args:
        rng: source of randomness.
        size: of the picture.
        layout: one of `LAYOUTS`; any when None.

    Raises:
        MissingDependencyError: the font with the emoji is not installed.
    """
    behind = background(rng, size)
    if layout is None:
        choices = ["landscape"] if behind.horizon else ["scattered", "crowd", "rows", "lying"]
        layout = str(rng.choice(choices))
    kinds = _kinds(rng, layout)
    layers: list[Layer] = []
    canvas = PILImage.fromarray(behind.pixels).copy()
    spots: Sequence[_Spot]
    if layout == "lying":
        layers, spots = _flats(rng, size, canvas)
    else:
        spots = _SPOTS[layout](rng, size, behind)
    upright = layout == "landscape"
    for spot in spots:
        layer = _placed(rng, spot, pick(rng, kinds), canvas, upright=upright)
        if layer is not None:
            layers.append(layer)
            paint(canvas, layer)
    shadow = None
    if rng.random() < 0.6:
        reach = int(rng.integers(2, 9))
        shadow = (
            int(rng.integers(-reach, reach + 1)), reach, float(rng.uniform(1.5, 6)),
            float(rng.uniform(0.15, 0.45)),
        )  # fmt: skip
    return compose(behind.pixels, layers, shadow=shadow)


Kind = Callable[[np.random.Generator], Cutout]


def _kinds(rng: np.random.Generator, layout: str) -> list[Kind]:
    """A few kinds: with repetition come questions of number, order and colour."""
    count = int(rng.integers(*((1, 4) if layout == "crowd" else (2, _MOST_KINDS + 1))))
    drawn = [name for name in drawings.KINDS if name not in drawings.FLAT]
    glyphs = list(emoji.glyphs())
    if layout in _FITTING and rng.random() < _SENSIBLE:
        names, categories = _FITTING[layout]
        drawn = [name for name in drawn if name in names]
        glyphs = [glyph for glyph in glyphs if glyph.category in categories]
    return [
        _Drawn(name=pick(rng, drawn)) if rng.random() < 0.3 else _Glyphs(glyph=pick(rng, glyphs))
        for _ in range(count)
    ]


@dataclass(frozen=True, slots=True)
class _Drawn:
    name: str

    def __call__(self, rng: np.random.Generator) -> Cutout:
        return drawings.draw(rng, self.name)


@dataclass(frozen=True, slots=True)
class _Glyphs:
    glyph: emoji.Glyph

    def __call__(self, rng: np.random.Generator) -> Cutout:
        if not self.glyph.is_tintable or rng.random() < 0.3:
            return emoji.cutout(self.glyph)
        # Most hues lie between two names; a few tries find one that has a name.
        turns = [16 * int(turn) for turn in rng.integers(0, 16, _TINTS)]
        found = [emoji.cutout(self.glyph, turn) for turn in turns]
        return next((cutout for cutout in found if cutout.colour), found[0])


def _placed(
    rng: np.random.Generator, spot: _Spot, kind: Kind, canvas: PILImage.Image, *, upright: bool
) -> Layer | None:
    """A thing of a kind at a spot, or None when it could not be told from what is there."""
    for _ in range(_TRIES):
        cutout = kind(rng)
        scale = spot.side_px / max(cutout.pixels.shape[:2])
        height, width = (round(side * scale) for side in cutout.pixels.shape[:2])
        cutout = resized(cutout, height, width)
        degrees = 0.0 if upright or rng.random() < 0.4 else float(rng.normal(0, 14))
        cutout = turned(cutout, degrees, mirrored=bool(rng.random() < 0.5) and _may_mirror(cutout))
        height, width = cutout.pixels.shape[:2]
        # Something that stands on the ground stands there with its feet.
        top = spot.y - height if upright else spot.y - height / 2
        layer = Layer(cutout=cutout, x=round(spot.x - width / 2), y=round(top))
        if is_clear(layer, canvas):
            return layer
    return None


def _may_mirror(cutout: Cutout) -> bool:
    """Writing and clock faces look wrong in a mirror."""
    return cutout.noun.name not in (
        "clock", "alarm clock", "wristwatch", "ruler", "traffic light", "keyboard", "billiard ball",
        "ambulance", "police car", "taxi", "money bag",
    )  # fmt: skip


def _scattered(rng: np.random.Generator, size: ImageSize, behind: Background) -> list[_Spot]:
    """Anywhere, some over others."""
    least, most = 0.1 * min(size), 0.42 * min(size)
    return [
        _Spot(
            x=float(rng.uniform(0.05, 0.95)) * size.width,
            y=float(rng.uniform(0.05, 0.95)) * size.height,
            side_px=max(34.0, float(np.exp(rng.uniform(np.log(least), np.log(most))))),
        )
        for _ in range(int(rng.integers(3, 13)))
    ]


def _crowd(rng: np.random.Generator, size: ImageSize, behind: Background) -> list[_Spot]:
    """Up to some dozens, each near its place in a grid."""
    cell = float(rng.uniform(58, 110))
    columns, rows = int(size.width // cell), int(size.height // cell)
    places = shuffled(rng, [(c, r) for c in range(columns) for r in range(rows)])
    count = max(4, round(len(places) * float(rng.uniform(0.3, 0.95))))
    return [
        _Spot(
            x=(column + 0.5 + float(rng.uniform(-0.22, 0.22))) * cell,
            y=(row + 0.5 + float(rng.uniform(-0.22, 0.22))) * cell,
            side_px=cell * float(rng.uniform(0.6, 1.0)),
        )
        for column, row in places[:count]
    ]


def _rows(rng: np.random.Generator, size: ImageSize, behind: Background) -> list[_Spot]:
    """Side by side in one to three lines, as on shelves."""
    lines = int(rng.integers(1, 4))
    spots = []
    for line in range(lines):
        count = int(rng.integers(3, 8))
        step = size.width / count
        y = (line + 0.5) / lines * size.height
        side = min(step * 0.95, size.height / lines * 0.8)
        spots += [
            _Spot(
                x=(place + 0.5) * step + float(rng.uniform(-0.1, 0.1)) * step,
                y=y + float(rng.uniform(-0.04, 0.04)) * size.height,
                side_px=max(34.0, side * float(rng.uniform(0.6, 1.0))),
            )
            for place in range(count)
        ]
    return spots


def _landscape(rng: np.random.Generator, size: ImageSize, behind: Background) -> list[_Spot]:
    """On the ground, from far and small to near and large."""
    start = behind.horizon or 0.3
    depths = np.sort(rng.uniform(0.03, 0.95, int(rng.integers(3, 11))))
    return [
        _Spot(
            x=float(rng.uniform(0.06, 0.94)) * size.width,
            y=(start + (1 - start) * float(depth)) * size.height,
            side_px=max(36.0, (0.1 + 0.3 * float(depth)) * min(size))
            * float(rng.uniform(0.8, 1.15)),
        )
        for depth in depths
    ]


_SPOTS: dict[str, Callable[[np.random.Generator, ImageSize, Background], list[_Spot]]] = {
    "scattered": _scattered,
    "crowd": _crowd,
    "rows": _rows,
    "landscape": _landscape,
}


def _flats(
    rng: np.random.Generator, size: ImageSize, canvas: PILImage.Image
) -> tuple[list[Layer], list[_Spot]]:
    """One or two flat things, painted, with places for others on them and beside them."""
    count = 1 if size.width < 1.2 * size.height else int(rng.integers(1, 3))
    layers, spots = [], []
    names = shuffled(rng, drawings.FLAT)[:count]
    for number, name in enumerate(names):
        room = size.width / count * 0.92, size.height * 0.7
        for _ in range(_TRIES):
            cutout = drawings.draw(rng, name)
            height, width = cutout.pixels.shape[:2]
            scale = min(room[0] / width, room[1] / height) * float(rng.uniform(0.65, 1.0))
            cutout = resized(cutout, round(height * scale), round(width * scale))
            height, width = cutout.pixels.shape[:2]
            x = (number + 0.5) * size.width / count + float(rng.uniform(-0.02, 0.02)) * size.width
            y = size.height * float(rng.uniform(0.42, 0.58))
            layer = Layer(cutout=cutout, x=round(x - width / 2), y=round(y - height / 2))
            if is_clear(layer, canvas):
                break
        layers.append(layer)
        paint(canvas, layer)
        inner = 0.3 if name == "plate" else 0.36
        spots += [
            _Spot(
                x=x + float(rng.uniform(-inner, inner)) * width,
                y=y + float(rng.uniform(-inner, inner)) * height,
                side_px=max(34.0, min(height, width) * float(rng.uniform(0.16, 0.3))),
            )
            for _ in range(int(rng.integers(2, 7)))
        ]
    spots += [
        _Spot(
            x=float(rng.uniform(0.08, 0.92)) * size.width,
            y=float(rng.choice([0.09, 0.91])) * size.height,
            side_px=max(36.0, 0.16 * min(size)),
        )
        for _ in range(int(rng.integers(1, 5)))
    ]
    return layers, spots
