"""Data sets in parquet, as Hugging Face datasets stores them.

Owns: files of rows, pictures inside them. Does not own: what a row's turns mean
(``conversations``).

    train-00000-of-00002.parquet ... -> ParquetFiles -> files[number] -> Sample
    samples -> write_parquet() -> one file with the columns images, videos, conversations

A picture is a struct of ``bytes`` and ``path``; turns are in ``conversations`` or ``messages``, or
as pairs of ``user`` and ``assistant`` in ``texts``.
Source: Hugging Face datasets features/image.py (the struct, the metadata of the schema);
HuggingFaceM4/the_cauldron dataset card (``texts``).
"""

import bisect
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from qvl.data.encoding import media_of
from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.annotations import Problem
from qvl.data.interchange.conversations import read_record, write_record
from qvl.data.interchange.interleaved_records import is_document
from qvl.data.interchange.named_files import Stamp, file_below, stamps
from qvl.data.interchange.web_pages import local_source
from qvl.data.media import is_frame_list, stored, suffix_of
from qvl.data.records import Sample
from qvl.errors import DataError, MissingDependencyError, QvlError

MAX_GROUP_BYTES = 4 * 2**30
"""Largest group of rows, unpacked; one is in memory at a time."""

_ROWS_PER_GROUP = 100


class ParquetFiles:
    """The samples of parquet files, by number.

    Args:
        path: a file, or a folder whose parquet files are taken in order of their names.
        root: folder of media that are named, not contained, and outside of which none is read;
            None for that of the files.
        licence: SPDX name of the terms of the data set; empty when it is not known.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        DataError: there is no such file, or it is damaged.
    """

    def __init__(self, path: Path, *, root: Path | None = None, licence: str = "") -> None:
        self.path = path
        self.root = (path if path.is_dir() else path.parent) if root is None else root
        self.licence = licence
        self._files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not self._files:
            raise DataError(f"{path} holds no parquet files")
        self._groups: list[tuple[Path, int]] = []
        counts: list[int] = []
        for file in self._files:
            metadata = _opened(file).metadata
            for group in range(metadata.num_row_groups):
                rows = metadata.row_group(group)
                if rows.total_byte_size > MAX_GROUP_BYTES:
                    raise DataError(
                        f"{file}, group {group} of rows has {rows.total_byte_size:,} bytes, "
                        f"expected at most {MAX_GROUP_BYTES:,}"
                    )
                self._groups.append((file, group))
                counts.append(rows.num_rows)
        self._stops = list(accumulate(counts))
        self._held: tuple[int, Any] = (-1, None)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.root, self.licence)

    def __len__(self) -> int:
        return self._stops[-1] if self._stops else 0

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        where = self.where(number)
        try:
            record = _record(self._row(number))
            return read_record(record, origin=where, licence=self.licence, locate=self._locate)
        except DataError as error:
            raise DataError(f"{where}: {error.message}", hint=error.hint) from error

    def where(self, number: int) -> str:
        """Returns file and row of a sample, as messages name it."""
        group = bisect.bisect_right(self._stops, number)
        file = self._groups[group][0]
        first = next(i for i, (path, _) in enumerate(self._groups) if path == file)
        return f"{file.name}:{number - (self._stops[first - 1] if first else 0)}"

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of names, sizes and times of the files, and of media that these rows
        name."""
        first = bisect.bisect_right(self._stops, start)
        last = bisect.bisect_left(self._stops, stop)
        media: list[Stamp] = []
        for group in range(first, min(last + 1, len(self._groups))):
            file, index = self._groups[group]
            if not _names_files(_opened(file).metadata.row_group(index)):
                continue
            begin = self._stops[group - 1] if group else 0
            for number in range(max(start, begin), min(stop, self._stops[group])):
                try:
                    media += stamps(part.source for part in media_of(self[number].conversation))
                except DataError:
                    continue
        return fingerprint(stamps(self._files), media, str(self.root), self.licence, start, stop)

    def _row(self, number: int) -> dict[str, Any]:
        group = bisect.bisect_right(self._stops, number)
        if self._held[0] != group:
            file, index = self._groups[group]
            pyarrow = import_pyarrow()
            try:
                self._held = group, _opened(file).read_row_group(index)
            except (pyarrow.ArrowException, OSError, ValueError) as error:
                raise DataError(f"group {index} of rows is damaged: {error}") from error
        place = number - (self._stops[group - 1] if group else 0)
        rows: list[dict[str, Any]] = self._held[1].slice(place, 1).to_pylist()
        return rows[0]

    def _locate(self, value: Any, kind: Literal["image", "video"]) -> Any:
        if isinstance(value, Mapping):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, bytes) and value:
            return value
        if not isinstance(value, str) or not value:
            raise DataError(f"{kind} has neither bytes nor a path")
        if value.startswith(("http:", "https:")):  # perhaps it was fetched before
            return local_source(value, folder=self.root, root=self.root)
        return value if value.startswith("data:") else file_below(value, self.root, kind=kind)


def _reopened(path: Path, root: Path, licence: str) -> ParquetFiles:
    return ParquetFiles(path, root=root, licence=licence)


def import_pyarrow() -> Any:
    """Returns pyarrow's module, with ``parquet`` and ``ipc``.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError(
            "parquet needs the package pyarrow", hint="pip install 'qvl[data]'"
        ) from error
    return pyarrow


def _opened(path: Path) -> Any:
    pyarrow = import_pyarrow()
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no readable parquet file: {error}") from error


def _names_files(group: Any) -> bool:
    """Whether a group of rows has media by name alone; told from its statistics, as reading them
    would read the media themselves."""
    filled: dict[str, int | None] = {}
    for number in range(group.num_columns):
        column = group.column(number)
        known = column.is_stats_set
        filled[column.path_in_schema] = column.statistics.num_values if known else None
    for path, count in filled.items():
        top, _, leaf = path.partition(".")
        if not top.startswith(("image", "video")):
            continue
        if not leaf or leaf.rpartition(".")[2] in ("element", "item"):
            return True  # a string in place of a file
        beside = filled.get(f"{path.removesuffix('path')}bytes") if path.endswith(".path") else 0
        if path.endswith(".path") and (count is None or beside is None or count > beside):
            return True
    return False


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a record of `conversations`: empty columns gone, JSON in strings decoded."""
    record = {key: value for key, value in row.items() if value is not None}
    for key in ("conversations", "messages", "facts"):
        if isinstance(record.get(key), str):
            try:
                record[key] = json.loads(record[key])
            except (ValueError, RecursionError) as error:
                raise DataError(f"{key} is no JSON: {error}") from error
    if isinstance(record.get("facts"), dict):
        record = {**record.pop("facts"), **record}
    turns = {"conversations", "messages"} & record.keys()
    if "texts" in record and not turns and not is_document(record):
        record["conversations"] = _turns_of_pairs(record.pop("texts"), record)
    return record


def _turns_of_pairs(pairs: Any, record: Mapping[str, Any]) -> list[dict[str, str]]:
    images = record.get("images") or ([record["image"]] if "image" in record else [])
    turns = []
    for number, pair in enumerate(pairs if isinstance(pairs, Sequence) else []):
        if not isinstance(pair, Mapping):
            raise DataError(f"texts {number} is no pair of user and assistant")
        tags = "<image>" * len(images) if number == 0 else ""
        turns += [
            {"from": "human", "value": f"{tags}{pair.get('user')}"},
            {"from": "gpt", "value": str(pair.get("assistant"))},
        ]
    return turns


def write_parquet(samples: Iterable[Sample], path: Path) -> tuple[int, list[Problem]]:
    """Writes samples with their media into one file; returns how many, and which could not be.

    Args:
        samples: in order.
        path: ends in ``.parquet`` and does not exist.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        DataError: the name is taken.
    """
    pyarrow = import_pyarrow()
    if path.exists():
        raise DataError(f"{path} already exists", hint="give a new name")
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = _schema(pyarrow)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    problems: list[Problem] = []
    rows: list[dict[str, Any]] = []
    count = 0
    with pyarrow.parquet.ParquetWriter(part, schema) as writer:
        for number, sample in enumerate(samples):
            try:
                rows.append(_row(sample))
            except (QvlError, TypeError, ValueError) as error:
                message = error.message if isinstance(error, QvlError) else str(error)
                problems.append(Problem(f"sample {number}", message))
                continue
            count += 1
            if len(rows) == _ROWS_PER_GROUP:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema))
                rows = []
        if rows:
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
    part.replace(path)
    return count, problems


def _schema(pyarrow: Any) -> Any:
    file = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    turn = pyarrow.struct([("from", pyarrow.string()), ("value", pyarrow.string())])
    fields = {
        "images": pyarrow.list_(file),
        "videos": pyarrow.list_(file),
        "conversations": pyarrow.list_(turn),
        "tools": pyarrow.string(),
        "facts": pyarrow.string(),
    }
    text = {"dtype": "string", "_type": "Value"}
    features = {
        "images": {"feature": {"_type": "Image"}, "_type": "List"},
        "videos": {"feature": {"_type": "Video"}, "_type": "List"},
        "conversations": {"feature": {"from": text, "value": text}, "_type": "List"},
        "tools": text,
        "facts": text,
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pyarrow.schema(list(fields.items()), metadata=metadata)


def _row(sample: Sample) -> dict[str, Any]:
    files: dict[str, list[dict[str, Any]]] = {"image": [], "video": []}
    names = []
    for place, item in enumerate(media_of(sample.conversation)):
        if is_frame_list(item.source):
            raise DataError("a video given as frames has no file, the format has no place for it")
        (data,) = stored(item).files
        name = f"{place}.{suffix_of(data)}"
        kind = "image" if type(item).__name__ == "Image" else "video"
        files[kind].append({"bytes": data, "path": name})
        names.append(name)
    record = write_record(sample, names)
    return {
        "images": files["image"],
        "videos": files["video"],
        "conversations": record["conversations"],
        "tools": record.get("tools"),
        "facts": json.dumps(sample.facts, ensure_ascii=False) if sample.facts else None,
    }
