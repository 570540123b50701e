"""Rows of parquet, TSV, JSON and JSON lines, as dictionaries.

Owns: finding the files of a split, reading them in bounded pieces, naming what is wrong with them.
Does not own what a row means (``benchmarks``), nor its pictures (``pictures``).

    folder, split -> parquet_rows | tsv_rows | json_rows -> Row(where, values)
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qvl.data.interchange.parquet import import_pyarrow
from qvl.errors import DataError

MAX_FIELD_BYTES = 256 * 2**20
"""Largest field of a TSV file: a picture in base64 is one."""
MAX_JSON_BYTES = 2 * 2**30
"""Largest JSON file that is one value; larger ones come as JSON lines."""
MAX_GROUP_BYTES = 4 * 2**30
"""Largest group of parquet rows, unpacked; one is in memory at a time."""
_PIECE = re.compile(r"(.*)-(\d{5})-of-(\d{5})(?:-\w+)?\.\w+")
"""Name of one file of several. Source: datasets, filenames_for_dataset_split."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file.

    Attributes:
        where: file and number, for people.
        values: by column.
    """

    where: str
    values: dict[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a column, or the default where there is none or it is null."""
        value = self.values.get(name)
        return default if value is None else value

    def __getitem__(self, name: str) -> Any:
        """The value of a column.

        Raises:
            DataError: there is none, or it is null.
        """
        value = self.values.get(name)
        if value is None:
            raise DataError(
                f"{self.where} has no {name!r}, expected it among "
                f"{', '.join(map(str, self.values)) or 'its columns'}"
            )
        return value


def parquet_rows(folder: Path, split: str, *, config: str = "", at_once: int = 64) -> Iterator[Row]:
    """Reads the parquet files of a split.

    Args:
        folder: of the dataset; files are called SPLIT-*.parquet or SPLIT.parquet, in it, in data/,
            or in the folder of a configuration.
        split: such as "test".
        config: folder of the configuration; empty: where there is no other.
        at_once: rows that become Python's values together; fewer where one is huge.

    Raises:
        DataError: there are no such files, or one is damaged.
        MissingDependencyError: pyarrow is not installed.
    """
    files = _split_files(folder, split, config)
    if not files:
        stems = (path.name.split("-")[0] for path in folder.rglob("*.parquet"))
        known = sorted({stem.removesuffix(".parquet") for stem in stems})
        raise DataError(
            f"{folder} has no files of the split {split!r}"
            + (f" of {config!r}" if config else "")
            + (f", expected one of {', '.join(known[:12])}" if known else ", nor any parquet file")
        )
    _check_pieces(files)
    for path in files:
        yield from _rows_of(path, at_once)


def _check_pieces(files: Iterable[Path]) -> None:
    """Raises DataError if files say in their names that there are more of them."""
    pieces: dict[tuple[str, int], set[int]] = {}
    for path in files:
        if match := _PIECE.fullmatch(path.name):
            pieces.setdefault((match[1], int(match[3])), set()).add(int(match[2]))
    for (stem, count), found in pieces.items():
        if missing := sorted(set(range(count)) - found):
            raise DataError(
                f"{stem} has {count} files, of which {len(missing)} are missing, such as "
                f"{stem}-{missing[0]:05d}-of-{count:05d}",
                hint="fetch the rest: the score would be of fewer questions",
            )


def parquet_rows_of_all(folder: Path, split: str) -> Iterator[tuple[str, Row]]:
    """Reads a split of every configuration, in order of their names; each row with its folder's.

    Args:
        folder: of the dataset; without configurations the name is empty.
        split: as in `parquet_rows`; configurations that lack it are passed over.

    Raises:
        DataError: as in `parquet_rows`.
        MissingDependencyError: pyarrow is not installed.
    """
    configs = [""] if _split_files(folder, split, "") else []
    if not configs and folder.is_dir():
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        configs = [name for name in names if _split_files(folder, split, name)]
    for config in configs or [""]:
        for row in parquet_rows(folder, split, config=config):
            yield config, row


def _split_files(folder: Path, split: str, config: str) -> list[Path]:
    places = [folder / config, folder / "data" / config, folder / config / "data"]
    patterns = (f"{split}-*.parquet", f"{split}.parquet", f"{split}_*.parquet")
    for place in places:
        found = sorted(path for pattern in patterns for path in place.glob(pattern))
        if found:
            return found
    return []


def _rows_of(path: Path, at_once: int) -> Iterator[Row]:
    pyarrow = import_pyarrow()
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            number = 0
            for group in range(file.metadata.num_row_groups):
                size = file.metadata.row_group(group).total_byte_size
                if size > MAX_GROUP_BYTES:
                    raise DataError(
                        f"{path}, group {group} of rows has {size:,} bytes, expected at most "
                        f"{MAX_GROUP_BYTES:,}"
                    )
                for batch in file.iter_batches(batch_size=at_once, row_groups=[group]):
                    for values in batch.to_pylist():
                        yield Row(f"{path.name}:{number}", values)
                        number += 1
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged: {str(error).splitlines()[0]}") from error


def arrow_rows(folder: Path) -> Iterator[Row]:
    """Reads the files data-*.arrow of a folder, as `datasets` saves them to disk.

    Raises:
        DataError: there are no such files, or one is damaged.
        MissingDependencyError: pyarrow is not installed.
    """
    pyarrow = import_pyarrow()
    files = sorted(folder.glob("data-*.arrow"))
    if not files:
        raise DataError(f"{folder} has no files data-*.arrow")
    _check_pieces(files)
    for path in files:
        try:
            with pyarrow.memory_map(str(path)) as source, pyarrow.ipc.open_stream(source) as stream:
                number = 0
                for batch in stream:
                    for values in batch.to_pylist():
                        yield Row(f"{path.name}:{number}", values)
                        number += 1
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path} is damaged: {str(error).splitlines()[0]}") from error


def tsv_rows(path: Path, *, columns: Sequence[str] = (), delimiter: str = "\t") -> Iterator[Row]:
    """Reads a TSV file with a header line.

    Args:
        path: of the file.
        columns: that have to be there.
        delimiter: between fields; a comma reads CSV.

    Raises:
        DataError: there is no such file, a column is missing, or a line is damaged.
    """
    csv.field_size_limit(MAX_FIELD_BYTES)
    try:
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
            # Not strict, a quote that is never closed would take all lines after it for one field.
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            check_columns(str(path), reader.fieldnames or (), columns)
            for number, values in enumerate(reader):
                if None in values or None in values.values():
                    raise DataError(f"{path.name}:{number} has more or fewer fields than columns")
                yield Row(f"{path.name}:{number}", dict(values))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except csv.Error as error:
        raise DataError(f"{path} is damaged: {error}") from error


def check_columns(where: str, found: Iterable[object], wanted: Iterable[str]) -> None:
    """Raises DataError if a column is missing, with what there is."""
    names = [str(name) for name in found]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise DataError(f"{where} has no column {missing[0]!r}, found {', '.join(names) or 'none'}")


def json_rows(path: Path, *, key: str = "") -> Iterator[Row]:
    """Reads a JSON list of records, records by their names, or JSON lines.

    Args:
        path: of the file; one that ends in .jsonl is read line by line.
        key: of the list in the file's object; empty: the file is the list. Of records by name, the
            name is the column "key".

    Raises:
        DataError: there is no such file, it is too large, or no list of records.
    """
    try:
        if path.suffix == ".jsonl":
            yield from _json_lines(path)
            return
        if path.stat().st_size > MAX_JSON_BYTES:
            raise DataError(f"{path} is larger than {MAX_JSON_BYTES:,} bytes, expected JSON lines")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if key:
        content = content.get(key) if isinstance(content, dict) else None
    if isinstance(content, dict):
        content = [
            {"key": name, **value} if isinstance(value, dict) else value
            for name, value in content.items()
        ]
    if not isinstance(content, list):
        raise DataError(f"{path} is not a list of records" + (f" under {key!r}" if key else ""))
    for number, values in enumerate(content):
        yield Row(f"{path.name}:{number}", _record(values, f"{path.name}:{number}"))


def _json_lines(path: Path) -> Iterator[Row]:
    with open(path, "rb") as file:
        for number, line in enumerate(file):
            if not line.strip():
                continue
            where = f"{path.name}:{number}"
            try:
                yield Row(where, _record(json.loads(line), where))
            except (ValueError, RecursionError) as error:
                raise DataError(f"{where} is not JSON: {error}") from error


def _record(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{where} is a {type(value).__name__}, expected a record")
    return value
