"""Finds the boxes, points and outlines that an answer states, in every spelling models use.

Owns: spellings, and where in the answer the numbers stand. Does not own: typed results and original
pixels, see ``grounding``.

    answer -> readers (JSON, XML, key: numbers, plain lines) -> the one that starts first -> Reading

A point is two finite numbers, a box four, an outline the corners of a polygon, six or more;
anything else is reported, never guessed.
"""

import html
import math
import re
from functools import cache
from itertools import islice
from typing import NamedTuple

from qvl.tasks.json_repair import JsonList, JsonObject, JsonValue, Span, iter_json

BOX_KEYS = ("bbox_2d", "bbox", "box_2d", "box")
POINT_KEYS = ("point_2d", "point")
OUTLINE_KEYS = ("polygon", "polygon_2d", "poly", "quad", "quad_2d")
LABEL_KEYS = ("label", "text_content", "name", "text", "category")
IMAGE_KEYS = ("img_idx", "image_index")

_PLACES = ("box", "point")
_Roles = dict[str, tuple[str, int]]
"""What each known key says, and how early it comes among those that say the same."""

_NUMBER = r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?"
_NUMBERS = re.compile(rf"\s*+[\[(]?\s*+({_NUMBER}(?:[\s,;]++{_NUMBER})*+)\s*+[\])]?\s*+")
_XML_OPEN = re.compile(r"<points?\b([^<>]*?)(/?)>")
_XML_ATTRIBUTE = re.compile(r"""([A-Za-z_]\w*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/>]+))""")
_XML_CLOSE = re.compile(r"</points?\s*>")
_FOUR = rf"({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})"
_KEYED = re.compile(rf"\b(?:{'|'.join(BOX_KEYS)})\b[\"']?\s*[:=]\s*{_FOUR}(?!\s*,?\s*[\d.])")
_LINE = re.compile(rf"^[ \t]*{_FOUR}(?:[ \t]++(\S[^\n]*))?[ \t]*$", re.MULTILINE)
_PAIR = rf"\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)"
# "(1,2),(3,4)" is how Qwen2-VL wrote boxes, in thousandths of the picture. Nothing tells whether a
# later model means thousandths or pixels by it, so it is reported and not read.
_MOST_THOUSANDTHS = 20
_THOUSANDTHS = re.compile(rf"{_PAIR}\s*,?\s*{_PAIR}")
_NUMBERED = re.compile(r"([xy])(\d*)")


class Shape(NamedTuple):
    """One thing that an answer states, in the space the model writes."""

    numbers: tuple[float, ...]
    """2 of a point, 4 of a box, x and y of 3 or more corners of an outline; none where the answer
    names a thing without saying where it is."""
    label: str
    image_index: int
    extra: dict[str, JsonValue]
    """Further keys of its JSON object, such as ``sub_label``."""
    span: Span
    """Characters of the answer from the first to the last of the numbers; empty without numbers."""
    label_span: Span | None
    """Characters of the label, quotes included; None where a key, or nothing, names it."""


class Reading(NamedTuple):
    """What one reader found."""

    start: int | None
    """Where the first place or empty list stands in the text; None when there is nothing."""
    shapes: list[Shape]
    problems: list[str]
    """What was stated but could not be used."""
    truncated: bool
    """The text ended inside the answer."""


def read(text: str, *, label_keys: tuple[str, ...] = LABEL_KEYS) -> Reading:
    """Reads an answer with the spelling that begins first in it.

    Args:
        text: the answer.
        label_keys: JSON keys that name a thing; the first of them that an object has.
    """
    in_json = _read_json(text, _roles(label_keys))
    start = in_json.start
    if start is not None and not any(
        spelling.search(text, 0, start) for spelling in (_XML_OPEN, _KEYED, _LINE)
    ):
        return in_json  # nothing else can begin before it, so nothing else is read
    readings = [in_json, _read_xml(text), _read_keyed(text), _read_lines(text)]
    found = [reading for reading in readings if reading.start is not None]
    if found:
        return min(found, key=lambda reading: reading.start or 0)
    truncated = any(reading.truncated for reading in readings)
    problems = list(readings[0].problems)
    for match in islice(_THOUSANDTHS.finditer(text), _MOST_THOUSANDTHS):
        problems.append(f"{_short(match.group())} may be thousandths of the picture or pixels")
    return Reading(None, readings[0].shapes, problems, truncated)


@cache
def _roles(label_keys: tuple[str, ...]) -> _Roles:
    known = {
        "box": BOX_KEYS,
        "point": POINT_KEYS,
        "outline": OUTLINE_KEYS,
        "label": label_keys,
        "image": IMAGE_KEYS,
    }
    return {name: (role, rank) for role, names in known.items() for rank, name in enumerate(names)}


def _read_json(text: str, roles: _Roles) -> Reading:
    start: int | None = None
    shapes: list[Shape] = []
    problems: list[str] = []
    truncated = False
    for fragment in iter_json(text):
        before = len(shapes)
        _walk(fragment.value, roles, shapes, problems)
        truncated = truncated or not fragment.complete
        if start is None and (
            (fragment.value == [] and fragment.complete)
            or any(shape.numbers for shape in shapes[before:])
        ):
            start = fragment.start
    return Reading(start, shapes, problems, truncated)


def _walk(value: JsonValue, roles: _Roles, shapes: list[Shape], problems: list[str]) -> None:
    """Appends the shapes of a value and of all inside it."""
    if isinstance(value, JsonObject):
        _read_record(value, roles, shapes, problems)
    elif isinstance(value, list):
        numbers = _plain_numbers(value)
        if numbers is not None and len(numbers) == 4:
            shapes.append(Shape(numbers, "", 0, {}, _inner_span(value, (0, 0)), None))
            return
        for item in value:
            _walk(item, roles, shapes, problems)


def _read_record(
    record: JsonObject, roles: _Roles, shapes: list[Shape], problems: list[str]
) -> None:
    """One JSON object: a thing at one place or several, or a container of such objects."""
    keys: dict[str, tuple[int, str]] = {}
    extra: dict[str, JsonValue] = {}
    for name, member in record.items():
        role, rank = roles.get(name, ("", 0))
        if role and (role not in keys or rank < keys[role][0]):
            if role in ("label", "outline") and role in keys:
                other = keys[role][1]
                extra[other] = record[other]
            keys[role] = rank, name
        elif role in ("", "label", "outline"):
            extra[name] = member
    for name, _ in record.repeats:
        if name in roles:
            problems.append(f"{name} stands twice in one object, the first is left out")
    label, label_span = _label_of(record, keys.get("label"))
    places: list[tuple[str, str]] = [(role, keys[role][1]) for role in _PLACES if role in keys]
    if "outline" in keys:
        name = keys["outline"][1]
        if places:  # the box is what was asked for, its corners are more about it
            extra[name] = record[name]
        else:
            places = [("outline", name)]
    if not places:
        if _read_named_boxes(record, shapes):
            return
        inner = [member for member in record.values() if _has_object(member)]
        if label_span is not None and not inner:
            shapes.append(Shape((), label, 0, extra, (0, 0), label_span))
        for member in inner:
            _walk(member, roles, shapes, problems)
        return
    image = record[keys["image"][1]] if "image" in keys else 0
    if not isinstance(image, int) or isinstance(image, bool):
        name = keys["image"][1]
        problems.append(f"{name} is {_short(image)}, expected the number of a picture")
        return
    placed = False
    for role, name in places:
        found = _tuples_of(role, record[name], record.spans[name])
        if not found:
            expected = {"box": "4 numbers", "point": "2 numbers", "outline": "3 or more corners"}
            problems.append(f"{name} is {_short(record[name])}, expected {expected[role]}")
        for numbers, span in found:
            placed = True
            shapes.append(Shape(numbers, label, image, extra, span, label_span))
    if not placed:
        shapes.append(Shape((), label, image, extra, (0, 0), label_span))


def _label_of(record: JsonObject, key: tuple[int, str] | None) -> tuple[str, Span | None]:
    if key is None:
        return "", None
    label = record[key[1]]
    return label if isinstance(label, str) else str(label), record.spans[key[1]]


def _read_named_boxes(record: JsonObject, shapes: list[Shape]) -> bool:
    """``{"name": [box], ...}``: True when the object is of this form."""
    if not record or not all(_is_box(member) for member in record.values()):
        return False
    for name, member in record.items():
        numbers, span = _tuples(member, 4, record.spans[name])[0]
        shapes.append(Shape(numbers, name, 0, {}, span, None))
    return True


def _tuples_of(role: str, value: JsonValue, own: Span) -> list[tuple[tuple[float, ...], Span]]:
    """The points, boxes or outlines in what stands under a key of that role."""
    if role == "point":
        return [found for found in _tuples(value, 2, own) if len(found[0]) == 2]
    if role == "box":
        boxes = [found for found in _tuples(value, 4, own) if len(found[0]) == 4]
        if boxes:
            return boxes
    numbers = corners(value)
    # Source: text spotting data such as ICDAR 2015 give the four corners of a line of text. Eight
    # numbers that do not go round a convex shape may as well be two boxes.
    if numbers is None or (role == "box" and not _is_convex_quad(numbers)):
        return []
    return [(numbers, _inner_span(value, own))]


def corners(value: JsonValue) -> tuple[float, ...] | None:
    """The corners of an outline, x and y in turn; None when it is no list of 3 or more.

    >>> corners([1, 2, 3, 4, 5, 6]) == corners([[1, 2], [3, 4], {"x": 5, "y": 6}])
    True
    >>> corners([1, 2, 3, 4]) is None
    True
    """
    groups = number_groups(value, 2)
    whole = len(groups) == 1 or (isinstance(value, list) and len(groups) == len(value))
    numbers = tuple(number for group in groups for number in group)
    pairs = len(groups) == 1 or all(len(group) == 2 for group in groups)
    return numbers if whole and pairs and len(numbers) >= 6 and len(numbers) % 2 == 0 else None


def _is_convex_quad(numbers: tuple[float, ...]) -> bool:
    """Whether four corners go round a convex shape with an inside.

    >>> _is_convex_quad((0, 0, 9, 1, 9, 5, 0, 4)), _is_convex_quad((0, 0, 9, 9, 20, 0, 29, 9))
    (True, False)
    """
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    turns = [
        (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
        for (ax, ay), (bx, by), (cx, cy) in zip(
            points, points[1:] + points[:1], points[2:] + points[:2], strict=True
        )
    ]
    same_way = all(turn >= 0 for turn in turns) or all(turn <= 0 for turn in turns)
    return len(points) == 4 and same_way and any(turns)


def number_groups(value: JsonValue, size: int) -> list[tuple[float, ...]]:
    """The groups of numbers in what stands under a box (4) or point (2) key.

    >>> number_groups(["38", "314"], 2), number_groups([[1, 2], [3, 4]], 4)
    ([(38.0, 314.0)], [(1.0, 2.0, 3.0, 4.0)])
    """
    return [numbers for numbers, _ in _tuples(value, size, (0, 0))]


def _tuples(value: JsonValue, size: int, own: Span) -> list[tuple[tuple[float, ...], Span]]:
    """The groups of numbers of `number_groups`, and where they stand.

    >>> _tuples("243, 291", 2, (5, 15))
    [((243.0, 291.0), (5, 15))]
    """
    if isinstance(value, str):
        numbers = _numbers_in(value)
        return [] if numbers is None else [(numbers, own)]
    if isinstance(value, dict):
        names = ("x1", "y1", "x2", "y2") if size == 4 else ("x", "y")
        numbers = _plain_numbers([value.get(name) for name in names])
        return [] if numbers is None else [(numbers, _inner_span(value, own))]
    if not isinstance(value, list):
        return []
    numbers = _plain_numbers(value)
    if numbers is not None:
        return [(numbers, _inner_span(value, own))]
    spans = value.spans if isinstance(value, JsonList) else [own] * len(value)
    groups = [
        group
        for item, span in zip(value, spans, strict=True)
        for group in _tuples(item, size, span)
    ]
    if size == 4 and len(groups) == 2 and all(len(numbers) == 2 for numbers, _ in groups):
        (first, (start, _)), (second, (_, stop)) = groups
        return [(first + second, (start, stop))]
    return groups


def _inner_span(value: JsonValue, own: Span) -> Span:
    """From the first to the last value in a list or object; ``own`` for anything else."""
    if isinstance(value, JsonList) and value.spans:
        return value.spans[0][0], value.spans[-1][1]
    if isinstance(value, JsonObject) and value.spans:
        spans = value.spans.values()
        return min(start for start, _ in spans), max(stop for _, stop in spans)
    return own


def _plain_numbers(values: list[JsonValue]) -> tuple[float, ...] | None:
    """All values as numbers, where every one is a number or a string of one number."""
    if set(map(type, values)) == {int}:  # the usual case, much faster
        try:
            return tuple(map(float, values))  # type: ignore[arg-type]
        except OverflowError:  # an integer larger than any float
            return None
    numbers = [one_number(value) for value in values]
    present = tuple(number for number in numbers if number is not None)
    return present if present and len(present) == len(numbers) else None


def one_number(value: JsonValue) -> float | None:
    """A finite number, also one in a string; None for anything else."""
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
        named, points = _xml_points(text, *opening.span(1))
        if not points:
            problems.append(f"{opening.group()[:60]} states no point, expected x1, y1, ...")
            continue
        start = opening.start() if start is None else start
        label = html.unescape(body or named).strip()
        shapes.extend(Shape(point, label, 0, {}, span, None) for point, span in points)
    return Reading(start, shapes, problems, False)


def _xml_points(
    text: str, start: int, stop: int
) -> tuple[str, list[tuple[tuple[float, ...], Span]]]:
    """The ``alt`` text and the points of an opening tag: x1, y1, x2, y2, ... or bare pairs."""
    columns: dict[str, dict[str, tuple[float, Span]]] = {"x": {}, "y": {}}
    alt = ""
    for attribute in _XML_ATTRIBUTE.finditer(text, start, stop):
        name, quoted = attribute.group(1), attribute.group(attribute.lastindex or 0)
        axis = _NUMBERED.fullmatch(name)
        number = one_number(quoted) if axis is not None else None
        if axis is not None and number is not None:
            place = number, attribute.span(attribute.lastindex or 0)
            columns[axis.group(1)][axis.group(2)] = place
        elif name == "alt":
            alt = quoted
    if columns["x"] or columns["y"]:
        if columns["x"].keys() != columns["y"].keys():
            return alt, []
        pairs = [(place, columns["y"][k]) for k, place in columns["x"].items()]
        return alt, [((x[0], y[0]), _around(x[1], y[1])) for x, y in pairs]
    bare = _numbers_in(text[start:stop]) or ()
    points = zip(bare[::2], bare[1::2], strict=False)
    return alt, [(point, (start, stop)) for point in points] if len(bare) % 2 == 0 else []


def _around(one: Span, other: Span) -> Span:
    return min(one[0], other[0]), max(one[1], other[1])


def _read_keyed(text: str) -> Reading:
    """``bbox_2d: 1, 2, 3, 4`` in prose."""
    return _from_matches([(match, None) for match in _KEYED.finditer(text)])


def _read_lines(text: str) -> Reading:
    """``x1,y1,x2,y2 name``, one a line."""
    return _from_matches([(match, match.span(5)) for match in _LINE.finditer(text)])


def _from_matches(matches: list[tuple[re.Match[str], Span | None]]) -> Reading:
    shapes = []
    for match, label_span in matches:
        numbers = _plain_numbers(list(match.groups()[:4]))
        label = "" if label_span is None else match.string[slice(*label_span)].rstrip()
        if numbers is not None:
            named = label_span if label else None
            shapes.append(Shape(numbers, label, 0, {}, (match.start(1), match.end(4)), named))
    start = matches[0][0].start() if shapes else None
    return Reading(start, shapes, [], False)
