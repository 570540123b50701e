"""What the source of a picture or video may be, and where its bytes are.

Owns: paths, `file://` addresses, data URIs, file contents. Does not own: decoding. Nothing is
fetched from a network.

    str | Path | bytes -> locate_source -> Path of a readable file | bytes
"""

import base64
import binascii
import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, unquote_to_bytes

from qvl.errors import InputError
from qvl.options import shown

Kind = Literal["image", "video", "document"]

# Two letters or more before "://", so that no Windows drive is taken for an address.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


VIDEO_SUFFIXES = frozenset((
    ".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".3gp", ".flv", ".wmv", ".ogv",
))  # fmt: skip
"""A path that ends so is a video; give `Video(...)` for any other."""


def is_video_name(source: str | Path) -> bool:
    """Whether a path, address or data URI says by its name that it is a video.

    >>> [is_video_name(name) for name in ("match.MP4", "data:video/mp4;base64,AA", "photo.gif")]
    [True, True, False]
    """
    name = str(source)
    if name[:5].lower() == "data:":
        return name[5:11].lower() == "video/"
    return Path(name).suffix.lower() in VIDEO_SUFFIXES


def locate_source(source: str | Path | bytes, *, kind: Kind) -> Path | bytes:
    """Finds the file or the bytes that a source names; reads no file.

    Raises:
        InputError: a missing, unreadable or empty file, a directory, a device, an address on the
            network, a malformed data URI.
    """
    if isinstance(source, bytes):
        if not source:
            raise InputError(f"{kind} is 0 bytes long, expected the contents of a file")
        return source
    if isinstance(source, Path):
        return _readable_file(source, kind)
    if not source.strip():
        raise InputError(f"{kind} source is an empty string, expected a path")
    scheme = source[:5].lower()
    if scheme == "data:":
        return _decode_data_uri(source, kind)
    if scheme == "file:":
        return _readable_file(_path_of_file_address(source), kind)
    if _ADDRESS.match(source):
        raise InputError(
            f"{kind} is an address, {shown(source)}, expected a file: nothing is fetched here",
            hint="download it first and give the path",
        )
    return _readable_file(Path(source), kind)


@contextlib.contextmanager
def blame(name: str) -> Iterator[None]:
    """Puts the name of the thing at fault before the message of any InputError inside."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {error.message}", hint=error.hint) from None


def _readable_file(path: Path, kind: Kind) -> Path:
    name = shown(str(path))
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise InputError(f"{kind} file {name} does not exist") from None
    except (OSError, ValueError) as error:  # name too long, null byte, no permission, link loop
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{kind} file {name} cannot be opened: {reason}") from None
    if stat.S_ISDIR(status.st_mode):
        raise InputError(
            f"{kind} file {name} is a directory, expected a file",
            hint="give one file of it, or all frames of a video as a list",
        )
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{kind} file {name} is a device or a pipe, expected a regular file")
    if status.st_size == 0:
        raise InputError(f"{kind} file {name} is empty")
    if not os.access(path, os.R_OK):
        raise InputError(f"{kind} file {name} cannot be opened: permission denied")
    return path


def _path_of_file_address(address: str) -> Path:
    """`file:///a%20b.png` -> /a b.png; a name that holds a real percent sign is taken as it is."""
    rest = address[len("file:") :]
    if rest.startswith("//"):
        rest = rest[2:].removeprefix("localhost")
    verbatim = Path(rest)
    if "%" in rest and "\0" not in rest and not verbatim.exists():
        return Path(unquote(rest))
    return verbatim


def _decode_data_uri(uri: str, kind: Kind) -> bytes:
    header, comma, payload = uri.partition(",")
    if not comma:
        raise InputError(f"{kind} has a data URI without a comma, {shown(uri)}")
    if header.lower().endswith(";base64"):
        text = "".join(unquote(payload).split()) if "%" in payload else "".join(payload.split())
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise InputError(f"{kind} has a data URI whose base64 is damaged") from None
    else:
        data = unquote_to_bytes(payload)
    if not data:
        raise InputError(f"{kind} has a data URI of 0 bytes")
    return data
