"""Tables that a recogniser found in pictures: a list in JSON lines -> samples that parse the page.

Owns: the records, the written answer. Does not own: recognising tables, which of the found ones are
good (``filters.tables``).

    tables.jsonl + pictures -> FoundTables[number] -> Sample: QwenVL HTML of the tables, facts

One line a picture, boxes in original_px, rows and columns from 0:

    {"image": "p/1.png", "tables": [{"box": [x1, y1, x2, y2], "confidence": 0.98, "cells": [
        {"row": 0, "column": 0, "row_span": 1, "column_span": 2, "header": true, "text": "Year",
         "box": [x1, y1, x2, y2], "confidence": 0.9}, ...]}]}

Rows and columns are what microsoft/table-transformer and docling report under other names; a few
lines of the user's turn theirs into these.
"""

import hashlib
import json
import math
from array import array
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.named_files import stamps
from qvl.data.records import Provenance, Sample
from qvl.errors import DataError, QvlError
from qvl.geometry import Box
from qvl.messages import Conversation, Image, Message, Text
from qvl.options import shown
from qvl.processing.image import measure_image
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.tasks import document
from qvl.tasks.document_elements import MAX_SPAN, Cell, Table

MAX_LINE_BYTES = 2**24
MAX_CELLS = 10_000
"""Of a table; the longest that fit on a page have some hundreds."""


class FoundTables:
    """Samples by number, one for each picture with tables.

    Args:
        path: of the list.
        root: folder of the pictures; None takes the list's own.
        licence: SPDX name of the pictures' terms.

    Raises:
        DataError: the list cannot be read.
    """

    def __init__(self, path: Path, *, root: Path | None = None, licence: str = "") -> None:
        self.path, self.licence = path, licence
        self.root = path.parent if root is None else root
        self._starts = array("q")
        start = 0
        try:
            with open(path, "rb") as file:
                while line := file.readline(MAX_LINE_BYTES + 1):
                    if len(line) > MAX_LINE_BYTES:
                        number = len(self._starts) + 1
                        raise DataError(
                            f"{path.name}:{number} has more than {MAX_LINE_BYTES:,} bytes, "
                            "expected one picture a line"
                        )
                    if line.strip():
                        self._starts.append(start)
                    start += len(line)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.root, self.licence)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        try:
            return self._sample(json.loads(self._line(number)), number)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self.where(number)} is no JSON") from error
        except QvlError as error:
            raise DataError(f"{self.where(number)}: {error.message}", hint=error.hint) from error

    def where(self, number: int) -> str:
        """Returns list and place in it, as messages name them."""
        return f"{self.path.name}:{number + 1}"

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the list, and of size and time of these pictures."""
        pictures: list[Path] = []
        for number in range(start, stop):
            try:
                record = json.loads(self._line(number))
                pictures.append(self._file(record["image"]))
            except (QvlError, ValueError, RecursionError, KeyError, TypeError):
                continue  # asked for, it says what is wrong
        found = stamps(pictures)
        return fingerprint(self._sha256, found, str(self.root), self.licence, start, stop)

    def _line(self, number: int) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(self._starts[number])
            return file.readline()

    @cached_property
    def _sha256(self) -> str:
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _sample(self, record: Any, number: int) -> Sample:
        if not isinstance(record, dict) or not isinstance(record.get("image"), str):
            raise DataError(f"record is {shown(record)}, expected an object with an image")
        found = record.get("tables")
        if not isinstance(found, list) or not found:
            raise DataError(f"tables are {shown(found)}, expected a list of at least one")
        picture = Image(self._file(record["image"]))
        transform = measure_image(picture, DEFAULT_LIMITS)
        tables = [document.to_model_space(table_of(table), transform) for table in found]
        # Reading order: from above, then from the left.
        tables.sort(key=lambda table: (table.box.y1, table.box.x1) if table.box else (0.0, 0.0))
        turns = (
            Message("user", (picture, Text(document.prompt()))),
            Message("assistant", (Text(document.format(tables)),)),
        )
        return Sample(
            task="table found",
            conversation=Conversation(turns),
            provenance=Provenance(
                generator="found_tables", licence=self.licence, source=self.where(number)
            ),
            facts={"tables": found},
        )

    def _file(self, name: str) -> Path:
        folder = self.root.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise DataError(f"picture {shown(name)} lies outside {self.root}")
        return path


def _reopened(path: Path, root: Path, licence: str) -> FoundTables:
    return FoundTables(path, root=root, licence=licence)


def table_of(record: Any) -> Table:
    """A found table as an element: its cells row by row; places without a cell are empty cells.

    >>> cells = [{"row": 0, "column": 1, "text": "b", "box": [2, 0, 4, 2]}]
    >>> table_of({"box": [0, 0, 4, 2], "cells": cells}).rows
    ((Cell(text='', header=False, row_span=1, col_span=1), \
Cell(text='b', header=False, row_span=1, col_span=1)),)

    Raises:
        DataError: cells are missing, malformed, or lie in one place.
    """
    cells = record.get("cells") if isinstance(record, dict) else None
    if not isinstance(cells, list) or not 0 < len(cells) <= MAX_CELLS:
        raise DataError(f"cells are {shown(cells)}, expected a list of 1 to {MAX_CELLS}")
    taken: dict[tuple[int, int], int] = {}
    placed: dict[tuple[int, int], Cell] = {}
    for number, cell in enumerate(cells):
        if not isinstance(cell, dict) or not isinstance(cell.get("text", ""), str):
            raise DataError(f"cell {number} is {shown(cell)}, expected an object with a text")
        row, column = _count(cell, "row", 0), _count(cell, "column", 0)
        down, across = _count(cell, "row_span", 1), _count(cell, "column_span", 1)
        for i in range(down):
            for j in range(across):
                other = taken.setdefault((row + i, column + j), number)
                if other != number:
                    raise DataError(f"cells {other} and {number} lie in one place")
        placed[row, column] = Cell(cell.get("text", ""), cell.get("header") is True, down, across)
        if len(taken) > MAX_CELLS:
            raise DataError(f"a table of more than {MAX_CELLS} places, expected fewer")
    num_rows = 1 + max(row for row, _ in taken)
    num_columns = 1 + max(column for _, column in taken)
    if num_rows * num_columns > MAX_CELLS:
        raise DataError(
            f"a table of {num_rows} x {num_columns} cells, expected {MAX_CELLS} at most"
        )
    rows = tuple(
        tuple(
            placed.get((row, column), Cell(""))
            for column in range(num_columns)
            if (row, column) in placed or (row, column) not in taken
        )
        for row in range(num_rows)
    )
    return Table(rows=rows, box=_box(record))


def _count(cell: Mapping[str, Any], name: str, least: int) -> int:
    value = cell.get(name, least if least else None)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_SPAN:
        raise DataError(f"{name} of a cell is {shown(value)}, expected {least} to {MAX_SPAN}")
    return value


def _box(record: Mapping[str, Any]) -> Box:
    values = record.get("box")
    try:
        box = Box(*map(float, values))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        box = None
    if box is None or not all(map(math.isfinite, box)):
        raise DataError(f"box of a table is {shown(values)}, expected four numbers")
    return box
