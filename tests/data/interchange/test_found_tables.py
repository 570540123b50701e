"""Lists of found tables become pages in QwenVL HTML; every bad record is named with its place."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.interchange.found_tables import FoundTables, table_of
from qvl.data.local import run_local
from qvl.errors import DataError
from qvl.geometry import Box
from qvl.recipes.data_tables import tables_found
from qvl.tasks import document
from qvl.tasks.document_elements import Table
from tests.data.filters.test_tables import found
from tests.data.small import picture


def written(folder: Path, *records: Any) -> Path:
    (folder / "a.png").write_bytes(picture(140, 280, kind="PNG"))
    path = folder / "found.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_a_record_becomes_the_page_it_describes(tmp_path: Path) -> None:
    second = found(2, 2, left=160)
    second["cells"][0] |= {"column_span": 2, "header": True}
    del second["cells"][1]
    source = FoundTables(written(tmp_path, {"image": "a.png", "tables": [second, found()]}))
    sample = source[0]
    text = sample.conversation.messages[1].content[0].text  # type: ignore[union-attr]
    first, other = document.parse(text).elements
    assert isinstance(first, Table)
    assert isinstance(other, Table)
    assert first.box == Box(10, 10, 130, 70)
    assert [[cell.text for cell in row] for row in first.rows][1] == ["1.0", "1.1", "1.2"]
    assert (other.rows[0][0].header, other.rows[0][0].col_span) == (True, 2)
    assert sample.provenance.source == "found.jsonl:1"


def test_boxes_go_into_the_pixels_that_a_model_sees(tmp_path: Path) -> None:
    path = written(tmp_path, {"image": "b.png", "tables": [found()]})
    (tmp_path / "b.png").write_bytes(picture(150, 290, kind="PNG"))
    text = FoundTables(path)[0].conversation.messages[1].content[0].text  # type: ignore[union-attr]
    (table,) = document.parse(text).elements
    assert table.box == Box(round(10 * 280 / 290), round(10 * 140 / 150), 126, 65)


def test_places_without_a_cell_are_empty() -> None:
    table = found(2, 2)
    del table["cells"][2]
    assert [[cell.text for cell in row] for row in table_of(table).rows] == [
        ["0.0", "0.1"],
        ["", "1.1"],
    ]


def test_the_recipe_keeps_the_good_ones(tmp_path: Path) -> None:
    unsure, few = {**found(), "confidence": 0.1}, found(1, 2)
    records = [{"image": "a.png", "tables": [table]} for table in (found(), unsure, few)]
    path = written(tmp_path, *records, {"image": "a.png", "tables": [found(), found()]})
    source, steps = tables_found(data=path)
    summary = run_local(source, steps, tmp_path / "out")
    assert summary.num_kept == 1
    assert {name: sum(reasons.values()) for name, reasons in summary.dropped.items()} == {
        "confident": 1,
        "apart": 1,
        "dense": 1,
    }


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "expected an object with an image"),
        ('{"image": "a.png", "tables": []}', "expected a list of at least one"),
        ('{"image": "../a.png", "tables": [{}]}', "lies outside"),
        ('{"image": "a.png", "tables": [{"box": [0, 0, 1, 1], "cells": []}]}', "expected a list"),
    ],
)
def test_bad_records_are_named(tmp_path: Path, record: str, message: str) -> None:
    path = written(tmp_path)
    path.write_text(f"\n{record}\n")
    with pytest.raises(DataError, match=r"found\.jsonl:1") as error:
        FoundTables(path)[0]
    assert message in error.value.message


def test_it_travels_and_knows_when_the_list_changed(tmp_path: Path) -> None:
    path = written(tmp_path, {"image": "a.png", "tables": [found()]})
    source = FoundTables(path, licence="CC-BY-4.0")
    again = pickle.loads(pickle.dumps(source))
    assert again.fingerprint(0, 1) == source.fingerprint(0, 1)
    assert again[0].provenance.licence == "CC-BY-4.0"
    written(tmp_path, {"image": "a.png", "tables": [found(2, 2)]})
    assert FoundTables(path, licence="CC-BY-4.0").fingerprint(0, 1) != source.fingerprint(0, 1)


_junk = st.none() | st.booleans() | st.floats() | st.integers(-5, 5000) | st.text(max_size=3)


@given(st.sampled_from(["row", "column", "row_span", "column_span", "text"]), _junk)
@settings(max_examples=200, deadline=None)
def test_any_cell_is_read_or_named(name: str, junk: Any) -> None:
    table = found(2, 2)
    table["cells"][3][name] = junk
    try:
        rows = table_of(table).rows
    except DataError:
        return
    assert len(rows[0]) >= 2
