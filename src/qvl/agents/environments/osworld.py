"""OSWorld (arXiv 2404.07972): 369 tasks in programs of a virtual machine.

Owns: the machine's HTTP server (/screenshot, /execute), actions as pyautogui. Does not own: the
machine, its snapshots, the set-up and the checks of a task, which its package ``desktop_env`` has.

    evaluation_examples/test_all.json -> names;  DesktopEnv.reset -> the machine's server -> pixels,
    pyautogui ... -> DesktopEnv.step("DONE" | "FAIL") -> DesktopEnv.evaluate

Text of a model reaches the machine as a literal of a string, never as code.
Source: xlang-ai/OSWorld desktop_env/desktop_env.py, controllers/python.py, lib_run_single.py,
evaluation_examples/.
"""

import contextlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import PIL.Image

from qvl.agents.environments.service import Service
from qvl.agents.episode import Episode
from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.keys import browser_key, chord
from qvl.data.interchange.named_files import file_below
from qvl.errors import DataError
from qvl.geometry import Point
from qvl.options import shown
from qvl.tasks.actions import (
    Action,
    Click,
    Drag,
    LongPress,
    MoveTo,
    Press,
    Scroll,
    Type,
    Wait,
    describe,
)
from qvl.tasks.agent_tools import ToolName

LONGEST_WAIT_SECONDS = 30.0
LONGEST_PRESS_SECONDS = 10.0
LONGEST_TEXT = 5_000
_REQUEST_SECONDS = 120.0
"""Source: controllers/python.py, of /execute."""
_LIST = "test_all.json"
_MOST_LIST_BYTES = 16 * 2**20
_PREFIX = "import pyautogui; import time; pyautogui.FAILSAFE = False; "
_KEYS = {
    "Control": "ctrl", "Meta": "win", "Escape": "esc", " ": "space", "ContextMenu": "apps",
    "ArrowUp": "up", "ArrowDown": "down", "ArrowLeft": "left", "ArrowRight": "right",
    "AltGraph": "altright",
}  # fmt: skip
"""Names of pyautogui that are not those of a browser in small letters."""

# What the package raises when a machine, a set-up or a check fails; its requests are OSErrors.
_FAILURES = (OSError, RuntimeError, ValueError, TypeError, LookupError, AssertionError)


class Desktop(Protocol):
    """What of ``desktop_env.DesktopEnv`` is used."""

    vm_ip: str
    server_port: int

    def reset(self, task_config: dict[str, Any]) -> object:
        """Goes back to the snapshot and sets a task up."""
        ...

    def step(self, action: str, pause: float) -> object:
        """Takes an action down; "DONE" and "FAIL" end a task."""
        ...

    def evaluate(self) -> float:
        """Checks what a task left behind."""
        ...

    def close(self) -> None:
        """Stops the machine."""
        ...


class OSWorld:
    """A machine with tasks; satisfies `environments.environment.Environment`."""

    def __init__(
        self, desktop: Desktop, examples: str | Path, *, settle_seconds: float = 2.0
    ) -> None:
        """Takes a machine; starts nothing.

        Args:
            desktop: a ``desktop_env.DesktopEnv`` with screenshots.
            examples: folder evaluation_examples of the repository.
            settle_seconds: waited after an action. Source: run.py, sleep_after_execution.
        """
        self._desktop, self._examples = desktop, Path(examples)
        self._settle_seconds = settle_seconds
        self._service: Service | None = None

    @property
    def tool(self) -> ToolName:
        """Always "computer_use"."""
        return "computer_use"

    def __enter__(self) -> Self:
        """Does nothing: a task starts the machine."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops the machine."""
        with contextlib.suppress(*_FAILURES):
            self._desktop.close()

    def tasks(self) -> Sequence[str]:
        """Names of all tasks, "PROGRAM/ID"."""
        found = _json(file_below(_LIST, self._examples, kind="the list of tasks"))
        if not all(isinstance(ids, list) for ids in found.values()):
            raise DataError(f"{_LIST} is not of the form {{program: [id, ...]}}")
        return [f"{program}/{name}" for program, names in found.items() for name in names]

    def reset(self, task: str) -> str:
        """Sets a task up and returns its instruction."""
        config = _json(file_below(f"examples/{task}.json", self._examples, kind="the task"))
        goal = config.get("instruction")
        if not isinstance(goal, str) or not goal.strip():
            raise DataError(f"task {task} has the instruction {shown(goal)}, expected words")
        with _failing(f"set up {task}"):
            self._desktop.reset(task_config=config)
        url = f"http://{self._desktop.vm_ip}:{self._desktop.server_port}"
        self._service = Service(url, seconds=_REQUEST_SECONDS)
        return goal

    def score(self, episode: Episode) -> float:
        """Returns what the task's checks say; that the model gave up is told them before."""
        with _failing("check the task"):
            # A task that cannot be done is right exactly if the last action is "FAIL".
            self._desktop.step("FAIL" if episode.ending == "failure" else "DONE", 0.0)
            found = float(self._desktop.evaluate())
        if not 0 <= found <= 1:
            raise ScreenError(f"the score is {found}, expected 0 to 1")
        return found

    def screenshot(self) -> PIL.Image.Image:
        """Returns what the machine shows, with its cursor."""
        data = self._server().get("/screenshot")
        try:
            return PIL.Image.open(BytesIO(data), formats=["PNG", "JPEG"]).convert("RGB")
        except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
            raise ScreenError(f"the machine gives no picture: {shown(str(error))}") from None

    def perform(self, action: Action) -> None:
        """Does an action and waits a moment."""
        if isinstance(action, Wait):
            time.sleep(min(action.seconds, LONGEST_WAIT_SECONDS))
            return
        command = ["python", "-c", _PREFIX + pyautogui_code(action)]
        told = self._server().act("/execute", {"command": command, "shell": False})
        if told.get("status") != "success" or told.get("returncode", 0) != 0:
            raise ActionError(f"the machine could not: {shown(str(told.get('error') or told))}")
        time.sleep(self._settle_seconds)

    def where(self) -> str:
        """Returns nothing: the machine does not tell."""
        return ""

    def events(self) -> tuple[str, ...]:
        """Returns nothing."""
        return ()

    def _server(self) -> Service:
        if self._service is None:
            raise ScreenError("there is no task, so no machine is known")
        return self._service


def pyautogui_code(action: Action) -> str:
    """Returns statements of Python that do an action.

    >>> pyautogui_code(Click(point=Point(10.4, 20), count=2))
    "pyautogui.click(x=10, y=20, clicks=2, button='left')"
    >>> pyautogui_code(Press(keys=("ctrl+shift", "Page_Down")))
    "pyautogui.hotkey('ctrl', 'shift', 'pagedown')"

    Raises:
        ActionError: a desktop has no such thing, or the keyboard no such letter.
    """
    match action:
        case Click(point=point):
            place = "" if point is None else f"{_xy(point)}, "
            return f"pyautogui.click({place}clicks={action.count}, button={action.button!r})"
        case MoveTo():
            return f"pyautogui.moveTo({_xy(action.point)})"
        case Drag():
            begin = "" if action.start is None else f"pyautogui.moveTo({_xy(action.start)}); "
            return f"{begin}pyautogui.dragTo({_xy(action.end)}, duration=0.5, button='left')"
        case LongPress():
            seconds = min(action.seconds, LONGEST_PRESS_SECONDS)
            return (
                f"pyautogui.moveTo({_xy(action.point)}); pyautogui.mouseDown(); "
                f"time.sleep({seconds:g}); pyautogui.mouseUp()"
            )
        case Scroll():
            place = "" if action.point is None else f", {_xy(action.point)}"
            return f"pyautogui.scroll({round(action.pixels)}{place})"
        case Press():
            return f"pyautogui.hotkey({', '.join(repr(_key(key)) for key in chord(action.keys))})"
        case Type():
            return _typing(action.text)
    raise ActionError(f"a desktop cannot {describe(action)}", hint="use the mouse and the keyboard")


def _typing(text: str) -> str:
    """Typing; "<" by its keys, since pyautogui types ">" for it.

    Source: asweigart/pyautogui issue 198, and DesktopEnv's way around it.
    """
    if len(text) > LONGEST_TEXT:
        raise ActionError(f"the text has {len(text):,} characters, at most {LONGEST_TEXT:,} go")
    if not (text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()):
        raise ActionError("the keyboard of the machine takes ASCII letters only")
    return "; ".join(
        "pyautogui.hotkey('shift', ',')"
        if piece == "<"
        else f"pyautogui.typewrite({piece!r}, interval=0.01)"
        for piece in re.split("(<)", text)
        if piece
    )


def _key(name: str) -> str:
    known = browser_key(name)
    return _KEYS.get(known, known.lower())


def _xy(place: Point) -> str:
    return f"x={round(place.x)}, y={round(place.y)}"


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_LIST_BYTES:
            raise DataError(f"{path} has more than {_MOST_LIST_BYTES:,} bytes")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} is a {type(found).__name__}, expected an object")
    return found


@contextlib.contextmanager
def _failing(what: str) -> Iterator[None]:
    """Turns what the package raises into a lost screen."""
    try:
        yield
    except _FAILURES as error:
        raise ScreenError(f"OSWorld could not {what}: {shown(str(error))}") from error
