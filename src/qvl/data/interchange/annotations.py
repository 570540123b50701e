"""Annotation files in JSON and JSONL with their media beside them, as fine-tuning codes read them.

Owns: files of records: where each record lies, where its media are, writing new ones. Does not own:
what a record means (``conversations``).

    annotations.json + folder of media -> AnnotationFile -> file[number] -> Sample
    samples -> write_annotations() -> annotations.json + annotations_media/

Packs (lists of records in place of a record) are taken apart: packing is planned anew by the
lengths of the model that is trained.
"""

import hashlib
import json
import os
from array import array
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from qvl.data.encoding import media_of
from qvl.data.fingerprint import fingerprint
from qvl.data.interchange.conversations import read_record, write_record
from qvl.data.interchange.named_files import Stamp, file_below, stamps
from qvl.data.interchange.web_pages import local_source
from qvl.data.media import is_frame_list, stored, suffix_of
from qvl.data.records import Sample
from qvl.errors import DataError, QvlError
from qvl.messages import Image, Video

MAX_JSON_BYTES = 2 * 2**30
"""Largest .json file, which is in memory as a whole; .jsonl has no such limit."""

_MAX_LINE_BYTES = 64 * 2**20
_SPACE = " \t\r\n"


class Problem(NamedTuple):
    """What is wrong with a record, and where."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class _Place(NamedTuple):
    """Where a record lies in the file."""

    line: int
    start: int
    in_pack: int = -1
    """Which record of a pack it is; -1 outside packs."""
    error: str = ""
    """Why it cannot be read."""


_UNREAD = "the rest of the file is not read"


class _Places:
    """The places of all records, a few bytes each: a file may have millions."""

    def __init__(self, found: Iterable[_Place]) -> None:
        self._lines, self._starts, self._in_pack = array("q"), array("q"), array("l")
        self._errors: dict[int, str] = {}
        for place in found:
            if place.error:
                self._errors[len(self)] = place.error
            self._lines.append(place.line)
            self._starts.append(place.start)
            self._in_pack.append(place.in_pack)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, number: int) -> _Place:
        error = self._errors.get(number, "")
        return _Place(self._lines[number], self._starts[number], self._in_pack[number], error)


class AnnotationFile:
    """The samples of an annotation file, by number.

    A record that cannot be read raises a `DataError` that names file and line when it is asked for;
    the others are not affected.

    Args:
        path: ``.jsonl`` with a record a line, or ``.json`` with a list of records.
        root: folder in which media are, and outside of which none is read; None for that of the
            file.
        licence: SPDX name of the terms of the data set; empty when it is not known.

    Raises:
        DataError: the file cannot be opened, or is too large.
    """

    def __init__(self, path: Path, *, root: Path | None = None, licence: str = "") -> None:
        self.path = path
        self.root = path.parent if root is None else root
        self.licence = licence
        try:
            size = path.stat().st_size
            if path.suffix == ".jsonl":
                self._text = ""
                with open(path, "rb") as file:
                    self._places = _Places(_scan_lines(file))
            else:
                if size > MAX_JSON_BYTES:
                    raise DataError(
                        f"{path} has {size:,} bytes, expected at most {MAX_JSON_BYTES:,}",
                        hint="write one record a line into a .jsonl file",
                    )
                self._text = path.read_text(encoding="utf-8-sig")
                self._places = _Places(_scan_list(self._text))
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is no text in UTF-8: {error}") from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.path, self.root, self.licence)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        where = self.where(number)
        try:
            record = self._record(number)
            return read_record(record, origin=where, licence=self.licence, locate=self._locate)
        except DataError as error:
            raise DataError(f"{where}: {error.message}", hint=error.hint) from error

    @property
    def fault(self) -> str:
        """Where and why reading ended before the end of the file; empty if it did not."""
        last = len(self) - 1
        place = self._places[last] if last >= 0 else None
        if place is None or _UNREAD not in place.error:
            return ""
        return f"{self.where(last)}: {place.error}"

    def where(self, number: int) -> str:
        """Returns file and line of a record, as messages name it."""
        place = self._places[number]
        pack = "" if place.in_pack < 0 else f", {place.in_pack} of a pack"
        return f"{self.path.name}:{place.line}{pack}"

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the file, and of size and time of the media of these records."""
        media: list[Stamp] = []
        for number in range(start, stop):
            try:
                media += stamps(part.source for part in media_of(self[number].conversation))
            except DataError:
                continue
        return fingerprint(self._sha256, self.licence, media, start, stop)

    @cached_property
    def _sha256(self) -> str:
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _record(self, number: int) -> Any:
        place = self._places[number]
        if place.error:
            raise DataError(place.error)
        if self._text:
            value, _ = json.JSONDecoder().raw_decode(self._text, place.start)
        else:
            with open(self.path, "rb") as file:
                file.seek(place.start)
                value = json.loads(file.readline(_MAX_LINE_BYTES))
        return value[place.in_pack] if place.in_pack >= 0 else value

    def _locate(self, name: Any, kind: Literal["image", "video"]) -> Any:
        if not isinstance(name, str) or not name:
            raise DataError(f"{kind} is {name!r}, expected the name of a file")
        if name.startswith("data:"):
            return name
        if name.startswith(("http://", "https://")):  # perhaps it was fetched before
            return local_source(name, folder=self.root, root=self.root)
        return file_below(name, self.root, kind=kind)


def _reopened(path: Path, root: Path, licence: str) -> AnnotationFile:
    return AnnotationFile(path, root=root, licence=licence)


def _scan_lines(file: Any) -> Iterator[_Place]:
    line = start = 0
    while data := file.readline(_MAX_LINE_BYTES):
        line += 1
        if len(data) == _MAX_LINE_BYTES and not data.endswith(b"\n"):
            yield _Place(line, start, error=f"line of more than {_MAX_LINE_BYTES:,} bytes")
            while data and not data.endswith(b"\n"):
                start += len(data)
                data = file.readline(_MAX_LINE_BYTES)
            start += len(data)
            continue
        text = data.strip()
        if line == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if text:
            yield from _places_of(text, line, start)
        start += len(data)


def _places_of(text: bytes, line: int, start: int) -> Iterator[_Place]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield _Place(line, start, error=f"no JSON: {error}")
        return
    yield from _unpacked(value, line, start)


def _unpacked(value: Any, line: int, start: int) -> Iterator[_Place]:
    if isinstance(value, list):
        yield from (_Place(line, start, place) for place in range(len(value)))
    else:
        yield _Place(line, start)


def _scan_list(text: str) -> Iterator[_Place]:
    """Finds the records of a list one by one; a fault in the JSON ends it with a place of its
    own."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    line = 1 + text.count("\n", 0, at)
    if text[at : at + 1] != "[":
        yield _Place(line, at, error="expected a list of records")
        return
    at = _skip(text, at + 1)
    counted = 0
    line = 1
    while text[at : at + 1] != "]":
        line += text.count("\n", counted, at)
        counted = at
        try:
            value, stop = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield _Place(line, at, error=f"no JSON, {_UNREAD}: {error}")
            return
        yield from _unpacked(value, line, at)
        at = _skip(text, stop)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            line += text.count("\n", counted, at)
            fault = f"no comma after a record, {_UNREAD}"
            yield _Place(line, at, error=fault)
            return


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def write_annotations(samples: Iterable[Sample], path: Path) -> tuple[int, list[Problem]]:
    """Writes samples as an annotation file; returns how many, and which could not be written.

    Media that are files below the folder of ``path`` are named where they are; others are written
    into a folder beside it.

    Args:
        samples: in order.
        path: ends in ``.json`` (a list) or ``.jsonl`` (a record a line), and does not exist.

    Raises:
        DataError: the name is taken, or ends otherwise.
    """
    if path.suffix not in (".json", ".jsonl"):
        raise DataError(f"{path.name} ends in {path.suffix!r}, expected .json or .jsonl")
    if path.exists():
        raise DataError(f"{path} already exists", hint="give a new name")
    path.parent.mkdir(parents=True, exist_ok=True)
    media = path.with_name(f"{path.stem}_media")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    problems: list[Problem] = []
    count = 0
    lines = path.suffix == ".jsonl"
    with open(part, "w", encoding="utf-8") as file:
        file.write("" if lines else "[")
        for number, sample in enumerate(samples):
            try:
                names = _named(sample, number, media)
                text = json.dumps(write_record(sample, names), ensure_ascii=False)
                text.encode()  # half of a surrogate pair is found here, not in the middle of a line
            except (QvlError, TypeError, ValueError) as error:
                message = error.message if isinstance(error, QvlError) else str(error)
                problems.append(Problem(f"sample {number}", message))
                continue
            file.write(text + "\n" if lines else ("," if count else "") + "\n" + text)
            count += 1
        file.write("" if lines else "\n]\n")
    part.replace(path)
    return count, problems


def _named(sample: Sample, number: int, folder: Path) -> list[str]:
    """The names by which a record knows its media, written where they are not files yet."""
    names = []
    for place, item in enumerate(media_of(sample.conversation)):
        below = _below(item, folder.parent)
        if below is not None:
            names.append(below)
            continue
        if is_frame_list(item.source):
            raise DataError("a video given as frames has no file, the format has no place for it")
        (data,) = stored(item).files
        folder.mkdir(exist_ok=True)
        file = folder / f"{number:09d}.{place}.{suffix_of(data)}"
        file.write_bytes(data)
        names.append(f"{folder.name}/{file.name}")
    return names


def _below(item: Image | Video, folder: Path) -> str | None:
    source = item.source
    if isinstance(source, np.ndarray) or not isinstance(source, str | Path):
        return None
    path = Path(source)
    if str(source).startswith("data:") or not path.is_relative_to(folder):
        return None
    return path.relative_to(folder).as_posix()
