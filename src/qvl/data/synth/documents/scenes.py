"""Drawn scenes as SVG, each with a sentence that says what can be seen.

Owns: the scenes. Does not own: pictures with words (``drawings``), where they stand (``layouts``).

    rng, aspect -> scene() -> SVG, description

Everything that a description names is drawn where nothing covers it, and nothing is cropped.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qvl.data.synth.picking import listed, pick, shuffled

HEIGHT = 320
"""Of every scene, in its own units."""

_LIGHT = {
    "in the morning": ("#f6c8a2", "#fbe9d0", "#ffdf9e"),
    "at noon": ("#5ea6dd", "#d5ecfa", "#fff6c9"),
    "in the evening": ("#3d3a6b", "#f08a5d", "#ffcf6b"),
    "at night": ("#0b1230", "#27345f", "#f3f1dc"),
    "under a grey sky": ("#8d99a3", "#cdd4d8", "#e3e6e8"),
}
"""Time -> colours of the sky above, at the horizon, and of what shines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """An empty scene: its width, and when it is."""

    width: float
    when: str

    @property
    def is_dark(self) -> bool:
        """Whether windows are lit."""
        return self.when in ("at night", "in the evening")

    def places(self, rng: np.random.Generator, most: int, side: float) -> list[float]:
        """Up to ``most`` places that are apart, from left to right."""
        room = max(1, int(self.width // side))
        chosen = shuffled(rng, range(room))[: int(rng.integers(0, most + 1))]
        step = self.width / room
        return [(place + 0.5) * step for place in sorted(chosen)]


def scene(rng: np.random.Generator, aspect: float) -> tuple[str, str]:
    """Returns a scene of this width over height, and what it shows."""
    paint = pick(rng, (_mountains, _sea, _street, _still_life, _garden, _forest))
    view = View(width=HEIGHT * aspect, when=pick(rng, tuple(_LIGHT)))
    body, seen = paint(rng, view)
    return (
        f'<svg viewBox="0 0 {view.width:.1f} {HEIGHT}" preserveAspectRatio="none" '
        f'width="100%" height="100%">{body}</svg>',
        seen,
    )


def _rect(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{fill}" {more}/>'
    )


def _ellipse(x: float, y: float, rx: float, ry: float, fill: str, opacity: float = 1) -> str:
    return (
        f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" ry="{ry:.1f}" fill="{fill}" '
        f'opacity="{opacity:.2f}"/>'
    )


def _circle(x: float, y: float, r: float, fill: str, opacity: float = 1) -> str:
    return _ellipse(x, y, r, r, fill, opacity)


def _polygon(corners: list[tuple[float, float]], fill: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<polygon points="{points}" fill="{fill}"/>'


def _path(d: str, fill: str, more: str = "") -> str:
    return f'<path d="{d}" fill="{fill}" {more}/>'


def _sky(rng: np.random.Generator, view: View, horizon: float) -> tuple[str, str]:
    """The sky down to the horizon, and what is seen in it."""
    top, low, glow = _LIGHT[view.when]
    name = f"sky{rng.integers(10**9)}"
    body = (
        f'<defs><linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1"><stop stop-color="{top}"/>'
        f'<stop offset="1" stop-color="{low}"/></linearGradient></defs>'
        + _rect(0, 0, view.width, horizon + 2, f"url(#{name})")
    )
    if view.when == "under a grey sky":
        return body, ""
    x, y = float(rng.uniform(0.12, 0.88)) * view.width, float(rng.uniform(28, 56))
    body += _circle(x, y, float(rng.uniform(14, 22)), glow)
    if view.when == "at night":
        for _ in range(40):
            star = rng.uniform(0, view.width), rng.uniform(0, horizon)
            body += _circle(*star, 0.9, "#fff", 0.8)
        return body, "the moon and stars"
    clouds = rng.uniform(20, view.width - 20, int(rng.integers(0, 4)))
    body += "".join(_cloud(rng, float(cloud)) for cloud in clouds if abs(cloud - x) > 90)
    return body, "the sun"


def _cloud(rng: np.random.Generator, x: float) -> str:
    y, opacity = float(rng.uniform(20, 80)), float(rng.uniform(0.5, 0.9))
    puffs = (
        _ellipse(
            x + dx,
            y + float(rng.uniform(-5, 5)),
            float(rng.uniform(14, 26)),
            float(rng.uniform(7, 13)),
            "#fff",
        )
        for dx in (-22, 0, 20, 36)
    )
    return f'<g opacity="{opacity:.2f}">{"".join(puffs)}</g>'


def _ridge(
    rng: np.random.Generator, view: View, base: float, height: float, colour: str, rough: float
) -> str:
    """A hilly outline from side to side, by midpoint displacement.

    Source: Fournier, Fussell and Carpenter 1982.
    """
    heights = [float(rng.uniform(0.2, 0.9)) * height for _ in range(3)]
    spread = rough * height
    for _ in range(5):
        middles = [(a + b) / 2 + float(rng.normal(0, spread)) for a, b in pairwise(heights)]
        pairs = zip(heights, middles, strict=False)
        heights = [h for pair in pairs for h in pair] + heights[-1:]
        spread /= 2
    step = view.width / (len(heights) - 1)
    shrink = min(1.0, height / max(heights))
    outline = [(i * step, base - max(2, h * shrink)) for i, h in enumerate(heights)]
    return _polygon([(0, base + 1), *outline, (view.width, base + 1)], colour)


def _with(things: list[str], sky: str) -> str:
    """What stands in the foreground, then the sky."""
    seen = f" with {listed(things)}" if things else ""
    return seen + (f", {sky} above" if sky else "") + "."


def _counted(count: int, one: str, many: str) -> list[str]:
    return [] if not count else [one if count == 1 else f"{count} {many}"]


def _mountains(rng: np.random.Generator, view: View) -> tuple[str, str]:
    horizon = 215.0
    body, sky = _sky(rng, view, horizon)
    far, near = ("#4a4f73", "#2b2f4a") if view.is_dark else ("#8fa3b8", "#5d7a63")
    body += _ridge(rng, view, horizon, 125, far, 0.28) + _ridge(rng, view, horizon, 50, near, 0.2)
    lake = bool(rng.random() < 0.5)
    water, grass = ("#2c4a6b", "#2f4a34") if view.is_dark else ("#6fa8c9", "#86a957")
    body += _rect(0, horizon, view.width, HEIGHT - horizon, water if lake else grass)
    for _ in range(14 * lake):
        x, y = rng.uniform(0, view.width), rng.uniform(horizon + 6, HEIGHT - 4)
        body += _rect(x, y, float(rng.uniform(20, 70)), 1.5, "#fff", 'opacity="0.35"')
    trees = view.places(rng, 5, 60)
    body += "".join(_fir(rng, x, horizon + 40, float(rng.uniform(40, 90))) for x in trees)
    things = ["a mountain range", "a lake" if lake else "a meadow"]
    things += _counted(len(trees), "a fir tree", "fir trees")
    return body, f"A landscape {view.when}{_with(things, sky)}"


def _fir(rng: np.random.Generator, x: float, base: float, size: float) -> str:
    green = pick(rng, ("#1f4d36", "#2d5e3e", "#234a2f"))
    body = _rect(x - 2, base - 0.1 * size, 4, 0.1 * size, "#5b4030")
    for half, low in ((0.28, 0.1), (0.22, 0.35), (0.15, 0.6)):
        bottom, top = base - low * size, base - (low + 0.45) * size
        corners = [(x - half * size, bottom), (x, top), (x + half * size, bottom)]
        body += _polygon(corners, green)
    return body


def _sea(rng: np.random.Generator, view: View) -> tuple[str, str]:
    horizon = 170.0
    body, sky = _sky(rng, view, horizon)
    deep = {"at night": "#12233f", "in the evening": "#3f4f7a"}.get(view.when, "#3c7fa8")
    body += _rect(0, horizon, view.width, HEIGHT - horizon, deep)
    for row in range(9):
        waves = f" q 8 {-3 - row * 0.4:.1f} 16 0 t 16 0" * (int(view.width / 32) + 2)
        start = f"M{rng.uniform(-30, 0):.0f} {horizon + 10 + row * 16}"
        body += _path(start + waves, "none", 'stroke="#fff" opacity="0.3"')
    tower = bool(rng.random() < 0.4)
    if tower:
        body += _lighthouse(36, horizon)
    boats = [x for x in view.places(rng, 3, 100) if not tower or x > 110]
    for x in boats:
        y, size = horizon + float(rng.uniform(18, 80)), float(rng.uniform(14, 28))
        hull = f"M{x - size} {y} h{2 * size} l{-size * 0.4} {size / 2} h{-size * 1.2} z"
        sail = f"M{x} {y - 3} v{-2 * size} l{size * 0.9} {2 * size} z"
        body += _path(hull, "#6b4226")
        body += _path(sail, pick(rng, ("#fff", "#d9534f", "#f2e6c9")))
    things = _counted(len(boats), "a sailing boat", "sailing boats")
    things += ["a lighthouse"] * tower
    return body, f"The open sea {view.when}{_with(things, sky)}"


def _lighthouse(x: float, horizon: float) -> str:
    corners = [(x - 13, horizon), (x - 8, horizon - 80), (x + 8, horizon - 80), (x + 13, horizon)]
    return (
        _ellipse(x, horizon + 10, 60, 22, "#54504a")
        + _polygon(corners, "#f4f1ea")
        + _rect(x - 10, horizon - 55, 20, 16, "#c0392b")
        + _rect(x - 9, horizon - 93, 18, 14, "#333")
    )


def _street(rng: np.random.Generator, view: View) -> tuple[str, str]:
    ground = 268.0
    body, sky = _sky(rng, view, ground)
    count = max(2, int(view.width / float(rng.uniform(75, 130))))
    width = view.width / count
    colours = ("#c9a27e", "#b5654a", "#d8c9a8", "#8da399", "#a9b4c2", "#c97b63", "#e0b96a")
    for house in range(count):
        body += _house(rng, view, house * width, width, ground, pick(rng, colours))
    body += _rect(0, ground, view.width, HEIGHT - ground, "#77736d")
    body += _rect(0, ground + 22, view.width, 3, "#e8e2d0", 'opacity="0.7"')
    return body, f"A street {view.when}{_with([f'a row of {count} houses'], sky)}"


def _house(
    rng: np.random.Generator, view: View, x: float, width: float, ground: float, wall: str
) -> str:
    top = ground - float(rng.uniform(85, 150))
    roof = top - float(rng.uniform(14, 32))
    body = _rect(x, top, width, ground - top, wall)
    body += _polygon([(x, top), (x + width / 2, roof), (x + width, top)], "#6d3b32")
    columns = int(rng.integers(2, 4))
    for row in range(int((ground - top) // 48)):
        for column in range(columns):
            glass = "#ffd97a" if view.is_dark and rng.random() < 0.6 else "#3d4a57"
            left = x + width * (column + 0.5) / columns - 8
            body += _rect(left, top + 14 + row * 44, 16, 22, glass, 'stroke="#f5f1e8"')
    return body


_FRUIT = {
    "apples": "#b8322a",
    "oranges": "#e8862a",
    "lemons": "#ecd03f",
    "plums": "#5a2f5e",
    "limes": "#7f9f35",
}


def _still_life(rng: np.random.Generator, view: View) -> tuple[str, str]:
    walls = (("#e9e0d0", "#8a5a3b"), ("#cfd8dc", "#a47148"), ("#5f6b66", "#3e2c22"))
    wall, table = pick(rng, walls)
    body = _rect(0, 0, view.width, HEIGHT, wall) + _rect(0, 220, view.width, 100, table)
    vase_at = view.width - 65
    kinds = shuffled(rng, tuple(_FRUIT))[: int(rng.integers(1, 3))]
    counts = [int(rng.integers(2, 5)) for _ in kinds]
    radius = min(21.0, (vase_at - 60) / (2.2 * sum(counts)))
    x = 30 + radius
    for kind, count in zip(kinds, counts, strict=True):
        for _ in range(count):
            body += _ellipse(x + 4, 248, radius, 5, "#000", 0.25)
            body += _circle(x, 248 - radius, radius, _FRUIT[kind])
            shine = radius * 0.2, radius * 0.3
            body += _ellipse(x - radius * 0.35, 248 - radius * 1.4, *shine, "#fff", 0.5)
            x += 2.1 * radius
    flowers = int(rng.integers(0, 6))
    body += "".join(_flower(rng, vase_at, place, flowers) for place in range(flowers))
    vase = f"M{vase_at - 16} 150 h32 q-4 20 14 50 q6 50 -14 56 h-32 q-20 -6 -14 -56 q18 -30 14 -50"
    body += _path(vase, pick(rng, ("#35607a", "#a34b3a", "#e6e1d3", "#3f3f3f")))
    fruit = listed([f"{n} {kind}" for n, kind in zip(counts, kinds, strict=True)])
    held = f" with {listed(_counted(flowers, 'a flower', 'flowers'))}" if flowers else ""
    return body, f"A still life: {fruit} on a table, beside a vase{held}."


def _flower(rng: np.random.Generator, x: float, place: int, count: int) -> str:
    angle = math.radians(-90 + (place - (count - 1) / 2) * 22)
    fx, fy = x + 75 * math.cos(angle), 150 + 80 * math.sin(angle)
    colour = pick(rng, ("#d9486e", "#f0c23b", "#f7f3ea", "#8d62b5"))
    body = _path(f"M{x} 160 L{fx:.0f} {fy:.0f}", "none", 'stroke="#4a7a3d" stroke-width="3"')
    for petal in np.linspace(0, 2 * np.pi, 6, endpoint=False):
        body += _circle(fx + 9 * math.cos(petal), fy + 9 * math.sin(petal), 7, colour)
    return body + _circle(fx, fy, 6, "#7a4a1e")


def _garden(rng: np.random.Generator, view: View) -> tuple[str, str]:
    horizon = 190.0
    body, sky = _sky(rng, view, horizon)
    body += _rect(0, horizon, view.width, HEIGHT, "#35502f" if view.is_dark else "#7fae52")
    trees = view.places(rng, 3, 110)
    for x in trees:
        leaf, r = (
            pick(rng, ("#3f7a3a", "#5b8f3c", "#a8552e", "#c98f2e")),
            float(rng.uniform(30, 40)),
        )
        body += _rect(x - 6, horizon - 30, 12, 80, "#5d4230")
        for dx, dy in np.clip(rng.normal(0, r * 0.4, (9, 2)), -r, r):
            body += _circle(x + dx, horizon - 45 + dy, r * 0.5, leaf, 0.9)
    colours = ("#e24a5a", "#f6d04d", "#f4f0ff", "#b67bd6")
    for _ in range(60):
        x, y = rng.uniform(0, view.width), rng.uniform(horizon + 55, 316)
        body += _circle(x, y, float(rng.uniform(2, 4)), pick(rng, colours))
    things = _counted(len(trees), "a tree", "trees")
    return body, f"A meadow full of flowers {view.when}{_with(things, sky)}"


def _forest(rng: np.random.Generator, view: View) -> tuple[str, str]:
    horizon = 170.0
    body, sky = _sky(rng, view, horizon)
    body += _ridge(rng, view, horizon + 10, 70, "#6d8a77", 0.2)
    body += _rect(0, horizon + 8, view.width, HEIGHT, "#4d6b3f")
    x = view.width / 2
    end = f"{x - 5} {horizon + 10} L{x + 7} {horizon + 10}"
    body += _path(f"M{x - 40} 320 Q{x + 20} 250 {end} Q{x + 60} 250 {x + 60} 320 Z", "#b99b72")
    for y in np.sort(rng.uniform(horizon + 40, 318, int(view.width / 18))):
        side = float(rng.choice([-1, 1])) * float(rng.uniform(0.14, 0.48)) * view.width
        body += _fir(rng, x + side, float(y), float(rng.uniform(40, 85)))
    return body, f"A path through a fir forest {view.when}{_with([], sky)}"
