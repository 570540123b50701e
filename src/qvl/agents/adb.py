"""An Android device or emulator as a screen, over the program ``adb``.

Owns: the commands, their time limits, safe quoting. Does not own: names of keys (``keys``).

    Android() -> screenshot(): adb exec-out screencap -p;   perform(action): adb shell input ...

``adb shell`` joins its arguments and hands them to the shell of the device, so every argument is
quoted for that shell; what a model writes is never more than one word of a command.
Source: Android Debug Bridge manual; `input`, `am`, `pm` and `monkey` of AOSP.
"""

import base64
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from types import TracebackType
from typing import Self

import PIL.Image

from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.keys import android_key, chord
from qvl.errors import InputError, MissingDependencyError
from qvl.geometry import Point
from qvl.options import shown
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
    Wait,
)
from qvl.tasks.agent_tools import ToolName

SWIPE_MS = 500
"""Slow enough to be a swipe and not a fling."""
LONGEST_WAIT_SECONDS = 30.0
LONGEST_PRESS_SECONDS = 10.0
LONGEST_TEXT = 5_000
MOST_SCREENSHOT_BYTES = 100 * 2**20

# "Menu means opening the application background menu" in the schema: the list of recent apps.
_SYSTEM_KEYS = {"Back": "BACK", "Home": "HOME", "Menu": "APP_SWITCH", "Enter": "ENTER"}
_PACKAGE = re.compile(r"[A-Za-z]\w*(?:\.\w+)+")
_FOCUS = re.compile(r"mCurrentFocus=Window\{\S+ \S+ (\S+?)\}")

_ANY_TEXT = "com.android.adbkeyboard/.AdbIME"
"""A keyboard that takes any text; `input text` takes ASCII only. Source: senzhk/ADBKeyBoard."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AndroidOptions:
    """Which device, and how patient to be."""

    serial: str | None = None
    """Of the device, as ``adb devices`` tells it; None for the only one."""
    apps: Mapping[str, str] = field(default_factory=dict)
    """Package names of apps by the names a model may call them."""
    program: str = "adb"
    """The program, by name or path."""
    action_seconds: float = 20.0
    """How long one command may take."""
    settle_seconds: float = 1.0
    """How long to wait after an action."""


class Android:
    """A device; satisfies `qvl.agents.executor.Executor`. Use it in a ``with`` block."""

    def __init__(self, options: AndroidOptions | None = None) -> None:
        """Finds the program; speaks to no device yet.

        Args:
            options: which device.

        Raises:
            MissingDependencyError: there is no ``adb``.
        """
        self._options = AndroidOptions() if options is None else options
        program = shutil.which(self._options.program)
        if program is None:
            raise MissingDependencyError(
                f"operating an Android device needs the program {shown(self._options.program)}",
                hint="apt-get install adb",
            )
        serial = self._options.serial
        if serial is not None and (not serial or serial.startswith("-")):
            raise InputError(f"serial is {shown(serial)}, expected what 'adb devices' shows")
        self._command = [program, *(["-s", serial] if serial else [])]
        self._screen: tuple[int, int] | None = None

    @property
    def tool(self) -> ToolName:
        """Always "mobile_use"."""
        return "mobile_use"

    def __enter__(self) -> Self:
        """Checks that the device answers.

        Raises:
            ScreenError: it does not.
        """
        state = self._adb("get-state").decode("utf-8", "replace").strip()
        if state != "device":
            raise ScreenError(
                f"the device is {shown(state)}, expected 'device'",
                hint="unlock it and allow debugging; 'adb devices' shows it",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leaves the device as it is."""

    def screenshot(self) -> PIL.Image.Image:
        """Returns what the device shows, in its own pixels.

        Raises:
            ScreenError: the device is gone, or shows what may not be copied.
        """
        data = self._adb("exec-out", "screencap", "-p")
        if len(data) > MOST_SCREENSHOT_BYTES:
            raise ScreenError(f"the screenshot has {len(data):,} bytes")
        try:
            picture = PIL.Image.open(BytesIO(data), formats=["PNG"]).convert("RGB")
        except (OSError, ValueError, SyntaxError) as error:
            raise ScreenError(f"the device gives no picture: {shown(str(error))}") from None
        self._screen = picture.size
        return picture

    def perform(self, action: Action) -> None:
        """Does an action and waits a moment.

        Raises:
            ActionError: a touchscreen has no such thing, or the device refused.
            ScreenError: the device is gone.
        """
        self._do(action)
        if not isinstance(action, Wait | Terminate):
            time.sleep(self._options.settle_seconds)

    def where(self) -> str:
        """Returns the app in front, such as ``com.android.settings/.Settings``; "" if unknown."""
        try:
            windows = self._shell("dumpsys", "window").decode("utf-8", "replace")
        except ActionError:  # a device that does not tell can be operated all the same
            return ""
        found = _FOCUS.search(windows)
        return found.group(1) if found else ""

    def events(self) -> tuple[str, ...]:
        """Returns nothing: a device tells of nothing beside its screen."""
        return ()

    def _do(self, action: Action) -> None:
        match action:
            case Click(point=Point() as place, button="left"):
                for _ in range(action.count):
                    self._input("tap", *_pixels(place))
            case LongPress():
                ms = round(1000 * min(action.seconds, LONGEST_PRESS_SECONDS))
                still = _pixels(action.point)
                self._input("swipe", *still, *still, str(ms))
            case Drag(start=Point() as start):
                self._input("swipe", *_pixels(start), *_pixels(action.end), str(SWIPE_MS))
            case Scroll():
                self._scroll(action)
            case Press():
                keys = [android_key(name) for name in chord(action.keys)]
                self._input("keyevent" if len(keys) == 1 else "keycombination", *keys)
            case PressSystem():
                self._input("keyevent", f"KEYCODE_{_SYSTEM_KEYS[action.button]}")
            case Type():
                self._type(action.text)
            case OpenApp():
                self._open(action.name)
            case Wait():
                time.sleep(min(action.seconds, LONGEST_WAIT_SECONDS))
            case Terminate():
                pass  # the end of a task is nothing to do
            case Click() | Drag() | MoveTo():
                raise ActionError(
                    "a touchscreen has no cursor and one kind of tap, expected a coordinate"
                )

    def _scroll(self, action: Scroll) -> None:
        """A wheel turned up shows what is above: the finger moves down."""
        if self._screen is None:
            self.screenshot()
        width, height = self._screen or (0, 0)
        start = Point(width / 2, height / 2) if action.point is None else action.point
        end = Point(start.x, min(max(start.y + action.pixels, 1), max(height - 2, 1)))
        self._input("swipe", *_pixels(start), *_pixels(end), str(SWIPE_MS))

    def _type(self, text: str) -> None:
        if len(text) > LONGEST_TEXT:
            raise ActionError(f"the text has {len(text):,} characters, at most {LONGEST_TEXT:,} go")
        if not (text.isascii() and text.replace("\n", "").isprintable()):
            self._type_any(text)
            return
        for number, line in enumerate(text.split("\n")):
            if number:
                self._input("keyevent", "KEYCODE_ENTER")
            # `input text` turns "%s" into a space, so a real "%s" is sent in two parts.
            for part in re.split(r"(?<=%)(?=s)", line):
                if part:
                    self._input("text", part.replace(" ", "%s"))

    def _type_any(self, text: str) -> None:
        keyboard = self._shell("settings", "get", "secure", "default_input_method")
        if keyboard.decode("utf-8", "replace").strip() != _ANY_TEXT:
            raise ActionError(
                "the keyboard of the device takes ASCII letters only",
                hint="install ADBKeyBoard and choose it as the keyboard",
            )
        encoded = base64.b64encode(text.encode("utf-8")).decode("ascii")
        self._shell("am", "broadcast", "-a", "ADB_INPUT_B64", "--es", "msg", encoded)

    def _open(self, name: str) -> None:
        package = self._package(name)
        said = self._shell(
            "monkey", "-p", package, "-c", "android.intent.category.LAUNCHER", "1"
        ).decode("utf-8", "replace")
        if "No activities found" in said or "monkey aborted" in said:
            raise ActionError(f"app {shown(name)} ({package}) cannot be opened")

    def _package(self, name: str) -> str:
        """The package of an app: as told, or the only installed one that has its name in it."""
        known = {key.lower(): value for key, value in self._options.apps.items()}
        named = known.get(name.strip().lower())
        if named is not None:
            return named
        listed = self._shell("pm", "list", "packages").decode("utf-8", "replace")
        installed = [line.removeprefix("package:").strip() for line in listed.splitlines()]
        if name.strip() in installed and _PACKAGE.fullmatch(name.strip()):
            return name.strip()
        word = re.sub(r"\W+", "", name).lower()
        found = [
            package for package in installed if word and word in package.lower().split(".")[1:]
        ]
        if len(found) != 1:
            choices = f"it may be {', '.join(found[:5])}" if found else "no package has that name"
            raise ActionError(f"app {shown(name)} is not known: {choices}")
        return found[0]

    def _input(self, *words: str) -> None:
        self._shell("input", *words)

    def _shell(self, *words: str) -> bytes:
        return self._adb("shell", " ".join(shlex.quote(word) for word in words))

    def _adb(self, *arguments: str) -> bytes:
        try:
            done = subprocess.run(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._options.action_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ScreenError(
                f"the device did not answer within {self._options.action_seconds:g} s"
            ) from None
        except (OSError, ValueError) as error:  # a null byte, an argument that is too long
            raise ActionError(f"adb cannot be run: {shown(str(error))}") from None
        if done.returncode == 0:
            return done.stdout
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        reason = shown(said.splitlines()[-1]) if said else f"exit code {done.returncode}"
        if arguments[0] != "shell" or re.search(
            r"(?:device|emulator).*(?:not found|offline)", said
        ):
            raise ScreenError(f"the device cannot be reached: {reason}", hint="adb devices")
        raise ActionError(f"the device refused: {reason}")


def _pixels(place: Point) -> tuple[str, str]:
    return str(round(place.x)), str(round(place.y))
