"""AndroidWorld (arXiv 2405.14573): 116 kinds of tasks in real apps of an emulated phone.

Owns: its server's requests, actions as its JSON. Does not own: the emulator, apps and checks, which
the server keeps (the project's Docker image runs it).

    /suite/task_list -> names;  /task/initialize -> /task/goal;  /screenshot, /execute_action ...
    -> /task/score, /task/tear_down

Its swipes have a direction and no places, and its typing ends with Enter; keys besides Enter do not
exist. As in the authors' runs, a task counts only if the model said that it is done.
Source: google-research/android_world server/android_server.py, env/json_action.py,
env/actuation.py, suite_utils.py.
"""

import contextlib
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import PIL.Image

from qvl.agents.environments.service import Service
from qvl.agents.episode import Episode
from qvl.agents.executor import ActionError, ScreenError
from qvl.errors import DataError
from qvl.evaluation.scorers.android_control import direction
from qvl.options import shown
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    OpenApp,
    Press,
    PressSystem,
    Scroll,
    Type,
    Wait,
    describe,
)
from qvl.tasks.agent_tools import ToolName

SEED = 30
"""Of the tasks' random parts. Source: android_world run.py, task_random_seed."""
LONGEST_WAIT_SECONDS = 30.0
_MOST_PIXELS = 8192 * 8192
_SYSTEM = {"Back": "navigate_back", "Home": "navigate_home", "Enter": "keyboard_enter"}
_OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}


class AndroidWorld:
    """Its server; satisfies `environments.environment.Environment`. Use it in a ``with`` block."""

    def __init__(self, url: str, *, seed: int = SEED, seconds: float = 180.0) -> None:
        """Takes the address; reaches nothing yet.

        Args:
            url: of the server, such as "http://127.0.0.1:5000".
            seed: of the tasks' random parts.
            seconds: most time of a request; preparing a task takes the longest.

        Raises:
            ConfigError: it is no address.
        """
        self._service = Service(url, seconds=seconds)
        self._seed = seed
        self._task: dict[str, object] | None = None

    @property
    def tool(self) -> ToolName:
        """Always "mobile_use"."""
        return "mobile_use"

    def __enter__(self) -> Self:
        """Has the server draw the tasks.

        Raises:
            ScreenError: it cannot be reached.
        """
        self._service.get("/health")
        self._service.get(
            "/suite/reinitialize",
            n_task_combinations=1,
            seed=self._seed,
            task_family="android_world",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cleans up after a task that was broken off; the server goes on."""
        with contextlib.suppress(ScreenError):
            self._tear_down()

    def tasks(self) -> Sequence[str]:
        """Names of all tasks, "KIND/NUMBER"; of each kind there is one."""
        names = self._service.get_json("/suite/task_list", max_index=-1).get("task_list")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f"the server's list of tasks is {shown(names)}, expected names")
        return [f"{name}/0" for name in names]

    def reset(self, task: str) -> str:
        """Prepares a task on a phone that shows its home screen, and returns its goal."""
        self._tear_down()
        kind, _, number = task.partition("/")
        self._service.post("/reset", go_home=True)
        self._task = {"task_type": kind, "task_idx": number or 0}
        self._service.post("/task/initialize", **self._task)
        goal = self._service.get_json("/task/goal", **self._task).get("goal")
        if not isinstance(goal, str) or not goal.strip():
            raise ScreenError(f"task {task} has the goal {shown(goal)}, expected words")
        return goal

    def score(self, episode: Episode) -> float:
        """Returns what the task's checks say, 0 if the model did not say that it is done."""
        if self._task is None:
            raise ScreenError("there is no task to be scored")
        try:
            found = self._service.get_json("/task/score", **self._task).get("score")
        finally:
            with contextlib.suppress(ScreenError):
                self._tear_down()
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
            raise ScreenError(f"the server's score is {shown(found)}, expected 0 to 1")
        return float(found) if episode.ending in ("success", "failure") else 0.0

    def screenshot(self) -> PIL.Image.Image:
        """Returns the screen once it has settled."""
        pixels = self._service.get_json("/screenshot", wait_to_stabilize=True).get("pixels")
        try:
            array = np.asarray(pixels, dtype=np.uint8)
        except (ValueError, TypeError, OverflowError) as error:
            raise ScreenError(f"the server gives no picture: {error}") from None
        if array.ndim != 3 or array.shape[2] != 3 or not 0 < array.size <= 3 * _MOST_PIXELS:
            raise ScreenError(f"the server gives a picture of {array.shape}, expected (H, W, 3)")
        return PIL.Image.fromarray(array)

    def perform(self, action: Action) -> None:
        """Does an action; the next screenshot waits until the screen has settled."""
        if isinstance(action, Wait):
            time.sleep(min(action.seconds, LONGEST_WAIT_SECONDS))
            return
        self._service.act("/execute_action", json_action(action))

    def where(self) -> str:
        """Returns nothing: the server does not tell."""
        return ""

    def events(self) -> tuple[str, ...]:
        """Returns nothing."""
        return ()

    def _tear_down(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            self._service.post("/task/tear_down", **task)


def json_action(action: Action) -> dict[str, Any]:
    """Returns an action as AndroidWorld's JSON.

    >>> from qvl.geometry import Point
    >>> json_action(Click(point=Point(10.4, 20)))
    {'action_type': 'click', 'x': 10, 'y': 20}
    >>> json_action(Drag(start=Point(5, 90), end=Point(5, 10)))
    {'action_type': 'swipe', 'direction': 'up'}

    Raises:
        ActionError: it has no such action.
    """
    match action:
        case Click(point=point, button="left", count=count) if point is not None:
            kind = "click" if count == 1 else "double_tap"
            return {"action_type": kind, "x": round(point.x), "y": round(point.y)}
        case LongPress(point=point):
            return {"action_type": "long_press", "x": round(point.x), "y": round(point.y)}
        case Drag() if (way := direction(action)) is not None:
            return {"action_type": "swipe", "direction": way}
        case Scroll() if (way := direction(action)) is not None:
            # Its "scroll down" shows what is below; the finger moves up.
            return {"action_type": "scroll", "direction": _OPPOSITE[way]}
        case Type():
            return {"action_type": "input_text", "text": action.text}
        case OpenApp():
            return {"action_type": "open_app", "app_name": action.name}
        case PressSystem() if action.button in _SYSTEM:
            return {"action_type": _SYSTEM[action.button]}
        case Press(keys=(key,)) if key.strip().lower() in ("enter", "back", "home"):
            return {"action_type": _SYSTEM[key.strip().capitalize()]}
    raise ActionError(f"AndroidWorld cannot {describe(action)}")
