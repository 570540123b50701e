"""Names of keys: as models write them, as a browser and as Android know them.

Owns: the names. Does not own: pressing.

    ("ctrl+shift", "t") -> chord -> ["ctrl", "shift", "t"] -> browser_key | android_key

Source: KeyboardEvent.key values of the W3C UI Events specification, as Playwright takes them;
android.view.KeyEvent. Models write names of pyautogui and xdotool.
"""

import re
from collections.abc import Sequence

from qvl.agents.executor import ActionError
from qvl.options import nearest, shown

_BROWSER = {
    "ctrl": "Control", "control": "Control", "alt": "Alt", "option": "Alt", "altgr": "AltGraph",
    "shift": "Shift", "cmd": "Meta", "command": "Meta", "win": "Meta", "windows": "Meta",
    "super": "Meta", "meta": "Meta", "enter": "Enter", "return": "Enter", "kpenter": "Enter",
    "esc": "Escape", "escape": "Escape", "tab": "Tab", "space": " ", "spacebar": " ",
    "backspace": "Backspace", "delete": "Delete", "del": "Delete", "insert": "Insert",
    "home": "Home", "end": "End", "pageup": "PageUp", "pgup": "PageUp", "prior": "PageUp",
    "pagedown": "PageDown", "pgdn": "PageDown", "pgdown": "PageDown", "next": "PageDown",
    "up": "ArrowUp", "down": "ArrowDown", "left": "ArrowLeft", "right": "ArrowRight",
    "arrowup": "ArrowUp", "arrowdown": "ArrowDown", "arrowleft": "ArrowLeft",
    "arrowright": "ArrowRight", "uparrow": "ArrowUp", "downarrow": "ArrowDown",
    "leftarrow": "ArrowLeft", "rightarrow": "ArrowRight", "capslock": "CapsLock",
    "menu": "ContextMenu", "contextmenu": "ContextMenu", "apps": "ContextMenu",
    "plus": "+", "minus": "-", "comma": ",", "period": ".", "dot": ".", "slash": "/",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}  # fmt: skip

_ANDROID = {
    "Control": "CTRL_LEFT", "Alt": "ALT_LEFT", "Shift": "SHIFT_LEFT", "Meta": "META_LEFT",
    "Enter": "ENTER", "Escape": "ESCAPE", "Tab": "TAB", " ": "SPACE", "Backspace": "DEL",
    "Delete": "FORWARD_DEL", "Insert": "INSERT", "Home": "HOME", "End": "MOVE_END",
    "PageUp": "PAGE_UP", "PageDown": "PAGE_DOWN", "ArrowUp": "DPAD_UP", "ArrowDown": "DPAD_DOWN",
    "ArrowLeft": "DPAD_LEFT", "ArrowRight": "DPAD_RIGHT", "CapsLock": "CAPS_LOCK",
    "ContextMenu": "MENU", "+": "PLUS", "-": "MINUS", ",": "COMMA", ".": "PERIOD", "/": "SLASH",
}  # fmt: skip

_SIDE = re.compile(r"(ctrl|control|alt|shift|super|meta|win)(l|r|left|right)")


def chord(keys: Sequence[str]) -> list[str]:
    """Takes joined names apart.

    >>> chord(["ctrl+shift", "t"]), chord(["ctrl++"]), chord(["+"])
    (['ctrl', 'shift', 't'], ['ctrl', '+'], ['+'])
    """
    names: list[str] = []
    for key in keys:
        text = key if key.isspace() else key.strip()
        if len(text) > 1 and "+" in text:
            ends_in_plus = text.endswith("++")
            names += [part.strip() for part in text.split("+") if part.strip()]
            names += ["+"] if ends_in_plus else []
        else:
            names.append(text)
    return names


def browser_key(name: str) -> str:
    """Returns the name a browser knows, a character for a character.

    >>> [browser_key(name) for name in ("Page_Down", "ctrl", "Shift_L", "a", "é")]
    ['PageDown', 'Control', 'Shift', 'a', 'é']

    Raises:
        ActionError: there is no such key.
    """
    if len(name) == 1:
        return name
    known = _known(name)
    if known is None:
        hint = nearest(name.lower(), _BROWSER, else_list=False)
        raise ActionError(f"no key is called {shown(name)}", hint=hint)
    return known


def android_key(name: str) -> str:
    """Returns the name that ``adb shell input keyevent`` knows.

    >>> [android_key(name) for name in ("volume_up", "enter", "KEYCODE_POWER", "a", "back")]
    ['KEYCODE_VOLUME_UP', 'KEYCODE_ENTER', 'KEYCODE_POWER', 'KEYCODE_A', 'KEYCODE_BACK']

    Raises:
        ActionError: it cannot be the name of a key.
    """
    known = name if len(name) == 1 else _known(name)
    plain = _ANDROID.get(known or "", name).upper().removeprefix("KEYCODE_").replace(" ", "_")
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9_]{0,40}", plain):
        raise ActionError(f"no key is called {shown(name)}, expected a name such as volume_up")
    return f"KEYCODE_{plain}"


def _known(name: str) -> str | None:
    plain = re.sub(r"[\s_-]", "", name.lower())
    side = _SIDE.fullmatch(plain)
    return _BROWSER.get(side.group(1) if side else plain)
