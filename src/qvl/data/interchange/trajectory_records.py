"""What a record of a found trajectory means: its goal, its screens, its actions as ours.

Owns: two spellings of episodes. Does not own: files and screens (``trajectories``).

    record -> of_pixels() | of_shares() -> goal, steps in one spelling
        -> step_of() -> TrajectoryStep

One episode a record, told apart by its shape:

    {"goal": "...", "screenshots": ["0.png", ...], "step_instructions": ["..."],
     "actions": [{"action_type": "click", "x": 1, "y": 2}, ...],
     "ui_elements": [[{"box": [x1, y1, x2, y2], "text": "..."}], ...]}
    [{"instruction": "...", "image_path": "0.png", "coat_action_think": "...",
      "result_action_type": 4, "result_touch_yx": "[0.5, 0.2]", "result_lift_yx": "[0.5, 0.2]",
      "ui_positions": "[[y, x, h, w]]", "ui_text": "[...]"}, ...]

The first has pixels of the screen, the second shares of it; its elements may be in either.
Source: AndroidControl (Li et al. 2024), AITZ (Zhang et al. 2024) and the action types and the
distance of a tap of Android in the Wild (Rawles et al. 2023), action_type.py, action_matching.py.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qvl.data.trajectories import TrajectoryStep
from qvl.errors import DataError
from qvl.geometry import Box, ImageSize, Point, ResizeTransform
from qvl.messages import Image
from qvl.options import shown
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    OpenApp,
    PressSystem,
    Status,
    SystemButton,
    Terminate,
    Type,
    Wait,
    outside,
)

_TAP_DISTANCE = 0.04
"""Source: Android in the Wild, action_matching.py: touch and lift nearer than this are a tap."""
_LONG_PRESS_SECONDS = 2.0
_WAIT_SECONDS = 2.0
_BUTTONS: dict[str, SystemButton] = {
    "navigate_back": "Back",
    "press_back": "Back",
    "navigate_home": "Home",
    "press_home": "Home",
    "keyboard_enter": "Enter",
    "press_enter": "Enter",
}
_NUMBERED = {
    3: "type",
    4: "dual_point",
    5: "press_back",
    6: "press_home",
    7: "press_enter",
    10: "success",
    11: "failure",
}
# A finger that scrolls down moves up. Start and end as shares of width and height.
_SWIPES = {
    "down": ((0.5, 0.7), (0.5, 0.3)),
    "up": ((0.5, 0.3), (0.5, 0.7)),
    "right": ((0.8, 0.5), (0.2, 0.5)),
    "left": ((0.2, 0.5), (0.8, 0.5)),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """An element that the data set knows: its box, in original_px or as shares, and its text."""

    box: Box
    text: str


def is_step(record: object) -> bool:
    """Whether a record is a step of the second spelling, and no episode."""
    return isinstance(record, Mapping) and "result_action_type" in record


def of_pixels(episode: Any) -> tuple[str, list[dict[str, Any]]]:
    """The steps of the first spelling."""
    if not isinstance(episode, Mapping):
        raise DataError(f"{shown(episode)}, expected an object or a list of steps")
    goal, screens, actions = (episode.get(key) for key in ("goal", "screenshots", "actions"))
    if not isinstance(goal, str) or not isinstance(screens, list) or not isinstance(actions, list):
        raise DataError(
            "an episode without goal, screenshots or actions",
            hint="see qvl.data.interchange.trajectory_records",
        )
    said = _list_of(episode, "step_instructions", str) or [""] * len(actions)
    elements = _list_of(episode, "ui_elements", list) or [[]] * len(screens)
    # A last screen without an action shows the end.
    if len(screens) == len(actions) + 1:
        actions = [*actions, {"action_type": "status", "goal_status": "successful"}]
    if len(said) == len(actions) - 1:
        said = [*said, ""]
    if not len(screens) == len(actions) == len(said) == len(elements):
        raise DataError(
            f"{len(screens)} screens, {len(actions)} actions, {len(said)} instructions and "
            f"{len(elements)} lists of elements"
        )
    return goal, [
        {
            "screen": screen,
            "action": action,
            "thought": thought,
            "elements": [_known(item) for item in known],
        }
        for screen, action, thought, known in zip(screens, actions, said, elements, strict=True)
    ]


def of_shares(steps: Sequence[Any]) -> tuple[str, list[dict[str, Any]]]:
    """The steps of the second spelling; places are shares of the screen until it is measured."""
    if not steps or not all(is_step(step) for step in steps):
        raise DataError(
            "a list with something that is no step",
            hint="see qvl.data.interchange.trajectory_records",
        )
    goal = steps[0].get("instruction")
    if not isinstance(goal, str):
        raise DataError(f"instruction is {shown(goal)}, expected words")
    ordered = sorted(steps, key=lambda step: _number(step.get("step_id", 0)))
    return goal, [
        {
            "screen": step.get("image_path"),
            "action": _numbered(step),
            "thought": str(step.get("coat_action_think", "")),
            "elements": _positioned(step),
        }
        for step in ordered
    ]


def _numbered(step: Mapping[str, Any]) -> dict[str, Any]:
    number = step["result_action_type"]
    kind = _NUMBERED.get(number) if isinstance(number, int) else None
    if kind == "dual_point":
        touch, lift = _pair(step.get("result_touch_yx")), _pair(step.get("result_lift_yx"))
        return {"action_type": kind, "touch": touch, "lift": lift}
    if kind == "type":
        return {"action_type": "input_text", "text": step.get("result_action_text")}
    if kind in ("success", "failure"):
        return {"action_type": "status", "goal_status": kind}
    if kind is None:
        raise DataError(f"result_action_type is {shown(number)}, expected a kind of action")
    return {"action_type": kind}


def _pair(value: object) -> Point:
    """A place written as y and x."""
    numbers = _json(value)
    if not isinstance(numbers, list) or len(numbers) != 2:
        raise DataError(f"place is {shown(value)}, expected [y, x]")
    y, x = (_number(number) for number in numbers)
    return Point(x, y)


def _positioned(step: Mapping[str, Any]) -> list[_Known]:
    places, texts = _json(step.get("ui_positions") or "[]"), _json(step.get("ui_text") or "[]")
    found = []
    for number, place in enumerate(places if isinstance(places, list) else []):
        if not isinstance(place, list) or len(place) != 4:
            raise DataError(f"element is {shown(place)}, expected [y, x, height, width]")
        y, x, height, width = map(_number, place)
        text = texts[number] if isinstance(texts, list) and number < len(texts) else ""
        found.append(_Known(box=Box(x, y, x + width, y + height), text=str(text)))
    return found


def _known(item: Any) -> _Known:
    box = item.get("box") if isinstance(item, Mapping) else None
    if not isinstance(box, list) or len(box) != 4:
        raise DataError(f"element is {shown(item)}, expected a box of four numbers")
    return _Known(box=Box(*map(_number, box)), text=str(item.get("text", "")))


def step_of(record: Mapping[str, Any], screen: Image, transform: ResizeTransform) -> TrajectoryStep:
    action, place = _action(record["action"], transform.original)
    wrong = outside(action, transform.original)
    if wrong is not None:
        raise DataError(f"({wrong.x:g}, {wrong.y:g}) is outside the screen of {transform.original}")
    known = _smallest(_in_pixels(record["elements"], transform.original), place)
    return TrajectoryStep(
        screen=screen,
        action=_resized(action, transform),
        thought=record["thought"],
        on=known.text if known else "",
        box=transform.to_resized(known.box) if known else None,
    )


def _resized(action: Action, transform: ResizeTransform) -> Action:
    match action:
        case Click(point=Point() as point):
            return Click(point=transform.to_resized(point))
        case LongPress(point=point, seconds=seconds):
            return LongPress(point=transform.to_resized(point), seconds=seconds)
        case Drag(start=Point() as start, end=end):
            return Drag(start=transform.to_resized(start), end=transform.to_resized(end))
        case _:
            return action


def _action(record: Any, screen: ImageSize) -> tuple[Action, Point | None]:
    """The action in original_px, and where a click is."""
    kind = record.get("action_type") if isinstance(record, Mapping) else None
    match kind:
        case "click" | "long_press":
            place = Point(_number(record.get("x")), _number(record.get("y")))
            return (
                Click(point=place)
                if kind == "click"
                else LongPress(point=place, seconds=_LONG_PRESS_SECONDS)
            ), place
        case "dual_point":
            touch, lift = (
                Point(p.x * screen.width, p.y * screen.height)
                for p in (record["touch"], record["lift"])
            )
            if math.dist(record["touch"], record["lift"]) <= _TAP_DISTANCE:
                return Click(point=touch), touch
            return Drag(start=touch, end=lift), None
        case "scroll" | "swipe":
            way = _SWIPES.get(str(record.get("direction")))
            if way is None:
                raise DataError(
                    f"direction is {shown(record.get('direction'))}, expected one of "
                    f"{', '.join(_SWIPES)}"
                )
            start, end = (Point(x * screen.width, y * screen.height) for x, y in way)
            return Drag(start=start, end=end), None
        case "input_text":
            return Type(text=_words(record, "text")), None
        case "open_app":
            return OpenApp(name=_words(record, "app_name")), None
        case "wait":
            return Wait(seconds=_WAIT_SECONDS), None
        case "status":
            status: Status = (
                "success"
                if record.get("goal_status") in ("successful", "success", "complete")
                else "failure"
            )
            return Terminate(status=status), None
        case str() if kind in _BUTTONS:
            return PressSystem(button=_BUTTONS[kind]), None
    raise DataError(f"action is {shown(record)}, expected one that a phone can do")


def _in_pixels(elements: Sequence[_Known], screen: ImageSize) -> list[_Known]:
    """Boxes in original_px; data sets derived from one another have pixels or shares."""
    if any(max(item.box) > 1 for item in elements):
        return list(elements)
    height, width = screen
    return [
        _Known(
            box=Box(
                item.box.x1 * width, item.box.y1 * height, item.box.x2 * width, item.box.y2 * height
            ),
            text=item.text,
        )
        for item in elements
    ]


def _smallest(elements: Sequence[_Known], place: Point | None) -> _Known | None:
    """The smallest element around a place."""
    if place is None:
        return None
    around = [
        item
        for item in elements
        if item.box.x1 <= place.x <= item.box.x2 and item.box.y1 <= place.y <= item.box.y2
    ]
    return min(
        around,
        key=lambda item: (item.box.x2 - item.box.x1) * (item.box.y2 - item.box.y1),
        default=None,
    )


def _list_of(record: Mapping[str, Any], key: str, kind: type) -> list[Any]:
    value = record.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise DataError(f"{key} is {shown(value)}, expected a list of {kind.__name__}")
    return value


def _words(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value:
        raise DataError(f"{key} is {shown(value)}, expected words")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{shown(value)} is no number")
    return float(value)


def _json(value: object) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{shown(value)} is no JSON") from error
