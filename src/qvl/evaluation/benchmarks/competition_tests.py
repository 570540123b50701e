"""Tests of programming competitions, as LiveCodeBench publishes them: read, never unpickled.

Owns: unpacking hidden tests within bounds. Does not own running them (``program_cases``).

    text -> JSON, or base64 -> zlib -> a pickle of one text -> JSON -> [Case, ...]

Hidden tests are a text that was pickled. A pickle is a program; this one is not run: its
instructions are listed, and it may have none but those that hold one text.
Source: LiveCodeBench (arXiv 2403.07974), lcb_runner/benchmarks/code_generation.py.
"""

import base64
import binascii
import io
import json
import pickletools
import zlib
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmarks.program_cases import Case

_MOST_BYTES = 256 * 2**20
"""Of one question's tests, unpacked."""
_TEXTS = frozenset(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"))
_HARMLESS = frozenset(("PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "STOP"))


def cases_of(*packed: str) -> list[Case]:
    """The cases in texts that have them as JSON, plain or packed.

    >>> cases_of('[{"input": "1 2", "output": "3", "testtype": "stdin"}]')
    [Case(given='1 2', expected='3')]

    Raises:
        DataError: a text has no tests, holds more than one text, or is too large.
    """
    return [
        Case(given=_text_of(test, "input"), expected=_text_of(test, "output"))
        for text in packed
        for test in _listed(text)
    ]


def _listed(text: str) -> list[Any]:
    try:
        found = json.loads(text if text.lstrip().startswith("[") else _unpacked(text))
    except (ValueError, RecursionError) as error:
        raise DataError(f"tests are no JSON: {error}") from error
    if not isinstance(found, list):
        raise DataError(f"tests are a {type(found).__name__}, expected a list")
    return found


def _unpacked(text: str) -> str:
    """The text in a packed one."""
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise DataError(f"tests are damaged: {error}") from error
    if not unpacker.eof:
        raise DataError(f"tests are cut off, or have more than {_MOST_BYTES:,} bytes")
    texts = []
    try:
        for operation, argument, _ in pickletools.genops(io.BytesIO(data)):
            if operation.name in _TEXTS:
                texts.append(argument)
            elif operation.name not in _HARMLESS:
                raise DataError(f"tests are a pickle with {operation.name}, expected one text")
    except ValueError as error:
        raise DataError(f"tests are damaged: {error}") from error
    if len(texts) != 1 or not isinstance(texts[0], str):
        raise DataError(f"tests are a pickle of {len(texts)} texts, expected one")
    return texts[0]


def _text_of(test: Any, name: str) -> str:
    value = test.get(name) if isinstance(test, dict) else None
    if not isinstance(value, str):
        raise DataError(f"a test has no {name!r}")
    return value
