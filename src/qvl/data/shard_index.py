"""What is known of shards without reading them: an index beside each tar, and one of the set.

Owns: the index files, checking them, making them for tars that came without. Does not own: samples
(``shards``).

    tar -> Columns.add() for each sample -> ShardTable -> shard-00000.json;   tables -> index.json
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from qvl.data.encoding import decode_sample, encode_sample
from qvl.data.media import MediaSize
from qvl.data.tars import read_members
from qvl.errors import DataError, QvlError
from qvl.options import shown

INDEX = "index.json"
FORMAT = "qvl-shards-2"

_MAX_SAMPLE_BYTES = 4 * 2**30
"""Of all files of a sample, which are in memory together: four of the largest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardTable:
    """The index of one shard: what is known of its samples without reading them.

    Attributes:
        name: of the tar.
        num_bytes: of the tar.
        sha256: of the tar.
        ids: see `encoding.content_id`.
        spans: first byte and number of bytes of each sample in the tar.
        digests: hash of those bytes.
        media: sizes of each sample's pictures and videos.
    """

    name: str
    num_bytes: int
    sha256: str
    ids: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    digests: tuple[str, ...] = ()
    media: tuple[tuple[MediaSize, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def entry(self) -> dict[str, Any]:
        """What the index of the set says of the shard; small, however many samples it has."""
        return {
            "name": self.name,
            "samples": len(self),
            "num_bytes": self.num_bytes,
            "sha256": self.sha256,
        }

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, column by column: it is read ten times faster than row by row."""
        return {
            "format": FORMAT,
            "name": self.name,
            "num_bytes": self.num_bytes,
            "sha256": self.sha256,
            "ids": self.ids,
            "spans": self.spans,
            "digests": self.digests,
            "media": self.media,
        }


@dataclass(kw_only=True)
class Columns:
    """The columns of a table that is being made."""

    ids: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    media: list[tuple[MediaSize, ...]] = field(default_factory=list)

    def add(self, sample_id: str, start: int, span: bytes, media: Sequence[MediaSize]) -> None:
        """Appends a sample that lies in these bytes of the tar."""
        self.ids.append(sample_id)
        self.spans.append((start, len(span)))
        self.digests.append(digest_of(span))
        self.media.append(tuple(media))

    def table(self, name: str, num_bytes: int, sha256: str) -> ShardTable:
        """Returns the table of a finished tar."""
        return ShardTable(
            name=name,
            num_bytes=num_bytes,
            sha256=sha256,
            ids=tuple(self.ids),
            spans=tuple(self.spans),
            digests=tuple(self.digests),
            media=tuple(self.media),
        )


def shard_name(number: int) -> str:
    """Returns the name of a shard's tar."""
    return f"shard-{number:05d}.tar"


def write_index(folder: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Names the shards of a set, in order; with it the folder is complete.

    Args:
        folder: of the shards.
        entries: `ShardTable.entry` of each.
    """
    write_json(folder / INDEX, {"format": FORMAT, "shards": entries})


def write_json(path: Path, value: object) -> None:
    """Writes a file whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, ensure_ascii=False))
    part.replace(path)


def table_path(folder: Path, name: str) -> Path:
    """Returns where the index of a tar is."""
    return folder / f"{Path(name).stem}.json"


def read_table(folder: Path, name: str) -> ShardTable:
    """Reads the index of one shard, and checks that it fits the tar's size.

    Raises:
        DataError: it is missing or damaged, or the tar is.
    """
    path = table_path(folder, name)
    try:
        found = json.loads(path.read_text())
        table = ShardTable(
            name=name,
            num_bytes=int(found["num_bytes"]),
            sha256=str(found["sha256"]),
            ids=tuple(map(str, found["ids"])),
            spans=tuple((int(start), int(length)) for start, length in found["spans"]),
            digests=tuple(map(str, found["digests"])),
            media=tuple(tuple(MediaSize(*item) for item in items) for items in found["media"]),
        )
        size = (folder / name).stat().st_size
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing", hint="make or copy the shard again") from (
            error
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no readable index of a shard: {error!r}") from error
    if size != table.num_bytes:
        word = "shorter" if size < table.num_bytes else "longer"
        raise DataError(
            f"{folder / name} is {word} than its index says: {size:,} bytes, not "
            f"{table.num_bytes:,}",
            hint="make or copy the shard again",
        )
    columns = (table.spans, table.digests, table.media)
    inside = all(0 <= start < start + length <= size for start, length in table.spans)
    if any(len(column) != len(table) for column in columns) or not inside:
        raise DataError(f"{path} is damaged: its columns do not fit one another or the tar")
    return table


def index_tars(folder: Path) -> int:
    """Makes the indexes of tars that came without; returns how many samples there are.

    Args:
        folder: holds tars whose samples are stored as `encoding` stores them.

    Raises:
        DataError: there are no tars, or one is damaged, hostile, or holds something else.
    """
    paths = sorted(folder.glob("*.tar"))
    if not paths:
        raise DataError(f"{folder} holds no tars")
    entries = []
    for path in paths:
        table = _table_of(path)
        write_json(table_path(folder, table.name), table.to_json())
        entries.append(table.entry)
    write_index(folder, entries)
    return sum(entry["samples"] for entry in entries)


def _table_of(path: Path) -> ShardTable:
    columns = Columns()
    with open(path, "rb") as file:
        for start, stop, files in _groups(file, path):
            try:
                encoded = encode_sample(decode_sample(files))
            except QvlError as error:
                raise DataError(f"{path}, sample {len(columns.ids)}: {error.message}") from error
            with open(path, "rb") as again:
                again.seek(start)
                columns.add(encoded.id, start, again.read(stop - start), encoded.media)
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return columns.table(path.name, path.stat().st_size, digest)


def _groups(file: IO[bytes], path: Path) -> Iterator[tuple[int, int, dict[str, bytes]]]:
    """The files of each sample, and where they lie: members that follow one another with one
    key."""
    key: str | None = None
    files: dict[str, bytes] = {}
    start = stop = 0
    for member in read_members(file, origin=str(path)):
        stem = member.name.removesuffix(f".{ending_of(member.name)}")
        if stem != key and files:
            yield start, stop, files
            files = {}
        if not files:
            key, start = stem, member.start
        files[ending_of(member.name)] = member.data
        stop = member.stop
        if stop - start > _MAX_SAMPLE_BYTES:
            raise DataError(
                f"{path}: sample {shown(key)} has more than {_MAX_SAMPLE_BYTES:,} bytes"
            )
    if files:
        yield start, stop, files


def ending_of(name: str) -> str:
    """Returns what tells the files of one sample apart: what follows the first dot of the name
    itself. Source: WebDataset, tariterators.py, base_plus_ext.

    >>> ending_of("./a.b/0001.0.png")
    '0.png'
    """
    return name.rpartition("/")[2].partition(".")[2]


def digest_of(span: bytes) -> str:
    """Returns the hash of a sample's bytes."""
    return hashlib.sha256(span).hexdigest()[:32]
