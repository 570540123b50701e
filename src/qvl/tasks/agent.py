"""Operating a screen: how a model is asked, and how its answer is read and written.

Owns: the prompt of a turn, the text of an answer. Does not own: actions (``actions``), how calls
spell them (``action_calls``), the schemas (``agent_tools``), the loop (``qvl.agents``).

    goal, history -> prompt() + a screenshot -> model -> answer -> parse(answer, transform)
    Action -> format() -> training text

Models write pixels of the resized screenshot; actions are in pixels of the real screen when the
transform is given. Source: QwenLM/Qwen2.5-VL cookbooks/mobile_agent.ipynb, computer_use.ipynb.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from qvl.errors import InputError
from qvl.geometry import ResizeTransform
from qvl.messages import ToolCall
from qvl.tasks.action_calls import UnusableCall, read_action, write_action
from qvl.tasks.actions import Action, mapped, outside, points, to_json
from qvl.tasks.agent_tools import ToolName
from qvl.tasks.draw import draw
from qvl.tasks.tool_calls import format_call, read_calls


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One call of an answer and what it asks for."""

    call: ToolCall
    """As written, in resized_px."""
    action: Action | None
    """In original_px after ``parse`` with a transform, else in resized_px; None when it cannot be
    done."""
    problem: str = ""
    """Why it cannot be done, in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentAnswer:
    """What an answer asks to be done, in the order it asks it."""

    requests: tuple[Request, ...]
    thought: str
    """What stands before the first call."""
    text: str
    """The whole answer."""
    truncated: bool
    """True when the answer ended inside a call."""
    problems: tuple[str, ...] = ()
    """What was asked but cannot be done, one line each."""

    @property
    def actions(self) -> tuple[Action, ...]:
        """What can be done."""
        return tuple(item.action for item in self.requests if item.action is not None)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``."""
        return {
            "actions": [to_json(action) for action in self.actions],
            "thought": self.thought,
            "truncated": self.truncated,
            "problems": list(self.problems),
            "text": self.text,
        }

    def draw(self, screenshot: Image.Image) -> Image.Image:
        """Returns a copy of the screenshot with the places of the actions on it."""
        return draw(screenshot, [point for action in self.actions for point in points(action)])


def click_prompt(label: str) -> str:
    """Returns the instruction to press a button."""
    return f"Click the {label} button."


def prompt(goal: str, history: Sequence[str] = (), *, first_step: int = 1) -> str:
    """The words of a turn; the screenshot follows them.

    Args:
        goal: what is to be done.
        history: the calls made so far, as JSON, oldest first.
        first_step: number of the first of them.

    >>> prompt("Open it.", ['{"name": "mobile_use", "arguments": {"action": "wait", "time": 2}}'])
    'The user query:  Open it.\\nTask progress (You have done the following operation on the \
current device): Step 1: {"name": "mobile_use", "arguments": {"action": "wait", "time": 2}}; '

    Raises:
        InputError: the goal is empty.
    """
    if not goal.strip():
        raise InputError("the goal is empty", hint="say what is to be done on the screen")
    steps = "".join(f"Step {number}: {call}; " for number, call in enumerate(history, first_step))
    return (
        f"The user query:  {goal.strip()}\nTask progress (You have done the following operation "
        f"on the current device): {steps}"
    )


def parse(text: str, *, transform: ResizeTransform | None = None) -> AgentAnswer:
    """Reads what an answer asks to be done; never fails on what a model wrote.

    A place outside the screen makes an action a problem: clicking somewhere else instead would be
    an invention.

    Args:
        text: the model's answer.
        transform: of the screenshot; without it coordinates stay in resized_px, unchecked.

    >>> parse('<tool_call>{"name": "mobile_use", "arguments": {"action": "click"}}').problems
    ('click has no coordinate, expected [x, y]',)
    """
    reading = read_calls(text)
    requests = tuple(_request(call, transform) for call in reading.calls)
    return AgentAnswer(
        requests=requests,
        thought=reading.thought,
        text=text,
        truncated=reading.truncated,
        problems=(*reading.problems, *(item.problem for item in requests if item.problem)),
    )


def _request(call: ToolCall, transform: ResizeTransform | None) -> Request:
    try:
        action = read_action(call)
    except UnusableCall as error:
        return Request(call=call, action=None, problem=str(error))
    if transform is None:
        return Request(call=call, action=action)
    place = outside(action, transform.resized)
    if place is None:
        return Request(call=call, action=mapped(action, transform))
    problem = f"({place.x:g}, {place.y:g}) is outside the screen of {transform.resized}"
    return Request(call=call, action=None, problem=problem)


def format(action: Action, *, tool: ToolName = "computer_use", thought: str = "") -> str:
    """Writes an answer as the model writes it; `parse` reads it back unchanged.

    Args:
        action: in resized_px; coordinates are rounded to whole pixels.
        tool: the function that is called.
        thought: words before the call.

    >>> from qvl.geometry import Point
    >>> from qvl.tasks.actions import Click
    >>> print(format(Click(point=Point(3, 4)), thought="There it is."))
    There it is.
    <tool_call>
    {"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [3, 4]}}
    </tool_call>

    Raises:
        InputError: the function has no such action.
    """
    call = format_call(write_action(action, tool))
    return f"{thought}\n{call}" if thought else call
