"""Records of OBELICS and MMC4 become documents, from JSON and from parquet."""

import json
from pathlib import Path
from typing import Any

import pytest

from qvl.data.interchange.interleaved_records import is_document, read_document
from qvl.data.interchange.opening import open_data
from qvl.data.interleaved import Paragraph, Picture, document_of
from qvl.errors import DataError
from qvl.geometry import ImageSize
from tests.data.small import picture

ALIGNED: dict[str, Any] = {
    "texts": ["First.\n\nSecond.", None, "Third."],
    "images": [None, "https://a.example/b.jpg", None],
    "metadata": json.dumps(
        [None, {"alt_text": "A cup", "original_width": 300, "original_height": 200}, None]
    ),
    "general_metadata": json.dumps({"url": "https://a.example/"}),
}
MATCHED: dict[str, Any] = {
    "url": "https://a.example/",
    "text_list": ["First.", "Third."],
    "image_info": [{"image_name": "b.jpg", "matched_text_index": 1, "matched_sim": 0.3}],
    "similarity_matrix": [[0.1, 0.3]],
}


def test_both_shapes_are_read() -> None:
    found = read_document(ALIGNED, locate=lambda name: name)
    assert found.nodes == (
        Paragraph(text="First."),
        Paragraph(text="Second."),
        Picture(source="https://a.example/b.jpg", alt="A cup", size=ImageSize(200, 300)),
        Paragraph(text="Third."),
    )
    assert found.address == "https://a.example/"
    found = read_document(MATCHED, locate=lambda name: f"at {name}")
    assert found.nodes == (
        Paragraph(text="First."),
        Picture(source="at b.jpg"),
        Paragraph(text="Third."),
    )


def test_files_of_them_are_data(tmp_path: Path) -> None:
    (tmp_path / "a.example").mkdir()
    (tmp_path / "a.example" / "b.jpg").write_bytes(picture())
    (tmp_path / "b.jpg").write_bytes(picture())
    lines = [json.dumps(ALIGNED), json.dumps(MATCHED)]
    (tmp_path / "web.jsonl").write_text("\n".join(lines))
    data = open_data(tmp_path / "web.jsonl")
    for sample in (data[0], data[1]):
        (found,) = document_of(sample).pictures
        assert Path(found.source).read_bytes() == picture()
    assert data[1].provenance.source == "web.jsonl:2"
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.Table.from_pylist([ALIGNED])
    pyarrow.parquet.write_table(table, tmp_path / "web.parquet")
    assert document_of(open_data(tmp_path / "web.parquet")[0]) == document_of(data[0])


def test_turns_are_no_documents() -> None:
    assert not is_document({"texts": [{"user": "?", "assistant": "!"}], "images": [b""]})
    assert not is_document({"conversations": [], "images": []})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"texts": ["a"]}, "1 texts and 3 images"),
        ({"texts": [None, None, "c"]}, "both or neither"),
        ({"texts": ["a", "b", "c"]}, "both or neither"),
        ({"texts": [3, None, "c"]}, "text 0 is a int"),
        ({"metadata": "{"}, "metadata is no JSON"),
        ({"metadata": "{}"}, "metadata is a dict"),
        ({"metadata": "[null]"}, "1 entries for 3"),
        ({"general_metadata": "[]"}, "general_metadata is a list"),
    ],
)
def test_malformed_records_are_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_document({**ALIGNED, **change}, locate=lambda name: name)


@pytest.mark.parametrize(
    "info", [3, [3], [{}], [{"matched_text_index": 9}], [{"matched_text_index": "1"}]]
)
def test_pictures_without_a_place_are_named(info: Any) -> None:
    with pytest.raises(DataError, match=r"image_info is|belongs to sentence"):
        read_document({**MATCHED, "image_info": info}, locate=lambda name: name)
