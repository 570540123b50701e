"""Finds the boxes and points that an answer states, in every spelling models use.

Owns: spellings. Does not own: typed results and original pixels, see ``grounding``.

    answer -> readers (JSON, XML, key: numbers, plain lines) -> the one that starts first -> Reading

A box is four finite numbers and a point two; anything else is reported, never guessed.
"""

import html
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from qvl.tasks.json_repair import JsonValue, iter_json

BOX_KEYS = ("bbox_2d", "bbox", "box_2d", "box")
POINT_KEYS = ("point_2d", "point")
LABEL_KEYS = ("label", "text_content", "name", "text", "category")
IMAGE_KEYS = ("img_idx", "image_index")

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NUMBERS = re.compile(rf"\s*[\[(]?\s*({_NUMBER}(?:[\s,;]+{_NUMBER})*)\s*[\])]?\s*")
_XML_OPEN = re.compile(r"<points?\b([^<>]*?)(/?)>")
_XML_ATTRIBUTE = re.compile(r"""([A-Za-z_]\w*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/>]+))""")
_XML_CLOSE = re.compile(r"</points?\s*>")
_FOUR = rf"({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})"
_KEYED = re.compile(rf"\b(?:{'|'.join(BOX_KEYS)})\b[\"']?\s*[:=]\s*{_FOUR}(?!\s*,?\s*[\d.])")
_LINE = re.compile(rf"^[ \t]*{_FOUR}(?:[ \t]+(\S[^\n]*?))?[ \t]*$", re.MULTILINE)
_NUMBERED = re.compile(r"([xy])(\d*)")


class Shape(NamedTuple):
    """One stated box (4 numbers) or point (2 numbers), in the space the model writes."""

    numbers: tuple[float, ...]
    label: str
    image_index: int
    extra: dict[str, JsonValue]
    """Further keys of its JSON object, such as ``sub_label``."""


class Reading(NamedTuple):
    """What one reader found."""

    start: int | None
    """Where the first shape or empty list stands in the text; None when there is nothing."""
    shapes: list[Shape]
    problems: list[str]
    """What was stated but is no box or point."""
    truncated: bool
    """The text ended inside the answer."""


def read(text: str) -> Reading:
    """Reads an answer with the spelling that begins first in it."""
    readings = [_read_json(text), _read_xml(text), _read_keyed(text), _read_lines(text)]
    found = [reading for reading in readings if reading.start is not None]
    if not found:
        return Reading(None, [], readings[0].problems, any(r.truncated for r in readings))
    return min(found, key=lambda reading: reading.start or 0)


def _read_json(text: str) -> Reading:
    start: int | None = None
    shapes: list[Shape] = []
    problems: list[str] = []
    truncated = False
    for fragment in iter_json(text):
        found = list(_walk(fragment.value, problems))
        truncated = truncated or not fragment.complete
        if start is None and (found or (fragment.value == [] and fragment.complete)):
            start = fragment.start
        shapes.extend(found)
    return Reading(start, shapes, problems, truncated)


def _walk(value: JsonValue, problems: list[str]) -> Iterator[Shape]:
    if isinstance(value, list):
        numbers = _plain_numbers(value)
        if numbers is not None and len(numbers) == 4:
            yield Shape(numbers, "", 0, {})
            return
        for item in value:
            yield from _walk(item, problems)
    elif isinstance(value, dict):
        keys = [(_first(value, BOX_KEYS), 4), (_first(value, POINT_KEYS), 2)]
        stated = [(key, size) for key, size in keys if key is not None]
        if stated:
            for key, size in stated:
                yield from _members(value, key, size, problems)
            return
        if value and all(_is_box(member) for member in value.values()):  # {"name": [box], ...}
            for name, member in value.items():
                yield Shape(_tuples(member, 4)[0], name, 0, {})
            return
        for member in value.values():
            if isinstance(member, dict) or (isinstance(member, list) and _has_object(member)):
                yield from _walk(member, problems)


def _members(
    record: dict[str, JsonValue], key: str, size: int, problems: list[str]
) -> Iterator[Shape]:
    """The shapes of one JSON object; one label may stand for several."""
    label_key = _first(record, LABEL_KEYS)
    image_key = _first(record, IMAGE_KEYS)
    label = "" if label_key is None else record[label_key]
    image = 0 if image_key is None else record[image_key]
    if not isinstance(image, int) or isinstance(image, bool):
        problems.append(f"{image_key} is {_short(image)}, expected the number of a picture")
        return
    known = (*BOX_KEYS, *POINT_KEYS, *IMAGE_KEYS, label_key)
    extra = {name: member for name, member in record.items() if name not in known}
    for numbers in _tuples(record[key], size):
        if len(numbers) == size:
            yield Shape(numbers, label if isinstance(label, str) else str(label), image, extra)
    if not any(len(numbers) == size for numbers in _tuples(record[key], size)):
        problems.append(f"{key} is {_short(record[key])}, expected {size} numbers")


def _first(record: dict[str, JsonValue], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in record), None)


def _tuples(value: JsonValue, size: int) -> list[tuple[float, ...]]:
    """The groups of numbers in what stands under a box or point key.

    >>> _tuples(["38", "314"], 2), _tuples(["243, 291"], 2), _tuples([[1, 2], [3, 4]], 4)
    ([(38.0, 314.0)], [(243.0, 291.0)], [(1.0, 2.0, 3.0, 4.0)])
    """
    if isinstance(value, str):
        numbers = _numbers_in(value)
        return [] if numbers is None else [numbers]
    if isinstance(value, dict):
        names = ("x1", "y1", "x2", "y2") if size == 4 else ("x", "y")
        numbers = _plain_numbers([value.get(name) for name in names])
        return [] if numbers is None else [numbers]
    if not isinstance(value, list):
        return []
    numbers = _plain_numbers(value)
    if numbers is not None:
        return [numbers]
    groups = [group for item in value for group in _tuples(item, size)]
    corners = size == 4 and len(groups) == 2 and all(len(group) == 2 for group in groups)
    return [groups[0] + groups[1]] if corners else groups


def _plain_numbers(values: list[JsonValue]) -> tuple[float, ...] | None:
    """All values as numbers, where every one is a number or a string of one number."""
    numbers = [_number(value) for value in values]
    present = tuple(number for number in numbers if number is not None)
    return present if present and len(present) == len(numbers) else None


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _finite(value)
    if isinstance(value, str):
        numbers = _numbers_in(value)
        return numbers[0] if numbers is not None and len(numbers) == 1 else None
    return None


def _numbers_in(text: str) -> tuple[float, ...] | None:
    """The numbers of a string that holds nothing else."""
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return None
    numbers = [_finite(part) for part in re.split(r"[\s,;]+", match.group(1))]
    finite = tuple(number for number in numbers if number is not None)
    return finite if len(finite) == len(numbers) else None


def _finite(value: int | float | str) -> float | None:
    try:
        number = float(value)
    except OverflowError:  # an integer larger than any float
        return None
    return number if math.isfinite(number) else None


def _is_box(value: JsonValue) -> bool:
    numbers = _plain_numbers(value) if isinstance(value, list) else None
    return numbers is not None and len(numbers) == 4


def _has_object(value: JsonValue) -> bool:
    if isinstance(value, list):
        return any(_has_object(item) for item in value)
    return isinstance(value, dict)


def _short(value: JsonValue) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _read_xml(text: str) -> Reading:
    start: int | None = None
    shapes: list[Shape] = []
    problems: list[str] = []
    at = 0
    while (opening := _XML_OPEN.search(text, at)) is not None:
        at = opening.end()
        body = ""
        if not opening.group(2):
            closing = _XML_CLOSE.search(text, at)
            if closing is None:
                return Reading(start, shapes, problems, True)
            body = text[at : closing.start()]
            at = closing.end()
        named, points = _xml_points(opening.group(1))
        if not points:
            problems.append(f"{opening.group()[:60]} states no point, expected x1, y1, ...")
            continue
        start = opening.start() if start is None else start
        label = html.unescape(body or named)
        shapes.extend(Shape(point, label.strip(), 0, {}) for point in points)
    return Reading(start, shapes, problems, False)


def _xml_points(attributes: str) -> tuple[str, list[tuple[float, ...]]]:
    """The ``alt`` text and the points of an opening tag: x1, y1, x2, y2, ... or bare pairs."""
    columns: dict[str, dict[str, float]] = {"x": {}, "y": {}}
    alt = ""
    for name, *quoted in _XML_ATTRIBUTE.findall(attributes):
        text = "".join(quoted)
        axis = _NUMBERED.fullmatch(name)
        number = _number(text) if axis is not None else None
        if axis is not None and number is not None:
            columns[axis.group(1)][axis.group(2)] = number
        elif name == "alt":
            alt = text
    if columns["x"] or columns["y"]:
        whole = columns["x"].keys() == columns["y"].keys()
        return alt, [(x, columns["y"][k]) for k, x in columns["x"].items()] if whole else []
    bare = _numbers_in(attributes) or ()
    pairs = zip(bare[::2], bare[1::2], strict=False)
    return alt, list(pairs) if len(bare) % 2 == 0 else []


def _read_keyed(text: str) -> Reading:
    """``bbox_2d: 1, 2, 3, 4`` in prose."""
    return _from_matches([(match, "") for match in _KEYED.finditer(text)])


def _read_lines(text: str) -> Reading:
    """``x1,y1,x2,y2 name``, one a line."""
    return _from_matches([(match, match.group(5) or "") for match in _LINE.finditer(text)])


def _from_matches(matches: list[tuple[re.Match[str], str]]) -> Reading:
    shapes = []
    for match, label in matches:
        numbers = _plain_numbers(list(match.groups()[:4]))
        if numbers is not None:
            shapes.append(Shape(numbers, label, 0, {}))
    start = matches[0][0].start() if shapes else None
    return Reading(start, shapes, [], False)
