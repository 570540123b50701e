"""What a thing can do, each with its motion, its exact time and its words.

Owns: the acts. Does not own: who does what when (`plot`), poses (`actors`).

    Part (a thing on its lane) + frames k0..k1 -> one act -> changes of the actor, events

Acts begin and end at frames that are seen, so an answer says no more than the frames show. Frame k0
is the first that differs from before, or the last before a motion; k1 is the first after it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from qvl.data.synth.video.actors import FAINTEST, Actor, Change, Property, Span
from qvl.data.synth.video.backdrops import WORLD_HEIGHT, WORLD_WIDTH
from qvl.data.synth.video.film import Event, EventKind
from qvl.data.synth.video.things import Thing, recoloured, thing_picture

EDGE_SHARE = 0.25
"""Share of a thing that is seen in the frame with which it comes in or after which it is gone."""

_LARGER, _SMALLER = 1.6, 0.6
_ROUND = ("ball", "ring")


class Clock(NamedTuple):
    """The seen frames as a ruler: frame numbers to seconds."""

    seen_s: tuple[float, ...]
    end_s: float

    def time(self, frame: int) -> float:
        """When a frame is shown; the end for the number after the last."""
        return self.seen_s[frame] if frame < len(self.seen_s) else self.end_s


class Stage(NamedTuple):
    """The part of the world that a still camera sees, and the number of the shot."""

    height: int
    width: int
    shot: int

    @property
    def left(self) -> float:
        """x of its left edge in the world."""
        return (WORLD_WIDTH - 1) * self.width / 2

    @property
    def top(self) -> float:
        """y of its upper edge in the world."""
        return (WORLD_HEIGHT - 1) * self.height / 2


class Lane(NamedTuple):
    """A strip of the stage for one thing, or for some that meet: its middle and height."""

    y: float
    height: float


@dataclass(kw_only=True)
class Part:
    """An actor in the making.

    Attributes:
        thing: who.
        size_px: longer side.
        x: where it is now, in the world.
        y: likewise.
        scale: how large it is now.
        first: frame at which it comes in.
    """

    clock: Clock
    stage: Stage
    thing: Thing
    size_px: int
    x: float
    y: float
    first: int
    scale: float = 1.0
    changes: list[Change] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    texts: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._start = (self.x, self.y)

    @property
    def width(self) -> float:
        """Of its picture, in pixels."""
        return thing_picture(self.thing, self.size_px).width * self.scale

    def change(self, what: Property, k0: int, k1: int, before: float, after: float) -> None:
        """Adds a change from frame to frame."""
        start_s, end_s = self.clock.time(k0), self.clock.time(k1)
        change = Change(what=what, start_s=start_s, end_s=end_s, before=before, after=after)
        self.changes.append(change)

    def tell(
        self, kind: EventKind, k0: int, k1: int, does: str, *, a: bool = False, **more: object
    ) -> None:
        """Adds an event: "the red car" does something; "a" red car when it is new."""
        who = self.thing.indefinite if a else self.thing.definite
        self.events.append(
            Event(
                kind=kind,
                start_s=self.clock.time(k0),
                end_s=self.clock.time(k1),
                who=self.thing.name,
                sentence=f"{who[0].upper()}{who[1:]} {does}.",
                query=str(more.pop("query", f"{self.thing.definite} {does}")),
                shot=self.stage.shot,
                **more,  # type: ignore[arg-type]
            )
        )

    def actor(self, last: int) -> Actor:
        """Returns the actor, on the stage until a frame, and tells for how long it was."""
        span: Span = (self.clock.time(self.first), self.clock.time(last))
        self.tell("shown", self.first, last, "is on the screen")
        x, y = self._start
        return Actor(
            thing=self.thing,
            size_px=self.size_px,
            x=x,
            y=y,
            spans=(span,),
            changes=tuple(self.changes),
            texts=tuple(self.texts),
        )


def go(rng: np.random.Generator, part: Part, k0: int, k1: int, to: float | None = None) -> None:
    """Moves along the lane, to a place or to one at least 0.3 of the width away."""
    stage = part.stage
    if to is None:
        low, high = stage.left + 0.12 * stage.width, stage.left + 0.88 * stage.width
        reach = 0.3 * stage.width
        free = [(low, part.x - reach), (part.x + reach, high)]
        sides = [side for side in free if side[1] > side[0]]
        to = float(rng.uniform(*sides[int(rng.integers(len(sides)))]))
    way = "right" if to > part.x else "left"
    seconds = part.clock.time(k1) - part.clock.time(k0)
    speed = abs(to - part.x) / stage.width / seconds
    part.change("x", k0, k1, part.x, to)
    part.tell("go", k0, k1, f"moves to the {way}", how=way, speed=speed)
    part.x = to


def hop(rng: np.random.Generator, part: Part, k0: int, k1: int) -> None:
    """Jumps up and down, three frames or more for each time."""
    times = int(rng.integers(1, min(5, (k1 - k0) // 3) + 1))
    each = (k1 - k0) // times
    height = float(rng.uniform(0.5, 0.9)) * part.size_px
    for number in range(times):
        part.change("lift", k0 + number * each, k0 + (number + 1) * each, 0.0, height)
    does = f"jumps {times_in_words(times)}"
    query = f"{part.thing.definite} jumps"
    part.tell("hop", k0, k0 + times * each, does, query=query, times=times)


def spin(rng: np.random.Generator, part: Part, k0: int, k1: int) -> None:
    """Turns round once."""
    turn = 360.0 if rng.random() < 0.5 else -360.0
    part.change("angle", k0, k1, 0.0, turn)
    how = "clockwise" if turn > 0 else "counterclockwise"
    query = f"{part.thing.definite} spins"
    part.tell("spin", k0, k1, f"spins once {how}", query=query, how=how)


def resize(rng: np.random.Generator, part: Part, k0: int, k1: int) -> None:
    """Grows, or shrinks when it has grown or by chance."""
    shrinks = part.scale > 1 or (part.scale == 1 and rng.random() < 0.5)
    to = (_SMALLER if shrinks else _LARGER) if part.scale == 1 else 1.0
    part.change("scale", k0, k1, part.scale, to)
    part.tell(*(("shrink", k0, k1, "gets smaller") if shrinks else ("grow", k0, k1, "gets bigger")))
    part.scale = to


def blink(rng: np.random.Generator, part: Part, k0: int, k1: int) -> None:
    """Vanishes and comes back, as often as there is room for, at most four times."""
    times = int(rng.integers(1, min(4, (k1 - k0) // 2) + 1))
    each = (k1 - k0) // (2 * times)
    for number in range(times):
        start = k0 + 2 * each * number
        part.change("hidden", start, start + each, 0.0, 0.0)
    does = f"blinks {times_in_words(times)}"
    query = f"{part.thing.definite} blinks"
    # It is over when the thing is back for good.
    part.tell("blink", k0, k0 + (2 * times - 1) * each, does, query=query, times=times)


def recolour(rng: np.random.Generator, part: Part, k0: int, k1: int) -> None:
    """Takes another colour, little by little."""
    hue, colour = recoloured(rng, part.thing)
    start_s, end_s = part.clock.time(k0), part.clock.time(k1)
    part.changes.append(Change(what="colour", start_s=start_s, end_s=end_s, colour=colour))
    part.tell("colour", k0, k1, f"turns {hue}", how=hue)


def enter(rng: np.random.Generator, part: Part, k0: int, k1: int, style: str) -> int:
    """Comes onto the stage at frame k0; returns the frame at which it has arrived."""
    part.first = k0
    if style == "pop":
        part.tell("enter", k0, k0, "appears", a=True, query=f"{part.thing.definite} appears")
        return k0
    if style == "fade":
        part.change("alpha", k0, k1, FAINTEST, 1.0)
        does = "fades in"
    elif style == "drop":
        # Its lower part is seen at once.
        from_y = part.stage.top + (EDGE_SHARE - 0.5) * part.size_px
        part.change("y", k0, k1, from_y, part.y)
        does = "drops in from above"
    else:
        stage, width = part.stage, part.width
        right = style == "from the right"
        edge = stage.left + stage.width if right else stage.left
        outside = edge + (1 if right else -1) * (0.5 - EDGE_SHARE) * width
        part.change("x", k0, k1, outside, part.x)
        does = f"comes in {style}"
    part.tell("enter", k0, k1, does, a=True, query=f"{part.thing.definite} {does}", how=style)
    return k1


def leave(rng: np.random.Generator, part: Part, k0: int, k1: int, style: str) -> int:
    """Goes; returns the first frame without it."""
    if style == "pop":
        part.tell("leave", k1, k1, "disappears")
        return k1
    if style == "fade":
        part.change("alpha", k0, k1, 1.0, FAINTEST)
        part.tell("leave", k0, k1, "fades out", how=style)
        return k1
    stage, right = part.stage, style == "to the right"
    edge = stage.left + stage.width if right else stage.left
    outside = edge + (1 if right else -1) * (0.5 - EDGE_SHARE) * part.width
    part.change("x", k0, k1, part.x, outside)
    part.tell("leave", k0, k1, f"leaves {style}", how=style)
    return k1


ENTRANCES = ("pop", "fade", "drop", "from the left", "from the right")
EXITS = ("pop", "fade", "to the left", "to the right")

Act = Callable[[np.random.Generator, Part, int, int], None]

ACTS: dict[str, tuple[Act, int]] = {
    "go": (go, 2),
    "hop": (hop, 3),
    "spin": (spin, 5),
    "resize": (resize, 3),
    "blink": (blink, 2),
    "recolour": (recolour, 2),
}
"""Acts of a thing alone, and the fewest steps between frames that show them."""


def can(thing: Thing, act: str) -> bool:
    """Whether an act of this thing can be seen.

    >>> can(Thing(kind="shape", name="red ball", form="ball"), "spin")
    False
    """
    if act == "spin":
        return thing.form not in _ROUND
    return act != "recolour" or thing.kind == "shape"


def times_in_words(times: int) -> str:
    """How often, in words.

    >>> times_in_words(1), times_in_words(3)
    ('once', 'three times')
    """
    return ("never", "once", "twice", "three times", "four times", "five times")[times]


def number_in_words(count: int) -> str:
    """A small number, in words."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
    return words[count] if count < len(words) else str(count)


def plural(name: str) -> str:
    """The name of several.

    >>> plural("red car"), plural("bus"), plural("blue fish"), plural("butterfly")
    ('red cars', 'buses', 'blue fish', 'butterflies')
    """
    if name.endswith(("fish", "sheep")):
        return name
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


def has_plural(thing: Thing) -> bool:
    """Whether `plural` knows the name of several."""
    irregular = ("snowman", "cactus", "die")
    return " of " not in thing.name and thing.name not in irregular and thing.kind != "card"
