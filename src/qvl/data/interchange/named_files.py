"""Files that records name: where they may be, and what tells that one has changed.

Owns: keeping names below a root, the stamps of files. Does not own: names in pages and addresses
(``web_pages.local_source``), reading files (``media``).

    "images/7.jpg", root -> file_below() -> path;   "../../etc/passwd" -> DataError
    sources of a sample -> stamps() -> name, size and time of each file
"""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from qvl.errors import DataError
from qvl.options import shown

Stamp = tuple[str, int, int]


def file_below(name: str, root: Path, *, kind: str) -> Path:
    """Returns the file that a record names, which need not exist.

    Links below the root are followed: they were put there by whoever owns it, not by the record.

    Args:
        name: relative to the root, absolute, or an address with ``file:``.
        root: no file that lies outside of it is returned.
        kind: what the file is, for the message.

    Raises:
        DataError: the file would lie outside.
    """
    try:
        path = url2pathname(urlsplit(name).path) if name.startswith("file:") else name
        folder = os.path.abspath(root)
        place = Path(os.path.normpath(os.path.join(folder, path)))
        is_below = place.is_relative_to(folder) and "\0" not in path
    except ValueError:
        is_below = False
    if not is_below:
        raise DataError(
            f"{kind} {shown(name)} lies outside {root}",
            hint="if it may be read, give a --root that holds it",
        )
    return root / place.relative_to(folder)


def stamps(sources: Iterable[object]) -> list[Stamp]:
    """Name, size and time of those sources that are files; a picture that changes has others."""
    found = []
    for source in sources:
        if not isinstance(source, Path):
            continue
        try:
            status = source.stat()
        except (OSError, ValueError):
            continue
        found.append((str(source), status.st_size, status.st_mtime_ns))
    return found
