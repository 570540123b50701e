"""What is to be extracted: a JSON schema, a pydantic model or names of fields, made one thing.

Owns: reading schemas, refusing those that cannot be asked for, the template in the prompt, checking
a value. Does not own: reading answers (``extraction``).

    JSON schema | pydantic model | ["company", "total"] -> as_schema() -> Schema
    Schema -> template() -> '{"company": "", "total": ""}';   Schema, value -> violations()

Pydantic is not needed: anything with ``model_json_schema`` and ``model_validate`` is such a model.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from qvl.errors import InputError, MissingDependencyError
from qvl.options import shown
from qvl.tasks.json_repair import JsonValue

MAX_FIELDS = 256
"""More do not fit a prompt that a model still follows."""
MAX_DEPTH = 8
"""Objects and lists inside one another; answers are read four times as deep."""
MAX_SCHEMA_CHARS = 200_000
_MOST_PARTS = 16 * MAX_FIELDS
"""Looked at, counting what several references share once for each of them."""
_MOST_NESTED = 64
"""Parts inside one another, references included, before Python's own limit."""
MAX_VIOLATIONS = 20
"""Reported of one value."""

_KINDS = ("object", "array", "string", "number", "integer", "boolean")
_LIMITS = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """What one place of a schema may hold.

    Attributes:
        kinds: JSON types in the order of the schema, but for null; empty for anything.
        nullable: null is allowed.
        properties: of an object, by name; empty where the schema names none.
        item: of a list; None where the schema does not say.
        choices: the only values allowed; empty for any.
        format: such as "date".
        description: the schema's words about it.
    """

    kinds: tuple[str, ...] = ()
    nullable: bool = False
    properties: Mapping[str, "Node"] = field(default_factory=dict)
    item: "Node | None" = None
    choices: tuple[JsonValue, ...] = ()
    format: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """What is to be extracted."""

    root: Node
    """An object."""
    document: Mapping[str, Any]
    """The JSON schema."""
    model: Any = None
    """The pydantic model it was made of, or None."""


def as_schema(source: object) -> Schema:
    """Reads what is to be extracted.

    Args:
        source: a JSON schema of an object as a dictionary, a pydantic model class, names of fields
            that are texts, or a `Schema`.

    >>> as_schema(["company", "total"]).root.properties["total"].kinds
    ('string',)

    Raises:
        InputError: it is none of these, no valid schema, or one that cannot be asked for: it
            refers to itself, is too large or deep, or no value meets it.
        MissingDependencyError: jsonschema is not installed.
    """
    if isinstance(source, Schema):
        return source
    if isinstance(source, Mapping):
        return _compiled(source, None)
    if callable(getattr(source, "model_json_schema", None)):
        if not callable(getattr(source, "model_validate", None)):
            raise InputError(f"{shown(source)} has model_json_schema but no model_validate")
        try:
            document = cast(Any, source).model_json_schema()
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{shown(source)} has no JSON schema: {error}") from error
        return _compiled(document, source)
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        return _compiled(_of_names(source), None)
    raise InputError(
        f"the schema is {shown(source)}, expected a JSON schema as a dictionary, a pydantic model "
        "or a list of names"
    )


def template(schema: Schema, *, evidence: bool = False) -> str:
    """Returns the form that an answer is asked to fill, as JSON.

    Args:
        schema: what is to be extracted.
        evidence: ask for a box beside every value.

    >>> template(as_schema(["company", "total"]))
    '{"company": "", "total": ""}'
    """
    written = json.dumps(_form(schema.root, evidence), ensure_ascii=False)
    return written.replace(f'"{_BOX_IN_FORM}"', _BOX_IN_FORM)


def remarks(schema: Schema) -> list[str]:
    """Returns a line for each field of which the schema says more than its name.

    >>> one = {"type": "string", "description": "of the shop", "enum": ["A", "B"]}
    >>> remarks(as_schema({"type": "object", "properties": {"name": one}}))
    ['name: of the shop; "A" or "B"']
    """
    return [f"{path}: {'; '.join(said)}" for path, said in _remarks(schema.root, "") if said]


def violations(schema: Schema, value: JsonValue) -> list[tuple[str, str]]:
    """Returns where and how a value breaks the schema, as (path, message)."""
    found: dict[tuple[str, str], None] = {}
    for error in _validator(schema.document).iter_errors(value):
        path = error.json_path.removeprefix("$").removeprefix(".")
        if error.validator == "required":
            for name in error.validator_value:
                if name not in error.instance:
                    where = f"{path}.{name}" if path else name
                    found[where, f"{where}: required, not found"] = None
        else:
            found[path, f"{path}: {error.message}" if path else error.message] = None
        if len(found) >= MAX_VIOLATIONS:
            break
    return list(found)


def _of_names(names: Sequence[object]) -> dict[str, Any]:
    if not names:
        raise InputError("no field is named, expected at least one")
    wrong = next((n for n in names if not isinstance(n, str) or not n.strip()), None)
    if wrong is not None:
        raise InputError(f"field name is {shown(wrong)}, expected text")
    clean = [str(name).strip() for name in names]
    twice = next((name for i, name in enumerate(clean) if name in clean[:i]), None)
    if twice is not None:
        raise InputError(f"field {twice!r} is named twice")
    return {"type": "object", "properties": {name: {"type": "string"} for name in clean}}


def _compiled(document: Mapping[str, Any], model: Any) -> Schema:
    _check_size(document)
    validator = _validator_class(document)
    from jsonschema.exceptions import SchemaError

    try:
        validator.check_schema(document)
    except RecursionError:
        raise InputError("the schema is too deep to be asked for") from None
    except SchemaError as error:
        where = error.json_path.removeprefix("$").removeprefix(".") or "the schema"
        raise InputError(f"the JSON schema is not valid: {where}: {error.message}") from error
    reader = _Reader(document)
    root = reader.node(document, "the schema", 0)
    if root.kinds != ("object",) or not root.properties:
        found = " or ".join(root.kinds) or "anything"
        raise InputError(
            f"the schema describes {found}, expected an object with properties",
            hint='wrap it: {"type": "object", "properties": {"items": ...}}',
        )
    return Schema(root=root, document=document, model=model)


def _check_size(document: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the schema is not JSON: {error}") from error
    if len(text) > MAX_SCHEMA_CHARS:
        raise InputError(
            f"the schema has {len(text):,} characters, expected at most {MAX_SCHEMA_CHARS:,}"
        )


def _validator_class(document: Mapping[str, Any]) -> Any:
    try:
        from jsonschema.validators import Draft202012Validator, validator_for
    except ImportError as error:
        raise MissingDependencyError(
            "extracting by a schema needs the package jsonschema",
            hint="pip install 'qvl[extract]'",
        ) from error
    return validator_for(document, default=Draft202012Validator)


def _validator(document: Mapping[str, Any]) -> Any:
    kind = _validator_class(document)
    return kind(document, format_checker=kind.FORMAT_CHECKER)


class _Reader:
    """Turns the parts of one document into nodes, and counts them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.fields = 0
        self.parts = 0
        self.nested = 0
        self.following: list[str] = []
        """References that the present part was reached by."""

    def node(self, part: Any, where: str, depth: int) -> Node:
        """One part of the document; ``where`` names it in errors."""
        self.parts += 1
        self.nested += 1
        if self.parts > _MOST_PARTS or self.nested > _MOST_NESTED:
            raise InputError(f"{where} is too deep or too large to be asked for")
        node = self._node(part, where, depth)
        self.nested -= 1
        return node

    def _node(self, part: Any, where: str, depth: int) -> Node:
        if part is True:
            return Node()
        if part is False:
            raise InputError(f"{where} allows no value (false)")
        if depth > MAX_DEPTH:
            raise InputError(f"{where} lies {depth} levels deep, expected at most {MAX_DEPTH}")
        if "$ref" in part:
            return self._referred(part, where, depth)
        _check_possible(part, where)
        for word in ("allOf", "anyOf", "oneOf"):
            if word in part:
                rest = {key: value for key, value in part.items() if key != word}
                nodes = [self.node(option, where, depth) for option in part[word]]
                base = self.node(rest, where, depth)
                return _all_of(base, nodes) if word == "allOf" else _any_of(base, nodes, where)
        return self._plain(part, where, depth)

    def _plain(self, part: Mapping[str, Any], where: str, depth: int) -> Node:
        stated = part.get("type", [])
        types = [stated] if isinstance(stated, str) else list(stated)
        if not types and "properties" in part:
            types = ["object"]
        properties = {}
        for name, inner in part.get("properties", {}).items():
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise InputError(f"the schema has more than {MAX_FIELDS} fields, the most allowed")
            properties[name] = self.node(inner, _joined(where, name), depth + 1)
        for name in part.get("required", []):
            properties.setdefault(name, Node())
        item = part.get("items")
        choices = [part["const"]] if "const" in part else part.get("enum", [])
        return Node(
            kinds=tuple(kind for kind in types if kind in _KINDS),
            nullable="null" in types or None in choices,
            properties=properties,
            item=self.node(item, f"{where}[]", depth + 1) if isinstance(item, dict) else None,
            choices=tuple(choice for choice in choices if choice is not None),
            format=part.get("format", ""),
            description=" ".join(str(part.get("description", "")).split()),
        )

    def _referred(self, part: Mapping[str, Any], where: str, depth: int) -> Node:
        address = part["$ref"]
        if address in self.following:
            raise InputError(
                f"{where} refers to itself by {address}, which has no end",
                hint="write out the levels you need",
            )
        self.following.append(address)
        node = self.node(self._find(address, where), where, depth)
        self.following.pop()
        words = " ".join(str(part.get("description", "")).split())
        return replace(node, description=words) if words else node

    def _find(self, address: str, where: str) -> Any:
        if address != "#" and not address.startswith("#/"):
            raise InputError(
                f"{where} refers to {address}, which lies outside the schema",
                hint="put it under $defs",
            )
        found: Any = self.document
        for name in address.split("/")[1:]:
            key = name.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or key not in found:
                raise InputError(f"{where} refers to {address}, which is not there")
            found = found[key]
        if not isinstance(found, Mapping | bool):
            raise InputError(f"{where} refers to {address}, which is no schema")
        return found


def _joined(where: str, name: str) -> str:
    return name if where == "the schema" else f"{where}.{name}"


def _check_possible(part: Mapping[str, Any], where: str) -> None:
    """Refuses what no value meets, as far as one part alone shows it."""
    if part.get("enum") == []:
        raise InputError(f"{where} allows no value (an empty enum)")
    if part.get("not") in ({}, True):
        raise InputError(f"{where} allows no value (not anything)")
    for low, high in _LIMITS:
        if low in part and high in part and part[low] > part[high]:
            raise InputError(
                f"{where} allows no value ({low} {part[low]} exceeds {high} {part[high]})"
            )
    if part.get("additionalProperties") is False:
        unknown = [n for n in part.get("required", []) if n not in part.get("properties", {})]
        if unknown and "patternProperties" not in part:
            raise InputError(f"{where} allows no value (it requires {unknown[0]!r} and forbids it)")


def _all_of(base: Node, nodes: Iterable[Node]) -> Node:
    for node in nodes:
        base = replace(
            base,
            kinds=base.kinds or node.kinds,
            nullable=base.nullable or node.nullable,
            properties={**node.properties, **base.properties},
            item=base.item or node.item,
            choices=base.choices or node.choices,
            format=base.format or node.format,
            description=base.description or node.description,
        )
    return base


def _any_of(base: Node, nodes: Sequence[Node], where: str) -> Node:
    options = [node for node in nodes if node.kinds or node.choices or not node.nullable]
    merged = options[0] if options else Node()
    if len(options) > 1:
        kinds = tuple(dict.fromkeys(kind for node in options for kind in node.kinds))
        if {"object", "array"} & set(kinds):
            raise InputError(
                f"{where} is a choice of {' or '.join(kinds)}, which no form can show",
                hint="extract one kind at a time",
            )
        is_listed = all(node.choices for node in options)
        choices = [choice for node in options for choice in node.choices] if is_listed else []
        formats = {node.format for node in options}
        merged = Node(
            kinds=kinds if all(node.kinds for node in options) else (),
            choices=tuple(choices),
            format=formats.pop() if len(formats) == 1 else "",
        )
    nullable = base.nullable or any(node.nullable for node in nodes)
    return _all_of(replace(base, nullable=nullable), [merged])


_BOX_IN_FORM = "[x1, y1, x2, y2]"


def _form(node: Node, evidence: bool) -> JsonValue:
    if node.kinds == ("object",):
        return {name: _form(inner, evidence) for name, inner in node.properties.items()}
    if node.kinds == ("array",):
        return [] if node.item is None else [_form(node.item, evidence)]
    return {"value": "", "bbox_2d": _BOX_IN_FORM} if evidence else ""


def _remarks(node: Node, path: str) -> Iterator[tuple[str, list[str]]]:
    said = [node.description] if node.description else []
    if node.choices:
        *first, last = (json.dumps(choice, ensure_ascii=False) for choice in node.choices)
        said.append(f"{', '.join(first)} or {last}" if first else last)
    if node.format == "date":
        said.append("as YYYY-MM-DD")
    if path:
        yield path, said
    for name, inner in node.properties.items():
        yield from _remarks(inner, f"{path}.{name}" if path else name)
    if node.item is not None:
        yield from _remarks(node.item, f"{path}[]")
