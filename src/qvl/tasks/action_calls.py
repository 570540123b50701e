"""Actions as the arguments of function calls, in the spelling of the published schemas.

Owns: the names of actions and arguments, and the slips that are forgiven. Does not own: the
schemas (``agent_tools``), the text around a call (``tool_calls``).

    ToolCall -> read_action -> Action;   Action -> write_action -> ToolCall

Calls of the published models put a ``coordinate`` on clicks and scrolls, which the schema does not
ask for; it is where they happen.
Source: QwenLM/Qwen2.5-VL at commit d2240f1, cookbooks/utils/agent_function_call.py; an answer
recorded in cookbooks/computer_use.ipynb.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from qvl.errors import InputError
from qvl.geometry import Point
from qvl.messages import ToolCall
from qvl.options import shown
from qvl.tasks.actions import (
    Action,
    Button,
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
    Wait,
)
from qvl.tasks.agent_tools import ToolName


class UnusableCall(ValueError):
    """The call asks for nothing that can be done; the message says why in one line."""


def read_action(call: ToolCall) -> Action:
    """Returns what a call asks for, in the space the model writes.

    >>> read_action(ToolCall("computer_use", {"action": "left_click", "coordinate": ["3", 4]}))
    Click(point=Point(x=3.0, y=4.0), button='left', count=1)

    Raises:
        UnusableCall: the action is unknown, or an argument is missing or odd.
    """
    name = call.arguments.get("action")
    reader = _READERS.get(name.strip().lower()) if isinstance(name, str) else None
    if reader is None:
        raise UnusableCall(f"action is {shown(name)}, expected one of {', '.join(_READERS)}")
    return reader(call.arguments)


def write_action(action: Action, tool: ToolName) -> ToolCall:
    """Returns the call that asks for an action; coordinates are rounded to whole pixels.

    Raises:
        InputError: the function has no such action.
    """
    written = (_computer if tool == "computer_use" else _mobile)(action)
    if written is None:
        raise InputError(
            f"{tool} cannot say {action}",
            hint=f"use {'mobile_use' if tool == 'computer_use' else 'computer_use'}",
        )
    return ToolCall(tool, written)


def _point(arguments: Mapping[str, Any], key: str) -> Point:
    place = _maybe_point(arguments, key)
    if place is None:
        raise UnusableCall(f"{arguments['action']} has no {key}, expected [x, y]")
    return place


def _maybe_point(arguments: Mapping[str, Any], key: str) -> Point | None:
    value = arguments.get(key)
    if value is None:
        return None
    numbers = _numbers(value)
    if len(numbers) != 2 or None in numbers:
        raise UnusableCall(f"{key} is {shown(value)}, expected [x, y]")
    return Point(*numbers)  # type: ignore[arg-type]  # no None is left


def _numbers(value: object) -> list[float | None]:
    """The members of a list, of a string with commas or spaces, or of an object with x and y.

    >>> _numbers([1, "2"]), _numbers(["(3, 4)"]), _numbers({"x": 5, "y": "a"})
    ([1.0, 2.0], [3.0, 4.0], [5.0, None])
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):
        value = [value.get("x"), value.get("y")]
    if isinstance(value, str):
        value = value.strip().strip("()[]").replace(",", " ").split()
    return [_finite(member) for member in value] if isinstance(value, list) else []


def _finite(value: object) -> float | None:
    """A finite number, also one in a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):  # no number; an integer larger than any float
        return None
    return number if math.isfinite(number) else None


def _number(arguments: Mapping[str, Any], key: str) -> float:
    value = _finite(arguments.get(key))
    if value is None:
        raise UnusableCall(f"{key} is {shown(arguments.get(key))}, expected a number")
    return value


def _seconds(arguments: Mapping[str, Any]) -> float:
    value = _number(arguments, "time")
    if value < 0:
        raise UnusableCall(f"time is {value:g}, expected seconds")
    return value


def _text(arguments: Mapping[str, Any]) -> str:
    value = arguments.get("text")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise UnusableCall(f"text is {shown(value)}, expected words")
    return value


def _keys(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    value = arguments.get("keys", arguments.get("text"))
    keys = [value] if isinstance(value, str | int) else value
    if not isinstance(keys, list) or not keys:
        raise UnusableCall(f"keys is {shown(value)}, expected a list of names")
    names = [str(key) if isinstance(key, int) else key for key in keys]
    if not all(isinstance(name, str) and name for name in names):
        raise UnusableCall(f"keys is {shown(value)}, expected a list of names")
    return tuple(names)


def _choice(arguments: Mapping[str, Any], key: str, known: tuple[str, ...]) -> Any:
    value = arguments.get(key)
    for name in known:
        if isinstance(value, str) and value.strip().lower() == name.lower():
            return name
    raise UnusableCall(f"{key} is {shown(value)}, expected one of {', '.join(known)}")


def _drag(arguments: Mapping[str, Any]) -> Drag:
    # Where a drag gets two places, it is meant as a swipe.
    if arguments.get("coordinate2") is not None:
        return _swipe(arguments)
    return Drag(end=_point(arguments, "coordinate"))


def _swipe(arguments: Mapping[str, Any]) -> Drag:
    return Drag(start=_point(arguments, "coordinate"), end=_point(arguments, "coordinate2"))


def _click(button: Button = "left", count: Literal[1, 2] = 1) -> Callable[..., Action]:
    def read(arguments: Mapping[str, Any]) -> Click:
        return Click(point=_maybe_point(arguments, "coordinate"), button=button, count=count)

    return read


_READERS: dict[str, Callable[[Mapping[str, Any]], Action]] = {
    "key": lambda arguments: Press(keys=_keys(arguments)),
    "type": lambda arguments: Type(text=_text(arguments)),
    "mouse_move": lambda arguments: MoveTo(point=_point(arguments, "coordinate")),
    "left_click": _click(),
    "left_click_drag": _drag,
    "right_click": _click("right"),
    "middle_click": _click("middle"),
    "double_click": _click(count=2),
    "scroll": lambda arguments: Scroll(
        pixels=_number(arguments, "pixels"), point=_maybe_point(arguments, "coordinate")
    ),
    "click": lambda arguments: Click(point=_point(arguments, "coordinate")),
    "long_press": lambda arguments: LongPress(
        point=_point(arguments, "coordinate"), seconds=_seconds(arguments)
    ),
    "swipe": _swipe,
    "system_button": lambda arguments: PressSystem(
        button=_choice(arguments, "button", ("Back", "Home", "Menu", "Enter"))
    ),
    "open": lambda arguments: OpenApp(name=_text(arguments)),
    "wait": lambda arguments: Wait(seconds=_seconds(arguments)),
    "terminate": lambda arguments: Terminate(
        status=_choice(arguments, "status", ("success", "failure"))
    ),
}


def _computer(action: Action) -> dict[str, Any] | None:
    match action:
        case Click(count=2, button="left"):
            return {"action": "double_click", **_place("coordinate", action.point)}
        case Click(count=1):
            return {"action": f"{action.button}_click", **_place("coordinate", action.point)}
        case MoveTo():
            return {"action": "mouse_move", **_place("coordinate", action.point)}
        case Drag(start=None):
            return {"action": "left_click_drag", **_place("coordinate", action.end)}
        case Scroll():
            where = _place("coordinate", action.point)
            return {"action": "scroll", "pixels": action.pixels, **where}
        case Press():
            return {"action": "key", "keys": list(action.keys)}
        case _:
            return _either(action)


def _mobile(action: Action) -> dict[str, Any] | None:
    match action:
        case Click(point=Point(), button="left", count=1):
            return {"action": "click", **_place("coordinate", action.point)}
        case LongPress():
            where = _place("coordinate", action.point)
            return {"action": "long_press", **where, "time": action.seconds}
        case Drag(start=Point()):
            start, end = _place("coordinate", action.start), _place("coordinate2", action.end)
            return {"action": "swipe", **start, **end}
        case Press(keys=(key,)):
            return {"action": "key", "text": key}
        case PressSystem():
            return {"action": "system_button", "button": action.button}
        case OpenApp():
            return {"action": "open", "text": action.name}
        case _:
            return _either(action)


def _either(action: Action) -> dict[str, Any] | None:
    match action:
        case Type():
            return {"action": "type", "text": action.text}
        case Wait():
            return {"action": "wait", "time": action.seconds}
        case Terminate():
            return {"action": "terminate", "status": action.status}
        case _:
            return None


def _place(key: str, place: Point | None) -> dict[str, Any]:
    return {} if place is None else {key: [round(place.x), round(place.y)]}
