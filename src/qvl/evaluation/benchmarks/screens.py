"""A screenshot, a tool and words as a question; the place or action of an answer.

Owns: how the report's models are asked to operate a screen, and what of an answer counts. Does not
own data sets (one file a benchmark), the schema and its calls (``tasks``).

    row, picture, words -> ask_on_screen -> Question with the tool for the size the model will see
    Reply -> clicked | first_action -> Point | Action in original_px
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from qvl.errors import InputError
from qvl.evaluation.benchmark import Question, Reply, Scored
from qvl.evaluation.layouts.pictures import MissingMedium, picture
from qvl.evaluation.layouts.rows import Row
from qvl.evaluation.report.failures import PLACES
from qvl.evaluation.scorers.android_control import os_atlas_step
from qvl.evaluation.scorers.pointing import middle
from qvl.evaluation.scorers.score import mean
from qvl.evaluation.scoring import percents_by
from qvl.geometry import Box, ImageSize, PixelLimits, Point, ResizeTransform
from qvl.messages import Conversation, Image, Message, Part, Text, ToolCall
from qvl.processing.image import measure_image
from qvl.tasks import agent, agent_tools, grounding
from qvl.tasks.actions import Action, Click, LongPress, MoveTo
from qvl.tasks.agent_tools import ToolName

LIMITS = PixelLimits(min_pixels=3136, max_pixels=12_845_056)
"""Source: official cookbooks/computer_use.ipynb. They stand on the part, since the tool tells the
model how large the screenshot is that it sees."""

SIZE = "size"
"""Fact of a question: height and width of its screenshot in original_px."""
_FARTHEST = 1e6
"""Pixels beyond which there is no screen."""
_SEEN = "seen"
"""Fact of a question: height and width of its screenshot in resized_px."""


def ask_on_screen(
    row: Row,
    folder: Path,
    *,
    key: str,
    screenshot: Any,
    words: str,
    tool: ToolName,
    truth: Any,
    first: Literal["picture", "words"] = "words",
    targets: Mapping[str, Box] | None = None,
    is_relative: bool = False,
    groups: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Question:
    """Returns a question about a screenshot, with the tool in the size that the model sees.

    Args:
        row: for messages.
        folder: that names of files are below of.
        key: of the question.
        screenshot: as the row has it; see `layouts.pictures.picture`.
        words: of the turn.
        tool: that the model is offered.
        truth: for the rule.
        first: what stands in front.
        targets: boxes to be hit, by their names, as fact `PLACES`.
        is_relative: targets are of width and height, not in pixels.
        groups: slices.
        facts: for the rule and the report.
    """
    parts: tuple[Part, ...] = (Text(words),)
    tools: tuple[dict[str, Any], ...] = ()
    found: dict[str, Any] = dict(facts or {})
    broken = ""
    try:
        source = picture(screenshot, folder, where=row.where)
        image = Image(source, min_pixels=LIMITS.min_pixels, max_pixels=LIMITS.max_pixels)
        sizes = measure_image(image, LIMITS)
    except (MissingMedium, InputError) as error:
        broken = error.message
    else:
        parts = (image, *parts) if first == "picture" else (*parts, image)
        tools = (agent_tools.tool(tool, sizes.resized),)
        height, width = sizes.original
        found[SIZE] = [height, width]
        found[_SEEN] = list(sizes.resized)
        x, y = (width, height) if is_relative else (1, 1)
        found[PLACES] = [
            [name, box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y]
            for name, box in (targets or {}).items()
        ]
    return Question(
        key=key,
        conversation=Conversation((Message("user", parts),), tools),
        truth=truth,
        groups=groups or {},
        facts=found,
        broken=broken,
    )


def size_of(question: Question) -> ImageSize:
    """Size of the screenshot in original_px; of a question that can be asked."""
    return ImageSize(*question.facts[SIZE])


def backwards_of(question: Question) -> ResizeTransform:
    """Leads from original_px to resized_px, where `actions.mapped` leads the other way."""
    return ResizeTransform(ImageSize(*question.facts[_SEEN]), size_of(question))


def target_of(question: Question) -> Box:
    """The only box to be hit, in original_px; of a question that can be asked."""
    ((_, *box),) = question.facts[PLACES]
    return Box(*box)


def first_action(reply: Reply) -> Action | None:
    """What the first call of an answer does, in original_px; None if it is none that can be done.

    The calls after it were written without seeing what the first one does.
    """
    transform = reply.transforms[0] if reply.transforms else None
    requests = agent.parse(reply.text, transform=transform).requests
    return requests[0].action if requests else None


def step_percents(
    scored: Sequence[Scored], *, truth_of: Callable[[Any, ImageSize], Action]
) -> dict[str, float]:
    """Numbers of steps: the mean score, OS-Atlas's, and the mean of each kind of action.

    Args:
        scored: with the group "action".
        truth_of: a question's truth and its screenshot's size -> the action in original_px.
    """
    return {
        "exact_match": 100 * mean([item.score.value for item in scored]),
        "os_atlas": 100 * mean([_os_atlas(item, truth_of) for item in scored]),
        **percents_by(scored, "action"),
    }


def _os_atlas(item: Scored, truth_of: Callable[[Any, ImageSize], Action]) -> float:
    if SIZE not in item.facts or not item.text:
        return 0.0
    screen = ImageSize(*item.facts[SIZE])
    action = first_action(Reply(text=item.text, transforms=item.transforms))
    return os_atlas_step(action=action, truth=truth_of(item.truth, screen), screen=screen).value


def clicked(reply: Reply) -> Point | None:
    """The place that an answer means, in original_px: of its first call, else the first point or
    the middle of the first box that it states."""
    transform = reply.transforms[0] if reply.transforms else None
    if requests := agent.parse(reply.text, transform=transform).requests:
        first = requests[0]
        if first.action is None and (box := _box_of(first.call)) is not None:
            return middle(box if transform is None else transform.to_original(box))
        return first.action.point if isinstance(first.action, Click | MoveTo | LongPress) else None
    for item in grounding.parse(reply.text, transforms=reply.transforms).items:
        return middle(item.box) if isinstance(item, grounding.GroundedBox) else item.point
    return None


def _box_of(call: ToolCall) -> Box | None:
    """A box in the place of a point, in resized_px; ScreenSpot-Pro's authors take its middle.
    Source: ScreenSpot-Pro-GUI-Grounding models/qwen2_5vl.py."""
    place = call.arguments.get("coordinate")
    if not isinstance(place, list) or len(place) != 4:
        return None
    if not all(isinstance(number, int | float) and abs(number) < _FARTHEST for number in place):
        return None
    return Box(*map(float, place))
