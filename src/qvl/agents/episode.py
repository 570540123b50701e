"""What happened when a model operated a screen.

Owns: steps, episodes, limits, why an episode ended. Does not own: running one (``loop``), files
(``recorder``), HTML (``replay``).

    steps so far + limits -> ending() -> None, or why it is over;   Episode -> str, HTML, JSON
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any, Literal, Protocol

import PIL.Image

from qvl.agents import replay
from qvl.errors import InputError
from qvl.geometry import ImageSize
from qvl.messages import ToolCall
from qvl.options import real_number, whole_number
from qvl.tasks.actions import Action, Terminate, describe, points, to_json
from qvl.tasks.agent_tools import ToolName
from qvl.tasks.draw import draw

Outcome = Literal[
    "performed",  # the action was done
    "failed",  # the screen could not do it
    "unusable",  # the answer holds no action that can be done
    "declined",  # the person asked said no
    "stopped",  # the person asked ended the episode
    "late",  # the time was over before the answer was
    "lost",  # the screen is gone
    "terminated",  # the model said that it is done
]

Ending = Literal[
    "success",  # the model says so
    "failure",  # the model says so
    "steps",  # the limit was reached
    "time",  # the limit was reached
    "failures",  # too many steps in a row came to nothing
    "repeating",  # the same action on the same screen again and again
    "no_progress",  # the screen stays as it is, whatever is done
    "over",  # the screen says that the task is over
    "stopped",  # by the person asked
    "lost",  # the screen is gone
    "error",  # something else failed; the detail says what
]

_FRUITLESS: tuple[Outcome, ...] = ("failed", "unusable", "declined")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When an episode ends that does not end by itself."""

    steps: int = 30
    """Most turns of the model."""
    seconds: float = 600.0
    """Most time; looked at between pieces of an answer and between steps."""
    failures: int = 3
    """Most steps in a row that come to nothing."""
    repeats: int = 3
    """How often the same action may be done on the same screen."""
    unchanged: int = 6
    """How many screenshots in a row may be equal."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value, name = getattr(self, item.name), f"limit {item.name}"
            if item.name == "seconds":
                checked: float | None = real_number(value, name, is_zero_allowed=False)
            else:
                checked = whole_number(value, name)
            if checked is None:
                raise InputError(f"{name} is None, expected a number above 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One turn: what the model saw and wrote, and what came of it."""

    number: int
    """From 1."""
    where: str
    """Address of the page, or name of the app."""
    screenshot: bytes
    """PNG, as the screen gave it."""
    screen: ImageSize
    """Size of the screenshot in original_px."""
    resized: ImageSize
    """Size the model saw, in resized_px."""
    prompt: str
    answer: str
    thought: str
    call: ToolCall | None
    """The call as written, in resized_px."""
    action: Action | None
    """What was to be done, in original_px."""
    outcome: Outcome
    detail: str = ""
    """Why it came to nothing."""
    events: tuple[str, ...] = ()
    """What happened beside it."""
    started: str
    """ISO 8601, UTC."""
    seconds: float
    """Of the whole turn."""

    def __str__(self) -> str:
        done = self.answer if self.action is None else describe(self.action)
        detail = f" ({plain(self.detail)})" if self.detail else ""
        return f"{self.number}. {self.outcome}: {plain(done)[:100]}{detail}"

    def draw(self) -> PIL.Image.Image:
        """Returns the screenshot with the places of the action on it."""
        picture = PIL.Image.open(BytesIO(self.screenshot)).convert("RGB")
        return draw(picture, [] if self.action is None else points(self.action))

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``, without the picture."""
        return {
            "number": self.number,
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "where": self.where,
            "screen": {"height": self.screen.height, "width": self.screen.width},
            "resized": {"height": self.resized.height, "width": self.resized.width},
            "prompt": self.prompt,
            "answer": self.answer,
            "thought": self.thought,
            "action": None if self.action is None else to_json(self.action),
            "outcome": self.outcome,
            "detail": self.detail,
            "events": list(self.events),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """A whole run, from the first screenshot to its end."""

    goal: str
    tool: ToolName
    steps: tuple[Step, ...]
    ending: Ending
    detail: str = ""
    """What the ending does not say by itself."""
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether the model says that the goal is reached. It may be wrong."""
        return self.ending == "success"

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        head = f"{self.goal}: {self.ending}{detail}, {len(self.steps)} steps, {self.seconds:.0f} s"
        return "\n".join([head, *(str(step) for step in self.steps)])

    def _repr_html_(self) -> str:
        return replay.fragment(self)

    def draw(self, number: int = -1) -> PIL.Image.Image:
        """Returns the screenshot of a step with its action on it.

        Args:
            number: of the step, from 1; -1 for the last.

        Raises:
            InputError: there is no such step.
        """
        count = len(self.steps)
        if not (1 <= number <= count or -count <= number <= -1):
            raise InputError(f"no step {number}, expected 1 to {count}")
        return self.steps[number - 1 if number > 0 else number].draw()

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``, without the pictures."""
        return {
            "goal": self.goal,
            "tool": self.tool,
            "ending": self.ending,
            "detail": self.detail,
            "seconds": round(self.seconds, 3),
            "steps": [step.to_json() for step in self.steps],
        }


class Watcher(Protocol):
    """Is told of an episode while it runs."""

    def began(self, goal: str, tool: ToolName, limits: Limits) -> None:
        """Before the first screenshot."""
        ...

    def stepped(self, step: Step) -> None:
        """After each step."""
        ...

    def ended(self, episode: Episode) -> None:
        """At the end, unless an error or the user breaks the run off."""
        ...


def plain(text: str) -> str:
    """Text on one line, without characters that could drive a terminal.

    >>> plain("a\\n  b\\x1b[2J")
    'a b?[2J'
    """
    line = " ".join(text.split())
    return "".join(char if char.isprintable() else "?" for char in line)


def ending(steps: Sequence[Step], limits: Limits, *, seconds: float) -> Ending | None:
    """Returns why an episode is over after its last step, or None when it goes on.

    Args:
        steps: so far, at least one.
        limits: of the episode.
        seconds: since it began.
    """
    last = steps[-1]
    match last.outcome:
        case "terminated" if isinstance(last.action, Terminate):
            return last.action.status
        case "stopped" | "lost":
            return last.outcome
        case "late":
            return "time"
    recent = steps[-limits.failures :]
    if len(recent) == limits.failures and all(step.outcome in _FRUITLESS for step in recent):
        return "failures"
    same = [
        step
        for step in steps
        if step.action is not None
        and (step.action, step.screenshot) == (last.action, last.screenshot)
    ]
    if len(same) >= limits.repeats:
        return "repeating"
    shots = {step.screenshot for step in steps[-limits.unchanged :]}
    if len(steps) >= limits.unchanged and len(shots) == 1:
        return "no_progress"
    if len(steps) >= limits.steps:
        return "steps"
    return "time" if seconds >= limits.seconds else None
