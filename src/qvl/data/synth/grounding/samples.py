"""Samples about scenes: which questions make a conversation.

Owns: the generators ``scene_sample`` and ``referring_sample``, and how a scene becomes a sample.
Does not own: pictures (``arranging``), questions (``questions``).

    rng -> arranged() -> scene -> questions -> photographed -> Sample
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image as PILImage

from qvl.data.records import Provenance, Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.grounding import drawings, emoji
from qvl.data.synth.grounding.arranging import arranged
from qvl.data.synth.grounding.cutouts import Noun
from qvl.data.synth.grounding.nouns import plural
from qvl.data.synth.grounding.questions import Asking, Turn, ask, foreign
from qvl.data.synth.grounding.scene import Scene
from qvl.data.synth.picking import pick, shuffled
from qvl.errors import InputError
from qvl.geometry import FACTOR, ImageSize
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks.grounding import TEXT_SYSTEM_PROMPT

# Shares of the forms of question.
_SCENE_FORMS = {
    "all boxes": 0.2, "all points": 0.12, "count": 0.12, "listed count": 0.1, "detection": 0.16,
    "nothing": 0.1, "part": 0.08, "description": 0.06, "box": 0.03, "point": 0.03,
}  # fmt: skip
_REFERRING_FORMS = {"box": 0.5, "point": 0.22, "nothing": 0.13, "description": 0.15}
_TEXT_FORMS = {"box": 0.5, "all boxes": 0.5}
_PLAIN_TEXT = 0.08
_MOST_TURNS = 4
_TRIES = 12
_SCENES = 20


@lru_cache(maxsize=1)
def vocabulary() -> tuple[Noun, ...]:
    """Returns what can be asked for and is perhaps not there."""
    drawn = [
        Noun(name=name, plural=plural(name), group=kind.group, also=frozenset(kind.also))
        for name, kind in drawings.KINDS.items()
    ]
    by_name = {noun.name: noun for noun in [*(g.noun for g in emoji.glyphs()), *drawn]}
    return tuple(by_name.values())


def scene_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    side_tokens: tuple[int, int] = (12, 30),
    layout: str | None = None,
    languages: tuple[str, ...] = (),
    strength: float = 0.5,
) -> Sample:
    """Returns things on a background with questions about all of a kind, numbers, parts and more.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        side_tokens: least and most merged tokens (28 px) of a side.
        layout: one of `arranging.LAYOUTS`; any when None.
        languages: some of `emoji.LANGUAGES`, in which things are sometimes named.
        strength: of the camera effects.

    Raises:
        MissingDependencyError: the font, or the package with names in other languages, is missing.
    """
    return _sample(
        rng,
        seed=seed,
        forms=_SCENE_FORMS,
        side_tokens=side_tokens,
        layout=layout,
        languages=languages,
        strength=strength,
        name="scene",
    )


def referring_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    side_tokens: tuple[int, int] = (12, 30),
    layout: str | None = None,
    levels: tuple[int, ...] = (1, 2, 3, 4),
    strength: float = 0.5,
) -> Sample:
    """Returns things on a background with expressions that each mean one of them, or none.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        side_tokens: least and most merged tokens (28 px) of a side.
        layout: one of `arranging.LAYOUTS`; any when None.
        levels: how hard expressions are, see ``referring``.
        strength: of the camera effects.

    Raises:
        MissingDependencyError: the font is missing.
    """
    # Other pictures than those of `scene_sample` with the same numbers.
    rng = np.random.default_rng(rng.integers(0, 2**63, 2))
    return _sample(
        rng,
        seed=seed,
        forms=_REFERRING_FORMS,
        side_tokens=side_tokens,
        layout=layout,
        levels=levels,
        strength=strength,
        name="referring",
    )


def _sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    forms: dict[str, float],
    side_tokens: tuple[int, int],
    layout: str | None,
    name: str,
    strength: float,
    levels: tuple[int, ...] = (1, 2, 3, 4),
    languages: tuple[str, ...] = (),
) -> Sample:
    for _ in range(_SCENES):
        size = ImageSize(*(int(v) * FACTOR for v in rng.integers(*side_tokens, 2, endpoint=True)))
        scene = arranged(rng, size, layout=layout)
        turns, is_text = converse(rng, scene, forms, nouns=vocabulary(), levels=levels)
        if languages and rng.random() < 0.3 and not is_text:
            language = pick(rng, languages)
            turn = foreign(rng, scene, _names(language), language)
            turns = turns if turn is None else [turn]
        if turns:
            picture = photograph(rng, PILImage.fromarray(scene.pixels), strength=strength)
            return as_sample(
                scene,
                turns,
                pixels=np.asarray(picture, np.uint8),
                is_text=is_text,
                task=f"grounding {name}",
                provenance=Provenance(
                    generator=f"grounding.samples.{name}_sample",
                    seed=seed,
                    licence=licences([thing.licence for thing in scene.things]),
                ),
            )
    raise InputError(
        f"{_SCENES} scenes of {side_tokens} tokens a side had nothing to ask about",
        hint="allow larger pictures or easier levels",
    )


@lru_cache(maxsize=len(emoji.LANGUAGES))
def _names(language: str) -> dict[str, str]:
    """English name -> name in another language, of kinds that one emoji alone shows."""
    every = [glyph.noun.name for glyph in emoji.glyphs()]
    return {
        glyph.noun.name: emoji.name_in(glyph, language)
        for glyph in emoji.glyphs()
        if every.count(glyph.noun.name) == 1 and glyph.noun.name not in drawings.KINDS
    }


def converse(
    rng: np.random.Generator,
    scene: Scene,
    forms: dict[str, float],
    *,
    nouns: Sequence[Noun],
    levels: tuple[int, ...] = (1, 2, 3, 4),
) -> tuple[list[Turn], bool]:
    """Returns questions in an order in which no answer tells another, and whether they are in the
    plain form that needs its system prompt."""
    if not scene.things:
        return [], False
    is_text = bool(rng.random() < _PLAIN_TEXT)
    shares = _TEXT_FORMS if is_text else forms
    asking = Asking(scene=scene, nouns=nouns, style="text" if is_text else "json", levels=levels)
    most = int(rng.integers(1, _MOST_TURNS + 1))
    turns: list[Turn] = []
    told: set[str] = set()
    weights = np.array(list(shares.values()))
    for _ in range(_TRIES):
        form = str(rng.choice(list(shares), p=weights / weights.sum()))
        turn = ask(rng, asking, form)
        if turn is None or turn.told & told or (turn.expression in {t.expression for t in turns}):
            continue
        turns.append(turn)
        told |= turn.told
        if len(turns) == most:
            break
    return shuffled(rng, turns), is_text


def as_sample(
    scene: Scene,
    turns: Sequence[Turn],
    *,
    pixels: Any,
    is_text: bool,
    task: str,
    provenance: Provenance,
) -> Sample:
    """Returns a conversation about a scene.

    Args:
        scene: that is asked about.
        turns: questions and answers.
        pixels: the picture as it is shown: uint8[H, W, 3] or a file.
        is_text: puts the system prompt of the plain form first.
        task: of the sample.
        provenance: of the sample.
    """
    messages = [Message("system", (Text(TEXT_SYSTEM_PROMPT),))] if is_text else []
    for number, turn in enumerate(turns):
        picture = (Image(pixels),) if number == 0 else ()
        messages.append(Message("user", (*picture, Text(turn.question))))
        messages.append(Message("assistant", (Text(turn.answer),)))
    return Sample(
        task=task,
        conversation=Conversation(tuple(messages)),
        provenance=provenance,
        facts={
            "things": [
                {
                    "name": thing.noun.name,
                    "colour": thing.colour,
                    "box": [*thing.box],
                    "visible": thing.visible,
                }
                for thing in scene.things
            ],
            "asked": [turn.facts() for turn in turns],
        },
    )


def licences(found: Sequence[str]) -> str:
    """Returns the terms of what was put together from things with these.

    >>> licences(["OFL-1.1", "CC0-1.0"]), licences(["CC0-1.0"]), licences(["MIT", ""])
    ('OFL-1.1', 'CC0-1.0', '')
    """
    if "" in found:
        return ""  # of one nothing is known, so of the whole nothing is
    terms = sorted(set(found) - {"CC0-1.0"})
    return " AND ".join(terms) if terms else "CC0-1.0"
