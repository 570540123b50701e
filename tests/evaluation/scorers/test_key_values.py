"""Key and value pairs: reading and OCRBench v2's F1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.key_values import key_value_f1, parse_key_values
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

pairs = st.dictionaries(st.sampled_from("abcd"), st.text(max_size=5), max_size=4)


@requires_material
def test_recorded_scores() -> None:
    for case in vectors("key_value_f1"):
        score = key_value_f1(answer=case["prediction"], truth=case["truth"])
        assert score.value == pytest.approx(case["f1"]), case


@requires_material
def test_recorded_readings() -> None:
    for case in vectors("key_value_parsing"):
        assert parse_key_values(case["text"]) == case["parsed"]


def test_what_was_read_is_not_lost() -> None:
    assert parse_key_values('[{"a": "1"}, {"b": 2}, 3]') == {"a": "1", "b": "2"}
    assert parse_key_values("**Total**: 8.75\n- date = 1 June\nthe end") == {
        "Total": "8.75",
        "date": "1 June",
    }
    assert parse_key_values("总计：8.75") == {"总计": "8.75"}


def test_which_keys_are_wrong() -> None:
    score = key_value_f1(answer={"a": "1", "x": "2"}, truth={"a": "1", "b": "3"}, ignored=["x"])
    assert (score.right, score.wrong, score.value) == (("a",), ("b",), 0.5)
    assert score.why == "1 of 2 keys right, wrong: b"


@given(pairs, pairs)
def test_symmetric_and_bounded(a: dict[str, str], b: dict[str, str]) -> None:
    value = key_value_f1(answer=a, truth=b).value
    assert 0 <= value <= 1
    assert value == key_value_f1(answer=b, truth=a).value
    assert key_value_f1(answer=a, truth=a).value == 1


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    parse_key_values(text)
