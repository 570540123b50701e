"""Event files that TensorBoard reads: numbers and texts by step.

Owns: the bytes of an event file. Does not own: what is recorded (``trainer``, ``samples``).

    scalars(step, {"loss": 0.5}) -> Event (protocol buffer) -> record with checksums -> file

Written here because it is a hundred lines: the package ``tensorboard`` brings a web server and
25 MB, which the machine that trains need not have.
Source: tensorflow/core/util/event.proto, framework/summary.proto and tensor.proto (field numbers);
core/lib/io/record_writer.h (records); RFC 3720 appendix B.4 (CRC-32C).
"""

import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from qvl.errors import TrainingError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types. Source: protobuf.dev/programming-guides/encoding."""
_DT_STRING = 7
_SESSION_START = 1
_MASK_DELTA = 0xA282EAD8


class EventWriter:
    """Appends to an event file of its own; every call is on disk when it returns.

    Args:
        folder: that ``tensorboard --logdir`` is given.
        first_step: of this session: what an earlier session recorded from there on is hidden,
            because the run went on from a state saved before.

    Raises:
        TrainingError: here and later, when the file cannot be written.
    """

    def __init__(self, folder: Path, *, first_step: int = 0) -> None:
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        number = 0
        while (path := folder / f"{name}.{number}").exists():
            number += 1
        self.path = path
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = open(path, "xb")  # noqa: SIM115 - closed by close
        except OSError as error:
            raise _unwritable(path, error) from error
        self._add(0, _text(3, "brain.Event:2"))
        if first_step:
            self._add(first_step, _message(7, _number(1, _SESSION_START)))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Records one number for each name."""
        summary = b"".join(
            _message(1, _text(1, name), _single(2, value)) for name, value in values.items()
        )
        self._add(step, _message(5, summary))

    def text(self, step: int, name: str, text: str) -> None:
        """Records a text, which TensorBoard shows as Markdown."""
        plugin = _message(9, _message(1, _text(1, "text")))
        tensor = _message(8, _number(1, _DT_STRING), _message(2), _text(8, text))
        self._add(step, _message(5, _message(1, _text(1, name), tensor, plugin)))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()

    def _add(self, step: int, content: bytes) -> None:
        event = _key(1, _FIXED64) + struct.pack("<d", time.time()) + _number(2, step) + content
        try:
            self._file.write(_record(event))
            self._file.flush()
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _unwritable(path: Path, error: OSError) -> TrainingError:
    return TrainingError(
        f"{path} cannot be written: {error.strerror or error}",
        hint="free some room; the same command then goes on from the last checkpoint",
    )


def _record(data: bytes) -> bytes:
    """The data with its length before it and the checksums of both."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """Returns the checksum of Castagnoli's polynomial.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = tuple(_crc_of_byte(value) for value in range(256))


def _varint(value: int) -> bytes:
    """
    >>> _varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _single(field: int, value: float) -> bytes:
    return _key(field, _FIXED32) + struct.pack("<f", value)


def _message(field: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _key(field, _BYTES) + _varint(len(body)) + body


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode("utf-8", "replace"))
