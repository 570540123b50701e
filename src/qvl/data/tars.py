"""Tars of plain files: written as a stream, read without trusting them.

Owns: headers and bounds. Does not own: what the files mean (``shards``). Nothing is ever extracted
to disk.

    (name, bytes) -> entry() -> bytes of a tar;   file -> read_members() -> Member, Member, ...

Source: POSIX.1-1988 (ustar) and POSIX.1-2001 (pax) archive formats.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, NamedTuple

from qvl.data.media import MAX_FILE_BYTES
from qvl.errors import DataError
from qvl.options import shown

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
"""Two empty blocks close a tar."""

_MAX_PAX_BYTES = 64 * 1024
_SKIPPED = (tarfile.DIRTYPE, tarfile.XGLTYPE)
_LINK_WORDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


class Member(NamedTuple):
    """One plain file of a tar."""

    name: str
    data: bytes
    start: int
    """Where its first header begins."""
    stop: int
    """Where the next one begins."""


def entry(name: str, data: bytes) -> bytes:
    """Returns a file as it stands in a tar; owner and time are zero, so equal files are equal.

    >>> len(entry("a.txt", b"hello"))
    1024
    """
    member = tarfile.TarInfo(name)
    member.size = len(data)
    return member.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % BLOCK)


def read_members(file: IO[bytes], *, origin: str, start: int = 0) -> Iterator[Member]:
    """Yields the plain files from here to the end of the tar or of the file.

    Args:
        file: at a header.
        origin: how messages call it.
        start: where in the whole tar the file stands now.

    Raises:
        DataError: a link or device, a name that leads out of the folder or comes twice, a member
            beyond `MAX_FILE_BYTES`, a damaged header, or less data than a header says.
    """
    seen: set[str] = set()
    at = begin = start
    long_name: str | None = None
    while block := file.read(BLOCK):
        if block == bytes(BLOCK):
            return
        info = _header(block, origin, at)
        at += BLOCK
        if info.type == tarfile.XHDTYPE:
            data = _body(file, info, origin, most=_MAX_PAX_BYTES)
            at += _padded(info.size)
            long_name = _pax_path(data, origin)
            continue
        name = long_name or info.name
        long_name = None
        if info.type in _SKIPPED:
            _body(file, info, origin, most=_MAX_PAX_BYTES)
            at = begin = at + _padded(info.size)
            continue
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            kind = _LINK_WORDS.get(info.type, f"of type {shown(info.type)}")
            raise DataError(f"{origin}: member {shown(name)} is {kind}, expected plain files")
        _check_name(name, origin)
        if name in seen:
            raise DataError(f"{origin}: member {shown(name)} comes twice")
        seen.add(name)
        data = _body(file, info, origin, most=MAX_FILE_BYTES)
        at += _padded(info.size)
        yield Member(name, data, begin, at)
        begin = at


def read_span(data: bytes, *, origin: str) -> dict[str, bytes]:
    """Returns the files of a piece of a tar, by their names."""
    return {item.name: item.data for item in read_members(io.BytesIO(data), origin=origin)}


def _header(block: bytes, origin: str, at: int) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise DataError(
            f"{origin} is damaged or cut off at byte {at:,}: {error}",
            hint="make or download this shard again",
        ) from error


def _padded(size: int) -> int:
    return size + -size % BLOCK


def _body(file: IO[bytes], info: tarfile.TarInfo, origin: str, *, most: int) -> bytes:
    if not 0 <= info.size <= most:
        raise DataError(
            f"{origin}: member {shown(info.name)} claims {info.size:,} bytes, "
            f"expected at most {most:,}"
        )
    data = file.read(_padded(info.size))
    if len(data) < info.size:
        raise DataError(
            f"{origin} is cut off: member {shown(info.name)} has {len(data):,} of "
            f"{info.size:,} bytes",
            hint="make or download this shard again",
        )
    return data[: info.size]


def _pax_path(data: bytes, origin: str) -> str | None:
    """The name in a pax header, whose lines are ``length key=value``; other keys change nothing
    that is read here."""
    path = None
    while data:
        length, _, _ = data.partition(b" ")
        if not length.isdigit() or not len(length) < int(length) <= len(data):
            raise DataError(f"{origin} has a damaged pax header")
        key, _, value = data[len(length) + 1 : int(length) - 1].partition(b"=")
        if key == b"size":
            raise DataError(f"{origin} has a member beyond 8 GiB")
        if key == b"path":
            path = value.decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return path


def _check_name(name: str, origin: str) -> None:
    path = PurePosixPath(name)
    bad = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name
    if bad or not name or not name.isprintable():
        raise DataError(f"{origin}: member {shown(name)} has a name that leads out of its folder")
