"""Writing to the terminal: data to stdout, everything else to stderr.

Owns: the two streams, tables, progress. Does not own: what is said.
"""

import io
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence


def accept_all_characters() -> None:
    """Lets stdout escape what its encoding lacks: an answer in Chinese must not end a command."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # an embedding program may have put another there
        sys.stdout.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """One line of data to stdout."""
    print(text)


def write_piece(text: str) -> None:
    """A piece of an answer to stdout, at once."""
    print(text, end="", flush=True)


def write_json(value: object) -> None:
    """Data to stdout as indented JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def note(text: str) -> None:
    """One line about the work to stderr."""
    print(text, file=sys.stderr, flush=True)


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows to stdout in columns, the first to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        first, *others = [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join([first, *others]).rstrip())


def write_pairs(pairs: Mapping[str, str]) -> None:
    """Names and values to stdout, one pair a line."""
    width = max(len(name) for name in pairs)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {value}")


def binary_size(count: float) -> str:
    """Bytes for people.

    >>> binary_size(24 * 2**30), binary_size(900)
    ('24.0 GiB', '900 B')
    """
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def progress(text: str, *, done: bool = False) -> None:
    """How far the work is, to stderr: in place on a terminal, line by line in a file."""
    if not sys.stderr.isatty():
        note(text)
        return
    width = shutil.get_terminal_size().columns
    print(f"\r\x1b[2K{text[: width - 1]}", end="\n" if done else "", file=sys.stderr, flush=True)
