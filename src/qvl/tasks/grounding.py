"""Boxes and points: how to ask for them, how to write them, how to read them back.

Owns: prompts, the written forms, typed results in the pixels of the caller's own picture. Does not
own: spellings that models invent (``grounding_reader``), drawing (``draw``).

    thing -> prompt() -> model -> answer -> parse(answer, transforms) -> GroundingResult
    annotations -> to_model_space() -> format() -> training text

Models write integers in resized_px; results are in original_px when the transform is given.
"""

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

from qvl.errors import InputError
from qvl.geometry import Box, Point, ResizeTransform
from qvl.tasks.grounding_reader import BOX_KEYS, IMAGE_KEYS, LABEL_KEYS, POINT_KEYS, Shape, read
from qvl.tasks.json_repair import JsonValue

Kind = Literal["box", "point"]
Style = Literal["json", "xml", "text"]
Language = Literal["en", "zh"]

SPOTTING_PROMPT = "Spotting all the text in the image with line-level, and output in JSON format."
"""Asks for every line of text with its box. Source: official cookbooks/ocr.ipynb."""

_PROMPTS: dict[Kind, str] = {
    "box": "Locate {thing} in this image and output the bbox coordinates in JSON format.",
    "point": "Locate {thing} in this image and output the point coordinates in JSON format.",
}

TEXT_SYSTEM_PROMPT = (
    "As an AI assistant, you specialize in accurate image object detection, delivering coordinates "
    "in plain text format 'x1,y1,x2,y2 object'."
)
"""With this system prompt models answer in style "text".
Source: official cookbooks/spatial_understanding.ipynb."""

# Source: official cookbooks/spatial_understanding.ipynb and the grounding cases of the blog; in
# Chinese the recommended prompts of Alibaba Cloud's visual understanding guide.
_WORDINGS: dict[tuple[Kind, Style, Language], tuple[str, ...]] = {
    ("box", "json", "en"): (
        _PROMPTS["box"],
        "Outline the position of {thing} and output all the coordinates in JSON format.",
        "Locate {thing}, output its bbox coordinates using JSON format.",
        "Locate {thing}, report the bbox coordinates in JSON format.",
    ),
    ("point", "json", "en"): (
        _PROMPTS["point"],
        "point to {thing}, output its coordinates in JSON format",
    ),
    ("point", "xml", "en"): (
        "point to {thing}, output its coordinates in XML format <points x y>object</points>",
        "Point to {thing} and output the coordinates in XML format <points x y>object</points>",
    ),
    ("box", "text", "en"): ("find {thing}", "Locate {thing} in this image."),
    ("box", "json", "zh"): ("检测图中所有{thing}并以JSON格式输出其bbox的坐标",),
    ("box", "text", "zh"): ("检测图中所有{thing}并以纯文本格式输出其bbox的坐标",),
    ("point", "json", "zh"): ("以点的形式定位图中所有{thing}，以JSON格式输出其point坐标",),
    ("point", "xml", "zh"): ("以点的形式定位图中所有{thing}，以XML格式输出其point坐标",),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundedBox:
    """A named rectangle in a picture."""

    box: Box
    """In original_px after ``parse`` with transforms, else in resized_px."""
    label: str = ""
    image_index: int = 0
    """Which picture of the conversation, from 0."""
    clipped: bool = False
    """True when the model placed a side outside the picture; ``raw`` has what it wrote."""
    raw: tuple[float, ...] = field(default=(), compare=False)
    """The numbers as written, in resized_px; more than four are the corners of an outline."""
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    """Further JSON keys, such as ``sub_label``."""
    span: tuple[int, int] | None = field(default=None, compare=False, repr=False)
    """Characters of the answer from the first to the last of its numbers."""
    confidence: float | None = field(default=None, repr=False)
    """Set by `answers.confidence.with_confidence`: 0 to 1, how sure the numbers were."""

    @property
    def is_empty(self) -> bool:
        """True when the box has no area: the model stated a line or a point, or it lies outside."""
        return not (self.box.x2 > self.box.x1 and self.box.y2 > self.box.y1)

    @property
    def is_swapped(self) -> bool:
        """True when the model wrote the right side before the left, or the lower before the
        upper."""
        return len(self.raw) == 4 and (self.raw[0] > self.raw[2] or self.raw[1] > self.raw[3])

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary, coordinates to a hundredth of a pixel."""
        flaws = {name: True for name in ("is_empty", "is_swapped") if getattr(self, name)}
        return {"box": _rounded(self.box), **_shared(self), **flaws}


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundedPoint:
    """A named place in a picture; fields as in `GroundedBox`."""

    point: Point
    label: str = ""
    image_index: int = 0
    clipped: bool = False
    raw: tuple[float, ...] = field(default=(), compare=False)
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    span: tuple[int, int] | None = field(default=None, compare=False, repr=False)
    confidence: float | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary, coordinates to a hundredth of a pixel."""
        return {"point": _rounded(self.point), **_shared(self)}


Grounded = GroundedBox | GroundedPoint


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundingResult:
    """What an answer states, in the order it states it."""

    items: tuple[Grounded, ...]
    text: str
    """The whole answer."""
    answered: bool
    """True when the answer holds coordinates or an empty list; False for prose alone."""
    truncated: bool
    """True when the answer ended in the middle; what was cut off is not in ``items``."""
    problems: tuple[str, ...] = ()
    """What was stated but could not be used, one line each."""

    @property
    def boxes(self) -> tuple[GroundedBox, ...]:
        """The boxes among the items."""
        return tuple(item for item in self.items if isinstance(item, GroundedBox))

    @property
    def points(self) -> tuple[GroundedPoint, ...]:
        """The points among the items."""
        return tuple(item for item in self.items if isinstance(item, GroundedPoint))

    def to_json(self) -> dict[str, JsonValue]:
        """A plain dictionary for ``json.dumps``."""
        return {
            "items": [item.to_json() for item in self.items],
            "answered": self.answered,
            "truncated": self.truncated,
            "problems": list(self.problems),
            "text": self.text,
        }


def prompt(thing: str, *, kind: Kind = "box") -> str:
    """The words that ask where something is.

    Source: official cookbooks/spatial_understanding.ipynb.

    >>> prompt("the red cup", kind="point")
    'Locate the red cup in this image and output the point coordinates in JSON format.'
    """
    if not isinstance(thing, str) or not thing.strip():
        raise InputError("nothing to look for", hint="name a thing, for example 'every person'")
    if kind not in _PROMPTS:
        raise InputError(f"kind is {kind!r}, expected one of {', '.join(_PROMPTS)}")
    return _PROMPTS[kind].format(thing=thing.strip())


def wordings(
    thing: str,
    *,
    kind: Kind = "box",
    style: Style = "json",
    several: bool = False,
    language: Language = "en",
) -> tuple[str, ...]:
    """All documented ways to ask where something is, for training data; `prompt` is the first.

    Args:
        thing: with its article or "all", in Chinese the bare name.
        kind: of answer.
        style: "text" goes with `TEXT_SYSTEM_PROMPT`.
        several: leaves out those that speak of one thing.
        language: of the question.

    >>> wordings("the red cup", kind="point", style="xml")[0]
    'point to the red cup, output its coordinates in XML format <points x y>object</points>'

    Raises:
        InputError: there is no such form.
    """
    templates = _WORDINGS.get((kind, style, language))
    if templates is None:
        raise InputError(f"no {kind} is asked for in style {style!r} and language {language!r}")
    return tuple(
        template.format(thing=thing)
        for template in templates
        if not several or "its" not in template
    )


def region_prompt(box: Box) -> str:
    """The words that ask what is inside a box; our own wording, with the box as answers write it.

    Args:
        box: in resized_px.

    >>> region_prompt(Box(10, 20, 110, 220))
    'Describe the object in the region {"bbox_2d": [10, 20, 110, 220]} of this image.'
    """
    region = json.dumps({"bbox_2d": _integers(box)})
    return f"Describe the object in the region {region} of this image."


def parse(text: str, *, transforms: Sequence[ResizeTransform] = ()) -> GroundingResult:
    """Reads the boxes and points of an answer; never fails on what a model wrote.

    Args:
        text: the model's answer, in any of the documented forms or near them.
        transforms: one per picture, in order; without them coordinates stay in resized_px.

    >>> parse('```json\\n[{"bbox_2d": [1, 2, 3, 4], "label": "cup"},\\n{"bbox_2d": [5,').items
    (GroundedBox(box=Box(x1=1.0, y1=2.0, x2=3.0, y2=4.0), label='cup', image_index=0, \
clipped=False, raw=(1.0, 2.0, 3.0, 4.0), extra={}),)
    """
    reading = read(text)
    problems = list(reading.problems)
    items: list[Grounded] = []
    for shape in reading.shapes:
        if not shape.numbers:  # a name without a place; the problem is listed
            continue
        if transforms and not 0 <= shape.image_index < len(transforms):
            problems.append(f"picture {shape.image_index} is named, there are {len(transforms)}")
            continue
        items.append(placed(shape, transforms[shape.image_index] if transforms else None))
    return GroundingResult(
        items=tuple(items),
        text=text,
        answered=reading.start is not None,
        truncated=reading.truncated,
        problems=tuple(problems),
    )


def placed(shape: Shape, transform: ResizeTransform | None) -> Grounded:
    """A shape as it stands in the picture; of an outline, the box around its corners."""
    numbers = shape.numbers
    if len(numbers) >= 4:
        xs, ys = numbers[::2], numbers[1::2]
        box = Box(min(xs), min(ys), max(xs), max(ys))
        mapped = box if transform is None else transform.to_original(box)
        inside = mapped if transform is None else transform.clip_original(mapped)
        return GroundedBox(
            box=inside,
            label=shape.label,
            image_index=shape.image_index,
            clipped=inside != mapped,
            raw=numbers,
            extra=shape.extra,
            span=shape.span,
        )
    point = Point(*numbers)
    place = point if transform is None else transform.to_original(point)
    within = place if transform is None else transform.clip_original(place)
    return GroundedPoint(
        point=within,
        label=shape.label,
        image_index=shape.image_index,
        clipped=within != place,
        raw=numbers,
        extra=shape.extra,
        span=shape.span,
    )


def to_model_space(item: Grounded, transform: ResizeTransform) -> Grounded:
    """Original pixels to the integers a model is trained to write.

    Source: official qwen-vl-finetune/tools/process_bbox.ipynb: scale, round, clamp to 0..side-1.
    """
    if isinstance(item, GroundedBox):
        return replace(item, box=Box(*_on_pixels(transform.to_resized(item.box), transform)))
    return replace(item, point=Point(*_on_pixels(transform.to_resized(item.point), transform)))


def _on_pixels(shape: Box | Point, transform: ResizeTransform) -> list[float]:
    last = (transform.resized.width - 1, transform.resized.height - 1) * (len(shape) // 2)
    return [
        float(min(max(round(value), 0), limit)) for value, limit in zip(shape, last, strict=True)
    ]


def format(
    items: Sequence[Grounded], *, style: Style = "json", label_key: str | None = "label"
) -> str:
    """Writes an answer as the model writes it; `parse` reads it back unchanged.

    Args:
        items: in resized_px; coordinates are rounded to integers.
        style: "json" for both kinds, "xml" for points, "text" (``x1,y1,x2,y2 name``) for boxes.
        label_key: "text_content" for text spotting; None leaves labels out. JSON only.

    >>> print(format([GroundedBox(box=Box(1, 2, 3, 4), label="cup")]))
    ```json
    [
        {"bbox_2d": [1, 2, 3, 4], "label": "cup"}
    ]
    ```

    Raises:
        InputError: the style cannot hold an item.
    """
    if style == "json":
        lines = [json.dumps(_record(item, label_key), ensure_ascii=False) for item in items]
        body = "[\n\t" + ",\n\t".join(lines) + "\n]" if lines else "[]"
        return f"```json\n{body}\n```"
    for item in items:
        _check_flat(item, style)
    if style == "xml":
        points = [item for item in items if isinstance(item, GroundedPoint)]
        return "\n".join(_xml(label, list(same)) for label, same in groupby(points, _label))
    boxes = [item for item in items if isinstance(item, GroundedBox)]
    return "\n".join(f"{_commas(item.box)} {item.label}".rstrip() for item in boxes)


def _record(item: Grounded, label_key: str | None) -> dict[str, JsonValue]:
    if label_key is not None and label_key not in LABEL_KEYS:
        raise InputError(f"label_key is {label_key!r}, expected one of {', '.join(LABEL_KEYS)}")
    labels = LABEL_KEYS if label_key is None else LABEL_KEYS[: LABEL_KEYS.index(label_key) + 1]
    clash = sorted({*BOX_KEYS, *POINT_KEYS, *IMAGE_KEYS, *labels} & item.extra.keys())
    if clash:
        raise InputError(f"extra keys {', '.join(clash)} have a meaning of their own")
    if isinstance(item, GroundedBox):
        record: dict[str, JsonValue] = {"bbox_2d": [*_integers(item.box)]}
    else:
        record = {"point_2d": [*_integers(item.point)]}
    if label_key is not None:
        record[label_key] = item.label
    if item.image_index:
        record[IMAGE_KEYS[0]] = item.image_index
    return {**record, **item.extra}


def _check_flat(item: Grounded, style: Style) -> None:
    wanted = GroundedPoint if style == "xml" else GroundedBox
    if not isinstance(item, wanted):
        raise InputError(
            f"style {style!r} cannot hold a {type(item).__name__}, expected {wanted.__name__}",
            hint="use style='json'",
        )
    one_line = item.label == " ".join(item.label.split(" ")).strip() and item.label.isprintable()
    if item.extra or item.image_index or not one_line:
        raise InputError(
            f"style {style!r} cannot hold label {item.label!r} with extra {dict(item.extra)}, "
            "expected one printable line and the first picture",
            hint="use style='json'",
        )


def _xml(label: str, points: Sequence[GroundedPoint]) -> str:
    name = html.escape(label)
    pairs = [_integers(item.point) for item in points]
    numbers = " ".join(f'x{i}="{x}" y{i}="{y}"' for i, (x, y) in enumerate(pairs, start=1))
    return f'<points {numbers} alt="{name}">{name}</points>'


def _label(item: Grounded) -> str:
    return item.label


def _commas(box: Box) -> str:
    return ",".join(str(value) for value in _integers(box))


def _integers(shape: Box | Point) -> list[int]:
    if not all(math.isfinite(value) for value in shape):
        raise InputError(f"coordinates are {tuple(shape)}, expected finite numbers")
    return [round(value) for value in shape]


def _rounded(shape: Box | Point) -> list[JsonValue]:
    return [round(value, 2) for value in shape]


def _shared(item: Grounded) -> dict[str, JsonValue]:
    shared: dict[str, JsonValue] = {
        "label": item.label,
        "image_index": item.image_index,
        "clipped": item.clipped,
        "raw": list(item.raw),
        "extra": dict(item.extra),
    }
    if item.span is not None:
        shared["span"] = list(item.span)
    if item.confidence is not None:
        shared["confidence"] = item.confidence
    return shared
