"""What can be done on a screen: one set of actions for both functions of the models.

Owns: the actions, moving them between pixel spaces, saying them in words. Does not own: how calls
spell them (``action_calls``), doing anything (``qvl.agents``).

    read_action -> Action -> outside(screen)? -> mapped(transform) -> an executor, describe, draw

A left click of ``computer_use`` and a click of ``mobile_use`` are the same action, so an executor
knows one vocabulary and a model that mixes the names up is understood.
Source: QwenLM/Qwen2.5-VL at commit d2240f1, cookbooks/utils/agent_function_call.py.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeVar

from qvl.geometry import ImageSize, Point, ResizeTransform
from qvl.options import shown
from qvl.tasks.grounding import GroundedPoint

Button = Literal["left", "right", "middle"]
SystemButton = Literal["Back", "Home", "Menu", "Enter"]
Status = Literal["success", "failure"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Click:
    """Presses and releases a button of the mouse, or taps."""

    point: Point | None = None
    """None clicks where the cursor is."""
    button: Button = "left"
    count: Literal[1, 2] = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveTo:
    """Moves the cursor."""

    point: Point


@dataclass(frozen=True, kw_only=True, slots=True)
class Drag:
    """Presses at one place and releases at another, or swipes."""

    start: Point | None = None
    """None starts where the cursor is."""
    end: Point


@dataclass(frozen=True, kw_only=True, slots=True)
class LongPress:
    """Keeps a finger or the left button down."""

    point: Point
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Scroll:
    """Turns the wheel."""

    pixels: float
    """Positive scrolls up, negative down."""
    point: Point | None = None
    """None scrolls where the cursor is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """Presses keys in order and releases them in reverse order."""

    keys: tuple[str, ...]
    """As the model names them: "ctrl", "c"; on a mobile device "volume_up"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Type:
    """Types text where the focus is."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PressSystem:
    """Presses one of the buttons that every mobile device has."""

    button: SystemButton


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenApp:
    """Opens an app by its name."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Lets time pass."""

    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Terminate:
    """Ends the task; the status is what the model thinks of it."""

    status: Status


Action = (
    Click
    | MoveTo
    | Drag
    | LongPress
    | Scroll
    | Press
    | Type
    | PressSystem
    | OpenApp
    | Wait
    | Terminate
)
AnyAction = TypeVar("AnyAction", bound=Action)

HARMLESS = (MoveTo, Scroll, Wait, Terminate)
"""Actions that look around or end; all others may change something."""


def mapped(action: AnyAction, transform: ResizeTransform) -> AnyAction:
    """resized_px -> original_px, for every place and for the way of a scroll.

    >>> transform = ResizeTransform(ImageSize(200, 100), ImageSize(100, 100))
    >>> mapped(Scroll(pixels=-30, point=Point(5, 6)), transform)
    Scroll(pixels=-60.0, point=Point(x=5.0, y=12.0))
    """
    changes: dict[str, Any] = {
        name: transform.to_original(place) for name, place in places(action).items()
    }
    if isinstance(action, Scroll):
        changes["pixels"] = transform.to_original(Point(0.0, action.pixels)).y
    return replace(action, **changes)


def places(action: Action) -> dict[str, Point]:
    """The places an action names, by the name of the field.

    >>> places(Drag(start=Point(1, 2), end=Point(3, 4)))
    {'start': Point(x=1, y=2), 'end': Point(x=3, y=4)}
    """
    values = {item.name: getattr(action, item.name) for item in fields(action)}
    return {name: value for name, value in values.items() if isinstance(value, Point)}


def outside(action: Action, screen: ImageSize) -> Point | None:
    """The first place that is not on the screen, or None; both in the same space."""
    for place in places(action).values():
        if not (0 <= place.x <= screen.width and 0 <= place.y <= screen.height):
            return place
    return None


def describe(action: Action) -> str:
    """Returns an action in a few words, for people.

    >>> describe(Click(point=Point(10.4, 20), count=2)), describe(Press(keys=("ctrl", "c")))
    ('double click at 10, 20', 'press ctrl + c')
    """
    match action:
        case Click(button=button, count=count):
            kind = {"left": "", "right": "right ", "middle": "middle "}[button]
            return f"{'double ' if count == 2 else kind}click{_at(action.point)}"
        case MoveTo():
            return f"move{_at(action.point, ' to ')}"
        case Drag():
            return f"drag{_at(action.start, ' from ')}{_at(action.end, ' to ')}"
        case LongPress():
            return f"press for {action.seconds:g} s{_at(action.point)}"
        case Scroll():
            way = "up" if action.pixels > 0 else "down"
            return f"scroll {way} by {abs(action.pixels):.0f} px{_at(action.point)}"
        case Press():
            return f"press {' + '.join(action.keys)}"
        case Type():
            return f"type {shown(action.text)}"
        case PressSystem():
            return f"press {action.button}"
        case OpenApp():
            return f"open {shown(action.name)}"
        case Wait():
            return f"wait {action.seconds:g} s"
        case Terminate():
            return f"terminate: {action.status}"


def points(action: Action) -> list[GroundedPoint]:
    """The places of an action, named, for `qvl.tasks.draw.draw`."""
    label = describe(action).split(" at ")[0]
    return [
        GroundedPoint(point=place, label=label if name in ("point", "end") else "from here")
        for name, place in places(action).items()
    ]


def _at(place: Point | None, word: str = " at ") -> str:
    return "" if place is None else f"{word}{place.x:.0f}, {place.y:.0f}"


def to_json(action: Action) -> dict[str, Any]:
    """A plain dictionary: the kind of action and its fields, coordinates to a hundredth."""
    record: dict[str, Any] = {"kind": type(action).__name__}
    for item in fields(action):
        value = getattr(action, item.name)
        if isinstance(value, Point):
            value = [round(value.x, 2), round(value.y, 2)]
        record[item.name] = list(value) if isinstance(value, tuple) else value
    return record
