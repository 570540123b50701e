"""Files in COCO's format and pictures in zip files, and what is wrong with them by name."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.layouts.coco import read_coco
from qvl.evaluation.layouts.pictures import MissingMedium
from qvl.evaluation.layouts.zips import ZippedPictures

COCO: dict[str, Any] = {
    "images": [{"id": 7, "file_name": "a.jpg"}],
    "categories": [{"id": 1, "name": "cat"}],
    "annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 1}],
}


def test_coco(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(COCO))
    names, pictures = read_coco(path)
    (picture,) = pictures
    assert names == ["cat"]
    assert (picture.number, picture.file_name) == ("7", "a.jpg")
    (box,) = picture.boxes
    assert (tuple(box.box), box.area, box.is_crowd) == ((1, 2, 4, 6), 12, True)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON"),
        ("[]", "is no COCO file"),
        (json.dumps({**COCO, "images": [{"id": 7}]}), "file_name"),
        (json.dumps({**COCO, "categories": []}), "is no COCO file"),
        (json.dumps({**COCO, "annotations": [{"image_id": 7, "category_id": 1, "bbox": [1]}]}),
         "not enough values"),
    ],
)  # fmt: skip
def test_damaged_coco_files(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(DataError, match=problem):
        read_coco(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_coco(tmp_path / "gone.json")


def test_zip_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        ZippedPictures(tmp_path, "pictures")
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/e\u0301.png", b"one" * 100)
    pictures = ZippedPictures(tmp_path, "pictures")
    assert pictures.of("\u00e9.png", where="row 1") == b"one" * 100
    with pytest.raises(MissingMedium, match=r"row 1: .*pictures\.zip has no b\.png"):
        pictures.of("b.png", where="row 1")
    content = bytearray((tmp_path / "pictures.zip").read_bytes())
    content[46] ^= 0xFF  # inside the packed bytes
    (tmp_path / "pictures.zip").write_bytes(bytes(content))
    with pytest.raises(DataError, match="is damaged"):
        ZippedPictures(tmp_path, "pictures").of("\u00e9.png", where="row 1")
    (tmp_path / "pictures.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="cannot be read"):
        ZippedPictures(tmp_path, "pictures")


def test_a_folder_instead_of_a_zip_file(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"one")
    pictures = ZippedPictures(tmp_path, "pictures")
    assert pictures.of("a.png", where="row 1") == b"one"
    with pytest.raises(DataError, match="lies outside"):
        pictures.of("../secret", where="row 1")
