"""Key-value extraction: how to ask for the fields of a schema, how to read the answer.

Owns: the prompt, the written form, reading an answer into typed fields. Does not own: schemas
(``extraction_schema``), reading one object by a schema (``extraction_reader``).

    schema -> prompt() -> model -> answer -> parse(answer, schema, transforms) -> Extraction
    value -> format() -> training text

Nothing is invented: a field is what the answer states, or missing, or invalid with its text kept.
Nothing is lost: keys that the schema does not have are in ``extra``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qvl.geometry import ResizeTransform
from qvl.tasks.extraction_reader import FieldReader, property_of
from qvl.tasks.extraction_result import Extraction
from qvl.tasks.extraction_schema import (
    Node,
    Schema,
    as_schema,
    remarks,
    template,
    violations,
)
from qvl.tasks.json_repair import JsonList, JsonObject, JsonValue, Span, iter_json

_AROUND = ' \t\r>*-\u2022",`'
"""What lists, quotes and bold type put around a key or a value on a line."""


def prompt(schema: object, *, evidence: bool = False) -> str:
    """The words that ask for the fields of a schema.

    Args:
        schema: see `as_schema`.
        evidence: ask for a box beside every value.

    Source: official cookbooks/ocr.ipynb. Descriptions and choices follow line by line, which is
    ours.

    >>> prompt(["company", "total"])
    'Extract the key-value information in the format:{"company": "", "total": ""}'

    Raises:
        InputError: the schema cannot be asked for.
    """
    asked = as_schema(schema)
    form = template(asked, evidence=evidence)
    return "\n".join([f"Extract the key-value information in the format:{form}", *remarks(asked)])


def format(value: Mapping[str, JsonValue]) -> str:
    """Writes a value as the model writes it; `parse` reads it back unchanged.

    >>> print(format({"total": "8.75"}))
    ```json
    {
      "total": "8.75"
    }
    ```
    """
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"


def parse(text: str, schema: object, *, transforms: Sequence[ResizeTransform] = ()) -> Extraction:
    """Reads the fields of a schema from an answer; never fails on what a model wrote.

    Args:
        text: the model's answer.
        schema: see `as_schema`.
        transforms: one per picture, in order; without them boxes stay in resized_px.

    >>> total = {"type": "object", "properties": {"total": {"type": "number"}}}
    >>> found = parse('Here it is: {"total": "RM8.75"}', total)
    >>> found.value, found["total"].status, found["total"].raw
    ({'total': 8.75}, 'coerced', 'RM8.75')

    Raises:
        InputError: the schema cannot be used.
    """
    asked = as_schema(schema)
    reader = FieldReader(text, transforms)
    record, truncated = _stated(text, asked.root, reader)
    value = reader.read_object(asked.root, record, "", None)
    errors, instance = _checked(asked, value, reader.invalid)
    return Extraction(
        value=value,
        fields=tuple(reader.fields),
        extra=reader.extra,
        text=text,
        errors=errors,
        problems=tuple(reader.problems),
        truncated=truncated,
        instance=instance,
    )


def _checked(
    schema: Schema, value: dict[str, JsonValue], invalid: set[str]
) -> tuple[tuple[str, ...], Any]:
    """How a value breaks its schema, and the pydantic model made of it.

    That an invalid field has no value is no further error.
    """
    if schema.model is None:
        broken = violations(schema, value)
        return tuple(dict.fromkeys(said for path, said in broken if path not in invalid)), None
    try:
        return (), schema.model.model_validate(value)
    except ValueError as error:  # pydantic's ValidationError is one
        listed: Any = getattr(error, "errors", None)
        if not callable(listed):
            return (str(error),), None
        named = [(_path(detail["loc"]), detail["msg"]) for detail in listed()]
        return tuple(f"{path}: {said}" for path, said in named if path not in invalid), None


def _path(steps: Sequence[object]) -> str:
    """The names and numbers of a place, as fields write them.

    >>> _path(["items", 0, "price"])
    'items[0].price'
    """
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return written.removeprefix(".")


def _stated(text: str, root: Node, reader: FieldReader) -> tuple[JsonObject, bool]:
    """What an answer states about the schema, as one object, and whether it was cut off.

    The object that has most of the schema's keys; further ones add what it lacks.
    """
    truncated = False
    found: list[JsonObject] = []
    for fragment in iter_json(text):
        truncated = truncated or not fragment.complete
        found += _objects(fragment.partial, (fragment.start, fragment.stop), root)
    if not found:
        lines = _keyed_lines(text, root)
        return lines, truncated
    best = max(found, key=lambda record: _score(record, root))
    merged = _copy(best)
    for number, record in enumerate(found):
        if record is best:
            continue
        for key, member in record.items():
            name = property_of(root, key)
            if name is not None and not any(property_of(root, k) == name for k in merged):
                merged[key], merged.spans[key] = member, record.spans[key]
            else:
                reader.extra[f"object {number + 1}: {key}"] = member
    return merged, truncated


def _objects(value: JsonValue, span: Span, root: Node) -> Iterator[JsonObject]:
    """The objects that may hold the fields: the value, its items, or the only thing inside it."""
    if isinstance(value, JsonObject):
        inner = list(value.items())
        if not _score(value, root) and len(inner) == 1 and isinstance(inner[0][1], JsonObject):
            yield from _objects(inner[0][1], value.spans[inner[0][0]], root)
        else:
            yield value
    elif isinstance(value, JsonList) and any(isinstance(item, dict) for item in value):
        names = list(root.properties)
        if len(names) == 1 and root.properties[names[0]].kinds == ("array",):
            record = JsonObject()  # a bare list where the schema has nothing but a list
            record[names[0]], record.spans[names[0]] = value, span
            yield record
            return
        for item, inner_span in zip(value, value.spans, strict=True):
            yield from _objects(item, inner_span, root)


def _copy(record: JsonObject) -> JsonObject:
    copy = JsonObject()
    copy.update(record)
    copy.spans.update(record.spans)
    copy.repeats.extend(record.repeats)
    return copy


def _keyed_lines(text: str, root: Node) -> JsonObject:
    """``company: ACME``, one a line, in an answer without JSON."""
    record = JsonObject()
    start = 0
    for line in text.split("\n"):
        colon = min((at for at in (line.find(":"), line.find("：")) if at >= 0), default=0)
        name = property_of(root, line[:colon].strip(_AROUND))
        if name is not None and name not in record:
            value = line[colon + 1 :].strip(_AROUND)
            at = start + line.index(value, colon + 1)
            record[name], record.spans[name] = value, (at, at + len(value))
        start += len(line) + 1
    return record


def _score(record: JsonObject, node: Node) -> int:
    return sum(property_of(node, key) is not None for key in record)
