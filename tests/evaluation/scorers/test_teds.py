"""TEDS: tables as trees."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.evaluation.scorers import teds as module
from qvl.evaluation.scorers.edit_distance import normalised_distance
from qvl.evaluation.scorers.teds import teds
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

cells = st.text(alphabet="ab1 ", max_size=4)
tables = st.lists(st.lists(cells, max_size=3), max_size=4).map(
    lambda rows: "<table>" + "".join(f"<tr>{_cells(row)}</tr>" for row in rows) + "</table>"
)


def _cells(row: list[str]) -> str:
    return "".join(f"<td>{cell}</td>" for cell in row)


@requires_material
def test_recorded_scores() -> None:
    for case in vectors("teds"):
        sides = {"answer": case["prediction"], "truth": case["truth"]}
        assert teds(**sides).value == pytest.approx(case["teds"]), case
        structure = teds(**sides, structure_only=True).value
        assert structure == pytest.approx(case["structure_only"]), case


def test_headers_are_not_looked_at_unless_asked() -> None:
    truth = "<table><thead><tr><th>year</th></tr></thead><tr><td>1</td></tr></table>"
    wrong = truth.replace("year", "yarn")
    plain = "<table><tr><td>year</td></tr><tr><td>1</td></tr></table>"
    assert teds(answer=wrong, truth=truth).value == 1
    assert teds(answer=wrong, truth=truth, headers_as_cells=True).value == pytest.approx(
        1 - 0.5 / 4
    )
    assert teds(answer=plain, truth=truth, headers_as_cells=True).value == 1


def test_no_table_is_unread() -> None:
    score = teds(answer="I cannot", truth="<table></table>")
    assert (score.value, score.is_parsed, score.why) == (0, False, "no table in the answer")


def test_two_empty_tables_agree() -> None:
    assert teds(answer="<table></table>", truth="<TABLE></TABLE>").value == 1


@settings(max_examples=60)
@given(tables, tables)
def test_symmetric_and_bounded(a: str, b: str) -> None:
    value = teds(answer=a, truth=b).value
    assert 0 <= value <= 1
    assert value == pytest.approx(teds(answer=b, truth=a).value)
    assert teds(answer=a, truth=a).value == 1
    assert teds(answer=a, truth=b, structure_only=True).value >= value - 1e-9


@given(st.lists(st.text(max_size=60).map(tuple), min_size=1, max_size=5))
def test_many_distances_at_once_are_single_ones(texts: list[tuple[str, ...]]) -> None:
    expected = [[normalised_distance(a, b) for b in texts] for a in texts]
    np.testing.assert_allclose(module._distances(texts, texts), expected)


@pytest.mark.parametrize(
    "answer",
    ["<td><div>" * 20_000, "<table>" + "<tr><b><td>x" * 20_000, "<table>" + "<table>" * 40_000,
     "<table><td>" + "x" * 1_000_000, "<!--" * 200_000, "<table " * 100_000],
    ids=lambda text: text[:14],
)  # fmt: skip
def test_endless_answers_are_scored_in_bounded_time(answer: str) -> None:
    start = time.process_time()
    score = teds(answer=answer, truth="<table><tr><td>abc</td></tr></table>")
    assert score.value < 0.9
    assert time.process_time() - start < 10


def test_tables_too_large_to_compare_say_so() -> None:
    row = f"<tr>{'<td>x</td>' * 10}</tr>"
    score = teds(answer=f"<table>{row * 300}</table>", truth=f"<table>{row * 3}</table>")
    assert score.value == 0
    assert "too large" in score.why
