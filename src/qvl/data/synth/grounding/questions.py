"""Questions about a scene with their answers, in all forms a model answers grounding in.

Owns: one function for each form. Does not own: wordings and written forms (``tasks``), expressions
(``referring``), pictures (``scene``).

    rng, scene -> FORMS[form](...) -> Turn(question, answer, what is asked and of which things)

Answers list things in reading order: from the top, and from the left where they begin at one
height.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qvl.data.synth.grounding.cutouts import Noun
from qvl.data.synth.grounding.expressions import (
    Expression,
    Select,
    describe,
    names_in,
    referents,
)
from qvl.data.synth.grounding.nouns import with_article
from qvl.data.synth.grounding.referring import absent, refer, refer_several
from qvl.data.synth.grounding.scene import Scene, Thing
from qvl.data.synth.picking import pick, shuffled
from qvl.geometry import PATCH, Box, Point, ResizeTransform
from qvl.tasks import counting, detection, grounding
from qvl.tasks.grounding import Grounded, GroundedBox, GroundedPoint, Kind, Language, Style

MOST_LISTED = 60
"""Longest list in an answer: about 1,500 tokens."""
_MOST_CATEGORIES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A question and its answer.

    Attributes:
        question: as the user writes it.
        answer: as the model writes it.
        form: one of `FORMS`.
        expression: what is asked for, in words.
        targets: indices of the things meant.
        level: of a referring expression, 1 to 4; 0 when there is none.
        told: names and colours of which question and answer tell something.
        extra: what else an evaluation needs.
    """

    question: str
    answer: str
    form: str
    expression: str
    targets: tuple[int, ...]
    level: int = 0
    told: frozenset[str]
    extra: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """What an evaluation needs, in plain values."""
        return {
            "form": self.form,
            "expression": self.expression,
            "targets": list(self.targets),
            "level": self.level,
            **self.extra,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """What questions are made from.

    Attributes:
        scene: that is asked about.
        nouns: names of things that could be asked for and are perhaps not there.
        style: "text" for the plain form of boxes, which needs its system prompt; else "json".
        levels: of referring expressions, to choose from.
    """

    scene: Scene
    nouns: Sequence[Noun]
    style: Style = "json"
    levels: tuple[int, ...] = (1, 2, 3, 4)


def ask(rng: np.random.Generator, asking: Asking, form: str) -> Turn | None:
    """Returns a question of a form, or None when the scene has none."""
    return FORMS[form](rng, asking)


def _box(rng: np.random.Generator, asking: Asking) -> Turn | None:
    return _one(rng, asking, "box", asking.style)


def _point(rng: np.random.Generator, asking: Asking) -> Turn | None:
    return _one(rng, asking, "point", "xml" if rng.random() < 0.4 else "json")


def _one(rng: np.random.Generator, asking: Asking, kind: Kind, style: Style) -> Turn | None:
    """Where is the thing that an expression means?"""
    found = _referred(rng, asking)
    if found is None:
        return None
    expression, target, level = found
    if not _can_place(asking.scene, [target], kind):
        return None
    return Turn(
        question=_worded(rng, f"the {expression}", kind, style),
        answer=written(asking.scene, [target], [expression], kind, style),
        form=kind,
        expression=expression,
        targets=(target,),
        level=level,
        told=_told(asking.scene, [target]),
    )


def _boxes(rng: np.random.Generator, asking: Asking) -> Turn | None:
    return _all(rng, asking, "box", asking.style)


def _points(rng: np.random.Generator, asking: Asking) -> Turn | None:
    return _all(rng, asking, "point", "xml" if rng.random() < 0.5 else "json")


def _all(rng: np.random.Generator, asking: Asking, kind: Kind, style: Style) -> Turn | None:
    """Where are all things that an expression means?"""
    expression = refer_several(rng, asking.scene.things, most=MOST_LISTED)
    if expression is None or not _is_complete(asking.scene, expression):
        return None
    targets = _ordered(asking.scene, referents(expression, asking.scene.things) or [])
    if not _can_place(asking.scene, targets, kind):
        return None
    one, several = describe(expression), describe(expression, several=True)
    thing = f"all {several}" if rng.random() < 0.6 else f"every {one}"
    return Turn(
        question=_worded(rng, thing, kind, style, several=True),
        answer=written(asking.scene, targets, [one] * len(targets), kind, style),
        form=f"all {kind}es" if kind == "box" else f"all {kind}s",
        expression=several,
        targets=tuple(targets),
        told=_told(asking.scene, targets),
    )


def _count(rng: np.random.Generator, asking: Asking) -> Turn | None:
    return _counted(rng, asking, listed=False)


def _listed_count(rng: np.random.Generator, asking: Asking) -> Turn | None:
    return _counted(rng, asking, listed=True)


def _counted(rng: np.random.Generator, asking: Asking, *, listed: bool) -> Turn | None:
    """How many are there? With the boxes first, as large models count better so."""
    if rng.random() < 0.12:
        expression = absent(rng, asking.scene, asking.nouns)
    else:
        expression = refer_several(rng, asking.scene.things, least=1, most=MOST_LISTED)
    if expression is None or not _is_complete(asking.scene, expression):
        return None
    targets = _ordered(asking.scene, referents(expression, asking.scene.things) or [])
    one, several = describe(expression), describe(expression, several=True)
    count = len(targets)
    answer = counting.format(count)
    if listed:
        listing = written(asking.scene, targets, [one] * count, "box", "json")
        answer = counting.format_listing(listing, count, one=one, several=several)
    return Turn(
        question=counting.listing_prompt(several) if listed else counting.prompt(several),
        answer=answer,
        form="listed count" if listed else "count",
        expression=several,
        targets=tuple(targets),
        told=_told(asking.scene, targets) | {_name(expression)},
        extra={"count": count},
    )


def _detection(rng: np.random.Generator, asking: Asking) -> Turn | None:
    """Everything of several kinds, of which some are perhaps not there."""
    scene = asking.scene
    there = {thing.noun.name: thing.noun for thing in scene.things if not thing.is_crowd}
    selects = [
        Select(noun.name, noun.plural)
        for noun in shuffled(rng, list(there.values()))[: int(rng.integers(1, _MOST_CATEGORIES))]
    ]
    for _ in range(int(rng.integers(0, 4))):
        missing = absent(rng, scene, asking.nouns)
        if isinstance(missing, Select) and not missing.colour and missing not in selects:
            selects.append(missing)
    selects = [select for select in selects if _is_complete(scene, select)]
    meant = {select.name: referents(select, scene.things) for select in selects}
    if len(selects) < 2 or None in meant.values():
        return None
    label = {number: name for name, numbers in meant.items() for number in numbers or []}
    targets = _ordered(scene, list(label))
    if not 0 < len(targets) <= MOST_LISTED:
        return None
    names = [select.name for select in shuffled(rng, selects)]
    return Turn(
        question=detection.prompt(names),
        answer=written(scene, targets, [label[i] for i in targets], "box", "json"),
        form="detection",
        expression=", ".join(names),
        targets=tuple(targets),
        told=_told(scene, targets) | set(names),
    )


def _nothing(rng: np.random.Generator, asking: Asking) -> Turn | None:
    """Where is something that is not there? Nowhere: an empty list."""
    expression = absent(rng, asking.scene, asking.nouns)
    if expression is None:
        return None
    kind: Kind = "box" if rng.random() < 0.7 else "point"
    several = bool(rng.random() < 0.4)
    words = describe(expression, several=several)
    question = _worded(rng, f"{'all' if several else 'the'} {words}", kind, "json", several=several)
    return Turn(
        question=question,
        answer=grounding.format([]),
        form="nothing",
        expression=words,
        targets=(),
        told=frozenset([_name(expression)]),
    )


def _part(rng: np.random.Generator, asking: Asking) -> Turn | None:
    """Where is a part of a thing?"""
    things = asking.scene.things
    for target in shuffled(rng, range(len(things))):
        if not things[target].parts:
            continue
        owner = next(
            (e for level in (1, 2, 3) if (e := refer(rng, things, target, level)) is not None), None
        )
        if owner is None:
            continue
        name, box, point = pick(rng, things[target].parts)
        words = f"{name} of the {describe(owner)}"
        is_thin = min(box.x2 - box.x1, box.y2 - box.y1) < PATCH
        kind: Kind = "point" if is_thin or rng.random() < 0.7 else "box"
        item = _item(asking.scene, kind, box, point, words)
        return Turn(
            question=_worded(rng, f"the {words}", kind, "json"),
            answer=grounding.format([item]),
            form=f"part {kind}",
            expression=words,
            targets=(target,),
            told=_told(asking.scene, [target]),
            extra={"part": name, "part_box": list(box)},
        )
    return None


def _description(rng: np.random.Generator, asking: Asking) -> Turn | None:
    """What is in a box? Its kind and colour, and what sets it apart from others like it."""
    things = asking.scene.things
    targets = [i for i, thing in enumerate(things) if not thing.is_crowd]
    if not targets:
        return None
    target = pick(rng, targets)
    thing = things[target]
    name = f"{thing.colour} {thing.noun.name}".strip()
    sentences = [f"{with_article(name).capitalize()}."]
    expression = refer(rng, things, target, int(rng.integers(2, 4)))
    level = 0
    if expression is not None and _is_complete(asking.scene, expression):
        sentences.append(f"It is the {describe(expression)}.")
        level = 1
    box = _on_pixels(asking.scene, thing.box)
    return Turn(
        question=grounding.region_prompt(box),
        answer=" ".join(sentences),
        form="description",
        expression=name,
        targets=(target,),
        level=level,
        told=_told(asking.scene, [target]),
    )


FORMS: dict[str, Callable[[np.random.Generator, Asking], Turn | None]] = {
    "box": _box,
    "point": _point,
    "all boxes": _boxes,
    "all points": _points,
    "count": _count,
    "listed count": _listed_count,
    "detection": _detection,
    "nothing": _nothing,
    "part": _part,
    "description": _description,
}
"""Forms of question by name."""


def foreign(
    rng: np.random.Generator, scene: Scene, names: dict[str, str], language: str
) -> Turn | None:
    """Where is everything of a kind that is named in another language?

    Args:
        rng: source of randomness.
        scene: that is asked about.
        names: English name -> name in the language, for kinds that have one.
        language: as in CLDR; questions in Chinese are Chinese, others English.
    """
    kinds = {t.noun.name: t.noun for t in scene.things if t.noun.name in names}
    for noun in shuffled(rng, list(kinds.values())):
        meant = referents(Select(noun.name, noun.plural), scene.things)
        if meant is None or len(meant) > MOST_LISTED or noun.name in scene.unsure:
            continue
        name = names[noun.name]
        asked: Language = "zh" if language == "zh" else "en"
        thing = name if asked == "zh" else f'every "{name}"'
        kind: Kind = "box" if rng.random() < 0.6 else "point"
        style: Style = "xml" if kind == "point" and rng.random() < 0.5 else "json"
        targets = _ordered(scene, meant)
        if not _can_place(scene, targets, kind):
            continue
        return Turn(
            question=pick(
                rng,
                grounding.wordings(thing, kind=kind, style=style, several=True, language=asked),
            ),
            answer=written(scene, targets, [name] * len(targets), kind, style),
            form=f"all {kind}es" if kind == "box" else f"all {kind}s",
            expression=name,
            targets=tuple(targets),
            told=_told(scene, targets),
            extra={"language": language},
        )
    return None


def written(
    scene: Scene, targets: Sequence[int], labels: Sequence[str], kind: Kind, style: Style
) -> str:
    """Returns the answer that places things, in their order."""
    things = [scene.things[target] for target in targets]
    items = [
        _item(scene, kind, thing.box, thing.point, label)
        for thing, label in zip(things, labels, strict=True)
    ]
    return grounding.format(items, style=style)


def _can_place(scene: Scene, targets: Sequence[int], kind: Kind) -> bool:
    """Crowds have no box of one; the middle of a box need not lie on the thing."""
    things = [scene.things[target] for target in targets]
    return all(not t.is_crowd and (kind == "box" or t.mask is not None) for t in things)


def _item(scene: Scene, kind: Kind, box: Box, point: Point, label: str) -> Grounded:
    item = (
        GroundedBox(box=box, label=label)
        if kind == "box"
        else GroundedPoint(point=Point(np.floor(point.x), np.floor(point.y)), label=label)
    )
    return grounding.to_model_space(item, ResizeTransform(scene.size, scene.size))


def _on_pixels(scene: Scene, box: Box) -> Box:
    item = grounding.to_model_space(GroundedBox(box=box), ResizeTransform(scene.size, scene.size))
    assert isinstance(item, GroundedBox)
    return item.box


def _worded(
    rng: np.random.Generator, thing: str, kind: Kind, style: Style, *, several: bool = False
) -> str:
    return pick(rng, grounding.wordings(thing, kind=kind, style=style, several=several))


def _referred(rng: np.random.Generator, asking: Asking) -> tuple[str, int, int] | None:
    """An expression in words, the thing it means, and its level."""
    things = asking.scene.things
    targets = [i for i, thing in enumerate(things) if not thing.is_crowd]
    for level in shuffled(rng, asking.levels):
        for target in shuffled(rng, targets)[:4]:
            expression = refer(rng, things, target, level)
            if expression is not None and _is_complete(asking.scene, expression):
                return describe(expression), target, level
    return None


def _is_complete(scene: Scene, expression: Expression) -> bool:
    """Whether the picture can have no more things that the expression means."""
    spoken = names_in(expression)
    return not (scene.unsure & spoken or (scene.unsure and "object" in spoken))


def _name(expression: Expression) -> str:
    return expression.name if isinstance(expression, Select) else expression.of.name


def _told(scene: Scene, targets: Sequence[int]) -> frozenset[str]:
    """Names of which an answer about these things tells something."""
    return frozenset(scene.things[target].noun.name for target in targets)


def _ordered(scene: Scene, targets: Sequence[int]) -> list[int]:
    def place(target: int) -> tuple[float, float]:
        thing: Thing = scene.things[target]
        return thing.box.y1, thing.box.x1

    return sorted(targets, key=place)
