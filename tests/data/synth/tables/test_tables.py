"""Tables: answers follow from the numbers, boxes from the pixels, structure survives the round."""

import hashlib
import json
import shutil
import statistics
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.filters.tables import tables_apart, tables_confident, tables_dense
from qvl.data.records import Sample
from qvl.data.synth.fonts import font_files
from qvl.data.synth.ocr.languages import common_words, language_of
from qvl.data.synth.ocr.typefaces import choose
from qvl.data.synth.tables.content import LANGUAGES, invent_table
from qvl.data.synth.tables.grid import grid_size, placed_cells
from qvl.data.synth.tables.samples import table_sample
from qvl.errors import MissingDependencyError
from qvl.geometry import FACTOR
from qvl.messages import Image
from qvl.tasks import document, grounding
from qvl.tasks.document_elements import Table

pytest.importorskip("fontTools", reason="words of other languages need fonttools")
try:
    font_files("train")
    for code in LANGUAGES:
        language = language_of(code)
        choose(np.random.default_rng(1), language, common_words(code, "train")[0])
except MissingDependencyError:
    pytest.skip("the fonts are not installed", allow_module_level=True)


def drawn(number: int, **options: Any) -> Sample:
    settings = {"languages": 0.0, **options}
    return table_sample(np.random.default_rng((3, number)), seed=(3, number), **settings)


def pixels(sample: Sample) -> np.ndarray:
    part = sample.conversation.messages[0].content[0]
    assert isinstance(part, Image)
    assert isinstance(part.source, np.ndarray)
    return part.source


def texts(sample: Sample) -> list[str]:
    return [m.content[-1].text for m in sample.conversation.messages]  # type: ignore[union-attr]


def recomputed(question: dict[str, Any], facts: dict[str, Any]) -> Any:
    about, names = question["about"], facts["row_names"]
    numbers = facts["columns"][about["column"]]["numbers"] if "column" in about else []
    match question["kind"]:
        case "cell":
            return numbers[about["row"]]
        case "extremum":
            pick = max if about["highest"] else min
            return names[numbers.index(pick(numbers))]
        case "compare":
            return names[max(about["rows"], key=lambda row: numbers[row])]
        case "difference":
            a, b = about["rows"]
            return numbers[a] - numbers[b]
        case "sum":
            return sum(numbers[row] for row in about["rows"])
        case "mean":
            return statistics.fmean(numbers)
        case "count above":
            return sum(n > about["threshold"] for n in numbers)
        case "at extremum":
            first, second = (facts["columns"][i]["numbers"] for i in about["columns"])
            return second[first.index(max(first))]
        case "count rows":
            return len(names)
        case "empty":
            return names[numbers.index(None)]
    raise AssertionError(question["kind"])


def test_every_answer_follows_from_the_numbers_and_numbers_stand_in_the_picture() -> None:
    kinds = set()
    for number in range(60):
        sample = drawn(number, task="questions", most_turns=8, worn=0.0)
        shown = {cell["text"].strip("$€£%") for cell in sample.facts["tables"][0]["cells"]}
        for question in sample.facts["questions"]:
            expected = recomputed(question, sample.facts)
            kinds.add(question["kind"])
            if question["value"] is None:
                assert question["answer"] == expected
            else:
                assert abs(question["value"] - expected) <= question["tolerance"] + 1e-6
            if question["kind"] == "cell":
                assert question["answer"].strip("$€£%") in shown
    assert len(kinds) == 10


def test_structure_is_read_back_as_it_was_drawn() -> None:
    for number in range(40):
        sample = drawn(number, task="qwenvl", languages=0.2)
        page = document.parse(texts(sample)[1])
        (table,) = page.elements
        assert isinstance(table, Table)
        assert not page.problems
        (facts,) = sample.facts["tables"]
        assert table.box is not None
        assert np.allclose(table.box, facts["box"], atol=1.1)
        found = [
            (p.row, p.column, p.row_span, p.column_span, p.cell.text, p.cell.header)
            for p in placed_cells(table)
        ]
        keys = ("row", "column", "row_span", "column_span", "text", "header")
        assert found == [tuple(cell[key] for key in keys) for cell in facts["cells"]]


def test_text_stands_inside_its_cell() -> None:
    for number in range(12):
        sample = drawn(number, task="qwenvl", worn=0.0)
        image = pixels(sample).astype(int)
        assert image.shape[0] % FACTOR == image.shape[1] % FACTOR == 0
        for cell in sample.facts["tables"][0]["cells"]:
            x1, y1, x2, y2 = (round(v) for v in cell["box"])
            inside = image[y1 + 2 : y2 - 1, x1 + 2 : x2 - 1]
            spread = np.ptp(inside.reshape(-1, 3), axis=0).max()
            assert (spread > 60) == bool(cell["text"]), (cell, spread)
            # Nothing is written across the edge: its first and last columns are empty.
            for edge in (inside[:, 0], inside[:, -1]):
                assert np.ptp(edge, axis=0).max() < 60, cell


def test_worn_pictures_keep_their_cells() -> None:
    moved = 0
    for number in range(12):
        plain, worn = drawn(number, task="qwenvl", worn=0.0), drawn(number, task="qwenvl", worn=1.0)
        assert pixels(worn).shape == pixels(plain).shape
        for a, b in zip(
            plain.facts["tables"][0]["cells"], worn.facts["tables"][0]["cells"], strict=True
        ):
            assert a["text"] == b["text"]
            moved += a["box"] != b["box"]
    assert moved > 20


def test_drawn_tables_pass_the_rules_for_found_ones() -> None:
    for number in range(30):
        sample = drawn(number, worn=0.0)
        assert tables_confident(sample) is None
        assert tables_apart(sample) is None
        assert tables_dense(sample) is None


def test_boxes_are_asked_as_grounding_writes_them() -> None:
    for number in range(10):
        sample = drawn(number, task="boxes", worn=0.0)
        cells = sample.facts["tables"][0]["cells"]
        for answer in texts(sample)[1::2]:
            for item in grounding.parse(answer).boxes:
                assert item.label == "table" or any(
                    np.allclose(item.box, cell["box"], atol=1.1)
                    and item.label in (cell["text"], "empty cell")
                    for cell in cells
                )


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_tables_are_whole_grids(seed: int) -> None:
    content = invent_table(np.random.default_rng(seed), languages=0.2)
    cells = placed_cells(content.table)
    rows, columns = grid_size(cells)
    assert sum(p.row_span * p.column_span for p in cells) == rows * columns
    for column in content.columns:
        assert len(column.numbers) == len(content.row_names)


def _hash(sample: Sample) -> str:
    digest = hashlib.sha256(pixels(sample).tobytes())
    digest.update(json.dumps([texts(sample), sample.facts], sort_keys=True).encode())
    return digest.hexdigest()


def test_the_same_in_another_process() -> None:
    program = (
        "from tests.data.synth.tables.test_tables import drawn, _hash\n"
        "print(*[_hash(drawn(i, worn=0.7, languages=0.3)) for i in range(6)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found == [_hash(drawn(i, worn=0.7, languages=0.3)) for i in range(6)]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_chromium_lays_out_the_same_cells() -> None:
    pytest.importorskip("playwright", reason="pages need playwright")
    sample = drawn(4, renderer="chromium", task="qwenvl", worn=0.0)
    image = pixels(sample).astype(int)
    assert image.shape[0] % FACTOR == image.shape[1] % FACTOR == 0
    assert tables_apart(sample) is None
    assert tables_dense(sample) is None
    for cell in sample.facts["tables"][0]["cells"]:
        x1, y1, x2, y2 = (round(v) for v in cell["box"])
        inside = image[y1 + 2 : y2 - 1, x1 + 2 : x2 - 1]
        assert (np.ptp(inside.reshape(-1, 3), axis=0).max() > 60) == bool(cell["text"])
