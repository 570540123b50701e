"""What goes on in one shot: lanes of the stage, each with things that act alone or together.

Owns: filling a shot. Does not own: single acts (`acts`), the cuts between shots (`plot`).

    Stage, frames a..b, things -> fill_stage() -> actors, events
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from qvl.data.synth.video.actors import Actor
from qvl.data.synth.video.acts import (
    ACTS,
    EDGE_SHARE,
    ENTRANCES,
    EXITS,
    Clock,
    Lane,
    Part,
    Stage,
    can,
    enter,
    go,
    has_plural,
    leave,
    number_in_words,
    plural,
)
from qvl.data.synth.video.film import Event
from qvl.data.synth.video.things import Thing

TOP, BOTTOM = 0.16, 0.85
"""Shares of the height between which things act: below the overlay, above subtitles."""

_TOGETHER = {"solo": 0.62, "collide": 0.13, "parade": 0.13, "counter": 0.12}
_LEAST_STEPS = {"solo": 3, "collide": 8, "parade": 10, "counter": 6}
_CARD_COLOUR = (250, 240, 205)


class Filled(NamedTuple):
    """What fills a shot."""

    actors: list[Actor]
    events: list[Event]


def fill_stage(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    frames: tuple[int, int],
    things: Iterator[Thing],
) -> Filled:
    """Lets things act on the lanes of a stage.

    Args:
        rng: source of randomness.
        clock: of the film.
        stage: of the shot.
        frames: first of the shot, and first after it.
        things: who may act; none is taken twice.
    """
    a, b = frames
    filled = Filled([], [])
    num_lanes = int(rng.integers(1, 4)) if b - a >= 6 else 1
    lanes = _lanes(stage, num_lanes)
    if num_lanes > 1 and b - a >= 5 and rng.random() < 0.25:
        _race(rng, clock, stage, frames, lanes[:2], things, filled)
        lanes = lanes[2:]
    has_counter = False
    for lane in lanes:
        kinds = [
            kind for kind in _TOGETHER
            if b - a >= _LEAST_STEPS[kind] and not (kind == "counter" and has_counter)
        ]  # fmt: skip
        shares = np.array([_TOGETHER[kind] for kind in kinds])
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))] if kinds else "solo"
        has_counter |= kind == "counter"
        if kind == "collide":
            _collide(rng, clock, stage, frames, lane, things, filled)
        elif kind == "parade":
            _parade(rng, clock, stage, frames, lane, things, filled)
        elif kind == "counter":
            _counter(rng, clock, stage, frames, lane, filled)
        else:
            _solo(rng, clock, stage, frames, lane, things, filled)
    return filled


def still_things(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    frames: tuple[int, int],
    things: Iterator[Thing],
    *,
    spread: float,
) -> Filled:
    """Puts one or two things that stay where they are, for shots in which the camera moves.

    Args:
        rng: source of randomness.
        clock: of the film.
        stage: of the shot.
        frames: first of the shot, and first after it.
        things: who may stand there.
        spread: share of the width, about the middle, in which they stand.
    """
    filled = Filled([], [])
    count = int(rng.integers(1, 3))
    for number, lane in enumerate(_lanes(stage, 2)[:count]):
        lane = Lane(stage.top + stage.height * (0.38 + 0.22 * number), stage.height * 0.2)
        at = 0.5 + float(rng.uniform(-spread, spread)) / 2
        part = _part(rng, clock, stage, lane, next(things), frames[0], at=at)
        _add(filled, part, frames[1])
    return filled


def _lanes(stage: Stage, count: int) -> list[Lane]:
    top, bottom = stage.top + TOP * stage.height, stage.top + BOTTOM * stage.height
    height = (bottom - top) / count
    return [Lane(top + (number + 0.5) * height, height) for number in range(count)]


def _part(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    lane: Lane,
    thing: Thing,
    first: int,
    *,
    at: float | None = None,
    size: float = 1.0,
) -> Part:
    """A thing on its lane, small enough to grow on it and to hop; ``at`` is a share of the width,
    by chance when None."""
    largest = min(lane.height * 0.72, stage.width * 0.26, stage.height * 0.36)
    share = float(rng.uniform(0.16, 0.84)) if at is None else at
    return Part(
        clock=clock,
        stage=stage,
        thing=thing,
        size_px=max(18, round(largest * size * float(rng.uniform(0.78, 1.0)))),
        x=stage.left + stage.width * share,
        y=lane.y + 0.12 * lane.height,
        first=first,
    )


def _add(filled: Filled, part: Part, last: int) -> None:
    filled.actors.append(part.actor(last))
    filled.events.extend(part.events)


def _solo(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    frames: tuple[int, int],
    lane: Lane,
    things: Iterator[Thing],
    filled: Filled,
) -> None:
    """One thing that may come, act a few times, and may go."""
    a, b = frames
    steps = b - a
    part = _part(rng, clock, stage, lane, next(things), a)
    k, last = a, b
    if steps >= 5 and rng.random() < 0.55:
        style = ENTRANCES[int(rng.integers(len(ENTRANCES)))]
        k0 = a + int(rng.integers(1, max(2, steps // 3)))
        k = enter(rng, part, k0, k0 + _length(rng, steps, least=2, most=b - k0 - 1), style)
    going = ""
    if b - k >= 5 and rng.random() < 0.45:
        going = EXITS[int(rng.integers(len(EXITS)))]
        last = b - int(rng.integers(1, max(2, (b - k) // 3)))
    stop = last - _length(rng, steps, least=2, most=last - k - 1) if going else b
    while stop - k >= 3 and rng.random() < 0.85:
        k += int(rng.integers(0, max(1, (stop - k) // 4) + 1))
        names = [
            name for name, (_, least) in ACTS.items()
            if stop - _seen_after(name) - k >= least
            and can(part.thing, name) and not _did(part, name)
        ]  # fmt: skip
        if not names:
            break
        name = names[int(rng.integers(len(names)))]
        act, least = ACTS[name]
        k1 = k + _length(rng, steps, least=least, most=stop - _seen_after(name) - k)
        act(rng, part, k, k1)
        k = k1
        if name == "recolour":  # whatever it did now, its name would tell a colour it had before
            going, last = "", b
            break
    if going:
        last = leave(rng, part, stop, last, going)
    _add(filled, part, last)


def _seen_after(act: str) -> int:
    """Frames that a thing stays after an act: a colour that it takes must be seen at its end."""
    return int(act == "recolour")


def _did(part: Part, act: str) -> bool:
    """Whether a thing has done what it may do only once; it may go and hop again."""
    once = {"spin": "angle", "resize": "scale", "recolour": "colour", "blink": "hidden"}
    return act in once and any(change.what == once[act] for change in part.changes)


def _length(rng: np.random.Generator, steps: int, *, least: int, most: int) -> int:
    """How many steps something takes: about a sixth of the shot, within bounds."""
    wanted = round(steps * float(rng.uniform(0.08, 0.3)))
    return max(1, min(max(least, wanted), max(least, most), most))


def _race(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    frames: tuple[int, int],
    lanes: list[Lane],
    things: Iterator[Thing],
    filled: Filled,
) -> None:
    """Two things go the same way at the same time; one is faster by half or more."""
    a, b = frames
    k0 = a + int(rng.integers(1, max(2, (b - a) // 3)))
    k1 = k0 + _length(rng, b - a, least=3, most=b - k0)
    rightward = rng.random() < 0.5
    far = float(rng.uniform(0.5, 0.68))
    reaches = [far, far * float(rng.uniform(0.35, 0.6))]
    for lane, reach in zip(lanes, rng.permutation(reaches).tolist(), strict=True):
        at = 0.14 if rightward else 0.86
        part = _part(rng, clock, stage, lane, next(things), a, at=at)
        go(rng, part, k0, k1, part.x + (reach if rightward else -reach) * stage.width)
        _add(filled, part, b)


def _collide(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    frames: tuple[int, int],
    lane: Lane,
    things: Iterator[Thing],
    filled: Filled,
) -> None:
    """Two things run into each other and bounce back."""
    a, b = frames
    k0 = a + int(rng.integers(1, max(2, (b - a) // 4)))
    k1 = k0 + _length(rng, b - a, least=3, most=b - k0 - 3)
    k2 = k1 + _length(rng, b - a, least=2, most=b - k1)
    meeting = stage.left + stage.width * float(rng.uniform(0.42, 0.58))
    pair: list[Part] = []
    for side in (-1, 1):
        at = 0.5 + side * float(rng.uniform(0.33, 0.38))
        part = _part(rng, clock, stage, lane, next(things), a, at=at, size=0.8)
        pair.append(part)
        home = stage.left + stage.width * (0.5 + side * float(rng.uniform(0.26, 0.36)))
        go(rng, part, k0, k1, meeting + side * part.width / 2)
        go(rng, part, k1, k2, home)
    one, other = (part.thing for part in pair)
    filled.events.append(
        Event(
            kind="collide",
            start_s=clock.time(k1),
            end_s=clock.time(k1),
            who=one.name,
            sentence=f"T{one.definite[1:]} and {other.definite} bump into each other.",
            query=f"{one.definite} and {other.definite} bump into each other",
            shot=stage.shot,
        )
    )
    for part in pair:
        _add(filled, part, b)


def _parade(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    frames: tuple[int, int],
    lane: Lane,
    things: Iterator[Thing],
    filled: Filled,
) -> None:
    """Several things of a kind cross the screen one after another."""
    a, b = frames
    thing = next(thing for thing in things if has_plural(thing))
    rightward = rng.random() < 0.5
    model = _part(rng, clock, stage, lane, thing, a, size=0.75)
    way = stage.width + (1 - 2 * EDGE_SHARE) * model.width
    crossing = int(rng.integers(4, max(5, (b - a) // 2)))
    # Far enough apart that two never touch, and at different frames.
    apart = max(1, -(-round(1.25 * model.width * crossing) // round(way)))
    room = (b - a - 1 - crossing) // apart
    count = int(rng.integers(1, min(6, 1 + max(0, room)) + 1))
    start = a + int(rng.integers(0, max(1, b - a - crossing - apart * (count - 1))))
    side = 1 if rightward else -1
    begin = stage.left + (0 if rightward else stage.width) - side * (0.5 - EDGE_SHARE) * model.width
    for number in range(count):
        k0 = start + number * apart
        one = Part(
            clock=clock, stage=stage, thing=thing, size_px=model.size_px,
            x=begin, y=model.y, first=k0,
        )  # fmt: skip
        one.change("x", k0, k0 + crossing, begin, begin + side * way)
        filled.actors.append(one.actor(k0 + crossing))
    names = thing.indefinite if count == 1 else f"{number_in_words(count)} {plural(thing.name)}"
    end = "right" if rightward else "left"
    verb, manner = ("crosses", "") if count == 1 else ("cross", ", one after another")
    filled.events.append(
        Event(
            kind="parade",
            start_s=clock.time(start),
            end_s=clock.time(start + (count - 1) * apart + crossing),
            who=thing.name,
            sentence=f"{names[0].upper()}{names[1:]} {verb} the screen to the {end}{manner}.",
            query=f"{thing.indefinite if count == 1 else plural(thing.name)} {verb} the screen",
            how=end,
            times=count,
            shot=stage.shot,
        )
    )


def _counter(
    rng: np.random.Generator,
    clock: Clock,
    stage: Stage,
    frames: tuple[int, int],
    lane: Lane,
    filled: Filled,
) -> None:
    """A card with a number that goes up or down."""
    a, b = frames
    each = int(rng.integers(1, max(2, (b - a) // 4)))
    num_values = min(9, (b - a) // each)
    first, step = int(rng.integers(0, 60)), int(rng.choice([1, 1, 1, 2, 5, -1]))
    if first + step * num_values < 0:
        step = 1
    values = [first + step * number for number in range(num_values)]
    card = Thing(kind="card", name="counter", form=str(first), colour=_CARD_COLOUR)
    part = _part(rng, clock, stage, lane, card, a, at=float(rng.uniform(0.25, 0.75)), size=0.6)
    for number, value in enumerate(values):
        k0 = a + number * each
        k1 = b if number == num_values - 1 else k0 + each
        part.texts.append((clock.time(k0), str(value)))
        part.tell("counter", k0, k1, f"shows {value}", how=str(value))
    if num_values > 1:
        last = a + (num_values - 1) * each
        part.tell("count", a, last, f"goes from {values[0]} to {values[-1]}")
    _add(filled, part, b)
