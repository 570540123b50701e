"""Policies that look behind the picture and then act as a model must: by written calls, through the
whole loop, in pixels of a screenshot that was shrunk."""

import re
from collections.abc import Callable, Sequence

from qvl.agents.miniwob.benchmark import EpisodeKey
from qvl.agents.miniwob.screen import TASK_AREA, MiniWobScreen
from qvl.geometry import Point
from qvl.processing.processor import Processor
from qvl.tasks.actions import Action, Click, Type
from tests.agents.screens import writer
from tests.answers.scripted import ScriptedEngine
from tests.material import EMBEDDED

SCALE = 2
PROCESSOR = Processor.from_folder(EMBEDDED)
WRITE = writer((SCALE * TASK_AREA.width, SCALE * TASK_AREA.height), "computer_use")


def middle(screen: MiniWobScreen, selector: str, text: str = "") -> Point:
    """Middle of the element that a selector finds, with this text if there is any."""
    found = screen.evaluate(
        """([selector, text]) => {
            const all = [...document.querySelectorAll(selector)];
            const box = all.find(e => !text || e.textContent === text).getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }""",
        [selector, text],
    )
    return Point(*(SCALE * value for value in found))


def _quoted(screen: MiniWobScreen) -> str:
    goal = str(screen.evaluate("() => core.getUtterance()"))
    found = re.search('"(.+)"', goal)
    assert found is not None
    return found.group(1)


def click_test(screen: MiniWobScreen) -> list[Action]:
    return [Click(point=middle(screen, "#subbtn"))]


def click_button(screen: MiniWobScreen) -> list[Action]:
    return [Click(point=middle(screen, "#area button", _quoted(screen)))]


def enter_text(screen: MiniWobScreen) -> list[Action]:
    return [
        Click(point=middle(screen, "#tt")),
        Type(text=_quoted(screen)),
        Click(point=middle(screen, "#subbtn")),
    ]


ORACLES: dict[str, Callable[[MiniWobScreen], list[Action]]] = {
    "click-test": click_test,
    "click-button": click_button,
    "enter-text": enter_text,
}


def oracle(screen: MiniWobScreen) -> Callable[[EpisodeKey], ScriptedEngine]:
    """A policy that knows the three tasks."""
    return lambda key: _engine(ORACLES[key.task](screen))


def does(*actions: Action) -> Callable[[EpisodeKey], ScriptedEngine]:
    """A policy that always does the same."""
    return lambda key: _engine(actions)


def _engine(actions: Sequence[Action]) -> ScriptedEngine:
    return ScriptedEngine([WRITE(action) for action in actions], processor=PROCESSOR)
