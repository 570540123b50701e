"""Pictures and videos of samples as bytes: what is stored, hashed, and measured.

Owns: reading a source whole, its hash, its size, the ending of its name. Does not own: decoding
(``processing``), files of shards (``tars``).

    Image | Video -> stored() -> StoredMedia(files, kinds, size) -> encoding
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import PIL.Image

from qvl.errors import DataError
from qvl.messages import Image, PreparedSource, Video
from qvl.processing.image import load_image, measure_size
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.sources import locate_source
from qvl.processing.video import measure_video

MAX_FILE_BYTES = 2**30
"""Largest picture or video that a sample may hold: one is in memory at a time."""

_PNG_LEVEL = 1  # drawn pictures shrink tenfold at any level; the higher ones take five times longer

_SUFFIXES = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpg"),
    (0, b"GIF8", "gif"),
    (0, b"BM", "bmp"),
    (0, b"II*\0", "tif"),
    (0, b"MM\0*", "tif"),
    (8, b"WEBP", "webp"),
    (8, b"AVI ", "avi"),
    (4, b"ftypavif", "avif"),
    (4, b"ftyp", "mp4"),
    (0, b"\x1aE\xdf\xa3", "mkv"),
    (0, b"\0\0\1\xba", "mpg"),
)
"""Offset and bytes by which a format is known. Source: libmagic's tables of these formats."""


class MediaSize(NamedTuple):
    """What packing needs to know of an item before it is decoded; original_px."""

    kind: Literal["image", "video"]
    height: int
    width: int
    num_frames: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredMedia:
    """An item as it is stored.

    Attributes:
        files: contents, one of a picture or video file, one a frame of a video given as frames.
        pixels: whether each was an array, to be decoded again when it is read.
        hashes: of each: of the pixels of an array, of the bytes of a file.
        size: of the item.
    """

    files: tuple[bytes, ...]
    pixels: tuple[bool, ...]
    hashes: tuple[str, ...]
    size: MediaSize


def is_frame_list(source: object) -> bool:
    """Whether the source of a video is its frames, one by one."""
    return isinstance(source, Sequence) and not isinstance(source, str | bytes)


def stored(part: Image | Video) -> StoredMedia:
    """Reads an item whole and measures it; pixels are not decoded.

    Raises:
        InputError: it is no readable picture or video.
        DataError: it is too large, or was prepared for a model already.
    """
    sources = list(part.source) if is_frame_list(part.source) else [part.source]  # type: ignore[arg-type]
    contents = [_contents(source, part) for source in sources]
    return StoredMedia(
        files=tuple(_file(content) for content in contents),
        pixels=tuple(isinstance(content, np.ndarray) for content in contents),
        hashes=tuple(map(_hash, contents)),
        size=_measure(part),
    )


def media_hashes(part: Image | Video) -> tuple[str, ...]:
    """The hashes of `stored`, without the rest of the work."""
    sources = list(part.source) if is_frame_list(part.source) else [part.source]  # type: ignore[arg-type]
    return tuple(_hash(_contents(source, part)) for source in sources)


def read_pixels(data: bytes) -> npt.NDArray[np.uint8]:
    """Decodes a stored array: uint8[H, W, 3]."""
    return np.asarray(load_image(data))


def suffix_of(data: bytes) -> str:
    """The usual ending of a file's name, told from its first bytes.

    >>> suffix_of(b"\\xff\\xd8\\xff\\xe0"), suffix_of(b"?")
    ('jpg', 'bin')
    """
    for offset, magic, suffix in _SUFFIXES:
        if data[offset : offset + len(magic)] == magic:
            return suffix
    return "bin"


def _contents(source: object, part: Image | Video) -> npt.NDArray[np.uint8] | bytes:
    kind: Literal["image", "video"] = (
        "video" if isinstance(part, Video) and not is_frame_list(part.source) else "image"
    )
    if isinstance(source, np.ndarray | PIL.Image.Image):
        # One spelling of equal pictures: grey, transparent and turned ones become upright RGB.
        plain = isinstance(source, np.ndarray) and source.dtype == np.uint8 and source.ndim == 3
        if plain and source.shape[2] == 3:  # type: ignore[union-attr]
            return np.ascontiguousarray(source)
        return np.asarray(load_image(source))
    if isinstance(source, PreparedSource) or not isinstance(source, str | Path | bytes):
        raise DataError(
            f"a {kind} of a sample is a {type(source).__name__}, "
            "expected a file, its bytes or an array of pixels"
        )
    located = locate_source(source, kind=kind)
    size = len(located) if isinstance(located, bytes) else located.stat().st_size
    if size > MAX_FILE_BYTES:
        raise DataError(f"{kind} has {size:,} bytes, expected at most {MAX_FILE_BYTES:,}")
    if isinstance(located, bytes):
        return located
    try:
        return located.read_bytes()
    except OSError as error:
        raise DataError(f"{kind} {located} cannot be read: {error.strerror}") from error


def _file(content: npt.NDArray[np.uint8] | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    file = io.BytesIO()
    PIL.Image.fromarray(content).save(file, "PNG", compress_level=_PNG_LEVEL)
    return file.getvalue()


def _hash(content: npt.NDArray[np.uint8] | bytes) -> str:
    digest = hashlib.sha256()
    if isinstance(content, bytes):
        digest.update(content)
    else:
        digest.update(f"pixels {content.shape}".encode())
        digest.update(content.data)
    return digest.hexdigest()[:32]


def _measure(part: Image | Video) -> MediaSize:
    if isinstance(part, Image):
        return MediaSize("image", *measure_size(part.source))
    measured = measure_video(part, DEFAULT_LIMITS)
    facts = measured.facts
    original = measured.transform.original
    return MediaSize(
        "video",
        original.height,
        original.width,
        facts.num_frames,
        round(facts.duration_s, 3),
    )
