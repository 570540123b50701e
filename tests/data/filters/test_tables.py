"""Found tables: poisoned ones are dropped for their own fault, malformed ones are named."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.filters.tables import tables_apart, tables_confident, tables_dense
from qvl.data.records import Sample
from qvl.errors import DataError
from tests.data.small import asked

RULES = (tables_confident, tables_apart, tables_dense)


def found(rows: int = 3, columns: int = 3, *, left: float = 10.0) -> dict[str, Any]:
    """A table of cells of 40 x 20 px that meet at their edges."""
    cells = [
        {
            "row": row,
            "column": column,
            "text": f"{row}.{column}",
            "confidence": 0.9,
            "box": [left + 40 * column, 10 + 20 * row, left + 40 * (column + 1), 30 + 20 * row],
        }
        for row in range(rows)
        for column in range(columns)
    ]
    box = [left, 10, left + 40 * columns, 10 + 20 * rows]
    return {"box": box, "confidence": 0.98, "cells": cells}


def sample(*tables: Any) -> Sample:
    return asked("?", "!", tables=list(tables))


def verdicts(*tables: Any) -> list[str | None]:
    return [rule(sample(*tables)) for rule in RULES]


def test_good_tables_stay() -> None:
    assert verdicts(found(), found(left=200)) == [None, None, None]


def test_a_table_nobody_was_sure_of() -> None:
    table = {**found(), "confidence": 0.49}
    assert verdicts(table) == ["table below 0.5 confidence", None, None]
    assert tables_confident(sample(table), at_least=0.4) is None


def test_cells_nobody_was_sure_of() -> None:
    table = found()
    for cell in table["cells"][:7]:
        cell["confidence"] = 0.2
    assert verdicts(table) == ["cells below 0.5 confidence on average", None, None]


def test_tables_one_above_the_other() -> None:
    assert verdicts(found(), found(left=100)) == [None, "overlapping tables", None]
    # Loose by two pixels is no overlap.
    assert verdicts(found(), found(left=128)) == [None, None, None]


def test_cells_one_above_the_other() -> None:
    table = found()
    table["cells"][4]["box"][0] -= 25
    assert verdicts(table) == [None, "overlapping cells", None]
    table["cells"][4]["box"][0] += 23
    assert verdicts(table) == [None, None, None]


def test_two_cells_in_one_place_of_the_grid() -> None:
    table = found()
    table["cells"][0]["column_span"] = 2
    assert verdicts(table) == [None, "two cells in one place", None]


def test_too_few_cells() -> None:
    assert verdicts(found(1, 3)) == [None, None, "fewer than 4 cells"]


def test_cells_that_leave_most_of_the_table_out() -> None:
    table = found()
    table["box"][3] = 200
    assert verdicts(table) == [None, None, "cells cover less than 50% of their table"]


def test_cells_without_text() -> None:
    table = found()
    for cell in table["cells"][:7]:
        cell["text"] = " "
    assert verdicts(table) == [None, None, "less than 30% of the cells have text"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confidence": None}, "confidence is None"),
        ({"confidence": float("nan")}, "confidence is nan"),
        ({"box": [1, 2, 3]}, "box is"),
        ({"cells": "none"}, "cells of a table are"),
    ],
)
def test_malformed_facts_are_named(change: dict[str, Any], message: str) -> None:
    bad = sample({**found(), **change})
    faults = []
    for rule in RULES:
        try:
            rule(bad)
        except DataError as error:
            faults.append(error.message)
    assert any(message in fault for fault in faults)


def test_samples_without_found_tables_are_no_good_samples() -> None:
    for rule in RULES:
        with pytest.raises(DataError, match="expected a list of found tables"):
            rule(asked("?", "!"))


_junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-5, 2000) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=5,
)


@given(st.sampled_from(["box", "confidence", "cells"]), st.sampled_from(["row", "column_span",
       "box", "text", "confidence"]), _junk)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_whatever_stands_there_is_judged_or_named(outer: str, inner: str, junk: Any) -> None:
    first, second = found(), found()
    first[outer] = junk
    second["cells"][2][inner] = copy.deepcopy(junk)
    for table in (first, second):
        for rule in RULES:
            try:
                verdict = rule(sample(table))
            except DataError:
                continue
            assert verdict is None or isinstance(verdict, str)
