"""Questions about one scene whose answers are words: yes or no, a colour, a number, a name.

Owns: the forms of question. Does not own: what is true of a scene (``grounding.expressions``),
pictures (``grounding.arranging``).

    Scene -> ask(form) -> Asked(question, answer) | None where the scene has no clear answer

Only what people would agree on is asked: every answer rests on truths that are not None.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from qvl.data.synth.grounding.cutouts import Noun
from qvl.data.synth.grounding.expressions import (
    Largest,
    Place,
    Relative,
    Select,
    is_kind,
    referents,
    truths,
)
from qvl.data.synth.grounding.nouns import plural, with_article
from qvl.data.synth.grounding.scene import Scene, Thing
from qvl.data.synth.picking import listed, pick, shuffled
from qvl.tasks import counting

PLACES: tuple[Place, ...] = ("to the left of", "to the right of", "above", "below")
_ANYTHING = Select("object", "objects")
_MOST_COUNTED = 12


class Asked(NamedTuple):
    """A question with its answer."""

    question: str
    answer: str
    form: str


def ask(
    rng: np.random.Generator, form: str, scene: Scene, vocabulary: Sequence[Noun]
) -> Asked | None:
    """Returns a question of a form, or None when nothing clear can be asked.

    Args:
        rng: source of randomness.
        form: one of `FORMS`.
        scene: that is asked about.
        vocabulary: things that could have been in the scene.
    """
    turn = FORMS[form](rng, scene, vocabulary)
    return None if turn is None else Asked(*turn, form)


def _named(noun: Noun) -> Select:
    return Select(noun.name, noun.plural)


def _single(rng: np.random.Generator, scene: Scene) -> list[Thing]:
    """Things of whose kind there is one, so that "the dog" is clear."""
    return [
        thing
        for thing in shuffled(rng, scene.things)
        if referents(_named(thing.noun), scene.things) is not None
        and len(referents(_named(thing.noun), scene.things) or ()) == 1
    ]


def _colour(
    rng: np.random.Generator, scene: Scene, vocabulary: Sequence[Noun]
) -> tuple[str, str] | None:
    for thing in _single(rng, scene):
        if thing.colour and thing.colours is not None and len(thing.colours) == 1:
            asked = pick(rng, ("What color is the {}?", "Which color does the {} have?"))
            return asked.format(thing.noun.name), thing.colour
    return None


def _exists(
    rng: np.random.Generator, scene: Scene, vocabulary: Sequence[Noun]
) -> tuple[str, str] | None:
    wanted = rng.random() < 0.5
    nouns = [thing.noun for thing in scene.things] if wanted else vocabulary
    for noun in shuffled(rng, nouns)[:20]:
        found = [is_kind(noun.name, thing) for thing in scene.things]
        is_clear = any(value is True for value in found) if wanted else not any(
            value is not False for value in found
        )  # fmt: skip
        if is_clear and noun.name not in scene.unsure:
            return f"Is there {with_article(noun.name)} in the image?", "Yes" if wanted else "No"
    return None


def _relation(
    rng: np.random.Generator, scene: Scene, vocabulary: Sequence[Noun]
) -> tuple[str, str] | None:
    """Whether one thing stands on a side of another; as often no as yes."""
    wanted = rng.random() < 0.5
    things = _single(rng, scene)
    for one in things:
        for other in things:
            # All places are tried: with one alone "yes" would be given up more often than "no".
            for place in shuffled(rng, PLACES) if one is not other else ():
                relation = Relative(_named(one.noun), place, _named(other.noun))
                truth = truths(relation, scene.things)[scene.things.index(one)]
                if truth is wanted:
                    question = f"Is the {one.noun.name} {place} the {other.noun.name}?"
                    return question, "Yes" if wanted else "No"
    return None


def _beside(
    rng: np.random.Generator, scene: Scene, vocabulary: Sequence[Noun]
) -> tuple[str, str] | None:
    """What stands on a side of a thing, when there is one such thing."""
    for anchor in _single(rng, scene):
        for place in shuffled(rng, PLACES):
            found = referents(Relative(_ANYTHING, place, _named(anchor.noun)), scene.things)
            if found is not None and len(found) == 1:
                answer = with_article(scene.things[found[0]].noun.name)
                return f"What is {place} the {anchor.noun.name}?", answer.capitalize()
    return None


def _larger(
    rng: np.random.Generator, scene: Scene, vocabulary: Sequence[Noun]
) -> tuple[str, str] | None:
    things = _single(rng, scene)
    for one, other in pairwise(things):
        pair = (one, other)
        found = referents(Largest(_ANYTHING), pair)
        if found is not None and len(found) == 1:
            names = f"the {one.noun.name} or the {other.noun.name}"
            larger = pair[found[0]].noun.name
            return f"Which takes up more of the image, {names}?", f"The {larger}"
    return None


def _count(
    rng: np.random.Generator, scene: Scene, vocabulary: Sequence[Noun]
) -> tuple[str, str] | None:
    kinds = [thing.noun for thing in scene.things]
    groups = sorted({noun.group for noun in kinds if noun.group})
    selects = [*map(_named, kinds), *(Select(group, plural(group)) for group in groups)]
    for select in shuffled(rng, selects):
        number = _number(select, scene)
        if number is not None:
            return counting.prompt(select.plural), counting.format(number)
    return None


def _number(select: Select, scene: Scene) -> int | None:
    found = referents(select, scene.things)
    if found is None or len(found) > _MOST_COUNTED or select.name in scene.unsure:
        return None
    return len(found)


def _more(
    rng: np.random.Generator, scene: Scene, vocabulary: Sequence[Noun]
) -> tuple[str, str] | None:
    """Which of two kinds there are more of."""
    kinds = list({thing.noun.name: thing.noun for thing in scene.things}.values())
    kinds = shuffled(rng, kinds)
    for one, other in pairwise(kinds):
        numbers = [_number(_named(noun), scene) for noun in (one, other)]
        if None in numbers or numbers[0] == numbers[1]:
            continue
        more = one if (numbers[0] or 0) > (numbers[1] or 0) else other
        question = f"Are there more {one.plural} or more {other.plural} in the image?"
        return question, f"More {more.plural}"
    return None


def _list(
    rng: np.random.Generator, scene: Scene, vocabulary: Sequence[Noun]
) -> tuple[str, str] | None:
    """All kinds that are seen, with their numbers."""
    kinds = list({thing.noun.name: thing.noun for thing in scene.things}.values())
    counts = [(noun, _number(_named(noun), scene)) for noun in kinds]
    if not 2 <= len(kinds) <= 6 or any(number is None for _, number in counts):
        return None
    rows = [
        with_article(noun.name) if number == 1 else f"{number} {noun.plural}"
        for noun, number in sorted(counts, key=lambda row: row[0].name)
    ]
    question = pick(
        rng,
        (
            "What can be seen in the image, and how many of each?",
            "List the things in this image with their numbers.",
        ),
    )
    return question, f"There {'is' if rows[0][:2] in ('a ', 'an') else 'are'} {listed(rows)}."


FORMS: dict[
    str,
    Callable[[np.random.Generator, Scene, Sequence[Noun]], tuple[str, str] | None],
] = {
    "colour": _colour, "exists": _exists, "relation": _relation, "beside": _beside,
    "larger": _larger, "count": _count, "more": _more, "list": _list,
}  # fmt: skip
