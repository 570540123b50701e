"""A document as pictures of its pages, whether it is a PDF or a picture.

Owns: telling the two apart, one face for both. Does not own: PDF (``pdf``), decoding (``image``).

    source -> open_pages() -> PageSource -> page(number) -> PagePicture
"""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import PIL.Image

from qvl.errors import InputError
from qvl.geometry import ImageSize
from qvl.processing.image import ImageSource, load_image
from qvl.processing.page_ranges import page_numbers
from qvl.processing.pdf import PageSize, Pdf, is_pdf
from qvl.processing.sources import locate_source

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PagePicture:
    """One page as a model can be shown it."""

    number: int
    """From 1."""
    picture: PIL.Image.Image
    """RGB."""
    size_pt: PageSize | None
    """In points; None for a picture, which has none."""

    @property
    def size(self) -> ImageSize:
        """In original_px, the pixels of ``picture``."""
        return ImageSize(self.picture.height, self.picture.width)


class PageSource(Protocol):
    """An open document."""

    @property
    def num_pages(self) -> int:
        """Pages of the document."""
        ...

    def page(self, number: int, *, max_pixels: int) -> PagePicture:
        """One page, of at most ``max_pixels`` where the resolution is ours to choose.

        Raises:
            InputError: there is no such page, or it cannot be read.
        """
        ...


@contextlib.contextmanager
def open_pages(source: ImageSource, *, password: str | None = None) -> Iterator[PageSource]:
    """Opens a PDF or a picture, which is a document of one page.

    Raises:
        InputError: it cannot be read, or the password is wrong.
    """
    if not isinstance(source, str | Path | bytes):
        yield _OnePicture(source)
        return
    locate_source(source, kind="document")  # what is missing or empty is called a document
    if is_pdf(source):
        with Pdf(source, password=password) as pdf:
            yield _PdfPages(pdf)
        return
    try:
        picture = _OnePicture(source)
    except InputError as error:
        raise InputError(f"no PDF and no picture that can be read: {error.message}") from error
    yield picture


class _PdfPages:
    def __init__(self, pdf: Pdf) -> None:
        self._pdf = pdf

    @property
    def num_pages(self) -> int:
        return self._pdf.num_pages

    def page(self, number: int, *, max_pixels: int) -> PagePicture:
        rendered = self._pdf.render(number, max_pixels=max_pixels)
        return PagePicture(number=number, picture=rendered.picture, size_pt=rendered.size)


class _OnePicture:
    """The whole picture, whatever ``max_pixels``: results are in its own pixels."""

    num_pages = 1

    def __init__(self, source: ImageSource) -> None:
        self._picture = load_image(source)

    def page(self, number: int, *, max_pixels: int) -> PagePicture:
        page_numbers(number, self.num_pages)  # refuses any other
        return PagePicture(number=1, picture=self._picture, size_pt=None)


def fingerprint(source: ImageSource) -> str:
    """SHA-256 of a document's contents, in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    digest = hashlib.sha256()
    if not isinstance(source, str | Path | bytes):
        picture = load_image(source)
        digest.update(repr(picture.size).encode() + picture.tobytes())
        return digest.hexdigest()
    located = locate_source(source, kind="document")
    if isinstance(located, bytes):
        digest.update(located)
        return digest.hexdigest()
    try:
        with located.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{located} cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()
