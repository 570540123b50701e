"""Function calls that operate a screen: written and read in the published form.

Owns the text of a call. Coordinates are pixels of the resized screenshot, as everywhere in the
model's text.

    ToolCall -> format_call -> "<tool_call>\\n{...}\\n</tool_call>" -> parse_calls -> ToolCall
Source: QwenLM/Qwen2.5-VL cookbooks/computer_use.ipynb and cookbooks/utils/agent_function_call.py.
"""

import json
import re
from collections.abc import Mapping

from qvl.geometry import Point
from qvl.messages import ToolCall
from qvl.tasks.json_repair import iter_json

COMPUTER_USE = "computer_use"

# The closing mark is missing when an answer was cut off.
_CALL = re.compile(r"<tool_call>(.*?)(?:</tool_call>|$)", re.DOTALL)


def click(point: Point) -> ToolCall:
    """Returns the call that clicks a point, rounded to whole pixels."""
    arguments = {"action": "left_click", "coordinate": [round(point.x), round(point.y)]}
    return ToolCall(COMPUTER_USE, arguments)


def click_prompt(label: str) -> str:
    """Returns the instruction to press a button."""
    return f"Click the {label} button."


def format_call(call: ToolCall) -> str:
    """Returns the call as the model writes it.

    >>> print(format_call(click(Point(3, 4))))
    <tool_call>
    {"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [3, 4]}}
    </tool_call>
    """
    record = {"name": call.name, "arguments": call.arguments}
    return f"<tool_call>\n{json.dumps(record, ensure_ascii=False)}\n</tool_call>"


def parse_calls(text: str) -> tuple[ToolCall, ...]:
    """Returns the complete calls in an answer; what is not a call is left out."""
    calls = []
    for body in _CALL.findall(text):
        for fragment in iter_json(body):
            value = fragment.value
            if not (fragment.complete and isinstance(value, Mapping)):
                continue
            name, arguments = value.get("name"), value.get("arguments")
            if isinstance(name, str) and isinstance(arguments, dict):
                calls.append(ToolCall(name, arguments))
    return tuple(calls)


def clicked_point(call: ToolCall) -> Point | None:
    """Returns where a call clicks, or None if it does not say."""
    where = call.arguments.get("coordinate")
    if not isinstance(where, list) or len(where) != 2:
        return None
    x, y = where
    if isinstance(x, int | float) and isinstance(y, int | float):
        return Point(float(x), float(y))
    return None
