"""Short texts that must have a given form, written so that they have it.

Owns: topics with sentences about them, choosing constraints that go together. Does not own:
constraints and their check (``constraints``).

    topic -> sentences -> constraints that they can satisfy -> answer, checked by is_met()
"""

import json

import numpy as np

from qvl.data.languages import STOP_WORDS
from qvl.data.records import Sample
from qvl.data.synth.picking import pick, shuffled
from qvl.data.synth.text_tasks.constraints import Constraint, is_met, words
from qvl.data.synth.text_tasks.turns import sample_of
from qvl.data.texts import words_of

TOPICS: dict[str, tuple[str, ...]] = {
    "bees": (
        "Bees collect nectar from flowers and turn it into honey.",
        "A hive has one queen and many workers.",
        "Bees show each other the way to flowers by a dance.",
        "Many plants need bees to carry their pollen.",
        "In winter a hive lives from its stored honey.",
    ),
    "the Moon": (
        "The Moon goes around the Earth in about 27 days.",
        "It shines because it reflects the light of the Sun.",
        "The Moon has no air and no weather.",
        "Its pull makes the tides of the sea.",
        "Twelve people have walked on the Moon.",
    ),
    "bread": (
        "Bread is made from flour and water.",
        "Yeast makes the dough rise before it is baked.",
        "The crust becomes brown in the hot oven.",
        "Old bread can be used for soup or crumbs.",
        "Many countries have their own kinds of bread.",
    ),
    "glaciers": (
        "A glacier is a river of ice that moves slowly.",
        "It forms where more snow falls than melts.",
        "Glaciers carve deep valleys into mountains.",
        "Most of the fresh water on land is frozen in them.",
        "When they melt the level of the sea rises.",
    ),
    "bicycles": (
        "A bicycle turns the strength of the legs into motion.",
        "Gears make it easier to ride up a hill.",
        "Bicycles need little space and make little noise.",
        "Good brakes and lights make riding safer.",
        "The chain carries the force to the rear wheel.",
    ),
    "rice": (
        "Rice is the main food of about half of all people.",
        "It grows in fields that are flooded with water.",
        "Brown rice still has its outer layer.",
        "There are thousands of kinds of rice.",
        "Rice swells while it is cooked.",
    ),
    "owls": (
        "Owls hunt at night and sleep during the day.",
        "Their soft feathers let them fly without a sound.",
        "They can turn their heads very far.",
        "Owls swallow small animals whole.",
        "Good hearing helps them to find mice in the dark.",
    ),
    "lighthouses": (
        "A lighthouse warns ships of rocks and shallow water.",
        "Its lamp can be seen from far away.",
        "Each lighthouse has its own rhythm of flashes.",
        "In the past a keeper lived in it and tended the lamp.",
        "Today most of them work without people.",
    ),
}
"""Plain facts of our own wording, without commas; the first one names the topic."""

_ENDINGS = ("That is all.", "Thank you for reading.", "More another time.")
_ASK = (
    "Write a short text about {topic}. {requests}",
    "Tell me about {topic}. {requests}",
    "What do you know about {topic}? {requests}",
    "Explain {topic} to a child. {requests}",
)


def instruction_sample(rng: np.random.Generator, *, seed: tuple[int, ...], most: int = 3) -> Sample:
    """Returns a request with constraints on its form, and a text that meets all of them.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        most: constraints.
    """
    topic = pick(rng, tuple(TOPICS))
    first, *rest = TOPICS[topic]
    count = int(rng.integers(len(rest) + 1))
    further = sorted(shuffled(rng, range(len(rest)))[:count])
    sentences = [first, *(rest[i] for i in further)]
    form = pick(rng, ("text", "text", "text", "bullets", "json"))
    chosen = _form(form, sentences)
    answer = _written(form, sentences)
    for constraint in shuffled(rng, _further(rng, form, sentences)):
        if len(chosen) >= int(rng.integers(1, most + 1)):
            break
        changed = _changed(constraint, answer, form)
        # A change must not break what was asked before.
        if all(is_met(request, changed) for request in (*chosen, constraint)):
            chosen.append(constraint)
            answer = changed
    requests = " ".join(words(constraint) for constraint in chosen)
    return sample_of(
        [(pick(rng, _ASK).format(topic=topic, requests=requests), answer)],
        task="instructions",
        generator="text_tasks.instructions.instruction_sample",
        seed=seed,
        facts={"constraints": [{"kind": c.kind, "value": c.value} for c in chosen]},
    )


def _form(form: str, sentences: list[str]) -> list[Constraint]:
    if form == "bullets":
        return [Constraint(kind="bullets", value=len(sentences))]
    if form == "json":
        return [Constraint(kind="json")]
    return [Constraint(kind="sentences", value=len(sentences))]


def _written(form: str, sentences: list[str]) -> str:
    if form == "bullets":
        return "\n".join(f"- {sentence}" for sentence in sentences)
    if form == "json":
        return f"```json\n{json.dumps({'sentences': sentences}, indent=2)}\n```"
    return " ".join(sentences)


def _further(rng: np.random.Generator, form: str, sentences: list[str]) -> list[Constraint]:
    said = words_of(" ".join(sentences))
    content = [word for word in said if word not in STOP_WORDS["en"] and len(word) > 3]
    other = pick(rng, tuple(TOPICS["the Moon"] + TOPICS["bread"]))
    missing = [word for word in words_of(other) if word not in said and len(word) > 3]
    found = [
        Constraint(kind="contains", value=pick(rng, content)),
        Constraint(kind="avoids", value=pick(rng, missing) if missing else "very"),
        Constraint(kind="at most words", value=5 * (len(said) // 5 + 1 + int(rng.integers(4)))),
    ]
    if form == "text":
        found.append(Constraint(kind="no commas"))
        found.append(Constraint(kind="ends with", value=pick(rng, _ENDINGS)))
    if form != "json":
        found.append(Constraint(kind=pick(rng, ("capitals", "lowercase"))))
    return found


def _changed(constraint: Constraint, answer: str, form: str) -> str:
    match constraint.kind:
        case "capitals":
            return answer.upper()
        case "lowercase":
            return answer.lower()
        case "ends with" if form == "text":
            # The ending is a sentence itself; it takes the place of the last one.
            head = answer[: answer.rstrip(".").rfind(".") + 1]
            return f"{head} {constraint.value}".strip()
    return answer
