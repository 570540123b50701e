"""Text in pictures: how to ask for it, how to write it, how to read it back line by line.

Owns: prompts, the two written forms (plain text; a list of lines with their boxes), typed lines in
the pixels of the caller's own picture. Does not own: spellings of boxes (``grounding_reader``), the
order of reading (``reading_order``).

    level -> prompt() -> model -> answer -> parse(answer, level, transforms) -> TextReading
    lines -> format_lines(), text -> format_text() -> training text

The order of the lines is the model's unless `in_layout_order` is asked for another.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from qvl.errors import InputError
from qvl.geometry import Box, Point, ResizeTransform
from qvl.tasks import grounding
from qvl.tasks.grounding import SPOTTING_PROMPT, GroundedBox
from qvl.tasks.grounding_reader import OUTLINE_KEYS, Shape, corners, read
from qvl.tasks.json_repair import JsonList, JsonValue, Span, iter_json
from qvl.tasks.reading_order import Block, corners_of, reading_order

Level = Literal["text", "line", "word"]
Style = Literal["full", "lines", "plain", "chinese"]

WORD_PROMPT = "Spotting all the text in the image with word-level, and output in JSON format."
"""Asks for every word with its box. Source: the wording of the official line-level prompt."""

_OUTLINE_REMARK = f'Give the four corners as "{OUTLINE_KEYS[0]}" as well.'

_TEXT_PROMPTS: dict[Style, str] = {
    "full": "Read all the text in the image.",
    "lines": "Recognise all texts in the image, output in lines.",
    "plain": "Please output only the text content from the image without any additional "
    "descriptions or formatting.",
    "chinese": "请识别出图中所有的文字。",
}
TEXT_KEYS = (
    "text_content",
    "text",
    "content",
    "transcription",
    "words",
    "label",
    "name",
    "category",
)
"""JSON keys under which answers put what is written; the first that an object has."""

# At most one sentence that ends in a colon, then an opening fence, which may name a language.
_OPENING_FENCE = re.compile(r"(?:\s*+[^\n`]*[:：][ \t]*\n)?\s*+(`{3,})[^\n`]*(?:\n|\Z)")


@dataclass(frozen=True, kw_only=True, slots=True)
class TextLine:
    """A line or a word of text, and where it stands."""

    text: str
    box: Box | None = None
    """In original_px after ``parse`` with transforms, else in resized_px; None where the answer
    does not say."""
    outline: tuple[Point, ...] = ()
    """The corners, in the space of ``box``, where the answer gives more than a box."""
    image_index: int = 0
    """Which picture of the conversation, from 0."""
    clipped: bool = False
    """True when the model placed a side outside the picture; ``raw`` has what it wrote."""
    raw: tuple[float, ...] = field(default=(), compare=False)
    """The numbers as written, in resized_px."""
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    """Further JSON keys."""
    span: Span | None = field(default=None, compare=False, repr=False)
    """Characters of the answer that hold the text."""
    confidence: float | None = field(default=None, repr=False)
    """Set by `answers.confidence.with_confidence`: 0 to 1, how sure the letters were."""

    @property
    def rotation(self) -> float | None:
        """How far the line is turned clockwise, in degrees, by the first edge of its outline.

        >>> TextLine(text="a", outline=(Point(0, 0), Point(0, 9), Point(-2, 9))).rotation
        90.0
        """
        if not self.outline:
            return None
        start, end = self.outline[:2]
        return round(math.degrees(math.atan2(end.y - start.y, end.x - start.x)), 2)

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary, coordinates to a hundredth of a pixel."""
        found: dict[str, JsonValue] = {
            "text": self.text,
            "box": None if self.box is None else [round(value, 2) for value in self.box],
            "image_index": self.image_index,
            "clipped": self.clipped,
            "raw": list(self.raw),
            "extra": dict(self.extra),
        }
        if self.outline:
            found["outline"] = [[round(x, 2), round(y, 2)] for x, y in self.outline]
            found["rotation"] = self.rotation
        if self.span is not None:
            found["span"] = list(self.span)
        if self.confidence is not None:
            found["confidence"] = self.confidence
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class TextReading:
    """The text that an answer states."""

    lines: tuple[TextLine, ...]
    """In the order of the answer."""
    text: str
    """What is written in the picture: without the sentence and the fence around it."""
    answer: str
    """The whole answer."""
    truncated: bool = False
    """True when the answer ended in the middle."""
    problems: tuple[str, ...] = ()
    """What was stated but could not be used, one line each."""

    def __str__(self) -> str:
        return self.text

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary for ``json.dumps``."""
        return {
            "text": self.text,
            "lines": [line.to_json() for line in self.lines],
            "truncated": self.truncated,
            "problems": list(self.problems),
            "answer": self.answer,
        }


def prompt(level: Level = "text", *, style: Style = "full", outlines: bool = False) -> str:
    """The words that ask for the text of a picture.

    Args:
        level: "text" for the words alone, "line" or "word" for their boxes as well.
        style: how the text alone is asked for.
        outlines: ask for four corners beside every box, for text that is turned or bent; the
            wording of this is ours.

    Source: official cookbooks/ocr.ipynb.

    >>> prompt()
    'Read all the text in the image.'

    Raises:
        InputError: there is no such level or style.
    """
    if level not in ("text", "line", "word"):
        raise InputError(f"level is {level!r}, expected text, line or word")
    if style not in _TEXT_PROMPTS:
        raise InputError(f"style is {style!r}, expected one of {', '.join(_TEXT_PROMPTS)}")
    if level != "text":
        asked = SPOTTING_PROMPT if level == "line" else WORD_PROMPT
        return f"{asked} {_OUTLINE_REMARK}" if outlines else asked
    return _TEXT_PROMPTS[style]


def parse(
    text: str, *, level: Level = "text", transforms: Sequence[ResizeTransform] = ()
) -> TextReading:
    """Reads the text of an answer; never fails on what a model wrote.

    Args:
        text: the model's answer.
        level: what was asked for. "text" takes the answer as it is, but for one sentence and a
            fence around all of it; the others read boxes, and lines without boxes where the answer
            has none.
        transforms: one per picture, in order; without them coordinates stay in resized_px.

    >>> parse("The text reads:\\n\\n```\\n12.50\\n```").text
    '12.50'
    >>> parse('[{"bbox_2d": [1, 2, 3, 4], "text_content": "12.50"}]', level="line").lines[0].box
    Box(x1=1.0, y1=2.0, x2=3.0, y2=4.0)
    """
    if level != "text":
        found = _spotted(text, transforms)
        if found is not None:
            return found
    start, stop, truncated = _content(text)
    problems = () if level == "text" else ("the answer states no boxes",)
    return TextReading(
        lines=tuple(_plain_lines(text, start, stop)),
        text=text[start:stop],
        answer=text,
        truncated=truncated,
        problems=problems,
    )


def format_text(text: str) -> str:
    """Writes the text of a picture as an answer; `parse` reads it back unchanged.

    A fence is put around a text that would be taken for one that has a fence already.
    """
    if _content(text) == (0, len(text), False):
        return text
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def format_lines(lines: Sequence[TextLine]) -> str:
    """Writes lines with their boxes as an answer; `parse` reads them back unchanged.

    Args:
        lines: in resized_px; coordinates are rounded to integers.

    >>> print(format_lines([TextLine(text="12.50", box=Box(1, 2, 3, 4))]))
    ```json
    [
        {"bbox_2d": [1, 2, 3, 4], "text_content": "12.50"}
    ]
    ```

    Raises:
        InputError: a line has no box, or further keys that mean something of their own.
    """
    return grounding.format([_grounded(line) for line in lines], label_key="text_content")


def in_layout_order(reading: TextReading) -> TextReading:
    """Returns the same lines in the order in which a person reads them, picture by picture.

    Lines without a box stay behind the others of their picture. See ``reading_order``.
    """
    order: list[int] = []
    for image in sorted({line.image_index for line in reading.lines}):
        here = [i for i, line in enumerate(reading.lines) if line.image_index == image]
        placed = [i for i in here if reading.lines[i].box is not None]
        order += [placed[k] for k in reading_order([_block(reading.lines[i]) for i in placed])]
        order += [i for i in here if reading.lines[i].box is None]
    lines = tuple(reading.lines[i] for i in order)
    return replace(reading, lines=lines, text="\n".join(line.text for line in lines))


def _block(line: TextLine) -> Block:
    assert line.box is not None
    outline = line.outline
    return Block(line.text, outline or corners_of(line.box), bool(outline))


def _grounded(line: TextLine) -> GroundedBox:
    if line.box is None:
        raise InputError(f"line {line.text!r} has no box, expected one", hint="use format_text")
    extra = dict(line.extra)
    clash = sorted(extra.keys() & {*OUTLINE_KEYS, *TEXT_KEYS[:1]})
    if clash:
        raise InputError(f"extra keys {', '.join(clash)} have a meaning of their own")
    if line.outline:
        if len(line.outline) < 3:
            raise InputError(f"outline has {len(line.outline)} corners, expected 3 or more")
        extra[OUTLINE_KEYS[0]] = [[round(x), round(y)] for x, y in line.outline]
    return GroundedBox(box=line.box, label=line.text, image_index=line.image_index, extra=extra)


def _spotted(text: str, transforms: Sequence[ResizeTransform]) -> TextReading | None:
    """Lines with boxes; None when the answer is plain text."""
    reading = read(text, label_keys=TEXT_KEYS)
    shapes = reading.shapes or [
        Shape((), string, 0, {}, (0, 0), span) for string, span in _listed_strings(text)
    ]
    is_plain = reading.start is None and not shapes
    start, _, _ = _content(text)
    if is_plain and not (reading.truncated and text[start:].lstrip()[:1] in ("[", "{")):
        return None
    problems = list(reading.problems)
    lines = []
    for shape in shapes:
        index = shape.image_index
        if transforms and not 0 <= index < len(transforms):
            problems.append(f"picture {index} is named, there are {len(transforms)}")
            lines.append(TextLine(text=shape.label, extra=shape.extra, span=shape.label_span))
            continue
        lines.append(_line(shape, transforms[index] if transforms else None))
    if shapes and reading.start is None:
        problems.append("the answer states no boxes")
    return TextReading(
        lines=tuple(lines),
        text="\n".join(line.text for line in lines),
        answer=text,
        truncated=reading.truncated,
        problems=tuple(problems),
    )


def _listed_strings(text: str) -> Iterable[tuple[str, Span]]:
    """The strings of a list that holds nothing else, such as ["MILK", "2.50"]."""
    for fragment in iter_json(text):
        items = fragment.partial
        if isinstance(items, JsonList) and all(isinstance(item, str) for item in items):
            yield from zip(map(str, items), items.spans, strict=True)


def _line(shape: Shape, transform: ResizeTransform | None) -> TextLine:
    extra = dict(shape.extra)
    numbers = shape.numbers if len(shape.numbers) > 4 else ()
    for key in OUTLINE_KEYS:
        if not numbers and (written := corners(extra.get(key))) is not None:
            numbers = written
            del extra[key]
    line = TextLine(
        text=shape.label,
        image_index=shape.image_index,
        raw=shape.numbers,
        extra=extra,
        span=shape.label_span,
    )
    if len(shape.numbers) < 4:  # nowhere, or a point, which stays in raw
        return line
    place = grounding.placed(shape, transform)
    assert isinstance(place, GroundedBox)
    points = [Point(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    if transform is not None:
        points = [transform.clip_original(transform.to_original(point)) for point in points]
    return replace(line, box=place.box, clipped=place.clipped, outline=tuple(points))


def _content(answer: str) -> tuple[int, int, bool]:
    """Where the text of the picture starts and stops in an answer, and whether it was cut off.

    All of the answer, unless a single fence, behind at most one sentence, holds all the rest of it.
    So nothing is lost of a picture that itself shows fences or a line that ends in a colon.
    """
    opening = _OPENING_FENCE.match(answer)
    if opening is None:
        return 0, len(answer), False
    start = opening.end()
    closing = re.compile(rf"^{opening.group(1)}`*[ \t]*$", re.MULTILINE).search(answer, start)
    if closing is None:
        return start, len(answer), True
    if answer[closing.end() :].strip():
        return 0, len(answer), False
    return start, max(start, closing.start() - 1), False


def _plain_lines(answer: str, start: int, stop: int) -> Iterable[TextLine]:
    for line in answer[start:stop].split("\n"):
        if line.strip():
            yield TextLine(text=line, span=(start, start + len(line)))
        start += len(line) + 1
