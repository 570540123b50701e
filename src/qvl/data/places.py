"""The boxes and points that the turns of a sample state, each with the picture it is in.

Owns: which answers are read how, and through which pictures. Does not own: reading (``tasks``).

    Sample -> for each answer: tasks.grounding, tasks.agent or tasks.document with the sizes of the
        pictures before -> Place(box or point, numbers as written, picture)

Coordinates in a sample's answers are in resized_px, as models write them; places are in
original_px.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qvl.data.records import Sample
from qvl.geometry import Box, PixelLimits, Point, ResizeTransform, clip
from qvl.messages import Image, Message, Text
from qvl.processing.image import measure_image
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.tasks import agent, document, grounding
from qvl.tasks.actions import points
from qvl.tasks.document_elements import walk
from qvl.tasks.marks import Mark
from qvl.tasks.tool_calls import format_call

_CALL = "<tool_call>"
_PAGE = "<html>"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PLAIN = r"-?\d{1,6}(?:\.\d{1,4})?"
_ASKED = re.compile(
    rf'(?:"(?P<key>bbox_2d|point_2d)"\s*:\s*)?\[\s*{_PLAIN}(?:\s*,\s*{_PLAIN}){{1,3}}\s*\]'
    rf"|<\|box_start\|>\(\s*{_PLAIN}\s*,\s*{_PLAIN}\s*\),\(\s*{_PLAIN}\s*,\s*{_PLAIN}\s*\)<\|box_end\|>"
)
_LONGEST_QUESTION = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One box or point of an answer.

    Attributes:
        shape: in original_px, not cut at the picture's edge.
        raw: as written, in resized_px; more than four numbers are an outline.
        label: of the thing.
        turn: message of the conversation that states it, from 0.
        picture: of the conversation, from 0.
        transform: of that picture.
    """

    shape: Box | Point
    raw: tuple[float, ...]
    label: str
    turn: int
    picture: int
    transform: ResizeTransform

    @property
    def is_inside(self) -> bool:
        """Whether it lies within its picture, edges included."""
        height, width = self.transform.resized
        xs, ys = self.raw[::2], self.raw[1::2]
        return min(self.raw) >= 0 and max(xs) <= width and max(ys) <= height

    def mark(self, scale: float = 1.0) -> Mark:
        """Returns it as drawn on its picture, or on one ``scale`` times as large; cut at the
        edge."""
        original = self.transform.original
        if isinstance(self.shape, Box):
            box = Box(*(value * scale for value in clip(self.shape, original)))
            return Mark(shape=box, label=self.label, group=self.label)
        point = Point(*(value * scale for value in clip(self.shape, original)))
        return Mark(shape=point, label=self.label, group=self.label)


def places(
    sample: Sample, limits: PixelLimits = DEFAULT_LIMITS, *, questions: bool = False
) -> list[Place]:
    """Returns what the answers point at; answers about no picture, and prose, point at nothing.

    Args:
        sample: its pictures are measured, not decoded.
        limits: under which its pictures are resized.
        questions: also return what questions point at, in the newest picture then.

    Raises:
        InputError: a picture cannot be read.
    """
    found: list[Place] = []
    transforms: list[ResizeTransform] = []
    for turn, message in enumerate(sample.conversation.messages):
        pictures = [part for part in message.content if isinstance(part, Image)]
        transforms += [measure_image(picture, limits) for picture in pictures]
        if message.role == "assistant" and transforms:
            found += _stated(answer_text(message), turn, transforms)
        elif questions and message.role == "user" and transforms:
            text = "".join(part.text for part in message.content if isinstance(part, Text))
            found += _asked_about(text, turn, len(transforms) - 1, transforms[-1])
    return found


def answer_text(message: Message) -> str:
    """Returns the words of a turn, calls included."""
    text = "".join(part.text for part in message.content if isinstance(part, Text))
    calls = "\n".join(format_call(call) for call in message.tool_calls)
    return "\n".join(filter(None, (text, calls)))


def _stated(text: str, turn: int, transforms: list[ResizeTransform]) -> Iterator[Place]:
    if _CALL in text:
        # One screenshot a turn: the newest is the one acted on.
        picture = len(transforms) - 1
        transform = transforms[picture]
        for request in agent.parse(text).requests:
            for item in points(request.action) if request.action is not None else ():
                raw = tuple(item.point)
                yield Place(
                    shape=transform.to_original(item.point),
                    raw=raw,
                    label=item.label,
                    turn=turn,
                    picture=picture,
                    transform=transform,
                )
        return
    if _PAGE in text:
        yield from _on_page(text, turn, len(transforms) - 1, transforms[-1])
        return
    # Without transforms nothing is clipped, so that what lies outside can be seen.
    for found in grounding.parse(text).items:
        if not 0 <= found.image_index < len(transforms):
            continue
        transform = transforms[found.image_index]
        yield Place(
            shape=transform.to_original(found.box)
            if isinstance(found, grounding.GroundedBox)
            else transform.to_original(found.point),
            raw=found.raw,
            label=found.label,
            turn=turn,
            picture=found.image_index,
            transform=transform,
        )


def _asked_about(text: str, turn: int, picture: int, transform: ResizeTransform) -> Iterator[Place]:
    """Boxes and points in the words of a question. Four numbers in brackets that could be no box
    are a list of something else."""
    for match in _ASKED.finditer(text[:_LONGEST_QUESTION]):
        raw = tuple(map(float, _NUMBER.findall(match[0].rpartition('"')[2])))
        if len(raw) == 2 and match["key"]:
            shape: Box | Point = transform.to_original(Point(*raw))
        elif len(raw) == 4 and (match["key"] or (raw[0] < raw[2] and raw[1] < raw[3])):
            shape = transform.to_original(Box(*raw))
        else:
            continue
        yield Place(
            shape=shape,
            raw=raw,
            label="asked about",
            turn=turn,
            picture=picture,
            transform=transform,
        )


def _on_page(text: str, turn: int, picture: int, transform: ResizeTransform) -> Iterator[Place]:
    """The elements of a page, which is the newest picture."""
    for element in walk(document.parse(text).elements):
        if element.box is not None:
            yield Place(
                shape=transform.to_original(element.box),
                raw=element.raw or tuple(element.box),
                label=element.kind.replace("_", " "),
                turn=turn,
                picture=picture,
                transform=transform,
            )
