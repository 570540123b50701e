"""Which object each token of a question and its answer is about; a label for training only.

Owns: telling it from the words of the question and the numbers of the answer. Does not own: the
loss that uses it (``training/objectives/finding``).

    "Locate the red circle in this image ..." -> the end of the thing's name
    "[30, 20, 90, 80]" -> the object with this box (or centre)
    every token from the one to the other -> that object

    "Spotting all the text ..." -> the end of the prompt
    "[3, 5, 38, 36], ..." -> the first line; what follows its box is about the next

    "What color is the circle?" -> the end of the thing's name
    the largest circle -> the object; its colour is not said, its kind is
    every token up to the one that answers -> that object
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qvl.data.packing import Packed
from qvl.data.synth.canvas import SHAPES
from qvl.data.synth.palette import COLOUR_NAMES
from qvl.geometry import FACTOR
from qvl.messages import Text
from qvl.tasks.grounding import SPOTTING_PROMPT

# The prompts after which coordinates are answered: `grounding.prompt`, `agent.click_prompt` and
# `grounding.SPOTTING_PROMPT`, which says nothing of the lines that it is about.
_THING = re.compile(
    rf"(?:Locate|Click) the .*?(?= in this image| button)|(?P<all>{re.escape(SPOTTING_PROMPT)})"
)
# The two questions that are answered by a name; see `synth.shapes`.
_NAMED = re.compile(
    rf"What color is the (?P<kind>{'|'.join(SHAPES)})|"
    rf"What shape is the (?P<colour>{'|'.join(COLOUR_NAMES)})"
)
_ATTRIBUTES = {"kind": (4, SHAPES), "colour": (5, COLOUR_NAMES)}
"""Where the objects of `records.DenseTargets` have their index, and what it counts in."""
# Answers round to whole pixels.
_TOLERANCE_PX = 1.0


class Asked(NamedTuple):
    """What the tokens of a sample are about.

    Attributes:
        objects: int64[T], the number of the object that a token is about, -1 if there is none.
        said: bool[T, 2], whether the words before it say the object's kind, and its colour.
    """

    objects: npt.NDArray[np.int64]
    said: npt.NDArray[np.bool_]


def asked_objects(
    item: Packed,
    digits: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.bool_],
    encode: Callable[[str], Sequence[int]],
) -> Asked:
    """Returns the object that each token is about.

    Args:
        item: a sample whose objects are in its first picture.
        digits: int64[T], the digit of a coordinate that is predicted there, -1 for anything else.
        predicted: bool[T], True where training predicts the next token.
        encode: text to tokens.
    """
    asked = Asked(np.full(len(digits), -1, np.int64), np.zeros((len(digits), 2), np.bool_))
    targets = item.sample.targets
    if targets is None or not len(targets.objects):
        return asked
    boxes = targets.objects[:, :4].astype(np.float64)
    edges = np.flatnonzero(np.diff(predicted, prepend=False, append=False))
    # Between a question and its answer: <|im_end|>, newline, <|im_start|>, the role, newline.
    header = 2 + len(encode("\n")) + len(encode("assistant\n"))
    for question, start, stop in zip(_questions(item), edges[::2], edges[1::2], strict=True):
        thing = _THING.match(question) or _NAMED.match(question)
        if thing is None:
            continue
        after = len(encode(question[thing.end() :]))
        # The token at ``start`` is the last before the answer.
        begin = start - header - after
        if thing.re is _NAMED:
            number = _largest_named(targets.objects, thing)
            if number is not None:
                asked.objects[begin : start + 1] = number
                asked.said[begin : start + 1] = [name == thing.lastgroup for name in _ATTRIBUTES]
            continue
        for number, end in _objects_of(boxes, numbers_in(digits[start:stop])):
            asked.objects[begin : start + end] = number
            asked.said[begin : start + end] = not thing["all"]
            begin = start + end
    return asked


def centre_tokens(item: Packed) -> npt.NDArray[np.int64]:
    """Returns int64[O], the merged token of the first picture at each object's centre."""
    targets = item.sample.targets
    if targets is None or not len(targets.objects):
        return np.zeros(0, np.int64)
    boxes = targets.objects[:, :4]
    _, height, width = (int(v) for v in item.inputs.grid_thw[0] // (1, 2, 2))
    rows = np.clip((boxes[:, 1] + boxes[:, 3]) / 2 // FACTOR, 0, height - 1).astype(np.int64)
    columns = np.clip((boxes[:, 0] + boxes[:, 2]) / 2 // FACTOR, 0, width - 1).astype(np.int64)
    return rows * width + columns


def numbers_in(digits: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Returns the value and the end of each run of digits.

    >>> numbers_in(np.array([-1, 1, 2, -1, 7]))
    [(12, 3), (7, 5)]
    """
    edges = np.flatnonzero(np.diff(digits >= 0, prepend=False, append=False))
    return [
        (int("".join(map(str, digits[start:stop]))), int(stop))
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
    ]


def _questions(item: Packed) -> list[str]:
    return [
        "".join(part.text for part in message.content if isinstance(part, Text))
        for message in item.sample.conversation.messages
        if message.role == "user"
    ]


def _largest_named(objects: npt.NDArray[np.float32], thing: re.Match[str]) -> int | None:
    """Returns the largest object that has the name, or None: several alike have one answer, and it
    is there seen best."""
    attribute = thing.lastgroup
    assert attribute is not None
    column, names = _ATTRIBUTES[attribute]
    areas = (objects[:, 2] - objects[:, 0]) * (objects[:, 3] - objects[:, 1])
    has_name = objects[:, column] == names.index(thing[attribute])
    return int(np.where(has_name, areas, -1).argmax()) if has_name.any() else None


def _objects_of(
    boxes: npt.NDArray[np.float64], numbers: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Returns each object that the numbers state the box or the centre of, and where that ends."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    found, i = [], 0
    while i < len(numbers):
        size = 1
        for known in (boxes, centres):
            values = [value for value, _ in numbers[i : i + known.shape[1]]]
            if len(values) < known.shape[1]:
                continue
            errors = np.abs(known - values).max(1)
            if errors.min() <= _TOLERANCE_PX:
                size = len(values)
                found.append((int(errors.argmin()), numbers[i + size - 1][1]))
                break
        i += size
    return found
