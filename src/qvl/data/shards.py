"""Samples on disk: WebDataset tars with an index beside each for random access.

Owns: writing shards whole or not at all, reading any sample by number with its hash checked. Does
not own: the indexes (``shard_index``), what a sample's files hold (``encoding``), tars (``tars``).

    samples -> ShardWriter -> shard-00000.tar + shard-00000.json -> write_index() -> index.json
    folder -> ShardReader -> reader[number] -> Sample

A sample is ``KEY.json`` and its pictures and videos ``KEY.0.png``, ``KEY.1.mp4``, ...: any tar
reader reads the shards without the indexes.
Source of the naming: the WebDataset format (members of a sample share what stands before the first
dot and follow one another).
"""

import bisect
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from qvl.data.encoding import EncodedSample, decode_sample, encode_sample
from qvl.data.fingerprint import fingerprint
from qvl.data.media import MediaSize
from qvl.data.records import Sample
from qvl.data.shard_index import (
    INDEX,
    Columns,
    ShardTable,
    digest_of,
    ending_of,
    read_table,
    shard_name,
    table_path,
    write_index,
    write_json,
)
from qvl.data.tars import END, entry, read_span
from qvl.errors import DataError

_CACHED_TABLES = 32
_MAX_SHARDS = 1_000_000


class ShardWriter:
    """Writes one shard as a stream; it appears complete with its index, or not at all.

    Args:
        folder: exists.
        number: of the shard; equal samples in a shard of one number make equal files.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.name = shard_name(number)
        self._folder, self._number = folder, number
        self._part = folder / f".{self.name}.{os.getpid()}.part"
        self._file = open(self._part, "wb")  # noqa: SIM115 - closed by close and __exit__
        self._hash = hashlib.sha256()
        self._num_bytes = 0
        self._columns = Columns()

    def __len__(self) -> int:
        return len(self._columns.ids)

    def add(self, sample: Sample) -> str:
        """Appends a sample and returns its id.

        Raises:
            QvlError: it cannot be stored; the shard is as before.
        """
        return self.put(encode_sample(sample))

    def put(self, encoded: EncodedSample) -> str:
        """Appends a sample whose files are made already, and returns its id."""
        key = f"{self._number:05d}-{len(self):06d}"
        span = b"".join(entry(f"{key}.{name}", data) for name, data in encoded.files.items())
        self._columns.add(encoded.id, self._num_bytes, span, encoded.media)
        self._write(span)
        return encoded.id

    def close(self) -> ShardTable:
        """Puts the shard and its index in place."""
        self._write(END)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        table = self._columns.table(self.name, self._num_bytes, self._hash.hexdigest())
        self._part.replace(self._folder / self.name)
        write_json(table_path(self._folder, self.name), table.to_json())
        return table

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._num_bytes += len(data)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._file.closed:
            self._part.unlink(missing_ok=True)  # first: closing fails where there is no room
            self._file.close()


def write_shards(samples: Iterable[Sample], folder: Path, *, per_shard: int = 1000) -> int:
    """Writes samples in order and returns how many; goes on where an earlier call was stopped.

    Args:
        samples: the same ones in the same order when called again.
        folder: new, empty, or left unfinished by the same call.
        per_shard: samples in a tar.

    Raises:
        DataError: the folder holds a finished set or other samples, or a sample cannot be stored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / INDEX).exists():
        raise DataError(f"{folder} already holds shards", hint="give a new folder")
    rest = iter(samples)
    entries: list[dict[str, Any]] = []
    while (first := next(rest, None)) is not None:
        number = len(entries)
        done = _finished(folder, number, first)
        if done is not None:
            for _ in range(len(done) - 1):
                next(rest, None)
            entries.append(done.entry)
            continue
        with ShardWriter(folder, number) as writer:
            writer.add(first)
            while len(writer) < per_shard and (sample := next(rest, None)) is not None:
                writer.add(sample)
            entries.append(writer.close().entry)
    write_index(folder, entries)
    return sum(entry["samples"] for entry in entries)


def _finished(folder: Path, number: int, first: Sample) -> ShardTable | None:
    name = shard_name(number)
    if not table_path(folder, name).exists():
        return None
    table = read_table(folder, name)
    if not len(table) or table.ids[0] != encode_sample(first).id:
        raise DataError(
            f"{folder / name} holds other samples than the ones to write",
            hint="give a new folder, or the same samples in the same order to go on",
        )
    return table


class ShardReader:
    """The samples of a folder by number.

    Memory holds the indexes of a few shards, however many there are.

    Args:
        folder: written by `write_shards` or by a run.

    Raises:
        DataError: there is no index, or it does not fit the files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            index = json.loads((folder / INDEX).read_text())
            self.shards: list[Mapping[str, Any]] = list(index["shards"])
            counts = [int(shard["samples"]) for shard in self.shards]
            names = [str(shard["name"]) for shard in self.shards]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{folder} has no readable {INDEX}",
                hint="make shards with qvl data make; give tars of others an index with "
                "qvl data index",
            ) from error
        inside = all(Path(name).name == name and name.endswith(".tar") for name in names)
        if not inside or min(counts, default=0) < 0 or len(names) > _MAX_SHARDS:
            raise DataError(f"{folder / INDEX} is damaged: a name or count in it is impossible")
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise DataError(f"{folder} lacks {len(missing)} of its shards, such as {missing[0]}")
        self._names = names
        self._stops = list(accumulate(counts))
        self._table = lru_cache(_CACHED_TABLES)(lambda name: read_table(folder, name))

    def __reduce__(self) -> tuple[type["ShardReader"], tuple[Path]]:
        return ShardReader, (self.folder,)

    def __len__(self) -> int:
        return self._stops[-1] if self._stops else 0

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int, /) -> Sample:
        return decode_sample(self.files(number))

    def encoded(self, number: int) -> Sample:
        """Returns a sample whose pictures are still bytes: enough to measure or count tokens."""
        return decode_sample(self.files(number), pixels=False)

    def draw(self, rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
        """Returns any sample: a reader can stand in a mixture like a generator."""
        return self[int(rng.integers(len(self)))]

    def files(self, number: int) -> dict[str, bytes]:
        """Returns the files of a sample by the endings of their names, the hash checked.

        Raises:
            DataError: the shard is damaged.
        """
        table, place = self._at(number)
        start, length = table.spans[place]
        origin = f"{self.folder / table.name}, sample {place}"
        with open(self.folder / table.name, "rb") as file:
            file.seek(start)
            span = file.read(length)
        if digest_of(span) != table.digests[place]:
            raise DataError(f"{origin} is damaged", hint="make or copy the shard again")
        return {ending_of(name): data for name, data in read_span(span, origin=origin).items()}

    def id(self, number: int) -> str:
        """Returns the id of a sample, from the index."""
        table, place = self._at(number)
        return table.ids[place]

    def media(self, number: int) -> tuple[MediaSize, ...]:
        """Returns the sizes of a sample's pictures and videos, from the index."""
        table, place = self._at(number)
        return table.media[place]

    def tables(self) -> Iterator[ShardTable]:
        """Yields the indexes of all shards, one at a time."""
        return (read_table(self.folder, name) for name in self._names)

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the shards in which samples ``start`` to ``stop - 1`` are."""
        first = bisect.bisect_right(self._stops, start)
        last = bisect.bisect_left(self._stops, stop)
        hashes = [shard["sha256"] for shard in self.shards[first : last + 1]]
        offset = start - (self._stops[first - 1] if first else 0)
        return fingerprint(hashes, offset, stop - start)

    def verify(self) -> None:
        """Reads every byte and compares the hashes of all shards.

        Raises:
            DataError: one differs.
        """
        for shard in self.shards:
            with open(self.folder / shard["name"], "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != shard["sha256"]:
                raise DataError(
                    f"{self.folder / shard['name']} is not the shard that was written",
                    hint="make or copy it again",
                )

    def _at(self, number: int) -> tuple[ShardTable, int]:
        if not 0 <= number < len(self):
            raise IndexError(number)
        shard = bisect.bisect_right(self._stops, number)
        table = self._table(self._names[shard])
        place = number - (self._stops[shard - 1] if shard else 0)
        if place >= len(table):
            raise DataError(f"{self.folder / INDEX} does not fit the index of {table.name}")
        return table, place
