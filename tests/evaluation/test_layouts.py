"""Files as benchmarks are published: rows and pictures, and what is wrong with them by name."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from qvl.errors import DataError
from qvl.evaluation.layouts.pictures import MissingMedium, TsvPictures, file_below, picture
from qvl.evaluation.layouts.rows import Row, json_rows, parquet_rows, tsv_rows


def png(colour: str = "red") -> bytes:
    """A small picture file."""
    file = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), colour).save(file, "PNG")
    return file.getvalue()


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as a parquet file."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=2)


def test_parquet_files_of_a_split_in_order(tmp_path: Path) -> None:
    for part in (1, 0):
        rows = [{"n": part * 3 + i, "image": {"bytes": png(), "path": "a.png"}} for i in range(3)]
        write_parquet(tmp_path / "data" / f"test-0000{part}-of-00002.parquet", rows)
    write_parquet(tmp_path / "data" / "train-00000-of-00001.parquet", [{"n": 99}])
    found = list(parquet_rows(tmp_path, "test"))
    assert [row["n"] for row in found] == [0, 1, 2, 3, 4, 5]
    assert found[4].where == "test-00001-of-00002.parquet:1"
    assert picture(found[0]["image"], tmp_path, where="x") == png()
    with pytest.raises(DataError, match=r"split 'val', expected one of test, train"):
        next(parquet_rows(tmp_path, "val"))
    with pytest.raises(DataError, match="has no 'm', expected it among n"):
        found[0]["m"]


@pytest.mark.parametrize("ending", ["", "-0f1e2d3c4b5a6978"])
def test_a_file_of_several_that_is_missing_is_missed(tmp_path: Path, ending: str) -> None:
    for part in (0, 2):
        write_parquet(tmp_path / f"test-0000{part}-of-00003{ending}.parquet", [{"n": part}])
    with pytest.raises(DataError, match=r"3 files, of which 1 are missing, such as test-00001-of"):
        list(parquet_rows(tmp_path, "test"))
    write_parquet(tmp_path / f"test-00001-of-00003{ending}.parquet", [{"n": 1}])
    assert [row["n"] for row in parquet_rows(tmp_path, "test")] == [0, 1, 2]


def test_configurations_are_folders(tmp_path: Path) -> None:
    write_parquet(tmp_path / "art" / "dev-00000-of-00001.parquet", [{"n": 1}])
    assert [row["n"] for row in parquet_rows(tmp_path, "dev", config="art")] == [1]
    with pytest.raises(DataError, match="of 'music'"):
        next(parquet_rows(tmp_path, "dev", config="music"))


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "test.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match="is damaged"):
        list(parquet_rows(tmp_path, "test"))


def test_tables_with_pictures_in_base64(tmp_path: Path) -> None:
    path = tmp_path / "q.tsv"
    code = base64.b64encode(png()).decode()
    two = f"['{code}', '{base64.b64encode(png('blue')).decode()}']"
    path.write_text(
        "index\timage\tquestion\n"
        f'0\t{code}\t"What\n""this"" is?"\n1\t0\tAgain?\n2\t{two}\tBoth?\n3\t9\tNone?\n'
    )
    rows = list(tsv_rows(path, columns=("index", "question")))
    assert rows[0]["question"] == 'What\n"this" is?'
    pictures = TsvPictures(path)
    assert pictures.of(rows[0]) == pictures.of(rows[1]) == [png()]
    assert pictures.of(rows[2]) == [png(), png("blue")]
    with pytest.raises(MissingMedium, match="no row before it has the index '9'"):
        pictures.of(rows[3])
    with pytest.raises(DataError, match="no column 'answer', found index, image, question"):
        next(tsv_rows(path, columns=("answer",)))
    path.write_text("index\tquestion\n0\n")
    with pytest.raises(DataError, match="more or fewer fields"):
        list(tsv_rows(path))


def test_a_quote_that_is_never_closed_takes_no_rows_with_it(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('\ufeffindex\tq\n1\tof 5" width\n2\t"two\tof ""them""\nhere"\n')
    assert [row.values for row in tsv_rows(tmp_path / "a.tsv", columns=("index", "q"))] == [
        {"index": "1", "q": 'of 5" width'},
        {"index": "2", "q": 'two\tof "them"\nhere'},
    ]
    (tmp_path / "a.tsv").write_text('index\tq\n1\t"one\n2\ttwo\n')
    with pytest.raises(DataError, match="damaged: unexpected end of data"):
        list(tsv_rows(tmp_path / "a.tsv"))


def test_records_of_json(tmp_path: Path) -> None:
    records = [{"id": 1}, {"id": 2}]
    for name, text in {
        "a.json": json.dumps(records),
        "b.jsonl": "\n".join(map(json.dumps, records)) + "\n\n",
        "c.json": json.dumps({"data": records}),
    }.items():
        (tmp_path / name).write_text(text)
        key = "data" if name == "c.json" else ""
        assert [row["id"] for row in json_rows(tmp_path / name, key=key)] == [1, 2]
    (tmp_path / "d.json").write_text(json.dumps({"x": {"id": 3}}))
    assert next(json_rows(tmp_path / "d.json")).values == {"key": "x", "id": 3}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.json", "3", "is not a list of records"),
        ("a.json", "[3]", "a.json:0 is a int, expected a record"),
        ("a.jsonl", '{"a": 1}\n{', "a.jsonl:1 is not JSON"),
        ("a.json", "[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_no_record_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        list(json_rows(tmp_path / name))


def test_pictures_by_name_stay_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    assert picture("a.png", tmp_path, where="x") == tmp_path / "a.png"
    with pytest.raises(DataError, match="lies outside"):
        file_below("../secret.png", tmp_path, where="x")
    for missing in (None, "", {"bytes": None, "path": None}, "b.png"):
        with pytest.raises(MissingMedium):
            picture(missing, tmp_path, where="x")
    with pytest.raises(DataError, match="a picture is a int"):
        picture(3, tmp_path, where="x")
    assert Row("x", {"a": None}).get("a", 5) == 5
