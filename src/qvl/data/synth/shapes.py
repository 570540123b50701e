"""Pictures of coloured shapes with questions about place, number, colour and kind."""

import math

import numpy as np

from qvl.data.records import Provenance, Sample
from qvl.data.synth.canvas import SHAPES, Canvas
from qvl.data.synth.palette import COLOUR_NAMES, NAMED, Colour, jittered, luminance
from qvl.data.synth.text import conversation_about
from qvl.geometry import FACTOR, Box, Point
from qvl.tasks import grounding

FORMS = ("box", "point", "count", "colour", "shape")
"""Forms of question."""

# Questions of a conversation: so many about colours or kinds, then one count, then so many places.
_MOST_NAMED, _MOST_PLACED = 3, 2
# Backgrounds and their shares.
_PAPERS = {"white": 0.5, "black": 0.15, "gray": 0.1, "yellow": 0.1, "blue": 0.08, "pink": 0.07}
# Asking for more than two of the same leaves the order of a long answer to chance.
_MOST_LOCATED = 2
_TRIES = 40
# Least gap between the boxes of two shapes.
_GAP_PX = 4


class _Shape:
    """One object: what it is, where, and its exact drawn box."""

    def __init__(self, kind: int, colour: int, box: Box) -> None:
        self.kind, self.colour, self.box = kind, colour, box

    @property
    def name(self) -> str:
        return f"{COLOUR_NAMES[self.colour]} {SHAPES[self.kind]}"

    @property
    def centre(self) -> Point:
        return Point((self.box.x1 + self.box.x2) / 2, (self.box.y1 + self.box.y2) / 2)


def _outline(kind: str, box: Box) -> list[tuple[float, float]]:
    """Corners of a polygon that touches all four sides of its box."""
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    if kind == "triangle":
        unit = [(0.5, 0.0), (1.0, 1.0), (0.0, 1.0)]
    elif kind == "diamond":
        unit = [(0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)]
    elif kind == "cross":
        a, b = 0.33, 0.67
        unit = [(a, 0), (b, 0), (b, a), (1, a), (1, b), (b, b), (b, 1), (a, 1), (a, b), (0, b), (0,
        a), (a, a)]  # fmt: skip
    elif kind == "star":
        points = [
            (r * math.sin(math.pi * i / 5), -r * math.cos(math.pi * i / 5))
            for i, r in enumerate([1.0, 0.42] * 5)
        ]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        unit = [
            ((x - min(xs)) / (max(xs) - min(xs)), (y - min(ys)) / (max(ys) - min(ys)))
            for x, y in points
        ]
    else:
        unit = [(0, 0), (1, 0), (1, 1), (0, 1)]
    return [(x1 + u * w, y1 + v * h) for u, v in unit]


def _paint(canvas: Canvas, shape: _Shape, colour: Colour) -> None:
    if SHAPES[shape.kind] == "circle":
        canvas.draw.ellipse(tuple(shape.box), fill=colour)
    else:
        canvas.draw.polygon(_outline(SHAPES[shape.kind], shape.box), fill=colour)
    canvas.record(shape.box, shape.kind, shape.colour)


def _scatter(
    rng: np.random.Generator, canvas: Canvas, count: int, colours: list[int], *, distinct: bool
) -> list[_Shape]:
    """Places up to ``count`` shapes that do not touch."""
    shapes: list[_Shape] = []
    # A few kinds and colours in a picture make "red circles" among blue circles and red squares.
    kinds = rng.choice(len(SHAPES), int(rng.integers(1, 4)), replace=False)
    hues = rng.choice(colours, int(rng.integers(1, 4)), replace=False)
    if distinct:
        kinds, hues = np.arange(len(SHAPES)), np.array(colours)
    most = max(22, min(canvas.height, canvas.width) // 2)
    for _ in range(_TRIES):
        if len(shapes) == count:
            break
        side = rng.integers(20, most)
        w, h = side, int(side * rng.uniform(0.85, 1.18))
        if w >= canvas.width - 2 or h >= canvas.height - 2:
            continue
        x, y = int(rng.integers(1, canvas.width - w)), int(rng.integers(1, canvas.height - h))
        box = Box(x, y, x + int(w) - 1, y + h - 1)
        if any(_near(box, other.box) for other in shapes):
            continue
        shape = _Shape(int(rng.choice(kinds)), int(rng.choice(hues)), box)
        if not distinct or all(shape.name != other.name for other in shapes):
            shapes.append(shape)
    return shapes


def _near(a: Box, b: Box) -> bool:
    return (
        a.x1 < b.x2 + _GAP_PX
        and b.x1 < a.x2 + _GAP_PX
        and a.y1 < b.y2 + _GAP_PX
        and b.y1 < a.y2 + _GAP_PX
    )


def shapes_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    most: int = 6,
    side_tokens: tuple[int, int] = (4, 8),
    least: int = 1,
    forms: tuple[str, ...] = (),
    distinct: bool = False,
    strength: float = 0.7,
) -> Sample:
    """Returns shapes on a plain background and several questions about them.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        most: no more shapes than this.
        side_tokens: least and most merged tokens (28 px) of a side.
        least: no fewer shapes than this.
        forms: what to ask, a turn each, among `FORMS`; a conversation of several when empty.
        distinct: no two shapes have one name, and each turn asks about another shape: only what is
            asked tells which is meant.
        strength: of the camera effects.
    """
    height, width = (int(v) * FACTOR for v in rng.integers(side_tokens[0], side_tokens[1] + 1, 2))
    background = COLOUR_NAMES.index(str(rng.choice(list(_PAPERS), p=list(_PAPERS.values()))))
    paper = jittered(rng, NAMED[COLOUR_NAMES[background]], 5)
    colours = [
        i for i, name in enumerate(COLOUR_NAMES)
        if i != background and sum(abs(a - b) for a, b in zip(NAMED[name], paper, strict=True)) >
        110 and (abs(luminance(NAMED[name]) - luminance(paper)) > 12)
    ]  # fmt: skip
    canvas = Canvas(height, width, paper)
    shapes = _scatter(rng, canvas, int(rng.integers(least, most + 1)), colours, distinct=distinct)
    if len(shapes) < least:  # too crowded
        turns: list[tuple[str, str] | None] = []
    elif distinct and forms:
        asked = zip(forms, _shuffled(rng, shapes), strict=False)
        turns = [_ask_about(rng, form, shape, shapes) for form, shape in asked]
    elif forms:
        turns = [_ask(rng, form, shapes) for form in forms]
    else:
        turns = [*_converse(rng, shapes)]
    if not turns or None in turns:  # nothing to ask, or no single answer: draw anew
        return shapes_sample(
            rng,
            seed=seed,
            most=most,
            side_tokens=side_tokens,
            least=least,
            forms=forms,
            distinct=distinct,
            strength=strength,
        )
    for shape in shapes:
        _paint(canvas, shape, jittered(rng, NAMED[COLOUR_NAMES[shape.colour]], 10))
    answered = [turn for turn in turns if turn is not None]
    return Sample(
        task="shapes",
        conversation=conversation_about(canvas, answered, rng=rng, strength=strength),
        provenance=Provenance(generator="shapes.shapes_sample", seed=seed),
        targets=canvas.targets(),
        facts={"shapes": [[s.name, list(s.box)] for s in shapes]},
    )


def _converse(rng: np.random.Generator, shapes: list[_Shape]) -> list[tuple[str, str]]:
    """Returns questions in an order in which no answer stands in the text before it.

    "Locate the red circle" tells the circle's colour, and its box tells its middle. A model that
    may copy those learns to copy, and sees nothing when asked first.
    """
    named = _name_colour if rng.random() < 0.55 else _name_kind
    # Two red circles would be asked about in the same words.
    distinct = dict.fromkeys(named(shape, shapes) for shape in _shuffled(rng, shapes))
    turns = [turn for turn in distinct if turn is not None]
    turns = turns[: int(rng.integers(0, _MOST_NAMED + 1))]
    if rng.random() < 0.5:
        turns.append(_count(rng, shapes[int(rng.integers(len(shapes)))], shapes))
    places: dict[str, tuple[str, str]] = {}
    for shape in _shuffled(rng, shapes):
        turn = _locate("box" if rng.random() < 0.6 else "point", shape, shapes)
        if turn is not None:
            places.setdefault(shape.name, turn)
    return turns + list(places.values())[: int(rng.integers(0, _MOST_PLACED + 1))]


def _shuffled(rng: np.random.Generator, shapes: list[_Shape]) -> list[_Shape]:
    return [shapes[int(i)] for i in rng.permutation(len(shapes))]


def _ask(rng: np.random.Generator, form: str, shapes: list[_Shape]) -> tuple[str, str] | None:
    """Returns a question of a form about any shape and its answer, or None if none has a single
    answer."""
    for subject in _shuffled(rng, shapes):
        turn = _ask_about(rng, form, subject, shapes)
        if turn is not None:
            return turn
    return None


def _ask_about(
    rng: np.random.Generator, form: str, subject: _Shape, shapes: list[_Shape]
) -> tuple[str, str] | None:
    if form in ("box", "point"):
        return _locate(form, subject, shapes)
    if form == "count":
        return _count(rng, subject, shapes)
    return (_name_colour if form == "colour" else _name_kind)(subject, shapes)


def _locate(form: str, subject: _Shape, shapes: list[_Shape]) -> tuple[str, str] | None:
    same = sorted((s for s in shapes if s.name == subject.name), key=lambda s: (s.box.y1, s.box.x1))
    if len(same) > _MOST_LOCATED:
        return None
    if form == "box":
        boxes = [grounding.GroundedBox(box=s.box, label=s.name) for s in same]
        return grounding.prompt(f"the {subject.name}", kind="box"), grounding.format(boxes)
    points = [grounding.GroundedPoint(point=s.centre, label=s.name) for s in same]
    return grounding.prompt(f"the {subject.name}", kind="point"), grounding.format(points)


def _count(rng: np.random.Generator, subject: _Shape, shapes: list[_Shape]) -> tuple[str, str]:
    form = rng.random()
    if form < 0.35:
        things, number = "shapes", len(shapes)
    elif form < 0.7:
        things, number = SHAPES[subject.kind], sum(s.kind == subject.kind for s in shapes)
    else:
        things, number = subject.name, sum(s.name == subject.name for s in shapes)
    plural = things if things.endswith("shapes") else _plural(things)
    return f"How many {plural} are there in the image?", str(number)


def _name_colour(subject: _Shape, shapes: list[_Shape]) -> tuple[str, str] | None:
    if len({s.colour for s in shapes if s.kind == subject.kind}) > 1:
        return None
    return f"What color is the {SHAPES[subject.kind]}?", COLOUR_NAMES[subject.colour]


def _name_kind(subject: _Shape, shapes: list[_Shape]) -> tuple[str, str] | None:
    if len({s.kind for s in shapes if s.colour == subject.colour}) > 1:
        return None
    return f"What shape is the {COLOUR_NAMES[subject.colour]} object?", SHAPES[subject.kind]


def _plural(name: str) -> str:
    return name + ("es" if name.endswith("cross") else "s")
