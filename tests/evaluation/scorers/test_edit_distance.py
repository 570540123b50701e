"""Edit distance, against the plain table and against rapidfuzz."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import DataError
from qvl.evaluation.scorers import edit_distance as module
from qvl.evaluation.scorers.edit_distance import edit_distance, normalised_distance

short = st.text(alphabet="abcé", max_size=40)


def _by_table(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("flaw", "lawn", 2), ("same", "same", 0)],
)
def test_known_distances(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == distance


@given(short, short)
def test_equals_the_table(a: str, b: str) -> None:
    assert edit_distance(a, b) == edit_distance([*a], [*b]) == _by_table(a, b)


@given(st.text(max_size=300), st.text(max_size=300))
def test_equals_rapidfuzz(a: str, b: str) -> None:
    oracle = pytest.importorskip("rapidfuzz.distance").Levenshtein
    assert edit_distance(a, b) == oracle.distance(a, b)


@given(short, short, short)
def test_triangle(a: str, b: str, c: str) -> None:
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_normalised() -> None:
    assert normalised_distance("", "") == 0
    assert normalised_distance("ab", "abcd") == 0.5


def test_a_megabyte_takes_seconds() -> None:
    start = time.process_time()
    assert edit_distance("ab" * 500_000, "cat") == 999_999
    assert time.process_time() - start < 10


def test_two_endless_texts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SHORTER", 5)
    assert edit_distance("aaaaaab", "aaaaaac") == 1  # equal ends do not count
    with pytest.raises(DataError, match="expected one of at most 5"):
        edit_distance("abcdef", "fedcba")
