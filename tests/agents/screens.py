"""A drawn screen that does what it is told and remembers it, and answers for a scripted model."""

import json
from collections.abc import Callable
from types import TracebackType
from typing import Self

from PIL import Image, ImageDraw

from qvl.agents.executor import ActionError, ScreenError
from qvl.geometry import ImageSize, Point, ResizeTransform
from qvl.tasks import agent
from qvl.tasks.actions import Action, mapped
from qvl.tasks.agent_tools import ToolName
from tests.answers.scripted import ScriptedModel


class DrawnScreen:
    """Shows the number of changing actions done, unless it is told to stand still or to fail."""

    tool: ToolName = "computer_use"

    def __init__(self, size: tuple[int, int] = (1120, 700)) -> None:
        self.size = size
        self.done: list[Action] = []
        self.stands_still = False
        self.failures: list[Exception] = []
        self.lost = False
        self.happened: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def screenshot(self) -> Image.Image:
        if self.lost:
            raise ScreenError("the screen is gone")
        picture = Image.new("RGB", self.size, "white")
        if not self.stands_still:
            ImageDraw.Draw(picture).text((20, 20), str(len(self.done)), fill="black")
        return picture

    def perform(self, action: Action) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(action)

    def where(self) -> str:
        return "a drawn <screen>"

    def events(self) -> tuple[str, ...]:
        events, self.happened = tuple(self.happened), []
        return events


def refusing(text: str) -> ActionError:
    return ActionError(text)


def answers(
    *actions: Action | str, size: tuple[int, int], tool: ToolName = "computer_use"
) -> ScriptedModel:
    """A model that asks for these actions, given in pixels of the screen, and then for its end."""
    write = writer(size, tool)
    end = json.dumps({"name": tool, "arguments": {"action": "terminate", "status": "success"}})
    texts = [item if isinstance(item, str) else write(item) for item in actions]
    return ScriptedModel(*texts, f"<tool_call>{end}</tool_call>")


def writer(size: tuple[int, int], tool: ToolName) -> Callable[[Action], str]:
    """Writes actions as the model of the tests sees the screen: much smaller than it is."""
    seen = seen_size(size)
    backwards = ResizeTransform(seen, ImageSize(size[1], size[0]))
    return lambda action: agent.format(mapped(action, backwards), tool=tool, thought="I see it.")


def seen_size(size: tuple[int, int]) -> ImageSize:
    """Size at which the model of the tests sees a picture of this width and height."""
    from qvl.messages import Image as Picture
    from qvl.processing.image import measure_image
    from tests.answers.scripted import ScriptedEngine

    limits = ScriptedEngine([""]).processor.settings.limits
    return measure_image(Picture(Image.new("RGB", size)), limits).resized


def middle(x: float, y: float, width: float, height: float) -> Point:
    return Point(x + width / 2, y + height / 2)
