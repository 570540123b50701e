"""Nested records: Donut's two scores."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.evaluation.scorers.donut import field_f1, parse_record, tree_accuracy
from qvl.evaluation.scorers.text_recognition import set_f1
from qvl.tasks.json_repair import JsonValue

RECEIPT: JsonValue = {
    "menu": [{"nm": "Tea", "price": "2.00"}, {"nm": "Cake", "price": "4.50"}],
    "total": {"total_price": "6.50"},
}
texts = st.text(alphabet="abc 1", min_size=1, max_size=4).filter(str.strip)
records = st.dictionaries(
    st.sampled_from(["k", "name", "price"]),
    texts | st.lists(st.dictionaries(st.just("nm"), texts, min_size=1), max_size=2),
    max_size=3,
)


def test_fields_are_pairs_of_path_and_value() -> None:
    answer: JsonValue = {
        "menu": [{"nm": "Cake", "price": "4.50"}, {"nm": "Tee"}],
        "total": {"total_price": "6.50"},
    }
    score = field_f1(answer=answer, truth=RECEIPT)
    assert (score.hits, score.given, score.wanted) == (3, 4, 5)
    assert score.value == pytest.approx(3 / (3 + (1 + 2) / 2))
    assert set_f1([score, score]).micro == pytest.approx(score.value)


def test_numbers_and_texts_are_the_same_value() -> None:
    assert field_f1(answer={"n": 5}, truth={"n": " 5 "}).value == 1


def test_tree_accuracy_counts_characters_and_keys() -> None:
    # From nothing: keys menu, nm, total (1 each), and 3 + 1 characters.
    truth: JsonValue = {"menu": {"nm": "Tea"}, "total": "5"}
    assert tree_accuracy(answer={"menu": {"nm": "Tee"}, "total": "5"}, truth=truth).why == (
        "1 edits, 8 to write it from nothing"
    )
    assert tree_accuracy(answer={}, truth=truth).value == 0


def test_frozen_reference_values() -> None:
    """Distances as zss 1.2.0 gives them with Donut's costs."""
    answer: JsonValue = {"menu": [{"nm": "Te", "price": "2.00"}], "total": {"total_price": "6.5"}}
    assert tree_accuracy(answer=answer, truth=RECEIPT).why == FROZEN


FROZEN = "13 edits, 29 to write it from nothing"


def test_a_record_is_read_as_far_as_it_goes() -> None:
    text = json.dumps(RECEIPT)
    assert parse_record(f"```json\n{text}\n```") == RECEIPT
    assert parse_record("no record") is None
    score = tree_accuracy(answer=parse_record("sorry"), truth=RECEIPT)
    assert (score.value, score.is_parsed) == (0, False)


@settings(max_examples=50)
@given(records, records)
def test_identity_and_bounds(a: dict[str, JsonValue], b: dict[str, JsonValue]) -> None:
    assert field_f1(answer=a, truth=a).value == tree_accuracy(answer=a, truth=a).value == 1
    assert field_f1(answer=a, truth=b).value == field_f1(answer=b, truth=a).value
    assert 0 <= tree_accuracy(answer=a, truth=b).value <= 1
