"""Things in motion: where each is at any time, how large, turned, faded, and what it shows.

Owns: the pose of an actor as a function of time, and its picture then. Does not own: which actors
there are and what they do (`acts`), the camera (`film`).

    Actor, time_s -> pose_at() -> Pose | None when it is not on the stage -> pose_picture() -> RGBA

Every motion is linear in time between two stated times, so labels need no measuring.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from PIL import Image as PILImage

from qvl.data.synth.palette import Colour
from qvl.data.synth.video.things import Thing, thing_picture

Property = Literal["x", "y", "angle", "scale", "alpha", "colour", "lift", "hidden"]

Span = tuple[float, float]
"""From a second, included, to a second, excluded."""

FAINTEST = 0.3
"""Opacity of a thing in the first frame of fading in: it is there from that frame on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A property goes from one value to another between two times.

    Attributes:
        what: x and y in pixels, angle in degrees, scale and alpha as factors. A "lift" is one hop,
            with its height in ``after``; "hidden" makes the thing vanish in between.
        start_s: the last moment at which it has the value before.
        end_s: the first at which it has the value after.
        colour: that "colour" ends with; it begins with the thing's own.
    """

    what: Property
    start_s: float
    end_s: float
    before: float = 0.0
    after: float = 0.0
    colour: Colour = (0, 0, 0)

    def progress(self, time_s: float) -> float:
        """How much of it is done, 0 to 1."""
        if time_s >= self.end_s:
            return 1.0
        return max(0.0, (time_s - self.start_s) / (self.end_s - self.start_s))


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """One thing during one shot.

    Attributes:
        thing: what it is.
        size_px: longer side at scale 1.
        x: of its centre in the world, before anything moves.
        y: likewise.
        spans: when it is on the stage; ascending and apart.
        changes: in order of time, those of one property apart.
        texts: of a card: from which second it shows which words.
    """

    thing: Thing
    size_px: int
    x: float
    y: float
    spans: tuple[Span, ...]
    changes: tuple[Change, ...] = ()
    texts: tuple[tuple[float, str], ...] = ()


class Pose(NamedTuple):
    """An actor at one time. x and y are of the centre, in pixels of the world."""

    thing: Thing
    size_px: float
    x: float
    y: float
    angle: float
    alpha: float
    flipped: bool


def pose_at(actor: Actor, time_s: float) -> Pose | None:
    """Returns the pose, or None when nothing of the actor is to be seen.

    >>> ball = Thing(kind="shape", name="red ball", form="ball")
    >>> going = Change(what="x", start_s=1.0, end_s=3.0, before=10.0, after=50.0)
    >>> actor = Actor(thing=ball, size_px=20, x=10.0, y=5.0, spans=((0.0, 4.0),), changes=(going,))
    >>> [pose_at(actor, t).x for t in (0.5, 1.0, 2.0, 3.5)], pose_at(actor, 4.0)
    ([10.0, 10.0, 30.0, 50.0], None)
    """
    if not any(start <= time_s < end for start, end in actor.spans):
        return None
    values = {"x": actor.x, "y": actor.y, "angle": 0.0, "scale": 1.0, "alpha": 1.0}
    thing, lift, flipped = actor.thing, 0.0, False
    for change in actor.changes:
        if change.start_s > time_s:
            continue
        done = change.progress(time_s)
        if change.what == "hidden":
            if time_s < change.end_s:
                return None
        elif change.what == "lift":
            lift += 4 * done * (1 - done) * change.after
        elif change.what == "colour":
            thing = _mixed(actor.thing, change.colour, done)
        else:
            values[change.what] = change.before + (change.after - change.before) * done
            if change.what == "x" and change.after != change.before:
                flipped = actor.thing.has_side and change.after > change.before
    for start_s, text in actor.texts:
        if start_s <= time_s:
            thing = replace(thing, form=text)
    return Pose(
        thing=thing,
        size_px=actor.size_px * values["scale"],
        x=values["x"],
        y=values["y"] - lift,
        angle=values["angle"],
        alpha=values["alpha"],
        flipped=flipped,
    )


def pose_picture(pose: Pose, zoom: float = 1.0) -> PILImage.Image:
    """Returns what is pasted, RGBA; not larger than what is painted of it."""
    picture = thing_picture(pose.thing, max(3, round(pose.size_px * zoom)))
    if pose.flipped:
        picture = picture.transpose(PILImage.Transpose.FLIP_LEFT_RIGHT)
    if pose.angle % 360:
        picture = picture.rotate(-pose.angle, PILImage.Resampling.BICUBIC, expand=True)
        box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 40 else 0).getbbox()
        picture = picture.crop(box) if box is not None else picture
    if pose.alpha < 1:
        picture = picture.copy()
        picture.putalpha(picture.getchannel("A").point(lambda alpha: round(alpha * pose.alpha)))
    return picture


def _mixed(thing: Thing, colour: Colour, share: float) -> Thing:
    r, g, b = (round(x + (y - x) * share) for x, y in zip(thing.colour, colour, strict=True))
    return replace(thing, colour=(r, g, b))
