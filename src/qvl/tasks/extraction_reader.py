"""Reads one object of an answer by a schema, into typed fields.

Owns: walking schema and answer together, boxes beside values, what is beside the schema. Does not
own: finding the object in the answer (``extraction``), what a text means (``coercion``).

    JsonObject, Node -> FieldReader.read_object() -> value; fields, extra, problems
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from qvl.geometry import Box, ResizeTransform
from qvl.tasks import grounding
from qvl.tasks.coercion import typed_value
from qvl.tasks.extraction_result import Field, Status
from qvl.tasks.extraction_schema import Node
from qvl.tasks.grounding import GroundedBox
from qvl.tasks.grounding_reader import BOX_KEYS, IMAGE_KEYS, Shape, number_groups
from qvl.tasks.json_repair import JsonList, JsonObject, JsonValue, Span

VALUE_KEYS = ("value", "text", "text_content", "content")
"""Keys under which a value stands beside its box."""


class Place(NamedTuple):
    """Where an answer says that a value stands."""

    box: Box
    image_index: int
    clipped: bool


def property_of(node: Node, key: str) -> str | None:
    """The property that a key means: the same, or the only one but for case and punctuation."""
    if key in node.properties:
        return key
    word = _word(key)
    alike = [name for name in node.properties if _word(name) == word]
    return alike[0] if word and len(alike) == 1 else None


def _word(key: str) -> str:
    return "".join(char for char in key.casefold() if char.isalnum())


@dataclass(slots=True)
class FieldReader:
    """Collects the fields of one answer."""

    text: str
    transforms: Sequence[ResizeTransform]
    fields: list[Field] = field(default_factory=list)
    extra: dict[str, JsonValue] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    invalid: set[str] = field(default_factory=set)
    """Paths of the invalid fields, whose absence is no further error."""

    def read_object(
        self, node: Node, record: JsonObject, path: str, place: Place | None
    ) -> dict[str, JsonValue]:
        """The typed value of an object; its boxes stand for all inside it that have none."""
        places = self._places(node, record, path)
        place = places.get("", place)
        by_name: dict[str, str] = {}
        for key in record:
            name = property_of(node, key)
            if name is not None and (name not in by_name or key == name):
                by_name[name] = key
        value: dict[str, JsonValue] = {}
        for name, inner in node.properties.items():
            where = f"{path}.{name}" if path else name
            if name not in by_name:
                self._missing(inner, where, None)
                continue
            key = by_name[name]
            own = places.get(key, place)
            typed = self._read(inner, record[key], record.spans[key], where, own)
            if typed is not _ABSENT:
                value[name] = typed
        used = {*by_name.values(), *self._place_keys(node, record)}
        for key, member in record.items():
            if key not in used:
                self.extra[f"{path}.{key}" if path else key] = member
        for key, member in record.repeats:
            self.extra[f"{path}.{key} (first)" if path else f"{key} (first)"] = member
        return value

    def _read(
        self, node: Node, written: JsonValue, span: Span, path: str, place: Place | None
    ) -> JsonValue:
        """The typed value of anything, or `_ABSENT`."""
        if node.kinds == ("object",) and node.properties:
            if isinstance(written, JsonList) and len(written) == 1:
                return self._read(node, written[0], written.spans[0], path, place)
            if isinstance(written, JsonObject):
                return self.read_object(node, written, path, place) or _ABSENT
            return self._leaf(node, written, span, path, place)
        if node.kinds == ("array",) and node.item is not None:
            if isinstance(written, JsonObject) or (isinstance(written, str) and written.strip()):
                alone = JsonList()  # one thing where a list of such was asked for
                alone.append(written)
                alone.spans.append(span)
                return self._read_list(node.item, alone, span, path, place)
            if isinstance(written, JsonList):
                return self._read_list(node.item, written, span, path, place)
        return self._leaf(node, written, span, path, place)

    def _read_list(
        self, item: Node, written: JsonList, span: Span, path: str, place: Place | None
    ) -> JsonValue:
        if not written:
            self._add(path, "found", span, place, value=[], raw="[]")
            return []
        values = [
            self._read(item, member, inner, f"{path}[{number}]", place)
            for number, (member, inner) in enumerate(zip(written, written.spans, strict=True))
        ]
        present = [value for value in values if value is not _ABSENT]
        return present or _ABSENT

    def _leaf(
        self, node: Node, written: JsonValue, span: Span, path: str, place: Place | None
    ) -> JsonValue:
        """The typed value of what is read as a whole, or `_ABSENT`."""
        if isinstance(written, JsonObject) and "object" not in node.kinds and node.kinds:
            own = self._places(Node(), written, path).get("", place)
            key = next((name for name in VALUE_KEYS if name in written), None)
            if key is not None:
                rest = {k: v for k, v in written.items() if k not in (key, *BOX_KEYS, *IMAGE_KEYS)}
                self.extra.update({f"{path}.{name}": member for name, member in rest.items()})
                return self._leaf(node, written[key], written.spans[key], path, own)
        elif isinstance(written, JsonList) and len(written) == 1 and _is_scalar(node):
            return self._leaf(node, written[0], written.spans[0], path, place)
        raw = written if isinstance(written, str) else self.text[slice(*span)]
        if written is None or (isinstance(written, str) and not written.strip()):
            self._missing(node, path, raw, span, place)
            return None if node.nullable else _ABSENT
        status, value, problem = typed_value(node, written, raw)
        self._add(path, status, span, place, value=value, raw=raw, problem=problem)
        if status == "invalid":
            self.invalid.add(path)
            return _ABSENT
        return value

    def _missing(
        self,
        node: Node,
        path: str,
        raw: str | None,
        span: Span | None = None,
        place: Place | None = None,
    ) -> None:
        if node.kinds == ("object",) and node.properties:
            for name, inner in node.properties.items():
                self._missing(inner, f"{path}.{name}", raw, span, place)
        else:
            self._add(path, "missing", span, place, raw=raw)

    def _add(
        self,
        path: str,
        status: Status,
        span: Span | None,
        place: Place | None,
        *,
        value: JsonValue = None,
        raw: str | None = None,
        problem: str = "",
    ) -> None:
        self.fields.append(
            Field(
                path=path,
                status=status,
                value=value,
                raw=raw,
                problem=problem,
                box=place.box if place is not None else None,
                image_index=place.image_index if place is not None else 0,
                clipped=place.clipped if place is not None else False,
                span=span,
            )
        )

    def _place_keys(self, node: Node, record: JsonObject) -> Iterator[str]:
        """The keys of an object that hold boxes, which the schema does not have as fields."""
        boxes = []
        for key in record:
            owner, _, kind = key.rpartition("_bbox")
            is_parallel = bool(owner) and kind in ("", "_2d") and owner in record
            if key not in node.properties and (key in BOX_KEYS or is_parallel):
                boxes.append(key)
        yield from boxes
        if boxes:
            yield from (k for k in IMAGE_KEYS if k in record and k not in node.properties)

    def _places(self, node: Node, record: JsonObject, path: str) -> dict[str, Place]:
        """The boxes an object states: of its keys, and of itself by ""."""
        image = next((record[k] for k in IMAGE_KEYS if k in record and k not in node.properties), 0)
        found: dict[str, Place] = {}
        for key in self._place_keys(node, record):
            if key in IMAGE_KEYS:
                continue
            owner = "" if key in BOX_KEYS else key.rpartition("_bbox")[0]
            place = self._place(record[key], image)
            if place is not None:
                found[owner] = place
            elif record[key] not in (None, "", []):
                where = f"{path}.{key}" if path else key
                self.problems.append(f"{where} is no box in one of the pictures")
                self.extra[where] = record[key]
        return found

    def _place(self, written: JsonValue, image: JsonValue) -> Place | None:
        boxes = [group for group in number_groups(written, 4) if len(group) == 4]
        index = image if isinstance(image, int) and not isinstance(image, bool) else -1
        if len(boxes) != 1 or not 0 <= index < max(1, len(self.transforms)):
            return None
        transform = self.transforms[index] if self.transforms else None
        item = grounding.placed(Shape(boxes[0], "", index, {}, (0, 0), None), transform)
        assert isinstance(item, GroundedBox)
        return Place(item.box, index, item.clipped)


class _Absent:
    """Stands for a value that an answer does not state, where null would be a value."""


_ABSENT: JsonValue = _Absent()  # type: ignore[assignment]  # never leaves this module


def _is_scalar(node: Node) -> bool:
    return bool(node.kinds) and not {"object", "array"} & set(node.kinds)
