"""Acts out a task on a live page, and sees in the page's state whether it worked.

Owns: how an intent becomes actions on a desktop or a phone, scrolling to what is not in view, the
check at the end. Does not own: plans (``apps``), input (``stage``), samples (``trajectories``).

    Stage, Task -> for each intent: find it -> scroll until it is in view -> act -> picture
        -> Episode(steps, failure)

Nothing is assumed: an element is acted on only where ``elementFromPoint`` finds it, and an episode
counts only when every key of the state ends as the task says and no other has changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qvl.data.synth.agent.app import App, Intent, Task
from qvl.data.synth.agent.elements import Element, locate
from qvl.data.synth.agent.stage import Stage
from qvl.geometry import Box, Point
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    MoveTo,
    OpenApp,
    Press,
    PressSystem,
    Scroll,
    Terminate,
    Type,
)

_MOST_SCROLLS = 8
_SCROLL_SHARE = 0.6
"""Of the height of what is scrolled, at most at once: something stays in view to go by."""
_LONG_PRESS_SECONDS = 1.0

# The nearest thing that scrolls, what of it is visible, and how far its element is from the middle.
_WAY = """name => {
  const el = one(name);
  for (let at = el && el.parentElement; at; at = at.parentElement) {
    if (!/auto|scroll/.test(getComputedStyle(at).overflowY)) continue;
    if (at.scrollHeight <= at.clientHeight + 1) continue;
    const box = at.getBoundingClientRect(), own = el.getBoundingClientRect();
    const top = Math.max(0, box.top), bottom = Math.min(innerHeight, box.bottom);
    const wanted = (own.top + own.bottom) / 2 - (top + bottom) / 2;
    const room = wanted > 0 ? at.scrollHeight - at.clientHeight - at.scrollTop : at.scrollTop;
    const way = Math.sign(wanted) * Math.min(Math.abs(wanted), room);
    const scaled = [box.left, top, box.right, bottom].map((v) => v * devicePixelRatio);
    return { box: scaled, way: way * devicePixelRatio };
  }
  return null;
}"""
_IS_FOCUSED = "name => document.activeElement === one(name)"
_IS_HIT = """([name, x, y]) => {
  const top = document.elementFromPoint(x, y);
  return Boolean(top) && one(name).contains(top);
}"""
_IS_SLIDER_AT = "([x, y]) => Boolean(document.elementFromPoint(x, y)?.closest('[data-slider]'))"
_SLIDER = """name => {
  const { min, max, slider } = one(name).dataset;
  return { min: Number(min), max: Number(max), value: state[slider] };
}"""


_Planned = tuple[Action, str, Element | None]
"""What is done, why, and on which element."""


class _Impossible(Exception):
    """An intent cannot be carried out; the text is a reason that can be counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActedStep:
    """One action of an episode.

    Attributes:
        before: uint8[H, W, 3], the screen when the action was chosen.
        action: in resized_px.
        why: the intention in words.
        on: name of the element; empty for none.
        box: of the element in resized_px, or None.
    """

    before: npt.NDArray[np.uint8]
    action: Action
    why: str
    on: str = ""
    box: Box | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """A task acted out.

    Attributes:
        goal: in the user's words.
        steps: the last one terminates, unless something failed before.
        failure: why it does not count, or empty.
    """

    goal: str
    steps: tuple[ActedStep, ...]
    failure: str


def act_out(stage: Stage, app: App, task: Task, *, opens_app: str = "") -> Episode:
    """Acts out a task.

    Args:
        stage: the page, untouched.
        app: on it.
        task: of that app.
        opens_app: "icon" or "name" when a phone shows its home screen first: how the app is opened.

    Raises:
        DataError: the page fails.
    """
    before = _state(stage)
    goal = f"Open {app.name}. {task.goal}" if opens_app else task.goal
    own = "mobile" if stage.device.is_mobile else "desktop"
    plan = [intent for intent in task.plan if intent.where in ("", own)]
    if opens_app:
        plan.insert(0, _opening(app, opens_app))
    steps: list[ActedStep] = []
    try:
        for intent in plan:
            for action, why, element in _actions(stage, intent):
                steps.append(
                    ActedStep(
                        before=stage.screenshot(),
                        action=action,
                        why=why,
                        on=element.e if element else "",
                        box=element.box if element else None,
                    )
                )
                stage.perform(action)
    except _Impossible as error:
        return Episode(goal=goal, steps=tuple(steps), failure=str(error))
    failure = _difference(before, _state(stage), task.ends)
    end = Terminate(status="failure" if failure else "success")
    steps.append(
        ActedStep(
            before=stage.screenshot(), action=end, why="Everything that was asked for is done."
        )
    )
    return Episode(goal=goal, steps=tuple(steps), failure=failure)


def _opening(app: App, how: str) -> Intent:
    if how == "name":
        return Intent(deed="app", text=app.name, why=f"First {app.name} has to be opened.")
    return Intent(
        deed="click", on=f"app:{app.name}", why=f"I see the icon of {app.name} and open it."
    )


def _actions(stage: Stage, intent: Intent) -> Iterator[_Planned]:
    """The actions of an intent; each is done before the next one is asked for."""
    if intent.on:
        yield from _into_view(stage, intent.on)
        item = locate(stage, intent.on)
        if item is None or not item.is_enabled:
            raise _Impossible("the element is disabled or gone")
        yield from _on_element(stage, intent, item)
    else:
        yield _elsewhere(stage, intent), intent.why, None


def _on_element(stage: Stage, intent: Intent, item: Element) -> Iterator[_Planned]:
    match intent.deed:
        case "click":
            yield Click(point=item.centre), intent.why, item
        case "double":
            yield Click(point=item.centre, count=2), intent.why, item
        case "context" if stage.device.is_mobile:
            yield LongPress(point=item.centre, seconds=_LONG_PRESS_SECONDS), intent.why, item
        case "context":
            yield Click(point=item.centre, button="right"), intent.why, item
        case "type":
            yield from _typing(stage, intent, item)
        case "slide":
            yield from _sliding(stage, intent, item)
        case _:
            raise AssertionError(intent)


def _elsewhere(stage: Stage, intent: Intent) -> Action:
    """An action that is on no element."""
    match intent.deed:
        case "keys" if stage.device.is_mobile and intent.text == "enter":
            return PressSystem(button="Enter")
        case "keys":
            return Press(keys=tuple(intent.text.split("+")))
        case "app":
            return OpenApp(name=intent.text)
        case _:
            raise AssertionError(intent)


def _typing(stage: Stage, intent: Intent, item: Element) -> Iterator[_Planned]:
    why = intent.why
    if not stage.evaluate(_IS_FOCUSED, intent.on):
        yield Click(point=item.centre), f"{why} First the cursor has to be in the field.", item
        why = "The cursor is in the field, so I type."
    if item.text:
        clear = ("clear",) if stage.device.is_mobile else ("ctrl", "a")
        said = (
            "clear it" if stage.device.is_mobile else "select all of it, so that typing replaces it"
        )
        yield Press(keys=clear), f"The field still holds text. I {said}.", None
        why = "Now I type the new text."
    yield Type(text=intent.text), why, None


def _sliding(stage: Stage, intent: Intent, item: Element) -> Iterator[_Planned]:
    now = stage.evaluate(_SLIDER, intent.on)
    y = item.centre.y

    def at(value: float) -> Point:
        share = (value - now["min"]) / (now["max"] - now["min"])
        return Point(
            min(round(item.box.x1 + share * (item.box.x2 - item.box.x1)), item.box.x2 - 1), y
        )

    if stage.device.is_mobile:
        yield Drag(start=at(now["value"]), end=at(intent.value)), intent.why, item
        return
    yield MoveTo(point=at(now["value"])), "I move the cursor to the handle of the slider.", item
    yield Drag(end=at(intent.value)), intent.why, item


def _into_view(stage: Stage, name: str) -> Iterator[_Planned]:
    """Scrolls until the element can be acted on."""
    for _ in range(_MOST_SCROLLS):
        item = locate(stage, name)
        if item is None or item.problem == "hidden":
            raise _Impossible("the element is not on the page")
        if item.problem in ("", "tiny", "torn") or (
            item.problem == "clipped" and _is_hit(stage, item)
        ):
            return
        way = stage.evaluate(_WAY, name)
        if way is None or abs(way["way"]) < 1:
            raise _Impossible(f"the element is {item.problem} and nothing scrolls to it")
        yield _scroll(stage, Box(*way["box"]), way["way"]), _why_scroll(way["way"]), None
    raise _Impossible("the element does not come into view")


def _is_hit(stage: Stage, item: Element) -> bool:
    """Whether the middle of an element that ends outside its list can be clicked."""
    x, y = (value / stage.device.scale for value in item.centre)
    return bool(stage.evaluate(_IS_HIT, [item.e, x, y]))


def _scroll(stage: Stage, box: Box, way: float) -> Action:
    most = _SCROLL_SHARE * (box.y2 - box.y1)
    way = float(round(max(-most, min(most, way))))
    middle = Point(round((box.x1 + box.x2) / 2), round((box.y1 + box.y2) / 2))
    if not stage.device.is_mobile:
        return Scroll(pixels=-way, point=middle)
    y1, y2 = round(middle.y + way / 2), round(middle.y - way / 2)
    for share in (0.5, 0.9, 0.1):  # a finger that begins on a slider moves the slider
        x = round(box.x1 + share * (box.x2 - box.x1))
        if not stage.evaluate(_IS_SLIDER_AT, [x / stage.device.scale, y1 / stage.device.scale]):
            break
    return Drag(start=Point(x, y1), end=Point(x, y2))


def _why_scroll(way: float) -> str:
    side = "down" if way > 0 else "up"
    return f"What I need is not in view. It should be further {side}, so I scroll there."


def _state(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.evaluate("() => state")
    return {key: value for key, value in found.items() if not key.startswith(("ui.", "draft."))}


def _difference(
    before: Mapping[str, Any], after: Mapping[str, Any], ends: Mapping[str, Any]
) -> str:
    """Why the end is not the one wanted, or nothing."""
    if {**before, **ends} == before:
        return "the task was done before it began"
    for key in ends:
        if after.get(key) != ends[key]:
            return "the state is not as wanted"
    if {**before, **ends} != after:
        return "something else has changed"
    return ""
