"""The two functions that operate a screen, as the published models were told of them.

Owns: the schemas, word for word. Does not own: reading the calls (``actions``).

    "computer_use" | "mobile_use", size of the resized screenshot -> tool() -> Conversation.tools

Source: QwenLM/Qwen2.5-VL at commit d2240f1, cookbooks/utils/agent_function_call.py, in the form
that QwenLM/Qwen-Agent puts into the prompt. Later versions of the file are for other models.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from qvl.errors import InputError
from qvl.geometry import ImageSize

ToolName = Literal["computer_use", "mobile_use"]

TOOL_NAMES: tuple[ToolName, ...] = get_args(ToolName)


def tool(name: ToolName, screen: ImageSize) -> dict[str, Any]:
    """Returns the schema of a function for a screen.

    Args:
        name: "computer_use" or "mobile_use".
        screen: size of the screenshot in resized_px, for all coordinates are in that space.

    >>> tool("mobile_use", ImageSize(1288, 728))["function"]["parameters"]["required"]
    ['action']

    Raises:
        InputError: the name is unknown.
    """
    if name not in TOOL_NAMES:
        raise InputError(f"no function named {name!r}, expected one of {', '.join(TOOL_NAMES)}")
    about, actions, properties = _TOOLS[name]
    described = "\n".join(f"* `{action}`: {words}" for action, words in actions.items())
    action = {
        "description": f"The action to perform. The available actions are:\n{described}",
        "enum": list(actions),
        "type": "string",
    }
    return {
        "type": "function",
        "function": {
            "name_for_human": name,
            "name": name,
            "description": about.format(width=screen.width, height=screen.height),
            "parameters": {
                "properties": {"action": action, **properties},
                "required": ["action"],
                "type": "object",
            },
            "args_format": "Format the arguments as a JSON object.",
        },
    }


_CENTRE = (
    "* Make sure to click any buttons, links, icons, etc with the cursor tip in the center of the "
    "element. Don't click boxes on their edges unless asked."
)
_SLOW = (
    "* Some applications may take time to start or process actions, so you may need to wait and "
    "take successive screenshots to see the results of your actions."
)
_PLACE = (
    "(x, y): The x (pixels from the left edge) and y (pixels from the top edge) coordinates to "
    "move the mouse to. Required only by "
)
_STATUS = {
    "description": "The status of the task. Required only by `action=terminate`.",
    "type": "string",
    "enum": ["success", "failure"],
}
_WAIT = "Wait specified seconds for the change to happen."
_TERMINATE = "Terminate the current task and report its completion status."

_COMPUTER_ABOUT = "\n".join(
    (
        "Use a mouse and keyboard to interact with a computer, and take screenshots.",
        "* This is an interface to a desktop GUI. You do not have access to a terminal or "
        "applications menu. You must click on desktop icons to start applications.",
        f"{_SLOW} E.g. if you click on Firefox and a window doesn't open, try wait and taking "
        "another screenshot.",
        "* The screen's resolution is {width}x{height}.",
        "* Whenever you intend to move the cursor to click on an element like an icon, you should "
        "consult a screenshot to determine the coordinates of the element before moving the "
        "cursor.",
        "* If you tried clicking on a program or link but it failed to load, even after waiting, "
        "try adjusting your cursor position so that the tip of the cursor visually falls on the "
        "element that you want to click.",
        _CENTRE,
    )
)

_COMPUTER_ACTIONS = {
    "key": "Performs key down presses on the arguments passed in order, then performs key "
    "releases in reverse order.",
    "type": "Type a string of text on the keyboard.",
    "mouse_move": "Move the cursor to a specified (x, y) pixel coordinate on the screen.",
    "left_click": "Click the left mouse button.",
    "left_click_drag": "Click and drag the cursor to a specified (x, y) pixel coordinate on the "
    "screen.",
    "right_click": "Click the right mouse button.",
    "middle_click": "Click the middle mouse button.",
    "double_click": "Double-click the left mouse button.",
    "scroll": "Performs a scroll of the mouse scroll wheel.",
    "wait": _WAIT,
    "terminate": _TERMINATE,
}

_COMPUTER_PROPERTIES = {
    "keys": {"description": "Required only by `action=key`.", "type": "array"},
    "text": {"description": "Required only by `action=type`.", "type": "string"},
    "coordinate": {
        "description": f"{_PLACE}`action=mouse_move` and `action=left_click_drag`.",
        "type": "array",
    },
    "pixels": {
        "description": "The amount of scrolling to perform. Positive values scroll up, negative "
        "values scroll down. Required only by `action=scroll`.",
        "type": "number",
    },
    "time": {
        "description": "The seconds to wait. Required only by `action=wait`.",
        "type": "number",
    },
    "status": _STATUS,
}

_MOBILE_ABOUT = "\n".join(
    (
        "Use a touchscreen to interact with a mobile device, and take screenshots.",
        "* This is an interface to a mobile device with touchscreen. You can perform actions like "
        "clicking, typing, swiping, etc.",
        _SLOW,
        "* The screen's resolution is {width}x{height}.",
        _CENTRE,
    )
)

_MOBILE_ACTIONS = {
    "key": "Perform a key event on the mobile device.\n"
    "    - This supports adb's `keyevent` syntax.\n"
    '    - Examples: "volume_up", "volume_down", "power", "camera", "clear".',
    "click": "Click the point on the screen with coordinate (x, y).",
    "long_press": "Press the point on the screen with coordinate (x, y) for specified seconds.",
    "swipe": "Swipe from the starting point with coordinate (x, y) to the end point with "
    "coordinates2 (x2, y2).",
    "type": "Input the specified text into the activated input box.",
    "system_button": "Press the system button.",
    "open": "Open an app on the device.",
    "wait": _WAIT,
    "terminate": _TERMINATE,
}

_MOBILE_PROPERTIES = {
    "coordinate": {
        "description": f"{_PLACE}`action=click`, `action=long_press`, and `action=swipe`.",
        "type": "array",
    },
    "coordinate2": {"description": f"{_PLACE}`action=swipe`.", "type": "array"},
    "text": {
        "description": "Required only by `action=key`, `action=type`, and `action=open`.",
        "type": "string",
    },
    "time": {
        "description": "The seconds to wait. Required only by `action=long_press` and "
        "`action=wait`.",
        "type": "number",
    },
    "button": {
        "description": "Back means returning to the previous interface, Home means returning to "
        "the desktop, Menu means opening the application background menu, and Enter means "
        "pressing the enter. Required only by `action=system_button`",
        "enum": ["Back", "Home", "Menu", "Enter"],
        "type": "string",
    },
    "status": _STATUS,
}

_TOOLS: dict[ToolName, tuple[str, dict[str, str], Mapping[str, Any]]] = {
    "computer_use": (_COMPUTER_ABOUT, _COMPUTER_ACTIONS, _COMPUTER_PROPERTIES),
    "mobile_use": (_MOBILE_ABOUT, _MOBILE_ACTIONS, _MOBILE_PROPERTIES),
}
