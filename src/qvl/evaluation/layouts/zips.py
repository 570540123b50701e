"""Pictures in a zip file beside the questions, or in a folder of its name.

Owns: finding a member by its last name, bounded unpacking. Does not own what is in it.

    folder, "selected_images" -> Pictures -> of(name) -> bytes
"""

import contextlib
import unicodedata
import zipfile
import zlib
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.layouts.pictures import MAX_PICTURE_BYTES, MissingMedium, file_below

_UTF8 = 0x800
"""Flag of a member whose name is UTF-8. Source: APPNOTE.TXT 4.4.4, bit 11."""


class ZippedPictures:
    """Files by their last names, whatever folder of the archive they are in.

    Args:
        folder: of the dataset.
        name: of the zip file without its ending, and of the folder that it unpacks to.

    Raises:
        DataError: there is neither, or the zip file is damaged.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / name
        self._archive: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo] = {}
        path = folder / f"{name}.zip"
        if self._folder.is_dir():
            return
        try:
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path} cannot be read: {error}", hint=f"or unpack it to {self._folder}"
            ) from error
        for info in self._archive.infolist():
            for known in _names(info):
                self._members.setdefault(known, info)

    def of(self, name: str, *, where: str) -> bytes:
        """Returns a file's bytes.

        Raises:
            MissingMedium: there is none of that name.
            DataError: it is damaged or too large.
        """
        if self._archive is None:
            path = file_below(name, self._folder, where=where)
            if path.stat().st_size > MAX_PICTURE_BYTES:
                raise DataError(f"{where}: {path} is too large")
            return path.read_bytes()
        info = self._members.get(_plain(name))
        if info is None:
            raise MissingMedium(f"{where}: {self._archive.filename} has no {name}")
        try:
            with self._archive.open(info) as file:
                content = file.read(MAX_PICTURE_BYTES + 1)
        except (
            OSError,
            zipfile.BadZipFile,
            zlib.error,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise DataError(f"{where}: {info.filename} is damaged: {error}") from error
        if len(content) > MAX_PICTURE_BYTES:
            raise DataError(f"{where}: {info.filename} is larger than {MAX_PICTURE_BYTES:,} bytes")
        return content


def _plain(name: str) -> str:
    """The last name; letters with accents in one form, as systems write them in two."""
    return unicodedata.normalize("NFC", name.rsplit("/", 1)[-1])


def _names(info: zipfile.ZipInfo) -> list[str]:
    names = [_plain(info.filename)]
    if not info.flag_bits & _UTF8:  # read as cp437, but often written as UTF-8 all the same
        with contextlib.suppress(UnicodeError):
            names.append(_plain(info.filename.encode("cp437").decode("utf-8")))
    return names
