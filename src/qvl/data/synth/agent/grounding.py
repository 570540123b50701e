"""Questions about places on screens: where an element is, how to click it, what is at a place.

Owns: the generator of such samples. Does not own: the words for elements (``descriptions``), how
answers are written (``tasks``).

    random screen -> live page -> view, picture -> questions with boxes, points or calls -> Sample
"""

from collections.abc import Sequence

import numpy as np

from qvl.data.records import Provenance, Sample
from qvl.data.synth.agent.content import one, some
from qvl.data.synth.agent.descriptions import (
    FIELDS,
    Phrase,
    descriptions,
    sentence,
    third_person,
)
from qvl.data.synth.agent.elements import Element, View, look
from qvl.data.synth.agent.screens import Screen, opened, random_screen
from qvl.errors import DataError
from qvl.geometry import Box, ImageSize
from qvl.messages import Conversation, Image, Message, Text
from qvl.tasks import agent, agent_tools, grounding
from qvl.tasks.actions import Click

Asked = tuple[Element, tuple[Phrase, ...]]

_FLAVOURS = ("calls", "places", "reverse")
_SHARES = (0.45, 0.35, 0.2)
_WHAT = (
    "What is at {box}?",
    "Which element is in the region {box}?",
    "Name the element inside the box {box}.",
)
_USE = (
    "What does the element at {box} do?",
    "What happens when one presses the element in the box {box}?",
    "What is the element at {box} for?",
)


def screen_grounding_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    mobile: float = 0.5,
    sharp: float = 0.4,
    questions: int = 4,
) -> Sample:
    """Returns a screen with questions about elements on it.

    A third kind of answer is asked for in each sample: calls of a function that clicks; boxes and
    points; or words for what is in a box.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        mobile: share of phones.
        sharp: share of phones with two device pixels per CSS pixel.
        questions: most turns of the conversation.

    Raises:
        DataError: the page fails, or shows nothing to ask for.
        MissingDependencyError: there is no browser.
    """
    screen = random_screen(rng, mobile=mobile, sharp=sharp, launcher=0.06)
    with opened(screen) as live:
        picture, view = live.screenshot(), look(live)
    asked = [(item, view_phrases) for item, view_phrases in _askable(view) if view_phrases]
    if not asked:
        raise DataError(f"nothing can be asked for on a screen of kind {screen.app.kind!r}")
    flavour = _FLAVOURS[int(rng.choice(3, p=_SHARES))]
    chosen = some(rng, asked, questions)
    size = ImageSize(*picture.shape[:2])
    if flavour == "calls":
        chosen = [
            item for item in chosen if item[0].is_enabled and item[0].kind != "slider"
        ] or chosen[:1]
        turns = [_call(rng, item, screen) for item in chosen]
    elif flavour == "places":
        turns = [_place(rng, item) for item in chosen]
    else:
        turns = [_reverse(rng, item) for item in chosen]
    tool = agent_tools.tool("mobile_use" if screen.device.is_mobile else "computer_use", size)
    messages = []
    for number, (question, answer) in enumerate(turns):
        shown = (Image(picture),) if number == 0 else ()
        messages += [
            Message("user", (*shown, Text(question))),
            Message("assistant", (Text(answer),)),
        ]
    return Sample(
        task="screen_grounding",
        conversation=Conversation(tuple(messages), (tool,) if flavour == "calls" else ()),
        provenance=Provenance(generator="agent.grounding.screen_grounding_sample", seed=seed),
        facts={
            **about(screen),
            "asks": flavour,
            "elements": [
                {
                    "e": item.e,
                    "kind": item.kind,
                    "role": item.role,
                    "name": item.name,
                    "box": list(item.box),
                }
                for item, _ in chosen
            ],
            "left_out": view.left_out(),
        },
    )


def about(screen: Screen) -> dict[str, object]:
    """Returns what is recorded of every screen."""
    return {
        "app": screen.app.kind,
        "frame": screen.frame,
        "is_mobile": screen.device.is_mobile,
        "is_dark": screen.look.is_dark,
        "path": list(screen.path),
    }


def _askable(view: View) -> list[Asked]:
    phrases = descriptions(view.elements.values())
    return [(item, phrases.get(item.e, ())) for item in view.usable()]


def _call(rng: np.random.Generator, asked: Asked, screen: Screen) -> tuple[str, str]:
    """An instruction and the call that follows it."""
    item, phrases = asked
    phrase = one(rng, phrases)
    is_desktop = not screen.device.is_mobile
    if phrase.how == "function":
        words, count = sentence(item.use), 2 if item.is_twice and is_desktop else 1
    else:
        words, count = f"{'Click' if is_desktop else 'Tap'} {phrase.words}.", 1
    action = Click(point=item.centre, count=2 if count == 2 else 1)
    return words, agent.format(action, tool="computer_use" if is_desktop else "mobile_use")


def _place(rng: np.random.Generator, asked: Asked) -> tuple[str, str]:
    """A description and where the element is."""
    item, phrases = asked
    words = one(rng, phrases).words
    label = words.removeprefix("the ")
    if rng.random() < 0.5:
        found: grounding.Grounded = grounding.GroundedPoint(point=item.centre, label=label)
        style: grounding.Style = "json" if rng.random() < 0.7 or '"' in label else "xml"
        kind: grounding.Kind = "point"
        if style == "xml":
            return _xml_prompt(words), grounding.format([found], style="xml")
        return grounding.prompt(words, kind=kind), grounding.format([found])
    return grounding.prompt(words), grounding.format(
        [grounding.GroundedBox(box=item.box, label=label)]
    )


def _xml_prompt(words: str) -> str:
    # Source: official cookbooks/spatial_understanding.ipynb, the wording for points in XML.
    return f"point to {words}, output its coordinates in XML format <points x y>object</points>"


def _reverse(rng: np.random.Generator, asked: Asked) -> tuple[str, str]:
    """A box, and what is in it or what that does."""
    item, phrases = asked
    box = _written(item.box)
    if item.use and rng.random() < 0.5:
        does = (
            f"there one can {item.use}" if item.kind in FIELDS else f"it {third_person(item.use)}"
        )
        return one(rng, _USE).format(box=box), sentence(does)
    named: Sequence[Phrase] = [phrase for phrase in phrases if phrase.how != "function"] or phrases
    return one(rng, _WHAT).format(box=box), sentence(one(rng, named).words)


def _written(box: Box) -> str:
    return "[" + ", ".join(str(round(side)) for side in box) + "]"
