"""Writes files as a whole: beside their place first, then moved there.

Owns: atomic writing with typed errors. Does not own: what is written.
"""

from pathlib import Path

from qvl.errors import InputError


def write_text(path: Path, text: str) -> None:
    """Writes a file as a whole; half of a surrogate pair becomes a question mark.

    Raises:
        InputError: it cannot be written.
    """
    write_bytes(path, text.encode("utf-8", errors="replace"))


def write_bytes(path: Path, contents: bytes) -> None:
    """Writes a file as a whole.

    Raises:
        InputError: it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(contents)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
