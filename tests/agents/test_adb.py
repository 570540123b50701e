"""An Android device: which commands reach it, and that no text of a model becomes a command.

The program in the tests is a fake that does what the real one does with ``shell``: it joins its
arguments and gives them to a shell, in which the programs of a device are fakes that remember
their arguments.
"""

import base64
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from qvl.agents.adb import Android, AndroidOptions
from qvl.agents.executor import ActionError, ScreenError
from qvl.agents.loop import act
from qvl.errors import InputError, MissingDependencyError
from qvl.geometry import Point
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
from tests.agents.screens import answers

SIZE = (720, 1280)

ADB = """#!/bin/sh
[ "$1" = -s ] && shift 2
if [ -e {folder}/offline ]; then cat {folder}/offline >&2; exit 1; fi
if [ -e {folder}/slow ]; then sleep 20; fi
case "$1" in
  get-state) echo device ;;
  exec-out) cat {folder}/screen.png ;;
  shell) shift; cd {folder} && PATH={folder}/device:/usr/bin:/bin exec sh -c "$*" ;;
  *) echo "unknown command" >&2; exit 1 ;;
esac
"""

# Arguments end with NUL, commands with NUL and a line feed.
PROGRAM = """#!/bin/sh
printf '%s\\0' {name} "$@" >> {folder}/log
printf '\\n' >> {folder}/log
printf %s {output}
exit {code}
"""


class Device:
    """A folder with the fake programs, and what was done on the device."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "device").mkdir()
        Image.new("RGB", SIZE, "white").save(folder / "screen.png")
        self._program(folder / "adb", ADB.format(folder=shlex.quote(str(folder))))
        packages = "package:com.android.chrome\npackage:org.mail\npackage:com.mail\n"
        focus = "  mCurrentFocus=Window{1a2b u0 com.android.settings/.Settings}\n"
        for name, output in {
            "input": "",
            "am": "",
            "monkey": "Events injected: 1\n",
            "pm": packages,
            "dumpsys": focus,
            "settings": "com.android.inputmethod/.Latin\n",
        }.items():
            self.program(name, output)

    def program(self, name: str, output: str, code: int = 0) -> None:
        folder = shlex.quote(str(self.folder))
        text = PROGRAM.format(folder=folder, name=name, output=shlex.quote(output), code=code)
        self._program(self.folder / "device" / name, text)

    def _program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def done(self) -> list[list[str]]:
        """The commands since the last call."""
        log = self.folder / "log"
        text = log.read_text() if log.exists() else ""
        log.unlink(missing_ok=True)
        return [command.split("\0") for command in text.split("\0\n")[:-1]]


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def android(device: Device, **options: object) -> Android:
    usual = {"program": str(device.folder / "adb"), "settle_seconds": 0.0}
    return Android(AndroidOptions(**{**usual, **options}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "commands"),
    [
        (Click(point=Point(10.6, 20)), [["input", "tap", "11", "20"]]),
        (Click(point=Point(1, 2), count=2), [["input", "tap", "1", "2"]] * 2),
        (LongPress(point=Point(1, 2), seconds=1.5), [["input", "swipe", *"1212", "1500"]]),
        (LongPress(point=Point(1, 2), seconds=999), [["input", "swipe", *"1212", "10000"]]),
        (Drag(start=Point(1, 2), end=Point(3, 4)), [["input", "swipe", *"1234", "500"]]),
        (Scroll(pixels=-300), [["input", "swipe", "360", "640", "360", "340", "500"]]),
        (Scroll(pixels=9999), [["input", "swipe", "360", "640", "360", "1278", "500"]]),
        (Press(keys=("volume_up",)), [["input", "keyevent", "KEYCODE_VOLUME_UP"]]),
        (
            Press(keys=("ctrl", "a")),
            [["input", "keycombination", "KEYCODE_CTRL_LEFT", "KEYCODE_A"]],
        ),
        (PressSystem(button="Menu"), [["input", "keyevent", "KEYCODE_APP_SWITCH"]]),
        (Type(text="two words"), [["input", "text", "two%swords"]]),
        (Type(text="100%sure"), [["input", "text", "100%"], ["input", "text", "sure"]]),
        (
            Type(text="a\nb"),
            [
                ["input", "text", "a"],
                ["input", "keyevent", "KEYCODE_ENTER"],
                ["input", "text", "b"],
            ],
        ),
        (Wait(seconds=0), []),
        (Terminate(status="success"), []),
    ],
)
def test_actions_are_commands(device: Device, action: Action, commands: list[list[str]]) -> None:
    with android(device) as screen:
        screen.screenshot()
        screen.perform(action)
    assert device.done() == commands


ATTACKS = [
    "'; touch hacked; '",
    "$(touch hacked)",
    "`touch hacked`",
    "a && touch hacked",
    "a\ntouch hacked",
    "a | touch hacked",
    '"; touch hacked; "',
    "\\'; touch hacked",
    "> hacked",
    "$PATH ~ * ? [a] {a,b} #",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_is_a_command(device: Device, attack: str) -> None:
    screen = android(device, apps={"mail": "com.mail"})
    screen.perform(Type(text=attack))
    typed = [words for words in device.done() if words[1] == "text"]
    assert "\n".join(words[2].replace("%s", " ") for words in typed) == attack
    for action in (OpenApp(name=attack), Press(keys=(attack,))):
        with pytest.raises(ActionError):
            screen.perform(action)
    assert all(words[0] in ("pm",) for words in device.done())
    assert not (device.folder / "hacked").exists()


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_any_text_arrives(device: Device, text: str) -> None:
    android(device).perform(Type(text=text))
    typed = "".join(words[2].replace("%s", " ") for words in device.done())
    assert typed == text


def test_other_letters_need_another_keyboard(device: Device) -> None:
    screen = android(device)
    with pytest.raises(ActionError, match="takes ASCII letters only; hint: install ADBKeyBoard"):
        screen.perform(Type(text="你好"))
    device.program("settings", "com.android.adbkeyboard/.AdbIME\n")
    device.done()
    screen.perform(Type(text="你好; touch hacked"))
    (words,) = [words for words in device.done() if words[0] == "am"]
    assert words[1:6] == ["broadcast", "-a", "ADB_INPUT_B64", "--es", "msg"]
    assert base64.b64decode(words[6]).decode() == "你好; touch hacked"


def test_apps_are_found_by_name(device: Device) -> None:
    screen = android(device, apps={"My Shop": "com.shop"})
    for name, package in {
        "Chrome": "com.android.chrome",
        "org.mail": "org.mail",
        "my shop": "com.shop",
    }.items():
        screen.perform(OpenApp(name=name))
        assert device.done()[-1][:3] == ["monkey", "-p", package]
    with pytest.raises(ActionError, match=r"'mail' is not known: it may be org\.mail, com\.mail"):
        screen.perform(OpenApp(name="mail"))
    with pytest.raises(ActionError, match="'Tetris' is not known: no package has that name"):
        screen.perform(OpenApp(name="Tetris"))
    device.program("monkey", "** No activities found to run, monkey aborted.\n", code=0)
    with pytest.raises(ActionError, match="cannot be opened"):
        screen.perform(OpenApp(name="Chrome"))


@pytest.mark.parametrize(
    "action",
    [
        Click(),
        Click(point=Point(1, 2), button="right"),
        MoveTo(point=Point(1, 2)),
        Drag(end=Point(1, 2)),
    ],
)
def test_a_touchscreen_has_no_cursor(device: Device, action: Action) -> None:
    with pytest.raises(ActionError, match="a touchscreen has no cursor"):
        android(device).perform(action)
    assert device.done() == []


def test_an_episode_on_a_device(device: Device) -> None:
    model = answers(
        Click(point=Point(360, 640)), PressSystem(button="Home"), size=SIZE, tool="mobile_use"
    )
    with android(device, serial="emulator-5554") as screen:
        episode = act(model.engine, screen, "Go home.")
    assert episode.succeeded
    assert episode.tool == "mobile_use"
    assert episode.steps[0].where == "com.android.settings/.Settings"
    (tap, home) = [words for words in device.done() if words[0] == "input"]
    assert [int(value) for value in tap[2:]] == pytest.approx([360, 640], abs=4)
    assert home[1:] == ["keyevent", "KEYCODE_HOME"]


def test_a_device_that_is_gone_ends_it(device: Device) -> None:
    screen = android(device, action_seconds=20.0)
    (device.folder / "offline").write_text("error: device 'x' not found")
    with pytest.raises(ScreenError, match=r"cannot be reached: .*not found"), screen:
        pass
    with pytest.raises(ScreenError, match="not found"):
        screen.perform(Click(point=Point(1, 2)))
    (device.folder / "offline").unlink()
    (device.folder / "slow").touch()
    with pytest.raises(ScreenError, match=r"did not answer within 0\.3 s"):
        android(device, action_seconds=0.3).screenshot()


def test_what_a_device_refuses_is_told(device: Device) -> None:
    device.program("input", "Error: Unknown key\n", code=255)
    with pytest.raises(ActionError, match="the device refused: 'Error: Unknown key'"):
        android(device).perform(Press(keys=("nosuchkey",)))


def test_a_device_that_does_not_tell_where_it_is_can_be_operated(device: Device) -> None:
    device.program("dumpsys", "no such service\n", code=1)
    assert android(device).where() == ""


def test_no_picture_is_an_error(device: Device) -> None:
    (device.folder / "screen.png").write_bytes(b"")
    with pytest.raises(ScreenError, match="the device gives no picture"):
        android(device).screenshot()


def test_without_the_program_the_error_says_what_to_install() -> None:
    with pytest.raises(MissingDependencyError, match="apt-get install adb"):
        Android(AndroidOptions(program="no-such-adb"))
    with pytest.raises(InputError, match="serial is '-x'"):
        Android(AndroidOptions(program=sys.executable, serial="-x"))
