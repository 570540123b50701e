"""Referring expressions: what they say, in words, and of which things they are true.

Owns: the expressions, their wording, their truth in a scene. Does not own: choosing one that fits
(``referring``).

    expression, things -> truths() -> True, False or None for each thing
    expression, things -> referents() -> the things meant, or None where people could differ

Truth has three values. None means that two people looking at the picture could disagree: things
nearly beside each other, of nearly one size, of a colour between two. An expression is used only
where no thing is None, so answers are right by construction and stay right when a box is a few
pixels off.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from qvl.data.synth.grounding.scene import Thing
from qvl.geometry import Box

Truth = bool | None
Side = Literal["left", "right", "top", "bottom"]
Place = Literal["to the left of", "to the right of", "above", "below"]

# How clear a difference has to be. Chosen so that a box may be wrong by `SLACK_PX` at each side
# and the answer is the same; tests shake the boxes by that much.
SLACK_PX = 2.0
_SIZE_RATIO = 1.4
_DISTANCE_RATIO = 1.3
_GAP_PX = 12.0
_MIDDLE = (0.3, 0.7)
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_ENDS: dict[Side, str] = {
    "left": "leftmost", "right": "rightmost", "top": "topmost", "bottom": "bottommost",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Select:
    """Things by kind and colour: "red cars", "animals", "cars that are not red"."""

    name: str
    """Of a kind or a group; "object" for everything."""
    plural: str
    colour: str = ""
    is_negated: bool = False
    """True for things that do not have the colour."""


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest or the smallest of some."""

    of: Select
    smallest: bool = False


@dataclass(frozen=True, slots=True)
class Ordinal:
    """The n-th of some, counted from a side; the first is "the leftmost"."""

    of: Select
    side: Side
    number: int = 1


@dataclass(frozen=True, slots=True)
class Relative:
    """Those of some that stand in a direction from another thing."""

    of: Select
    place: Place
    anchor: "Expression"


@dataclass(frozen=True, slots=True)
class Nearest:
    """The one of some that is nearest to another thing."""

    of: Select
    anchor: "Expression"


@dataclass(frozen=True, slots=True)
class Between:
    """Those of some that stand between two others."""

    of: Select
    first: "Expression"
    second: "Expression"


@dataclass(frozen=True, slots=True)
class On:
    """Those of some that lie on a flat thing, or do not."""

    of: Select
    anchor: "Expression"
    is_negated: bool = False


Expression = Select | Largest | Ordinal | Relative | Nearest | Between | On


def describe(expression: Expression, *, several: bool = False) -> str:
    """Returns the expression in words, without its article.

    >>> cup = Select("cup", "cups", "red")
    >>> describe(Ordinal(cup, "left", 2)), describe(Largest(cup))
    ('second red cup from the left', 'largest red cup')
    >>> describe(Relative(cup, "above", Select("dog", "dogs")), several=True)
    'red cups above the dog'
    """
    noun = _noun(expression if isinstance(expression, Select) else expression.of, several)
    match expression:
        case Select():
            return noun
        case Largest(smallest=smallest):
            return f"{'smallest' if smallest else 'largest'} {noun}"
        case Ordinal(side=side, number=1):
            return f"{_ENDS[side]} {noun}"
        case Ordinal(side=side, number=number):
            return f"{_ORDINALS[number - 1]} {noun} from the {side}"
        case Relative(place=place, anchor=anchor):
            return f"{noun} {place} the {describe(anchor)}"
        case Nearest(anchor=anchor):
            return f"{noun} nearest to the {describe(anchor)}"
        case Between(first=first, second=second):
            return f"{noun} between the {describe(first)} and the {describe(second)}"
        case On(anchor=anchor, is_negated=is_negated):
            verb = "are" if several else "is"
            return f"{noun} {f'that {verb} not ' if is_negated else ''}on the {describe(anchor)}"


def _noun(select: Select, several: bool) -> str:
    name = select.plural if several else select.name
    if select.is_negated:
        return f"{name} that {'are' if several else 'is'} not {select.colour}"
    return f"{select.colour} {name}".strip()


def truths(expression: Expression, things: Sequence[Thing]) -> list[Truth]:
    """Returns for each thing whether the expression is true of it; None where people could
    differ."""
    match expression:
        case Select():
            return [_is_selected(expression, thing) for thing in things]
        case Largest(of=of, smallest=smallest):
            sign = -1 if smallest else 1
            return _ranked(of, things, [sign * math.log(thing.area) for thing in things],
                math.log(_SIZE_RATIO))  # fmt: skip
        case Ordinal(of=of, side=side, number=number):
            return _counted(of, things, [_along(thing, side) for thing in things], number)
        case Relative(of=of, place=place, anchor=anchor):
            return _in_relation(of, things, [anchor], lambda t, a: _is_placed(t.box, place, a[0]))
        case Between(of=of, first=first, second=second):
            anchors = [first, second]
            return _in_relation(of, things, anchors, lambda t, a: _is_between(t.box, a[0], a[1]))
        case On(of=of, anchor=anchor, is_negated=is_negated):
            meant = referents(anchor, things)
            if meant is None or len(meant) != 1 or not things[meant[0]].is_flat:
                return [None] * len(things)
            on = [_is_on(things, number, meant[0]) for number in range(len(things))]
            if is_negated:
                on = [None if truth is None else not truth for truth in on]
            return [_both(a, b) for a, b in zip(truths(of, things), on, strict=True)]
        case Nearest(of=of, anchor=anchor):
            return _nearest(of, things, anchor)


def referents(expression: Expression, things: Sequence[Thing]) -> list[int] | None:
    """Returns the things an expression means, or None when that is not clear."""
    values = truths(expression, things)
    if None in values:
        return None
    return [number for number, value in enumerate(values) if value]


def names_in(expression: Expression) -> frozenset[str]:
    """Returns the kinds and groups that an expression speaks of.

    >>> sorted(names_in(Relative(Select("cup", "cups"), "above", Select("dog", "dogs"))))
    ['cup', 'dog']
    """
    match expression:
        case Select(name=name):
            return frozenset([name])
        case Largest(of=of) | Ordinal(of=of):
            return names_in(of)
        case Between(of=of, first=first, second=second):
            return names_in(of) | names_in(first) | names_in(second)
        case Relative(of=of, anchor=anchor) | Nearest(of=of, anchor=anchor):
            return names_in(of) | names_in(anchor)
        case On(of=of, anchor=anchor):
            return names_in(of) | names_in(anchor)


def _both(a: Truth, b: Truth) -> Truth:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _is_selected(select: Select, thing: Thing) -> Truth:
    truth = _both(is_kind(select.name, thing), _has_colour(select, thing))
    # A crowd is several of a kind, nobody knows how many.
    return None if truth and thing.is_crowd else truth


def is_kind(name: str, thing: Thing) -> Truth:
    """Returns whether a thing is of a kind or group; "object" is everything."""
    if name in ("object", thing.noun.name, thing.noun.group):
        return True
    return None if name in thing.noun.also else False


def _has_colour(select: Select, thing: Thing) -> Truth:
    if not select.colour:
        return True
    if thing.colour == select.colour:
        return not select.is_negated
    if thing.colours is None or select.colour in thing.colours:
        return None
    return select.is_negated


def _ranked(
    of: Select, things: Sequence[Thing], values: Sequence[float], margin: float
) -> list[Truth]:
    """True for the one of a selection whose value leads all others by the margin."""
    chosen = truths(of, things)
    if None in chosen or sum(map(bool, chosen)) < 2:
        return [None] * len(things)
    order = sorted((i for i, is_one in enumerate(chosen) if is_one), key=lambda i: -values[i])
    if values[order[0]] - values[order[1]] < margin:
        return [None if is_one else False for is_one in chosen]
    return [i == order[0] for i in range(len(things))]


def _counted(
    of: Select, things: Sequence[Thing], values: Sequence[float], number: int
) -> list[Truth]:
    """True for the n-th of a selection by value; neighbours must be clearly apart up to there."""
    chosen = truths(of, things)
    order = sorted((i for i, is_one in enumerate(chosen) if is_one), key=lambda i: values[i])
    if None in chosen or len(order) < max(2, number):
        return [None] * len(things)
    near = [values[b] - values[a] for a, b in pairwise(order)]
    if min(near[:number]) < _GAP_PX:
        return [None if is_one else False for is_one in chosen]
    return [i == order[number - 1] for i in range(len(things))]


def _along(thing: Thing, side: Side) -> float:
    x, y = thing.centre
    return {"left": x, "right": -x, "top": y, "bottom": -y}[side]


def _in_relation(
    of: Select,
    things: Sequence[Thing],
    anchors: Sequence[Expression],
    test: Callable[[Thing, list[Box]], Truth],
) -> list[Truth]:
    """Those of a selection that stand in a relation to other things, each clearly one."""
    meant = [referents(anchor, things) for anchor in anchors]
    if any(found is None or len(found) != 1 for found in meant):
        return [None] * len(things)
    numbers = [found[0] for found in meant if found]
    if len(set(numbers)) < len(numbers):
        return [None] * len(things)
    boxes = [things[number].box for number in numbers]
    chosen = truths(of, things)
    return [
        False if i in numbers else _both(is_one, test(thing, boxes))
        for i, (is_one, thing) in enumerate(zip(chosen, things, strict=True))
    ]


def _is_placed(box: Box, place: Place, anchor: Box) -> Truth:
    """Whether a box lies in a direction from another.

    True when it lies wholly beyond the other's middle and more that way than across; False when its
    own middle is not on that side at all. In between is a matter of opinion.
    """
    if place in ("above", "below"):
        box, anchor = _transposed(box), _transposed(anchor)
    if place in ("to the right of", "below"):
        box, anchor = _flipped(box), _flipped(anchor)
    along = (anchor.x1 + anchor.x2 - box.x1 - box.x2) / 2
    across = abs(anchor.y1 + anchor.y2 - box.y1 - box.y2) / 2
    middle = (anchor.x1 + anchor.x2) / 2
    if box.x2 <= middle - _GAP_PX / 2 and along >= across + _GAP_PX:
        return True
    return False if along <= -_GAP_PX / 2 else None


def _transposed(box: Box) -> Box:
    return Box(box.y1, box.x1, box.y2, box.x2)


def _flipped(box: Box) -> Box:
    return Box(-box.x2, box.y1, -box.x1, box.y2)


def _is_between(box: Box, first: Box, second: Box) -> Truth:
    """Whether the middle of a box lies near the middle of the line between two others."""
    (ax, ay), (bx, by), (x, y) = (_middle(item) for item in (first, second, box))
    length = math.hypot(bx - ax, by - ay)
    if length < 4 * _GAP_PX:
        return None
    along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length**2
    across = abs((x - ax) * (by - ay) - (y - ay) * (bx - ax)) / length
    if _MIDDLE[0] <= along <= _MIDDLE[1] and across <= 0.15 * length:
        return True
    outside = along < -0.02 or along > 1.02 or across > 0.6 * length
    return False if outside else None


def _middle(box: Box) -> tuple[float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2


def _is_on(things: Sequence[Thing], number: int, flat: int) -> Truth:
    if number == flat:
        return False
    thing, anchor = things[number], things[flat]
    if thing.under == flat:
        return True
    a, b = thing.box, anchor.box
    gap = max(a.x1 - b.x2, b.x1 - a.x2, a.y1 - b.y2, b.y1 - a.y2)
    return False if gap >= _GAP_PX else None


def _nearest(of: Select, things: Sequence[Thing], anchor: Expression) -> list[Truth]:
    """True for the nearest by the distance of middles and by the gap of boxes, clearly by both."""
    meant = referents(anchor, things)
    chosen = truths(of, things)
    if meant is None or len(meant) != 1 or None in chosen:
        return [None] * len(things)
    target = things[meant[0]]
    others = [i for i, is_one in enumerate(chosen) if is_one and i != meant[0]]
    if len(others) < 2:
        return [None] * len(things)
    far = {i: math.dist(things[i].centre, target.centre) for i in others}
    gaps = {i: _gap(things[i].box, target.box) for i in others}
    order = sorted(others, key=far.__getitem__)
    best, rest = order[0], order[1:]
    is_clear = all(
        far[i] >= _DISTANCE_RATIO * far[best] + _GAP_PX and gaps[i] >= gaps[best] + _GAP_PX
        for i in rest
    )
    if not is_clear:
        return [None if i in far else False for i in range(len(things))]
    return [i == best for i in range(len(things))]


def _gap(a: Box, b: Box) -> float:
    dx = max(0.0, a.x1 - b.x2, b.x1 - a.x2)
    dy = max(0.0, a.y1 - b.y2, b.y1 - a.y2)
    return math.hypot(dx, dy)
