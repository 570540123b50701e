"""Found trajectories on phones: files of episodes -> trajectories in our one space of actions.

Owns: two spellings of episodes, their actions as ours, checks against the screens. Does not own:
the sample's layout (``data.trajectories``).

    .json or .jsonl + folder of screens -> TrajectoryFile[number] -> Sample
        -> filter_step(clicks_on_elements)

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

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qvl.data.fingerprint import fingerprint
from qvl.data.records import Provenance, Sample
from qvl.data.trajectories import TrajectoryStep, trajectory
from qvl.errors import DataError, InputError
from qvl.geometry import Box, ImageSize, Point, ResizeTransform
from qvl.messages import Image
from qvl.options import shown
from qvl.processing.image import measure_image
from qvl.processing.settings import DEFAULT_LIMITS
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

MAX_FILE_BYTES = 2**30
"""Largest file that is read: all of it is in memory."""
MOST_STEPS = 200

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


class TrajectoryFile:
    """The trajectories of a file, by number.

    An episode that cannot be used raises a `DataError` that names it when it is asked for; the
    others are not affected.

    Args:
        path: ``.jsonl`` with an episode a line, or ``.json`` with a list of episodes.
        root: folder in which screens are; None for that of the file.
        licence: SPDX name of the terms of the data set; empty when it is not known.

    Raises:
        DataError: the file cannot be read, is too large, or is no list.
    """

    def __init__(self, path: Path, *, root: Path | None = None, licence: str = "") -> None:
        self.path = path
        self.root = path.parent if root is None else root
        self.licence = licence
        self._episodes = _read_file(path)

    def __len__(self) -> int:
        return len(self._episodes)

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        where = f"{self.path.name}: episode {number}"
        try:
            return self._sample(self._episodes[number], where)
        except (DataError, InputError) as error:
            raise DataError(f"{where}: {error.message}", hint=error.hint) from error

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the records and the folder; screens are not looked into."""
        return fingerprint(self._digest, str(self.root), self.licence, start, stop)

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self._episodes, sort_keys=True).encode()).hexdigest()

    def _sample(self, episode: Any, where: str) -> Sample:
        if isinstance(episode, str):
            raise DataError(episode)
        goal, records = _shares(episode) if isinstance(episode, list) else _pixels(episode)
        if not 0 < len(records) <= MOST_STEPS:
            raise DataError(f"{len(records)} steps, expected 1 to {MOST_STEPS}")
        steps, transforms = [], []
        for number, record in enumerate(records, 1):
            screen = Image(self._screen(record["screen"]))
            transform = measure_image(screen, DEFAULT_LIMITS)
            transforms.append(transform)
            try:
                steps.append(_step(record, screen, transform))
            except DataError as error:
                raise DataError(f"step {number}: {error.message}") from error
        if len({transform.resized for transform in transforms}) > 1:
            raise DataError("screens of different sizes, expected one device held one way")
        return trajectory(
            goal,
            steps,
            tool="mobile_use",
            resized=transforms[0].resized,
            provenance=Provenance(generator=self.path.name, licence=self.licence, source=where),
            facts={"known_elements": [bool(record["elements"]) for record in records]},
        )

    def _screen(self, name: object) -> Path:
        if not isinstance(name, str) or not name:
            raise DataError(f"screen is {shown(name)}, expected the name of a file")
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise DataError(f"screen {shown(name)} is outside {self.root}")
        if not path.is_file():
            raise DataError(f"screen {shown(name)} is not in {self.root}")
        return path


def clicks_on_elements(sample: Sample) -> str | None:
    """Drops a trajectory with a click on no element, where the data set tells the elements."""
    known = sample.facts.get("known_elements", ())
    for step, has_elements in zip(sample.facts["steps"], known, strict=True):
        is_click = step["call"]["arguments"]["action"] in ("click", "long_press")
        if is_click and has_elements and step["box"] is None:
            return "a click on no known element"
    return None


def ends_as_done(sample: Sample) -> str | None:
    """Drops a trajectory that does not end with success."""
    last = sample.facts["steps"][-1]["call"]["arguments"]
    return None if last.get("status") == "success" else "no success at the end"


def _read_file(path: Path) -> list[Any]:
    """The episodes; a line that is no JSON is a string that says so."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(f"{path} has {size:,} bytes, expected at most {MAX_FILE_BYTES:,}")
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".jsonl":
            return [_parsed(line) for line in text.splitlines() if line.strip()]
        episodes = json.loads(text)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON: {error}") from error
    if isinstance(episodes, list) and episodes and _is_step(episodes[0]):
        return [episodes]  # a file for every episode
    if not isinstance(episodes, list):
        raise DataError(f"{path} holds {shown(episodes)}, expected a list of episodes")
    return episodes


def _parsed(line: str) -> Any:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"the line is no JSON: {error}"
    return record if isinstance(record, list | dict) else f"{shown(record)} is no episode"


def _is_step(record: object) -> bool:
    return isinstance(record, Mapping) and "result_action_type" in record


def _pixels(episode: Any) -> tuple[str, list[dict[str, Any]]]:
    """The steps of the first spelling."""
    if not isinstance(episode, Mapping):
        raise DataError(f"{shown(episode)}, expected an object or a list of steps")
    goal, screens, actions = (episode.get(key) for key in ("goal", "screenshots", "actions"))
    if not isinstance(goal, str) or not isinstance(screens, list) or not isinstance(actions, list):
        raise DataError(
            "an episode without goal, screenshots or actions",
            hint="see qvl.data.interchange.trajectories",
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


def _shares(steps: Sequence[Any]) -> tuple[str, list[dict[str, Any]]]:
    """The steps of the second spelling; places are shares of the screen until it is measured."""
    if not steps or not all(_is_step(step) for step in steps):
        raise DataError(
            "a list with something that is no step", hint="see qvl.data.interchange.trajectories"
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


def _step(record: Mapping[str, Any], screen: Image, transform: ResizeTransform) -> TrajectoryStep:
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
