"""Writes elements as JSON with a stable schema.

Owns: names of fields, boxes in pixels and in points. Does not own: files.

    element -> to_json() -> {"kind": ..., "box_px": [...], "box_pt": [...], "text": ...}

``box_px`` is in pixels of the page as given (original_px), ``box_pt`` in points (1/72 inch) of the
page as shown, both with the origin at the top left corner. ``raw`` is what the model wrote.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import NamedTuple

from qvl.geometry import Box
from qvl.tasks.document_elements import Cell, Element, ListItem
from qvl.tasks.json_repair import JsonValue

SCHEMA = "qvl.document/1"
"""Changes when the meaning or name of a field does."""


class PointsPerPixel(NamedTuple):
    """Size of a pixel of the page's picture, in points."""

    x: float
    y: float


def to_json(
    elements: Iterable[Element], scale: PointsPerPixel | None = None
) -> list[dict[str, JsonValue]]:
    """The elements in reading order.

    Args:
        elements: with boxes in original_px.
        scale: of the page; None where it has no size in points, as a photograph.
    """
    return [_record(element, scale) for element in elements]


def _record(item: Element | ListItem, scale: PointsPerPixel | None) -> dict[str, JsonValue]:
    record: dict[str, JsonValue] = {"kind": item.kind} if isinstance(item, Element) else {}
    for field in fields(item):
        value = getattr(item, field.name)
        if field.name in ("box", "picture"):
            record |= _boxes(field.name, value, scale)
        else:
            record[field.name] = _value(value, scale)
    return record


def _boxes(name: str, box: Box | None, scale: PointsPerPixel | None) -> dict[str, JsonValue]:
    pixels: JsonValue = None if box is None else [round(value, 2) for value in box]
    points: JsonValue = None
    if box is not None and scale is not None:
        ratios = (scale.x, scale.y, scale.x, scale.y)
        points = [round(value * ratio, 2) for value, ratio in zip(box, ratios, strict=True)]
    return {f"{name}_px": pixels, f"{name}_pt": points}


def _value(value: object, scale: PointsPerPixel | None) -> JsonValue:
    if isinstance(value, Element | ListItem):
        return _record(value, scale)
    if isinstance(value, Cell):
        return dict(value._asdict())
    if isinstance(value, tuple):
        return [_value(item, scale) for item in value]
    assert value is None or isinstance(value, bool | int | float | str)
    return value
