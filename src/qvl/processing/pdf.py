"""A PDF file as pages: how many, how large, and their pixels, one page at a time.

Owns: limits of size, pages, pixels and time; errors for people. Does not own: PDFium itself, which
runs in a process of its own (``pdf_worker``).

    path | bytes -> Pdf -> page_size(number) -> render(number, max_pixels) -> RGB picture

Page numbers count from 1. Points (1/72 inch) are measured from the top left corner of the page as
shown, after the page's own rotation and crop; pixels of a rendered page are points times
``width_px / width_pt`` and ``height_px / height_pt``.
"""

import contextlib
import json
import math
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import PIL.Image

from qvl.errors import InputError
from qvl.options import shown
from qvl.processing.sources import blame, locate_source

MAX_BYTES = 2**31 - 1
"""Largest file that is opened. Source: PDFium addresses files with 32 bits (FPDF_FILEACCESS)."""

MAX_PAGES = 100_000
"""Most pages of a document; a page is read when it is asked for, so they cost nothing before."""

MAX_DPI = 300.0
"""Highest resolution a page is rendered in, as scanners deliver; small pages are not blown up."""

MAX_SIDE_PT = 100_000.0
"""Longest side of a page. Source: 14,400 points are the limit of ISO 32000-1, annex C; some
programs write more."""

TIMEOUT_S = 60.0
"""Longest time for one step on one page."""

_MAGIC = b"%PDF-"
_HEADER_BYTES = 1024
"""The header may stand anywhere in these. Source: ISO 32000-1, annex H, note 13."""


class PageSize(NamedTuple):
    """Size of a page in points, as shown, and the rotation already applied, in degrees."""

    width_pt: float
    height_pt: float
    rotation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedPage:
    """One page as a picture."""

    picture: PIL.Image.Image
    """RGB."""
    size: PageSize
    dpi: float


def is_pdf(source: object) -> bool:
    """Whether a path or bytes hold a PDF, by its first bytes."""
    if isinstance(source, bytes):
        return _MAGIC in source[:_HEADER_BYTES]
    if not isinstance(source, str | Path):
        return False
    with contextlib.suppress(InputError, OSError):
        located = locate_source(source, kind="document")
        if isinstance(located, bytes):
            return _MAGIC in located[:_HEADER_BYTES]
        with located.open("rb") as file:
            return _MAGIC in file.read(_HEADER_BYTES)
    return False


class Pdf:
    """One open document; close it, or use it in a ``with`` statement.

    Args:
        source: a path, a `file://` address, a data URI, or the contents of a file.
        password: of an encrypted document.
        timeout_s: longest time for one step on one page.

    Raises:
        InputError: no readable PDF, a wrong password, too large.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        *,
        password: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        located = locate_source(source, kind="document")
        name = f"PDF {shown(str(located))}" if isinstance(located, Path) else "PDF"
        with blame(name):
            _check_bytes(located)
            self._reader = _Reader(timeout_s)
            try:
                self.num_pages = self._open(located, password)
            except BaseException:
                self.close()
                raise
        self._name = name

    def _open(self, located: Path | bytes, password: str | None) -> int:
        is_path = isinstance(located, Path)
        command = {
            "path": str(located.absolute()) if isinstance(located, Path) else None,
            "password": password,
        }
        payload = b"" if is_path else located
        assert isinstance(payload, bytes)
        try:
            answer, _ = self._reader.ask("open", command, payload)
        except _Refused as error:
            raise _opening_error(str(error), has_password=password is not None) from None
        num_pages = int(answer["num_pages"])
        if num_pages < 1:
            raise InputError("it has no pages, expected at least one")
        if num_pages > MAX_PAGES:
            raise InputError(f"it has {num_pages:,} pages, expected at most {MAX_PAGES:,}")
        return num_pages

    def __enter__(self) -> "Pdf":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process that reads the file."""
        self._reader.close()

    def page_size(self, number: int) -> PageSize:
        """Size of a page.

        Raises:
            InputError: there is no such page, or it cannot be read.
        """
        with self._blame(number):
            answer, _ = self._ask("measure", {"index": self._index(number)})
            width, height = float(answer["width"]), float(answer["height"])
            if not (0 < width <= MAX_SIDE_PT and 0 < height <= MAX_SIDE_PT):
                raise InputError(
                    f"its size is {width:g} x {height:g} points, expected more than 0 and at most "
                    f"{MAX_SIDE_PT:g}"
                )
            return PageSize(width, height, int(answer["rotation"]))

    def render(self, number: int, *, max_pixels: int, max_dpi: float = MAX_DPI) -> RenderedPage:
        """Pixels of a page, as many as the limit allows.

        Args:
            number: from 1.
            max_pixels: most pixels of the picture.
            max_dpi: highest resolution.

        Raises:
            InputError: there is no such page, or it cannot be drawn in time.
        """
        size = self.page_size(number)
        with self._blame(number):
            scale = _scale(size, max_pixels, max_dpi)
            answer, data = self._ask("render", {"index": self._index(number), "scale": scale})
            shape = (int(answer["width"]), int(answer["height"]))
            picture = PIL.Image.frombuffer(
                "RGB", shape, data, "raw", "RGB", int(answer["stride"]), 1
            )
        return RenderedPage(picture=picture, size=size, dpi=72 * scale)

    def write_marked(
        self, target: Path, pages: Sequence[tuple[int, Sequence[Mapping[str, Any]]]]
    ) -> None:
        """Writes a PDF of some pages with marks drawn on them; the pages stay as they are.

        Args:
            target: the new file; replaced in one step.
            pages: page numbers with their marks, in points; see ``pdf_worker``.

        Raises:
            InputError: a page or the file cannot be written.
        """
        part = target.with_name(target.name + ".part").absolute()
        chosen = [{"index": self._index(number), "marks": list(marks)} for number, marks in pages]
        try:
            with blame(self._name):
                self._ask("mark", {"to": str(part), "pages": chosen}, steps=len(chosen))
            part.replace(target)
        except OSError as error:
            raise InputError(f"cannot write {target}: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)

    def _ask(
        self, do: str, command: Mapping[str, Any], *, steps: int = 1
    ) -> tuple[dict[str, Any], bytes]:
        try:
            return self._reader.ask(do, command, steps=steps)
        except _Refused as error:
            raise InputError(
                f"damaged: {shown(str(error))}", hint="open it in a viewer and save it again"
            ) from None

    def _blame(self, number: int) -> contextlib.AbstractContextManager[None]:
        return blame(f"{self._name}, page {number}")

    def _index(self, number: int) -> int:
        if not 1 <= number <= self.num_pages:
            raise InputError(f"there is no such page, expected 1 to {self.num_pages}")
        return number - 1


def _scale(size: PageSize, max_pixels: int, max_dpi: float) -> float:
    """Pixels per point, so that the picture has at most ``max_pixels``.

    PDFium rounds both sides up: the largest scale s with (w s + 1) (h s + 1) <= max_pixels.
    """
    area, half = size.width_pt * size.height_pt, (size.width_pt + size.height_pt) / 2
    fitting = (math.sqrt(half**2 + area * (max(max_pixels, 2) - 1)) - half) / area
    return min(max_dpi / 72, fitting)


def _check_bytes(located: Path | bytes) -> None:
    size = len(located) if isinstance(located, bytes) else located.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"it has {size:,} bytes, expected at most {MAX_BYTES:,}")


def _opening_error(reason: str, *, has_password: bool) -> InputError:
    if "password" in reason.lower():
        if has_password:
            return InputError("the password is wrong")
        return InputError("it is encrypted", hint="give its password")
    return InputError(
        f"damaged, cut off or no PDF: {shown(reason)}", hint="open it in a viewer and save it again"
    )


class _Refused(Exception):
    """What PDFium says about a file it does not read."""


class _Reader:
    """The other process: asked one thing at a time, ended when it takes too long."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        worker = Path(__file__).with_name("pdf_worker.py")
        try:
            self._process = subprocess.Popen(
                # -P: the modules beside the worker must not hide others of their names.
                [sys.executable, "-P", str(worker)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise InputError(f"cannot start the process that reads PDFs: {error}") from error

    def ask(
        self, do: str, command: Mapping[str, Any], payload: bytes = b"", *, steps: int = 1
    ) -> tuple[dict[str, Any], bytes]:
        """Returns the answer and the bytes that came with it."""
        request = json.dumps({"do": do, **command, "num_bytes": len(payload)}).encode()
        with self._lock, self._deadline(steps) as late:
            try:
                answer, data = self._exchange(request, payload)
            except (OSError, ValueError, EOFError):
                if late.is_set():
                    limit = self._timeout_s * steps
                    raise InputError(f"not done within {limit:g} seconds, given up") from None
                raise InputError(
                    "the process that reads it ended, as damaged files make it",
                    hint="open it in a viewer and save it again",
                ) from None
        if "error" in answer:
            raise _Refused(answer["error"])
        return answer, data

    def _exchange(self, request: bytes, payload: bytes) -> tuple[dict[str, Any], bytes]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(request + b"\n" + payload)
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline() or b"?")
        data = stdout.read(answer["num_bytes"])
        if len(data) != answer["num_bytes"]:
            raise EOFError
        return answer, data

    @contextlib.contextmanager
    def _deadline(self, steps: int) -> Iterator[threading.Event]:
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(self._timeout_s * steps, give_up)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # a write that was under way
                    stream.close()
        self._process.wait()
