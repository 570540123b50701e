"""Data sets in parquet: written with their media, read back, also in the columns of others."""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from qvl.data.encoding import content_id
from qvl.data.interchange.opening import open_data
from qvl.data.interchange.parquet import ParquetFiles, write_parquet
from qvl.errors import DataError, MissingDependencyError
from qvl.messages import Image, Text, Video
from tests.data.small import asked, picture
from tests.processing.clips import make_clip

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'qvl[data]'")
parquet = pytest.importorskip("pyarrow.parquet")


def table(tmp_path: Path, rows: list[dict[str, Any]], name: str = "a.parquet") -> Path:
    path = tmp_path / name
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=2)
    return path


def test_samples_come_back(tmp_path: Path) -> None:
    samples = [
        asked("What?", "A cup.", Image(picture()), Image(picture(28, 28, kind="PNG")), n=3),
        asked("Who?", "I."),
        asked("When?", "Now.", Video(make_clip(8))),
    ]
    path = tmp_path / "a.parquet"
    assert write_parquet(samples, path) == (3, [])
    data = pickle.loads(pickle.dumps(open_data(path)))
    assert [content_id(sample) for sample in data] == [content_id(sample) for sample in samples]
    assert [sample.facts for sample in data] == [{"n": 3}, {}, {}]
    with pytest.raises(IndexError):
        data[3]
    with pytest.raises(DataError, match="already exists"):
        write_parquet([], path)
    columns = parquet.read_schema(path).metadata[b"huggingface"]
    assert json.loads(columns)["info"]["features"]["images"]["feature"] == {"_type": "Image"}


def test_pictures_of_another_folder_are_other_samples(tmp_path: Path) -> None:
    path = table(tmp_path, [{"a": 1}])
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = (open_data(path, root=tmp_path / name) for name in ("one", "other"))
    assert one.fingerprint(0, 1) != other.fingerprint(0, 1)


def test_columns_of_others(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(picture())
    bytes_ = {"bytes": picture(), "path": None}
    turns = [{"from": "human", "value": "<image>What?"}, {"from": "gpt", "value": "A cup."}]
    parts = [{"type": "image", "text": None}, {"type": "text", "text": "What?"}]
    rows: list[list[dict[str, Any]]] = [
        [{"image": bytes_, "conversations": turns}],
        [{"images": [{"bytes": None, "path": "b.jpg"}], "conversations": json.dumps(turns)}],
        [{"images": [bytes_], "texts": [{"user": "What?", "assistant": "A cup."}]}],
        [
            {
                "images": [bytes_],
                "messages": [
                    {"role": "user", "content": parts},
                    {"role": "assistant", "content": [{"type": "text", "text": "A cup."}]},
                ],
            }
        ],
    ]
    expected = asked("What?", "A cup.", Image(picture()))
    for number, one in enumerate(rows):
        (sample,) = ParquetFiles(table(tmp_path, one, f"{number}.parquet"))
        assert content_id(sample) == content_id(expected)
    assert len(open_data(tmp_path)) == 4


def test_rows_are_found_in_their_groups_and_files(tmp_path: Path) -> None:
    def row(text: str) -> dict[str, Any]:
        return {"conversations": [{"from": "human", "value": text}]}

    table(tmp_path, [row(str(i)) for i in range(5)], "1.parquet")
    table(tmp_path, [row(str(i)) for i in range(5, 8)], "2.parquet")
    data = ParquetFiles(tmp_path)
    texts = [data[i].conversation.messages[0].content[0] for i in (7, 0, 4, 5, 3)]
    assert texts == [Text(str(i)) for i in (7, 0, 4, 5, 3)]
    places = [data.where(i) for i in (0, 4, 5, 7)]
    assert places == ["1.parquet:0", "1.parquet:4", "2.parquet:0", "2.parquet:2"]


def test_faults_are_data_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(
        tmp_path, [{"images": [], "conversations": "["}, {"images": [], "conversations": "x"}]
    )
    with pytest.raises(DataError, match=r"a\.parquet:1: conversations is no JSON"):
        ParquetFiles(path)[1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(DataError, match="no readable parquet file"):
        ParquetFiles(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no parquet files"):
        ParquetFiles(tmp_path / "empty")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"qvl\[data\]"):
        ParquetFiles(path)


def test_the_datasets_package_reads_what_is_written(tmp_path: Path) -> None:
    """The schema's metadata names the features: pictures come as pictures."""
    datasets = pytest.importorskip("datasets", reason="reads parquet as Hugging Face does")
    samples = [asked("What?", "That.", Image(picture(28, 56))), asked("Why?", "So.")]
    write_parquet(samples, tmp_path / "a.parquet")
    rows = datasets.Dataset.from_parquet(str(tmp_path / "a.parquet"), cache_dir=str(tmp_path))
    assert isinstance(rows.features["images"].feature, datasets.Image)
    assert rows[0]["images"][0].size == (56, 28)
    assert rows[1]["images"] == []
    assert rows[0]["conversations"][1] == {"from": "gpt", "value": "That."}
