"""What can be asked for, what cannot, and what the form looks like."""

from typing import Any

import pydantic
import pytest

from qvl.errors import InputError, MissingDependencyError
from qvl.tasks.extraction_schema import as_schema, remarks, template, violations


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_the_official_form() -> None:
    schema = as_schema(["company", "date", "address", "total"])
    assert template(schema) == '{"company": "", "date": "", "address": "", "total": ""}'
    assert remarks(schema) == []


def test_nested_objects_and_lists() -> None:
    item = of(name={"type": "string"}, price={"type": "number"})
    schema = as_schema(of(items={"type": "array", "items": item}, shop=of(city=True), rest=of()))
    assert template(schema) == (
        '{"items": [{"name": "", "price": ""}], "shop": {"city": ""}, "rest": {}}'
    )
    assert template(as_schema(["a"]), evidence=True) == (
        '{"a": {"value": "", "bbox_2d": [x1, y1, x2, y2]}}'
    )


def test_words_of_the_schema_are_passed_on() -> None:
    schema = as_schema(
        of(
            total={"type": "number", "description": "with\n tax"},
            unit={"enum": ["EUR", "USD"]},
            day={"type": "string", "format": "date"},
        )
    )
    assert remarks(schema) == ["total: with tax", 'unit: "EUR" or "USD"', "day: as YYYY-MM-DD"]


class Item(pydantic.BaseModel):
    name: str
    price: float | None = pydantic.Field(None, description="of one")


class Receipt(pydantic.BaseModel):
    company: str
    items: list[Item] = []


def test_pydantic_models() -> None:
    schema = as_schema(Receipt)
    assert schema.model is Receipt
    assert template(schema) == '{"company": "", "items": [{"name": "", "price": ""}]}'
    price = schema.root.properties["items"].item.properties["price"]  # type: ignore[union-attr]
    assert (price.kinds, price.nullable, price.description) == (("number",), True, "of one")
    assert as_schema(schema) is schema


def test_unions_of_scalars() -> None:
    choice = as_schema(of(a={"anyOf": [{"const": "x"}, {"enum": ["y", "z"]}, {"type": "null"}]}))
    assert choice.root.properties["a"].choices == ("x", "y", "z")
    assert choice.root.properties["a"].nullable
    both = as_schema(of(a={"type": ["integer", "string", "null"]})).root.properties["a"]
    assert (both.kinds, both.nullable) == (("integer", "string"), True)
    merged = as_schema({"allOf": [of(a=True), of(b=True)]})
    assert set(merged.root.properties) == {"a", "b"}


class Tree(pydantic.BaseModel):
    children: list["Tree"]


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = of(a=schema)
    return schema


def doubling(levels: int) -> dict[str, Any]:
    """References whose number doubles with every level."""
    parts = {
        f"p{i}": {"allOf": [{"$ref": f"#/$defs/p{i + 1}"}, {"$ref": f"#/$defs/p{i + 1}"}]}
        for i in range(levels)
    }
    return {"$ref": "#/$defs/p0", "$defs": {**parts, f"p{levels}": of(a=True)}}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (3, "expected a JSON schema"),
        ("company,total", "expected a JSON schema"),
        ([], "no field is named"),
        (["a", " "], "field name is ' '"),
        (["a", "a "], "'a' is named twice"),
        ({}, "the schema describes anything"),
        ({"type": "string"}, "the schema describes string"),
        ({"type": "array", "items": {"type": "string"}}, "the schema describes array"),
        ({"type": "objekt"}, "not valid: type: 'objekt' is not valid"),
        ({"type": "object", "properties": 3}, "not valid: properties: 3 is not of type"),
        (of(a=False), "a allows no value"),
        (of(a={"enum": []}), "a allows no value|not valid"),
        (of(a={"not": {}}), "a allows no value"),
        (of(a={"type": "integer", "minimum": 5, "maximum": 4}), "minimum 5 exceeds maximum 4"),
        (of(a={**of(), "required": ["b"], "additionalProperties": False}), "requires 'b'"),
        (of(a={"$ref": "#/$defs/b"}), "which is not there"),
        (of(a={"$ref": "http://example.org/x"}), "lies outside the schema"),
        (of(a={"$ref": "#"}), "refers to itself"),
        (Tree, "refers to itself"),
        (of(a={"anyOf": [of(b=True), {"type": "string"}]}), "a choice of object or string"),
        (deep(30), "levels deep"),
        (deep(70), "too deep|levels deep"),
        (deep(3000), "not JSON|too deep"),
        (doubling(40), "too deep or too large"),
        (of(**{f"f{i}": True for i in range(300)}), "more than 256 fields"),
        (of(a={"type": "string", "description": "x" * 300_000}), "300,"),
        (of(a={1, 2}), "the schema is not JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for(schema: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_schema(schema)


def test_a_schema_that_contains_itself() -> None:
    schema = of()
    schema["properties"]["a"] = schema
    with pytest.raises(InputError, match="not JSON"):
        as_schema(schema)


def test_violations_name_the_place() -> None:
    item = {**of(name={"type": "string", "minLength": 3}), "required": ["name", "price"]}
    schema = as_schema({**of(items={"type": "array", "items": item}), "required": ["total"]})
    found = violations(schema, {"items": [{"name": "x"}]})
    assert sorted(path for path, _ in found) == ["items[0].name", "items[0].price", "total"]
    assert ("total", "total: required, not found") in found


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "jsonschema.validators", None)
    with pytest.raises(MissingDependencyError, match=r"jsonschema.*pip install 'qvl\[extract\]'"):
        as_schema(["a"])
