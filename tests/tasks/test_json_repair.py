"""The tolerant reader: what models spell wrongly, and what nobody should ever be able to break."""

import json
import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.tasks.json_repair import MAX_DEPTH, JsonList, JsonObject, JsonValue, Span, iter_json
from tests.material import material, requires_material

scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)
containers = st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=6), values)


def only(text: str) -> object:
    (fragment,) = iter_json(text)
    return fragment.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2,]", [1, 2]),
        ('{"a": 1,}', {"a": 1}),
        ("{'a': 'b', c: True}", {"a": "b", "c": True}),
        ('{"a": "5" tall", "b": None}', {"a": '5" tall', "b": None}),
        ("[1 2 3 4]", [1, 2, 3, 4]),
        ('["38" "314"]', ["38", "314"]),
        ('[{"a": 1]', [{"a": 1}]),
        ('{"a": [1, 2}', {"a": [1, 2]}),
        ("{\u201ca\u201d: \u201cb\u201d}", {"a": "b"}),
        (r'["\u00e9\ud83d\ude00\n\/\q"]', ["é😀\n/q"]),
        (r'["\ud83d alone"]', ["\ufffd alone"]),
        ("[1.5, -2e1, .5]", [1.5, -20.0, 0.5]),
        ('["a\nb"]', ["a\nb"]),
    ],
)
def test_forgives_slips(text: str, value: object) -> None:
    assert only(text) == value


@pytest.mark.parametrize("text", ["", "no brackets", "a ] } b", "[x]", "{1}", "[1e999]", "[12px]"])
def test_finds_nothing_in_prose(text: str) -> None:
    assert list(iter_json(text)) == []


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ('[{"a": 1}, {"a": 2', [{"a": 1}]),
        ('{"items": [{"a": 1}, {"a"', [{"a": 1}]),
        ("[[1, 2], [3, 4], [5", [[1, 2], [3, 4]]),
        ('{"bbox_2d": [1, 2, 3, 4], "label": "cu', []),
        ("[10, 20, 30, 4", []),
        ('["open', []),
        ('["\\', []),
        ('["\\u00', []),
        ("[tru", []),
    ],
)
def test_cut_text_keeps_only_what_was_closed(text: str, closed: list[object]) -> None:
    (fragment,) = iter_json(text)
    assert (fragment.value, fragment.complete) == (closed, False)


def test_several_values_with_text_between() -> None:
    found = [f.value for f in iter_json('First {"a": 1}. Then [2]; end.')]
    assert found == [{"a": 1}, [2]]


@given(containers)
def test_reads_all_proper_json(value: object) -> None:
    text = json.dumps(value)
    (fragment,) = iter_json(f"before {text} after")
    assert fragment.complete
    assert fragment.value == value


def _walk(value: JsonValue, span: Span) -> Iterator[tuple[JsonValue, Span]]:
    """A value and all inside it, with where each stands."""
    yield value, span
    if isinstance(value, JsonObject):
        assert value.keys() == value.spans.keys()
        for key, member in value.items():
            yield from _walk(member, value.spans[key])
    elif isinstance(value, JsonList):
        assert len(value) == len(value.spans)
        for item, inner in zip(value, value.spans, strict=True):
            yield from _walk(item, inner)


@given(containers, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_knows_where_everything_stands(value: object, indent: int | str | None, asc: bool) -> None:
    text = "before " + json.dumps(value, indent=indent, ensure_ascii=asc) + " after"
    (fragment,) = iter_json(text)
    for inner, (start, stop) in _walk(fragment.value, (fragment.start, fragment.stop)):
        assert json.loads(text[start:stop]) == inner


@given(containers)
def test_short_cuts_read_the_same(value: object) -> None:
    """Typographic spaces around every token leave nothing to the quick expressions."""
    text = json.dumps(value, separators=(",\ufeff", "\ufeff:\ufeff"))
    spaced = re.sub(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', lambda match: f"\ufeff{match[0]}\ufeff", text)
    assert [fragment.value for fragment in iter_json(spaced)] == [value]


@given(containers, st.data())
def test_a_cut_keeps_what_was_closed_and_invents_nothing(
    value: object, data: st.DataObject
) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(1, len(text) - 1))
    (fragment,) = iter_json(text[:cut])
    assert not fragment.complete
    _assert_beginning_of(fragment.partial, value)
    for inner, (start, stop) in _walk(fragment.partial, (fragment.start, fragment.stop)):
        if not isinstance(inner, dict | list):
            assert json.loads(text[start:stop]) == inner


@pytest.mark.parametrize("end", ["-", "-1", "1.", "1.5", "1e", "1e-", "-2.5E+"])
def test_a_number_that_breaks_off_is_left_out(end: str) -> None:
    (fragment,) = iter_json('{"a": [7, ' + end)
    assert fragment.partial == {"a": [7]}
    assert not fragment.complete


def _assert_beginning_of(part: object, whole: object) -> None:
    if isinstance(part, dict) and isinstance(whole, dict):
        assert list(part) == list(whole)[: len(part)]
        for key, member in part.items():
            _assert_beginning_of(member, whole[key])
    elif isinstance(part, list) and isinstance(whole, list):
        assert len(part) <= len(whole)
        for one, other in zip(part, whole, strict=False):
            _assert_beginning_of(one, other)
    else:
        assert part == whole


def test_a_key_written_twice_is_not_forgotten() -> None:
    value = only('{"a": 1, "b": 2, "a": 3}')
    assert value == {"a": 3, "b": 2}
    assert isinstance(value, JsonObject)
    assert value.repeats == [("a", 1)]


@given(st.text(alphabet="{}[],:\"'\\ \n1a.-eE", max_size=80) | st.text(max_size=80))
def test_never_raises(text: str) -> None:
    for fragment in iter_json(text):
        assert 0 <= fragment.start < fragment.stop <= len(text)


UNITS = ["[", "{", '{"a":', '["', "[{", "[1,", '{"a" ', "}", '"', "[[1]x ", "[[[1]]]x", "\\"]


@pytest.mark.parametrize("unit", [*UNITS, '{"a": "b" c, ', '{" ', "['", '{"a": [1, 2], ', "1", " "])
@pytest.mark.parametrize(("head", "tail"), [("", ""), ("", '": x'), ("[", "x")])
def test_time_grows_with_the_text_only(unit: str, head: str, tail: str) -> None:
    start = time.process_time()
    list(iter_json(head + unit * (50_000 // len(unit)) + tail))
    # Time that grew with the square of the text would be minutes; a busy machine is seconds.
    assert time.process_time() - start < 10.0


@pytest.mark.slow
def test_megabytes_in_seconds() -> None:
    record = '    {\n        "bbox_2d": [%d, 169, 754, 208], "text_content": "line %d",\n    },\n'
    text = "```json\n[\n" + "".join(record % (i, i) for i in range(130_000)) + "]\n```"
    assert len(text) > 10_000_000
    start = time.process_time()
    (fragment,) = iter_json(text)
    assert time.process_time() - start < 20.0
    assert len(fragment.value) == 130_000  # type: ignore[arg-type]


def test_depth_is_bounded() -> None:
    deep = "[" * (MAX_DEPTH * 100) + "1" + "]" * (MAX_DEPTH * 100)
    assert all(fragment.complete for fragment in iter_json(deep))


@requires_material
def test_recorded_answers_cut_anywhere() -> None:
    folder = material("cookbooks", "model_outputs")
    cases = json.loads((folder / "truncations.json").read_text())["cases"]
    assert len(cases) > 30
    for case in cases:
        text = (folder / f"{case['of']}.txt").read_text()[: case["cut_at"]]
        objects = [item for f in iter_json(text) for item in f.value]  # type: ignore[union-attr]
        assert len(objects) == case["complete_objects"], case
