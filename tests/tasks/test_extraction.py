"""Fields of a schema: what a person reads in an answer, no more and no less."""

import json
import random
import time
from typing import Any

import pydantic
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qvl.geometry import Box, ImageSize, ResizeTransform
from qvl.tasks import extraction
from qvl.tasks.extraction import parse
from qvl.tasks.extraction_result import Extraction
from qvl.tasks.extraction_schema import as_schema
from qvl.tasks.json_repair import JsonValue
from tests.material import material, requires_material

RECEIPT_FIELDS = ["company", "date", "address", "total"]


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
BILL = as_schema(
    of(
        company=TEXT,
        total=NUMBER,
        paid={"type": "boolean"},
        items=listed(of(name=TEXT, price=NUMBER)),
        shop=of(city=TEXT),
    )
)

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
bills = st.fixed_dictionaries(
    {},
    optional={
        "company": words,
        "total": st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6),
        "paid": st.booleans(),
        "items": st.lists(
            st.fixed_dictionaries({"name": words}, optional={"price": st.integers(0, 999)}),
            max_size=3,
        ),
        "shop": st.fixed_dictionaries({"city": words}),
    },
)


@given(bills)
def test_round_trip(value: dict[str, JsonValue]) -> None:
    found = parse(extraction.format(value), BILL)
    assert found.value == value
    assert {f.status for f in found.fields} <= {"found", "missing"}
    assert (found.extra, found.problems, found.errors, found.truncated) == ({}, (), (), False)


def statuses(found: Extraction) -> dict[str, str]:
    return {item.path: item.status for item in found.fields}


def test_every_status() -> None:
    text = '{"company": "A", "total": "RM8.75", "paid": "maybe", "items": [], "shop": {"city": ""}}'
    found = parse(text, BILL)
    assert found.value == {"company": "A", "total": 8.75, "items": []}
    assert statuses(found) == {
        "company": "found", "total": "coerced", "paid": "invalid", "items": "found",
        "shop.city": "missing",
    }  # fmt: skip
    assert (found["total"].raw, found["paid"].raw, found["shop.city"].raw) == (
        "RM8.75",
        "maybe",
        "",
    )
    assert not found.is_valid
    assert found.complaints == ("paid: expected boolean",)
    assert "total      8.75 (written 'RM8.75')" in str(found)
    with pytest.raises(KeyError):
        found["nothing"]


def test_lists_of_objects_keep_their_places() -> None:
    text = '{"items": [{"name": "tea", "price": "2.50"}, {"price": "many"}, {"name": ""}]}'
    found = parse(text, BILL)
    assert found.value == {"items": [{"name": "tea", "price": 2.5}]}
    assert statuses(found)["items[0].price"] == "coerced"
    assert statuses(found)["items[1].price"] == "invalid"
    assert statuses(found)["items[2].name"] == "missing"
    assert text[slice(*found["items[1].price"].span or ())] == '"many"'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"Company Name": "A"}', {"company_name": "A"}),
        ('```json\n[{"company_name": "A"}]\n```', {"company_name": "A"}),
        ('{"receipt": {"company_name": "A", "total": 3}}', {"company_name": "A", "total": "3"}),
        ('{"company_name": "A"}\n{"total": "12.50"}', {"company_name": "A", "total": "12.50"}),
        ('{"total": 12.50}', {"total": "12.50"}),
        ('{"company_name": ["A"]}', {"company_name": "A"}),
        (
            "company_name: A\n- **Total**: 12.50\nthanks: you",
            {"company_name": "A", "total": "12.50"},
        ),
        ("公司 I see nothing here.", {}),
        ('{"company_name": null, "total": " "}', {}),
        ('{"note": "x"} {"company_name": "A"}', {"company_name": "A"}),
    ],
)
def test_tolerated_forms(text: str, value: dict[str, str]) -> None:
    assert parse(text, ["company_name", "total"]).value == value


def test_nothing_is_lost() -> None:
    text = (
        '{"id": 7, "tag": "x"} '
        '{"company": "A", "colour": "red", "Company": "B", "company": "C", '
        '"shop": {"city": "Johor", "zip": 81200}, "total": {"value": "3", "note": "n"}, '
        '"items": [{"name": "tea", "code": 1}]}'
    )
    found = parse(text, BILL)
    assert found.value == {
        "company": "C", "total": 3, "items": [{"name": "tea"}], "shop": {"city": "Johor"},
    }  # fmt: skip
    assert found.extra == {
        "object 1: id": 7, "object 1: tag": "x", "colour": "red", "Company": "B",
        "company (first)": "A", "shop.zip": 81200, "total.note": "n", "items[0].code": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        '{"total": {"value": "8.75", "bbox_2d": [28, 14, 56, 28]}}',
        '{"total": {"text": 8.75, "bbox": "28, 14, 56, 28"}}',
        '{"total": 8.75, "total_bbox_2d": [28, 14, 56, 28]}',
        '{"total": 8.75, "total_bbox": [[28, 14], [56, 28]]}',
        '{"total": 8.75, "bbox_2d": [28, 14, 56, 28]}',
    ],
)
def test_boxes_beside_values(text: str) -> None:
    transform = ResizeTransform(ImageSize(100, 200), ImageSize(56, 112))
    found = parse(text, of(total=NUMBER), transforms=[transform])
    assert found.value == {"total": 8.75}
    assert found["total"].box == pytest.approx(Box(50, 25, 100, 50))
    assert found.extra == {}


def test_boxes_that_are_none_are_kept_aside() -> None:
    inner = '{"value": "2", "bbox_2d": [1, 2, 3, 4], "img_idx": 5}'
    text = f'{{"a": "1", "a_bbox_2d": [1, 2], "b": {inner}}}'
    found = parse(
        text, ["a", "b"], transforms=[ResizeTransform(ImageSize(9, 9), ImageSize(28, 28))]
    )
    assert found.value == {"a": "1", "b": "2"}
    assert found["a"].box is found["b"].box is None
    assert len(found.problems) == 2
    assert found.extra == {"a_bbox_2d": [1, 2], "b.bbox_2d": [1, 2, 3, 4]}


def test_a_field_may_be_called_as_a_box_is() -> None:
    found = parse('{"box": "of tea", "value": "3"}', ["box", "value"])
    assert found.value == {"box": "of tea", "value": "3"}


def test_nullable_and_required() -> None:
    schema = {**of(a={"type": ["string", "null"]}, b=TEXT), "required": ["a", "b"]}
    found = parse('{"a": null, "b": null}', schema)
    assert found.value == {"a": None}
    assert found.errors == ("b: required, not found",)
    strict = {**of(b=NUMBER), "required": ["b"]}
    wrong = parse('{"b": "x"}', strict)
    assert wrong.complaints == ("b: expected number",)  # not "required" as well


class Item(pydantic.BaseModel):
    name: str
    price: float = pydantic.Field(gt=0)


class Receipt(pydantic.BaseModel):
    company: str
    items: list[Item]


def test_pydantic_models_are_made() -> None:
    found = parse('{"company": "A", "items": [{"name": "tea", "price": "RM2.50"}]}', Receipt)
    assert found.instance == Receipt(company="A", items=[Item(name="tea", price=2.5)])
    assert found.is_valid
    wrong = parse('{"company": "A", "items": [{"name": "tea", "price": -1}]}', Receipt)
    assert wrong.instance is None
    assert wrong.errors == ("items[0].price: Input should be greater than 0",)
    assert not wrong.is_valid


def test_results_are_plain_json() -> None:
    text = '{"total": {"value": "8.75", "bbox_2d": [1, 2, 3, 4.125]}, "paid": "maybe", "x": 1}'
    record = json.loads(json.dumps(parse(text, BILL).to_json()))
    assert record["value"] == {"total": 8.75}
    by_path = {item["path"]: item for item in record["fields"]}
    assert by_path["total"]["box"] == [1, 2, 3, 4.12]
    assert by_path["paid"]["problem"] == "expected boolean"
    assert record["extra"] == {"x": 1}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["company", "total", "items", "name", "value", "bbox_2d", "x"]), inner
        )
    ),
    max_leaves=12,
)


def leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value] if isinstance(value, str) and value.strip() else []


@example([float("inf"), "0", {}])
@given(values)
def test_any_json_is_read_and_every_text_is_kept(value: object) -> None:
    """A text of the answer is a value, the raw text of a field, or in ``extra``."""
    found = parse(json.dumps({"company": value, "items": value, "other": value}), BILL)
    json.dumps(found.to_json())
    kept = json.dumps([f.raw for f in found.fields]) + json.dumps(dict(found.extra))
    for text in leaves(value):
        assert json.dumps(text)[1:-1] in kept or json.dumps(json.dumps(text))[3:-3] in kept


@given(st.text(alphabet="{}[],:\"'\\ \n12.`companytotalibx_", max_size=90) | st.text())
def test_never_raises(text: str) -> None:
    assert parse(text, BILL).text == text


@pytest.mark.parametrize(
    "unit", ["{", '{"a": ', "[", "company: a\n", ":", " ", '{"items": [', "-*"]
)
def test_long_answers_take_little_time(unit: str) -> None:
    start = time.process_time()
    parse(unit * (50_000 // len(unit)), BILL)
    assert time.process_time() - start < 2.0


def recorded(name: str) -> str:
    return material("cookbooks", "model_outputs", f"{name}.txt").read_text()


KIE = {
    "company": "UNIHAKKA INTERNATIONAL SDN BHD",
    "date": "01 Jun 2018",
    "address": "12, Jalan Tampoi 7/4,Kawasan Perindustrian Tampoi,81200 Johor Bahru,Johor",
    "total": "RM8.75",
}


@requires_material
def test_the_recorded_receipt() -> None:
    text = recorded("kie_receipt")
    assert parse(text, RECEIPT_FIELDS).value == KIE
    typed = of(company=TEXT, date={"type": "string", "format": "date"}, address=TEXT, total=NUMBER)
    assert parse(text, typed).value == {**KIE, "date": "2018-06-01", "total": 8.75}
    index = json.loads(material("cookbooks", "model_outputs", "index.json").read_text())
    (case,) = [case for case in index["cases"] if case["id"] == "kie_receipt"]
    assert extraction.prompt(RECEIPT_FIELDS) == case["prompt"]


@requires_material
def test_every_truncation_keeps_what_was_closed() -> None:
    text = recorded("kie_receipt")
    ends = {
        name: text.index(json.dumps(value)) + len(json.dumps(value)) for name, value in KIE.items()
    }
    schema = as_schema(RECEIPT_FIELDS)
    for cut in range(len(text)):
        found = parse(text[:cut], schema)
        assert found.value == {name: KIE[name] for name, end in ends.items() if end <= cut}, cut
        assert found.truncated == (text.index("{") < cut < text.rindex("}") + 1), cut


@requires_material
def test_recorded_food_names() -> None:
    schema = of(foods=listed(of(name_zh=TEXT, name_en=TEXT)))
    found = parse(recorded("omni_food_names"), schema)
    foods = found.value["foods"]
    assert isinstance(foods, list)
    assert len(foods) == 7
    assert foods[2] == {"name_zh": "土豆胡萝卜排骨汤", "name_en": "Potato Carrot Pork Rib Soup"}
    assert found["foods[2].name_en"].box == Box(266, 126, 695, 343)
    assert (found.extra, found.problems, found.errors) == ({}, (), ())


@requires_material
def test_at_least_as_tolerant_as_the_published_scorer() -> None:
    cases = json.loads(material("scorers", "key_value_parsing.json").read_text())["cases"]
    for case in cases:
        schema = of(a={}, b={})
        value = parse(case["text"], schema).value
        shown = {key: str(member) for key, member in value.items()}  # the scorer wants texts
        assert shown == case["parsed"], case["text"]


def mutations(count: int) -> None:
    random_ = random.Random(2)
    texts = [recorded("kie_receipt"), recorded("omni_food_names")]
    schema = as_schema(
        of(**{name: TEXT for name in RECEIPT_FIELDS}, foods=listed(of(name_zh=TEXT)))
    )
    letters = '{}[]",:0123 \n\\`ab\u4e2d\ufeff'
    for _ in range(count):
        text = list(random_.choice(texts)[: random_.randint(1, 900)])
        for _ in range(random_.randint(1, 6)):
            at = random_.randrange(len(text))
            kind = random_.random()
            if kind < 0.4:
                text[at] = random_.choice(letters)
            elif kind < 0.7:
                text.insert(at, random_.choice(letters))
            else:
                text[at : at + random_.randint(1, 9)] = [""]
        answer = "".join(text)
        found = parse(answer, schema)
        for item in found.fields:
            if item.span is not None and isinstance(item.value, str) and "\\" not in answer:
                assert item.value in answer  # nothing invented


@requires_material
def test_damaged_answers() -> None:
    mutations(1500)


@pytest.mark.slow
@requires_material
def test_damaged_answers_by_the_thousand() -> None:
    mutations(100_000)
