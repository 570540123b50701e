"""Chooses referring expressions that mean one thing, several, or nothing that is there.

Owns: which expressions are tried, by level. Does not own: what they say and mean
(``expressions``).

    scene, thing, level -> refer() -> an expression whose only referent is the thing
    scene -> absent() -> an expression that is clearly true of nothing in the picture

Levels: 1 kind and colour; 2 size and order; 3 one relation, or what is not the case; 4 two other
things, or another thing that is itself found by size or order.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import get_args

import numpy as np

from qvl.data.synth.grounding.cutouts import Noun
from qvl.data.synth.grounding.expressions import (
    Between,
    Expression,
    Largest,
    Nearest,
    On,
    Ordinal,
    Place,
    Relative,
    Select,
    Side,
    is_kind,
    names_in,
    referents,
)
from qvl.data.synth.grounding.scene import Scene, Thing
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.data.synth.picking import pick, shuffled

LEVELS = (1, 2, 3, 4)

_TRIES = 40
_SIDES: tuple[Side, ...] = get_args(Side)
_PLACES: tuple[Place, ...] = get_args(Place)
_MOST_COUNTED = 5


def refer(
    rng: np.random.Generator, things: Sequence[Thing], target: int, level: int
) -> Expression | None:
    """Returns an expression of a level that means the target alone, or None if none was found."""
    for expression in islice(_candidates(rng, things, target, level), _TRIES):
        if referents(expression, things) == [target]:
            return expression
    return None


def refer_several(
    rng: np.random.Generator, things: Sequence[Thing], *, least: int = 2, most: int = 80
) -> Expression | None:
    """Returns an expression that clearly means several things, or None if none was found."""
    for _ in range(_TRIES):
        target = int(rng.integers(len(things)))
        of = pick(rng, _selections(things[target]))
        form = rng.random()
        expression: Expression = of
        if form < 0.3 and things[target].colour:
            colour = pick(rng, COLOUR_NAMES)
            expression = Select(of.name, of.plural, colour, is_negated=True)
        elif form < 0.55:
            anchor = _anchor(rng, things, {target})
            if anchor is not None:
                expression = Relative(of, pick(rng, _PLACES), anchor)
        meant = referents(expression, things)
        if meant is None or not least <= len(meant) <= most:
            continue
        if isinstance(expression, Select) and expression.is_negated:
            every = referents(Select(of.name, of.plural), things)
            if every == meant:  # nobody says "not red" where nothing is red
                continue
        return expression
    return None


def absent(rng: np.random.Generator, scene: Scene, nouns: Sequence[Noun]) -> Expression | None:
    """Returns an expression that is clearly true of nothing in the picture, or None.

    Args:
        rng: source of randomness.
        scene: in which is looked.
        nouns: things that could be asked for.
    """
    things = scene.things
    for _ in range(_TRIES):
        form = rng.random()
        expression: Expression | None
        if form < 0.45 or not things:
            noun = pick(rng, nouns)
            # Somebody could call a bird a dove.
            if any(thing.noun.name in noun.also for thing in things):
                continue
            expression = Select(noun.name, noun.plural)
        else:
            expression = _changed(rng, things)
        if expression is None or not _is_known_absent(scene, expression):
            continue
        if referents(expression, things) == []:
            return expression
    return None


def _changed(rng: np.random.Generator, things: Sequence[Thing]) -> Expression | None:
    """Something that is there in a colour or a place where it is not."""
    target = int(rng.integers(len(things)))
    noun = things[target].noun
    if things[target].colours is not None and rng.random() < 0.6:
        # Colours of other things are the more tempting ones.
        others = [thing.colour for thing in things if thing.colour]
        colour = pick(rng, others) if others and rng.random() < 0.6 else pick(rng, COLOUR_NAMES)
        return Select(noun.name, noun.plural, colour)
    anchor = _anchor(rng, things, {target})
    if anchor is None:
        return None
    of = Select(noun.name, noun.plural)
    flat = referents(anchor, things)
    if flat and things[flat[0]].is_flat:
        return On(of, anchor)
    return Relative(of, pick(rng, _PLACES), anchor)


def _is_known_absent(scene: Scene, expression: Expression) -> bool:
    """Whether what the picture shows of a kind is known in full."""
    name = expression.name if isinstance(expression, Select) else expression.of.name
    if names_in(expression) & scene.unsure:
        return False
    is_there = any(is_kind(name, thing) for thing in scene.things)
    return is_there or scene.absent is None or name in scene.absent


def _candidates(
    rng: np.random.Generator, things: Sequence[Thing], target: int, level: int
) -> Iterator[Expression]:
    thing = things[target]
    selections = _selections(thing)
    if level == 1:
        yield from shuffled(rng, selections)
        return
    # Where one word is enough, nobody says more.
    plain = [
        select for select in selections if select.name != "object" and _count(select, things) >= 2
    ]
    if not plain:
        return
    while True:
        of = pick(rng, plain)
        if level == 2:
            yield _superlative(rng, of)
        elif level == 3:
            candidate = _related(rng, things, target, of)
            if candidate is not None:
                yield candidate
            else:
                yield Largest(of)
        else:
            first, second = (_anchor(rng, things, {target}, deep=True) for _ in range(2))
            form = rng.random()
            if first is None:
                return
            if form < 0.4 and second is not None and second != first:
                yield Between(of, first, second)
            elif form < 0.6:
                yield Nearest(of, first)
            else:
                yield Relative(of, pick(rng, _PLACES), first)


def _count(select: Select, things: Sequence[Thing]) -> int:
    meant = referents(select, things)
    return 0 if meant is None else len(meant)


def _selections(thing: Thing) -> list[Select]:
    """Ways to select a thing by its kind and colour."""
    noun = thing.noun
    found = [Select(noun.name, noun.plural)]
    if noun.group:
        found.append(Select(noun.group, f"{noun.group}s"))
    if thing.colour:
        found += [Select(of.name, of.plural, thing.colour) for of in list(found)]
        found.append(Select("object", "objects", thing.colour))
    return found


def _superlative(rng: np.random.Generator, of: Select) -> Expression:
    if rng.random() < 0.3:
        return Largest(of, smallest=bool(rng.random() < 0.5))
    number = 1 if rng.random() < 0.5 else int(rng.integers(2, _MOST_COUNTED + 1))
    return Ordinal(of, pick(rng, _SIDES), number)


def _related(
    rng: np.random.Generator, things: Sequence[Thing], target: int, of: Select
) -> Expression | None:
    if things[target].colour and rng.random() < 0.2:
        others = {t.colour for t in things if t.colour and t.colour != things[target].colour}
        if others:
            colour = pick(rng, sorted(others))
            return Select(of.name, of.plural, colour, is_negated=True) if not of.colour else None
    flats = [i for i, thing in enumerate(things) if thing.is_flat and i != target]
    if flats and rng.random() < 0.5:
        flat = pick(rng, flats)
        anchor = refer(rng, things, flat, 1)
        if anchor is not None:
            return On(of, anchor, is_negated=things[target].under != flat)
    anchor = _anchor(rng, things, {target})
    return None if anchor is None else Relative(of, pick(rng, _PLACES), anchor)


def _anchor(
    rng: np.random.Generator, things: Sequence[Thing], without: set[int], *, deep: bool = False
) -> Expression | None:
    """Another thing by which to find one, itself clearly referred to."""
    others = [i for i in range(len(things)) if i not in without]
    for number in shuffled(rng, others)[:4]:
        level = 2 if deep and rng.random() < 0.5 else 1
        anchor = refer(rng, things, number, level)
        if anchor is not None:
            return anchor
    return None
