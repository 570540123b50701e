"""What an app is: a page that works, what is true of it, and what can be done with it.

Owns: the records that builders fill in. Does not own: the builders (``apps``), acting out a task
(``expert``).

    builder(rng, device) -> App(body, state, facts, questions, tasks)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from qvl.data.synth.agent.markup import Html

Deed = Literal["click", "double", "context", "type", "slide", "keys", "app"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """One thing an expert means to do; how, depends on the device and on what is in view.

    Attributes:
        deed: "context" opens a context menu, by the right button or a long press; "type" puts the
            cursor into a field, empties it and types; "keys" presses a chord.
        on: name (``data-e``) of the element; empty for keys and apps.
        text: what is typed, the app that is opened, or the keys joined with "+".
        value: of a slider.
        why: the intention in words, as the expert would say it.
        where: "desktop" or "mobile" when only one of them does it this way.
    """

    deed: Deed
    on: str = ""
    text: str = ""
    value: float = 0.0
    why: str = ""
    where: Literal["", "desktop", "mobile"] = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Something a user wants done, how, and how to see that it is done.

    Attributes:
        goal: in the user's words.
        plan: intents in order.
        ends: state key -> value in the end; every other key is as it was at first. Keys that begin
            with "ui." or "draft." may be anything.
    """

    goal: str
    plan: tuple[Intent, ...]
    ends: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A sentence about the screen, true when what it speaks of can be seen.

    Attributes:
        text: the sentence.
        seen: names of the elements it speaks of.
    """

    text: str
    seen: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question that the screen answers, when the elements named can be seen."""

    ask: str
    answer: str
    seen: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """A page that works.

    Attributes:
        name: as its icon and its window say.
        kind: "mail", "shop" ...
        icon: of the app.
        body: of the page.
        state: the page's state at first; plain JSON.
        about: what it is and shows, as the first sentence of a caption.
        facts: further sentences for a caption, from top to bottom.
        questions: about what is shown at first.
        tasks: that can be done.
        looks: ways to other pictures of it: names of elements to click one after another.
        hot: chord -> commands.
    """

    name: str
    kind: str
    icon: str
    body: Html
    state: Mapping[str, Any]
    about: str
    facts: tuple[Fact, ...] = ()
    questions: tuple[Question, ...] = ()
    tasks: tuple[Task, ...] = ()
    looks: tuple[tuple[str, ...], ...] = ()
    hot: Mapping[str, Any] = field(default_factory=dict)


def click(on: str, why: str, **more: Any) -> Intent:
    """Returns the intent to press something."""
    return Intent(deed="click", on=on, why=why, **more)


def enter(on: str, text: str, why: str, **more: Any) -> Intent:
    """Returns the intent to type a text into a field."""
    return Intent(deed="type", on=on, text=text, why=why, **more)
