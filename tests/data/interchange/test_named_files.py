"""Records name files below their root and nowhere else; a changed picture is noticed."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.data.interchange.annotations import AnnotationFile
from qvl.data.interchange.found_tables import FoundTables
from qvl.data.interchange.named_files import file_below
from qvl.data.interchange.parquet import ParquetFiles, write_parquet
from qvl.data.interchange.web_pages import WebPages
from qvl.data.sources import Source
from qvl.errors import DataError
from qvl.messages import Image
from tests.data.small import asked, picture


def test_names_lead_nowhere_else(tmp_path: Path) -> None:
    root = tmp_path / "root"
    good = root / "a" / "b.png"
    names = ("a/b.png", "a/../a/b.png", "./a//b.png", str(good), good.as_uri())
    assert {file_below(name, root, kind="image") for name in names} == {good}
    for name in ("../b.png", "a/../../b.png", "/etc/hostname", "file:///etc/hostname", "a\0b"):
        with pytest.raises(DataError, match=r"image .* lies outside"):
            file_below(name, root, kind="image")
    # A neighbour whose name begins alike is outside.
    with pytest.raises(DataError):
        file_below("../root2/b.png", root, kind="image")


@given(st.text(alphabet="./a\\~%\0:e", max_size=30))
def test_any_name_is_below_or_refused(name: str) -> None:
    root = Path("/some/root")
    try:
        path = file_below(name, root, kind="image")
    except DataError:
        return
    assert Path(os.path.normpath(path)).is_relative_to(root)


def records(folder: Path) -> Source:
    turns = [{"from": "human", "value": "<image>What?"}, {"from": "gpt", "value": "That."}]
    (folder / "a.json").write_text(json.dumps([{"image": "a.jpg", "conversations": turns}] * 2))
    return AnnotationFile(folder / "a.json")


def pages(folder: Path) -> Source:
    for number in range(2):
        (folder / f"{number}.html").write_text("<p>Some words here.<img src=a.jpg></p>")
    return WebPages(folder)


def found(folder: Path) -> Source:
    table = {"box": [0, 0, 9, 9], "cells": [{"row": 0, "column": 0, "text": "x"}]}
    line = json.dumps({"image": "a.jpg", "tables": [table]})
    (folder / "a.jsonl").write_text(f"{line}\n{line}\n")
    return FoundTables(folder / "a.jsonl")


def rows(folder: Path) -> Source:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    turns = [{"from": "human", "value": "<image>What?"}, {"from": "gpt", "value": "That."}]
    table = pyarrow.Table.from_pylist(
        [{"images": [{"bytes": None, "path": "a.jpg"}], "conversations": turns}] * 2
    )
    parquet.write_table(table, folder / "a.parquet")
    return ParquetFiles(folder / "a.parquet")


@pytest.mark.parametrize("make", [records, pages, found, rows])
def test_a_changed_picture_is_another_source(tmp_path: Path, make: object) -> None:
    (tmp_path / "a.jpg").write_bytes(picture())
    source: Source = make(tmp_path)  # type: ignore[operator]
    before = source.fingerprint(0, 2)
    assert before == source.fingerprint(0, 2)
    os.utime(tmp_path / "a.jpg", ns=(1, 1))
    assert source.fingerprint(0, 2) != before


def test_rows_that_hold_their_media_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    write_parquet([asked("What?", "That.", Image(picture()))], tmp_path / "a.parquet")
    files = ParquetFiles(tmp_path / "a.parquet")
    monkeypatch.setattr(files, "_row", None)
    assert files.fingerprint(0, 1)


def test_rows_lead_nowhere_else(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "in").mkdir()
    (tmp_path / "a.jpg").write_bytes(picture())
    rows(tmp_path / "in")
    outside = ParquetFiles(tmp_path / "in" / "a.parquet", root=tmp_path)[0]
    assert outside.conversation.messages[0].content
    (tmp_path / "in" / "b.json").write_text(
        json.dumps(
            [
                {
                    "image": "../a.jpg",
                    "conversations": [
                        {"from": "human", "value": "<image>What?"},
                        {"from": "gpt", "value": "That."},
                    ],
                }
            ]
        )
    )
    with pytest.raises(DataError, match=r"b.json:1: image '../a.jpg' lies outside"):
        AnnotationFile(tmp_path / "in" / "b.json")[0]
