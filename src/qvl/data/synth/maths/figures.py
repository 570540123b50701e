"""Figures drawn to scale with a question about a length, an angle or an area.

Owns: the figures, their labels, the exercises about them. Does not own: how solutions are written
(``solutions``).

    whole numbers -> Figure: outlines, labels, right angles, to scale -> drawn -> picture
    the same numbers -> Exercise;   picture + Exercise -> figure_sample()

Numbers in the picture are needed for the answer: the question names what is asked and no more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from qvl.data.records import Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.fonts import font_files, load_font
from qvl.data.synth.maths.solutions import Exercise, turn
from qvl.data.synth.palette import jittered, paper_and_ink
from qvl.data.synth.picking import pick
from qvl.data.synth.text_tasks.turns import sample_of
from qvl.geometry import FACTOR

XY = tuple[float, float]

_SCALE = 3
"""The figure is drawn so many times larger and then reduced, for smooth lines."""
_MARGIN = 0.14
_GAP_PX = 12
_UNITS = ("cm", "m", "mm")
# Source: Euclid, Elements X, lemma 1 to proposition 29, gives all; these are the small ones.
_TRIPLES = (
    (3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (6, 8, 10), (9, 12, 15), (20, 21, 29),
    (12, 16, 20),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """What is drawn, in units of its own, y upwards.

    Attributes:
        outlines: polygons.
        circles: middle and radius of each.
        lines: more lines, drawn thin.
        sides: ends of a side and its label, which stands outside of the figure's middle.
        corners: a corner and its label.
        angles: corner, the ends of its two arms, label; a right angle has the label "".
    """

    outlines: tuple[tuple[XY, ...], ...] = ()
    circles: tuple[tuple[XY, float], ...] = ()
    lines: tuple[tuple[XY, XY], ...] = ()
    sides: tuple[tuple[XY, XY, str], ...] = ()
    corners: tuple[tuple[XY, str], ...] = ()
    angles: tuple[tuple[XY, XY, XY, str], ...] = ()

    def points(self) -> list[XY]:
        """All that must be inside the picture."""
        found = [point for outline in self.outlines for point in outline]
        for (x, y), radius in self.circles:
            found += [(x - radius, y - radius), (x + radius, y + radius)]
        return found + [point for line in self.lines for point in line]


@dataclass(kw_only=True)
class _Drawing:
    """A figure on its way to pixels."""

    figure: Figure
    height: int
    width: int
    degrees: float
    font_px: int
    ink: tuple[int, int, int]
    image: PILImage.Image
    face: ImageFont.FreeTypeFont
    turn: Callable[[XY], XY] = field(init=False)

    def __post_init__(self) -> None:
        angle = math.radians(self.degrees)
        cos, sin = math.cos(angle), math.sin(angle)

        def turned(point: XY) -> XY:
            return (point[0] * cos - point[1] * sin, point[0] * sin + point[1] * cos)

        xs, ys = zip(*map(turned, self.figure.points()), strict=True)
        wide, tall = max(xs) - min(xs), max(ys) - min(ys)
        labels = [label for _, _, label in self.figure.sides] + [c for _, c in self.figure.corners]
        longest = max((self.face.getlength(label) for label in labels), default=0) / _SCALE
        # A label beside the figure has its whole length of room, one above or below its height.
        room_x = self.width - 2 * max(_MARGIN * self.width, longest + _GAP_PX)
        room_y = self.height - 2 * max(_MARGIN * self.height, self.font_px + _GAP_PX)
        scale = _SCALE * min(room_x / wide, room_y / tall)
        left = (self.width * _SCALE - wide * scale) / 2
        top = (self.height * _SCALE - tall * scale) / 2

        def placed(point: XY) -> XY:
            x, y = turned(point)
            return (left + (x - min(xs)) * scale, top + (max(ys) - y) * scale)

        self.turn = placed
        self.scale = scale
        self.draw = ImageDraw.Draw(self.image)
        middle = [placed(point) for point in self.figure.points()]
        self.middle = (
            sum(x for x, _ in middle) / len(middle),
            sum(y for _, y in middle) / len(middle),
        )

    def paint(self, fill: tuple[int, int, int] | None) -> None:
        line = 2 * _SCALE
        for (x, y), radius in self.figure.circles:
            cx, cy = self.turn((x, y))
            r = radius * self.scale
            self.draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill, self.ink, line)
            self.draw.ellipse((cx - line, cy - line, cx + line, cy + line), self.ink)
        for outline in self.figure.outlines:
            points = [self.turn(point) for point in outline]
            self.draw.polygon(points, fill)
            self.draw.line([*points, points[0], points[1]], self.ink, line, "curve")
        for one, other in self.figure.lines:
            self.draw.line([self.turn(one), self.turn(other)], self.ink, _SCALE)
        for corner, one, other, label in self.figure.angles:
            self._angle(corner, one, other, label)
        for one, other, label in self.figure.sides:
            (ax, ay), (bx, by) = self.turn(one), self.turn(other)
            self._beside((ax + bx) / 2, (ay + by) / 2, (by - ay, ax - bx), label)
        for corner, label in self.figure.corners:
            x, y = self.turn(corner)
            self._beside(x, y, (x - self.middle[0], y - self.middle[1]), label)

    def _beside(self, x: float, y: float, away: XY, label: str) -> None:
        """Writes at a point, moved off the figure's middle by the label's own size."""
        length = math.hypot(*away) or 1.0
        dx, dy = away[0] / length, away[1] / length
        if dx * (x - self.middle[0]) + dy * (y - self.middle[1]) < 0:
            dx, dy = -dx, -dy
        left, top, right, bottom = self.draw.textbbox((0, 0), label, font=self.face)
        # So far does a box reach along a direction.
        far = abs(dx) * (right - left) / 2 + abs(dy) * (bottom - top) / 2 + 4 * _SCALE
        self.draw.text((x + dx * far, y + dy * far), label, self.ink, self.face, "mm")

    def _angle(self, corner: XY, one: XY, other: XY, label: str) -> None:
        x, y = self.turn(corner)
        arms = []
        for end in (one, other):
            ex, ey = self.turn(end)
            length = math.hypot(ex - x, ey - y)
            arms.append(((ex - x) / length, (ey - y) / length))
        (ax, ay), (bx, by) = arms
        size = 11 * _SCALE
        if not label:
            near, next_ = (x + ax * size, y + ay * size), (x + bx * size, y + by * size)
            across = (near[0] + bx * size, near[1] + by * size)
            self.draw.line([near, across, next_], self.ink, _SCALE)
            return
        begin, stop = (math.degrees(math.atan2(v, u)) for u, v in arms)
        if (stop - begin) % 360 > 180:
            begin, stop = stop, begin
        size = 16 * _SCALE
        self.draw.arc((x - size, y - size, x + size, y + size), begin, stop, self.ink, _SCALE)
        mx, my = ax + bx, ay + by
        length = math.hypot(mx, my) or 1.0
        # In a narrow angle the label stands farther off, where there is room.
        opening = math.acos(max(-1.0, min(1.0, ax * bx + ay * by)))
        far = size + self.font_px * _SCALE * (0.75 + 0.45 / math.tan(max(opening, 0.5) / 2))
        place = (x + mx / length * far, y + my / length * far)
        self.draw.text(place, label, self.ink, self.face, "mm")


def _whole(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _right_triangle(rng: np.random.Generator) -> tuple[Figure, Exercise]:
    a, b, c = pick(rng, _TRIPLES)
    if rng.random() < 0.5:
        a, b = b, a
    unit = pick(rng, _UNITS)
    A, B, C = (0.0, float(b)), (float(a), 0.0), (0.0, 0.0)
    names = {"BC": (a, B, C), "AC": (b, A, C), "AB": (c, A, B)}
    asked = pick(rng, tuple(names))
    sides = [(p, q, "?" if name == asked else f"{n} {unit}") for name, (n, p, q) in names.items()]
    figure = Figure(
        outlines=((A, B, C),), sides=tuple(sides), angles=((C, A, B, ""),),
        corners=((A, "A"), (B, "B"), (C, "C")),
    )  # fmt: skip
    if asked == "AB":
        steps = (
            "The angle at C is a right angle, so AB^2 = AC^2 + BC^2.",
            f"AB^2 = {b}^2 + {a}^2 = {b * b} + {a * a} = {c * c}",
            f"AB = {c}",
        )
    else:
        leg = a if asked == "AC" else b
        rest = "BC" if asked == "AC" else "AC"
        steps = (
            f"The angle at C is a right angle, so {asked}^2 = AB^2 - {rest}^2.",
            f"{asked}^2 = {c}^2 - {leg}^2 = {c * c} - {leg * leg} = {c * c - leg * leg}",
            f"{asked} = {names[asked][0]}",
        )
    return figure, Exercise(
        question=f"How long is the side {asked} of the triangle in the figure?",
        steps=steps,
        answer=f"{names[asked][0]} {unit}",
        kind="right triangle",
    )


def _angles(rng: np.random.Generator) -> tuple[Figure, Exercise]:
    """The third angle of a triangle."""
    one, other = _whole(rng, 35, 80), _whole(rng, 35, 80)
    third = 180 - one - other
    tangents = math.tan(math.radians(one)), math.tan(math.radians(other))
    x = tangents[1] / (tangents[0] + tangents[1])
    A, B, C = (0.0, 0.0), (1.0, 0.0), (x, x * tangents[0])
    figure = Figure(
        outlines=((A, B, C),),
        angles=((A, B, C, f"{one}°"), (B, C, A, f"{other}°"), (C, A, B, "x")),
    )
    return figure, Exercise(
        question="Find the angle x in the figure, in degrees.",
        steps=(
            "The angles of a triangle add up to 180°.",
            f"x = 180° - {one}° - {other}° = {third}°",
        ),
        answer=f"{third}°",
        kind="angles",
    )


def _rectangle(rng: np.random.Generator) -> tuple[Figure, Exercise]:
    a = _whole(rng, 3, 20)
    b = _whole(rng, max(2, a // 3), min(20, 3 * a))
    unit = pick(rng, _UNITS)
    P = ((0.0, 0.0), (float(a), 0.0), (float(a), float(b)), (0.0, float(b)))
    figure = Figure(
        outlines=(P,),
        sides=((P[0], P[1], f"{a} {unit}"), (P[1], P[2], f"{b} {unit}")),
        angles=tuple((P[i], P[i - 1], P[(i + 1) % 4], "") for i in range(4)),
    )
    if rng.random() < 0.5:
        return figure, Exercise(
            question="What is the area of the rectangle?",
            steps=("Area is length times width.", f"{a} * {b} = {a * b}"),
            answer=f"{a * b} {unit}^2",
            kind="area",
        )
    return figure, Exercise(
        question="What is the perimeter of the rectangle?",
        steps=("The perimeter is twice the sum of both sides.", f"2 * ({a} + {b}) = {2 * (a + b)}"),
        answer=f"{2 * (a + b)} {unit}",
        kind="perimeter",
    )


def _ell(rng: np.random.Generator) -> tuple[Figure, Exercise]:
    """An L of two rectangles."""
    a, b = _whole(rng, 6, 16), _whole(rng, 6, 16)
    c, d = _whole(rng, 2, a - 3), _whole(rng, 2, b - 3)
    unit = pick(rng, _UNITS)
    corners = ((0, 0), (a, 0), (a, d), (c, d), (c, b), (0, b))
    P = tuple((float(x), float(y)) for x, y in corners)
    figure = Figure(
        outlines=(P,),
        sides=(
            (P[0], P[1], f"{a} {unit}"), (P[1], P[2], f"{d} {unit}"),
            (P[4], P[5], f"{c} {unit}"), (P[5], P[0], f"{b} {unit}"),
        ),
        angles=tuple((P[i], P[i - 1], P[(i + 1) % 6], "") for i in range(6) if i != 3),
    )  # fmt: skip
    return figure, Exercise(
        question="What is the area of the figure? All corners are right angles.",
        steps=(
            f"Cut it into a lower rectangle of {a} by {d} and an upper one of {c} by {b} - {d} = "
            f"{b - d}.",
            f"{a} * {d} = {a * d}",
            f"{c} * {b - d} = {c * (b - d)}",
            f"{a * d} + {c * (b - d)} = {a * d + c * (b - d)}",
        ),
        answer=f"{a * d + c * (b - d)} {unit}^2",
        kind="composite area",
    )


def _circle(rng: np.random.Generator) -> tuple[Figure, Exercise]:
    radius, unit = _whole(rng, 2, 15), pick(rng, _UNITS)
    by_diameter = rng.random() < 0.4
    r = float(radius)
    turn_by = math.radians(_whole(rng, 0, 70))
    end = (r * math.cos(turn_by), r * math.sin(turn_by))
    start = (-end[0], -end[1]) if by_diameter else (0.0, 0.0)
    label = f"{2 * radius if by_diameter else radius} {unit}"
    # The label stands beside the half of the line that ends at the circle.
    figure = Figure(
        circles=(((0.0, 0.0), r),), lines=((start, end),), sides=(((0.0, 0.0), end, label),)
    )
    first = (
        (f"The line through the middle is the diameter, so the radius is {2 * radius} / 2 = "
         f"{radius}.",)
        if by_diameter
        else (f"The line from the middle is the radius, {radius}.",)
    )  # fmt: skip
    if rng.random() < 0.5:
        return figure, Exercise(
            question="What is the area of the circle? Give it as a multiple of π.",
            steps=(*first, f"The area is π r^2 = π * {radius}^2 = {radius * radius}π"),
            answer=f"{radius * radius}π {unit}^2",
            kind="circle",
        )
    return figure, Exercise(
        question="What is the circumference of the circle? Give it as a multiple of π.",
        steps=(*first, f"The circumference is 2 π r = 2 * {radius} * π = {2 * radius}π"),
        answer=f"{2 * radius}π {unit}",
        kind="circle",
    )


def _triangle_area(rng: np.random.Generator) -> tuple[Figure, Exercise]:
    base, height = 2 * _whole(rng, 3, 10), _whole(rng, 4, 14)
    foot = _whole(rng, base // 4, base - base // 4)
    unit = pick(rng, _UNITS)
    A, B, C, F = (0.0, 0.0), (float(base), 0.0), (float(foot), float(height)), (float(foot), 0.0)
    figure = Figure(
        outlines=((A, B, C),), lines=((C, F),), angles=((F, B, C, ""),),
        sides=((A, B, f"{base} {unit}"), (F, (F[0], 0.6 * height), f"{height} {unit}")),
    )  # fmt: skip
    return figure, Exercise(
        question="What is the area of the triangle in the figure?",
        steps=(
            f"The base is {base} {unit} and the height is {height} {unit}.",
            f"{base} * {height} / 2 = {base * height // 2}",
        ),
        answer=f"{base * height // 2} {unit}^2",
        kind="triangle area",
    )


def _parallels(rng: np.random.Generator) -> tuple[Figure, Exercise]:
    """Two parallel lines and one across."""
    angle = _whole(rng, 40, 75)
    same = rng.random() < 0.5
    slope = 1 / math.tan(math.radians(angle))
    low, high = (0.0, 0.0), (slope * 1.2, 1.2)
    over, under = (slope * 1.9, 1.9), (-slope * 0.7, -0.7)
    left, right = -1.6, 1.6 + slope
    figure = Figure(
        lines=(
            ((left, 0.0), (right, 0.0)), ((left, 1.2), (right, 1.2)), (under, over),
        ),
        angles=(
            (low, (right, 0.0), over, f"{angle}°"),
            (high, (right, 1.2), over, "x") if same else (high, (left, 1.2), over, "x"),
        ),
    )  # fmt: skip
    value = angle if same else 180 - angle
    steps = (
        ("The two lines are parallel, so corresponding angles are equal.", f"x = {angle}°")
        if same
        else (
            "The two lines are parallel, so at the upper one the corresponding angle is "
            f"{angle}° too.",
            f"x and that angle make a straight line: x = 180° - {angle}° = {value}°",
        )
    )
    return figure, Exercise(
        question="The two horizontal lines are parallel. How large is the angle x, in degrees?",
        steps=steps,
        answer=f"{value}°",
        kind="parallels",
    )


_FORMS: tuple[tuple[Callable[[np.random.Generator], tuple[Figure, Exercise]], bool], ...] = (
    (_right_triangle, True), (_angles, True), (_rectangle, True), (_ell, False), (_circle, False),
    (_triangle_area, False), (_parallels, False),
)  # fmt: skip
"""Figures, and whether they may be turned: the question names no direction then."""


def figure_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    side_tokens: tuple[int, int] = (10, 15),
    brief: float = 0.25,
    strength: float = 0.4,
) -> Sample:
    """Returns a figure to scale and an exercise about it.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        side_tokens: least and most merged tokens (28 px) of a side.
        brief: share of answers that give the result alone.
        strength: of the camera effects.
    """
    form, may_turn = pick(rng, _FORMS)
    figure, exercise = form(rng)
    height, width = (int(v) * FACTOR for v in rng.integers(side_tokens[0], side_tokens[1] + 1, 2))
    pixels = _drawn(rng, figure, height, width, may_turn=may_turn)
    picture = photograph(rng, PILImage.fromarray(pixels), strength=strength)
    return sample_of(
        [turn(rng, exercise, brief=brief)],
        task="figure",
        generator="maths.figures.figure_sample",
        seed=seed,
        facts={"answers": [exercise.answer], "kinds": [exercise.kind]},
        pictures=[np.asarray(picture, np.uint8)],
    )


def _drawn(
    rng: np.random.Generator, figure: Figure, height: int, width: int, *, may_turn: bool
) -> npt.NDArray[np.uint8]:
    paper, ink = paper_and_ink(rng, plain=0.8)
    image = PILImage.new("RGB", (width * _SCALE, height * _SCALE), paper)
    font_px = int(rng.integers(14, 19))
    drawing = _Drawing(
        figure=figure,
        height=height,
        width=width,
        degrees=float(rng.uniform(-40, 40)) if may_turn and rng.random() < 0.5 else 0.0,
        font_px=font_px,
        face=load_font(pick(rng, font_files("train")[:10]), font_px * _SCALE).face,
        ink=ink,
        image=image,
    )
    tint = rng.random() < 0.35
    # A light tint of the paper keeps the labels inside readable.
    fill = jittered(rng, paper, 24) if tint else None
    drawing.paint(fill)
    return np.asarray(image.resize((width, height), PILImage.Resampling.BOX), np.uint8)
