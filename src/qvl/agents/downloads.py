"""Files that pages offer: refused, or kept in one folder within bounds.

Owns: names, sizes, time. Does not own: when a page offers one (``tabs``).

    Download -> take() -> a file in the folder, or nothing; either way a line that says so
"""

import asyncio
import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from qvl.options import shown

if TYPE_CHECKING:
    from playwright.async_api import Download

MOST_DOWNLOADS = 20
DOWNLOAD_BYTES = 200 * 2**20
DOWNLOAD_SECONDS = 120.0
_POLL_SECONDS = 0.05


class Downloads:
    """Takes what one browser context is offered."""

    def __init__(self, folder: Path | None, arriving: Path) -> None:
        """Takes files into a folder.

        Args:
            folder: where they are kept; None refuses them.
            arriving: where the browser puts them while they arrive.
        """
        self._folder = folder
        self._arriving = arriving
        self._count = 0

    async def take(self, offered: "Download") -> str:
        """Keeps or refuses a file; returns what became of it."""
        from playwright.async_api import Error

        name = safe_name(offered.suggested_filename)
        if self._folder is None or self._count >= MOST_DOWNLOADS:
            with contextlib.suppress(Error):
                await offered.cancel()
            return f"the file {shown(name)} was offered and refused"
        self._count += 1
        target = free_name(self._folder, name)
        saving = asyncio.ensure_future(offered.save_as(target))
        try:
            async with asyncio.timeout(DOWNLOAD_SECONDS):
                while not saving.done():
                    if _folder_bytes(self._arriving) > DOWNLOAD_BYTES:
                        raise TimeoutError
                    await asyncio.wait([saving], timeout=_POLL_SECONDS)
            await saving
        except TimeoutError:
            saving.cancel()
            with contextlib.suppress(Error):
                await offered.cancel()
            return f"the file {shown(name)} was too large or too slow, and was dropped"
        except (Error, OSError) as error:
            return f"the file {shown(name)} did not arrive: {first_line(error)}"
        return f"the file {shown(target.name)} was saved"


def first_line(error: Exception) -> str:
    """What an error of the browser says, without the log below it."""
    text = str(error).strip() or type(error).__name__
    return shown(text.splitlines()[0])


def safe_name(name: str) -> str:
    """A name a page gave to a file, as one that stays inside a folder.

    >>> safe_name("../../etc/pass wd"), safe_name(".."), safe_name("")
    ('etc_pass wd', 'file', 'file')
    """
    plain = re.sub(r"[^\w .()-]+", "_", name).strip("._ ")[:100]
    return plain or "file"


def free_name(folder: Path, name: str) -> Path:
    """A path in a folder that does not exist yet."""
    path = folder / name
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return path


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # moved away in this moment
            total += path.stat().st_size
    return total
