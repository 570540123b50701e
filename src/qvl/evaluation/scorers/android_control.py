"""AndroidControl: whether one action on a screen is the annotated one.

Owns: the rule with which Qwen2.5-VL was reported, and OS-Atlas's; they are not comparable. Does
not own: reading actions (``tasks.agent``), the accessibility tree.

    action of the answer, annotated action, both in original_px -> same kind? -> same enough?

Exact match is the mean over steps; "high" and "low" differ in the prompt only.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from qvl.evaluation.scorers.pointing import holds
from qvl.evaluation.scorers.score import Score
from qvl.geometry import Box, ImageSize, Point
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    OpenApp,
    PressSystem,
    Scroll,
    Terminate,
    Type,
    Wait,
    describe,
)

_BOX_GROWTH = 1.2
_QWEN_DISTANCE = 0.04
_ATLAS_DISTANCE = 0.14
"""Of width and height, each taken as 1."""
_ATLAS_F1 = 0.5
_SQUARE = ImageSize(1, 1)

_WORD = re.compile(r"\w+")


def qwen_step(
    *,
    action: Action | None,
    truth: Action,
    screen: ImageSize,
    boxes: Sequence[Box] = (),
    icon: Box | None = None,
) -> Score:
    """Scores a step by the rule of Qwen2.5-VL's exact match.

    Source: the evaluation linked in QwenLM/Qwen2.5-VL issue 904.

    >>> screen = ImageSize(1000, 500)
    >>> there = Click(point=Point(100, 100))
    >>> [
    ...     qwen_step(action=Click(point=Point(x, 100)), truth=there, screen=screen).value
    ...     for x in (119, 121)
    ... ]
    [1.0, 0.0]

    Args:
        action: what the answer does, in original_px; None if it does nothing that can be read.
        truth: annotated, in original_px.
        screen: size in original_px.
        boxes: elements that the annotated place may mean, in original_px, of the accessibility
            tree; a place inside one of them, made a fifth larger, is right.
        icon: of the app to open, in original_px: clicking it opens the app.
    """
    if action is None:
        return _nothing()
    match action, truth:
        case (Click(point=Point() as place), OpenApp()) if icon is not None:
            return _score(holds(_grown(icon), place), action, truth, "clicks the icon")
        case (Click(point=given), Click(point=wanted)) | (
            LongPress(point=given),
            LongPress(point=wanted),
        ):
            is_near = _is_near(given, wanted, screen, _QWEN_DISTANCE)
            inside = given is not None and any(holds(_grown(box), given) for box in boxes)
            return _score(is_near or inside, action, truth, "place")
        case (Type(text=said), Type(text=meant)) | (OpenApp(name=said), OpenApp(name=meant)):
            return _score(_contains(said, meant), action, truth, "text")
        case (Drag() | Scroll() as moved, Drag() | Scroll() as wanted_move):
            is_right = direction(moved, screen) == direction(wanted_move, screen)
            return _score(is_right, action, truth, "direction")
    return _other(action, truth)


def os_atlas_step(*, action: Action | None, truth: Action, screen: ImageSize) -> Score:
    """Scores a step by OS-Atlas's rule: near places and similar texts are right.

    OS-Atlas compares the first word of texts alone, by mistake; here all words count.
    Source: OS-Copilot/OS-Atlas eval_scripts/android_control/evaluation_unify.py.

    >>> wanted = Type(text="blue running shoes")
    >>> os_atlas_step(
    ...     action=Type(text="Running shoes"), truth=wanted, screen=ImageSize(9, 9)
    ... ).value
    1.0

    Args:
        action: as in `qwen_step`.
        truth: as in `qwen_step`.
        screen: as in `qwen_step`.
    """
    if action is None:
        return _nothing()
    match action, truth:
        case (Click(point=given), Click(point=wanted)) | (
            LongPress(point=given),
            LongPress(point=wanted),
        ):
            is_near = _is_near(given, wanted, screen, _ATLAS_DISTANCE)
            return _score(is_near, action, truth, "place")
        case (Type(text=said), Type(text=meant)) | (OpenApp(name=said), OpenApp(name=meant)):
            return _score(_word_f1(said, meant) > _ATLAS_F1, action, truth, "text")
        case (Drag() | Scroll() as moved, Drag() | Scroll() as wanted_move):
            is_right = direction(moved, screen) == direction(wanted_move, screen)
            return _score(is_right, action, truth, "direction")
    return _other(action, truth)


def direction(action: Drag | Scroll, screen: ImageSize = _SQUARE) -> str | None:
    """Returns where a finger or the wheel moves along its main axis; None if it does not move.

    The main axis is the one along which it crosses the larger share of the screen. A wheel that
    scrolls down does what a finger does that moves up.

    >>> direction(Drag(start=Point(5, 90), end=Point(9, 10))), direction(Scroll(pixels=-10))
    ('up', 'up')
    >>> direction(Drag(start=Point(0, 0), end=Point(60, 90)), ImageSize(200, 100))
    'right'
    """
    if isinstance(action, Scroll):
        return None if action.pixels == 0 else "up" if action.pixels < 0 else "down"
    if action.start is None:
        return None
    across = (action.end.x - action.start.x) / screen.width
    along = (action.end.y - action.start.y) / screen.height
    if across == along == 0:
        return None
    if abs(across) > abs(along):
        return "right" if across > 0 else "left"
    return "down" if along > 0 else "up"


def _other(action: Action, truth: Action) -> Score:
    """Actions of one kind that have no place and no text."""
    match action, truth:
        case (PressSystem(button=given), PressSystem(button=wanted)):
            return _score(given.strip().lower() == wanted.strip().lower(), action, truth, "button")
        case (Wait(), Wait()):
            return _score(True, action, truth, "wait")
        case (Terminate(status=said), Terminate(status=meant)):
            return _score(said == meant, action, truth, "status")
    if type(action) is type(truth):
        return _score(action == truth, action, truth, "action")
    return _score(False, action, truth, "kind of action")


def _is_near(a: Point | None, b: Point | None, screen: ImageSize, limit: float) -> bool:
    if a is None or b is None:
        return a is b
    return math.hypot((a.x - b.x) / screen.width, (a.y - b.y) / screen.height) <= limit


def _grown(box: Box) -> Box:
    across, along = ((side * (_BOX_GROWTH - 1) / 2) for side in (box.x2 - box.x1, box.y2 - box.y1))
    return Box(box.x1 - across, box.y1 - along, box.x2 + across, box.y2 + along)


def _contains(given: str, wanted: str) -> bool:
    """Whether one text contains the other; an empty text is in no other."""
    given, wanted = given.strip().lower(), wanted.strip().lower()
    if not given or not wanted:
        return given == wanted
    return given in wanted or wanted in given


def _word_f1(given: str, wanted: str) -> float:
    bags = [Counter(_WORD.findall(text.lower())) for text in (given, wanted)]
    total = bags[0].total() + bags[1].total()
    return 2 * (bags[0] & bags[1]).total() / total if total else 1.0


def _score(is_right: bool, action: Action, truth: Action, what: str) -> Score:
    if is_right:
        return Score(value=1.0, why=f"{describe(action)}: right {what}")
    return Score(value=0.0, why=f"wrong {what}: {describe(action)}, expected {describe(truth)}")


def _nothing() -> Score:
    return Score(value=0.0, why="no action in the answer", is_parsed=False)
