"""Pictures of rows: bytes in a struct, base64 in a field, or names of files below a folder.

Owns: what the forms look like, and that no file outside the folder is read. Does not own decoding,
which happens when the question is asked.

    value, folder -> picture -> bytes | Path
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qvl.data.interchange import named_files
from qvl.errors import DataError
from qvl.evaluation.layouts.rows import Row, tsv_rows

MAX_PICTURE_BYTES = 128 * 2**20
"""Largest file of a picture."""
# A field this short is the index of the row that has the picture. Source: VLMEvalKit
# dataset/image_base.py.
_LONGEST_INDEX = 64


class MissingMedium(DataError):
    """A row's picture or video is not there: its question counts, but cannot be asked."""


def picture(value: Any, folder: Path, *, where: str) -> bytes | Path:
    """Returns a picture of a row.

    Args:
        value: a struct of bytes and path, bytes, or the name of a file.
        folder: that names are below of.
        where: names the row.

    Raises:
        MissingMedium: there is none.
        DataError: it is of another form, too large, or outside the folder.
    """
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes | bytearray) and value:
        if len(value) > MAX_PICTURE_BYTES:
            raise DataError(f"{where}: a picture of {len(value):,} bytes is too large")
        return bytes(value)
    if isinstance(value, str) and value:
        return file_below(value, folder, where=where)
    if value is None or not value:
        raise MissingMedium(f"{where} has no picture")
    raise DataError(f"{where}: a picture is a {type(value).__name__}, expected bytes or a name")


def file_below(name: str, folder: Path, *, where: str) -> Path:
    """Returns a file by its name below a folder; links of the hub's cache are followed.

    Raises:
        MissingMedium: there is no such file.
        DataError: it would lie outside the folder.
    """
    path = named_files.file_below(name, folder, kind=f"{where}: the file")
    if not path.is_file():
        raise MissingMedium(f"{where}: {path} does not exist")
    return path


def from_base64(text: str, *, where: str) -> bytes:
    """Returns the bytes of a field in base64.

    Raises:
        DataError: it is none, or too large.
    """
    if len(text) > MAX_PICTURE_BYTES * 4 // 3 + 4:
        raise DataError(f"{where}: a picture of {len(text):,} characters is too large")
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError) as error:
        raise DataError(f"{where}: a picture is not base64: {error}") from error


class TsvPictures:
    """Pictures of a VLMEvalKit table, where a row may name the row that holds its picture.

    Args:
        path: of the table; gone through once for the names, so that only pictures that are named
            again are held.
    """

    def __init__(self, path: Path) -> None:
        fields = (str(row.get("image", "")) for row in tsv_rows(path))
        self._held: dict[str, str] = {field: "" for field in fields if _is_index(field)}

    def of(self, row: Row) -> list[bytes]:
        """Returns the pictures of a row; a field may hold a list of several.

        Raises:
            MissingMedium: there is none, or the row it names does not come before.
            DataError: it is no base64.
        """
        field = str(row.get("image", ""))
        if not field:
            raise MissingMedium(f"{row.where} has no picture")
        index = str(row.get("index", ""))
        if _is_index(field):
            if not self._held.get(field):
                raise MissingMedium(f"{row.where}: no row before it has the index {field!r}")
            field = self._held[field]
        elif index in self._held:
            self._held[index] = field
        return [from_base64(text, where=row.where) for text in _listed(field)]


def _is_index(field: str) -> bool:
    return 0 < len(field) <= _LONGEST_INDEX


def _listed(field: str) -> Iterator[str]:
    """The texts of a list written as Python does, or the one text."""
    if field.startswith("["):
        yield from (text.strip(" '\"") for text in field[1:].rstrip("]\n ").split(","))
    else:
        yield field
