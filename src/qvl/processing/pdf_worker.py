"""Reads a PDF in a process of its own: measures, renders and marks pages.

Owns: everything that touches PDFium. Does not own: limits and errors for people (``pdf``).

    stdin: a line of JSON, then bytes -> one command -> stdout: a line of JSON, then bytes

A faulty or hostile file can make PDFium hang, crash or fill the memory; here that ends a process
that can be spared. It imports nothing of ours, so that it starts in a moment.
Page coordinates are as the page is shown: points, origin at the top left, after its own rotation.
"""

import contextlib
import ctypes
import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import IO, Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

MEMORY_BYTES = 4 << 30
"""Most address space of the process, where the system can limit it."""

PAGES_BETWEEN = 16
"""Rendered pages after which a document is opened anew: PDFium keeps what it read of a page."""


class Worker:
    """One open document and the commands on it."""

    def __init__(self) -> None:
        self._pdf: pdfium.PdfDocument | None = None
        self._source: str | bytes = b""
        self._password: str | None = None
        self._num_rendered = 0

    def open(self, command: Mapping[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        """Opens a path, or the bytes sent along."""
        self._source = command["path"] or payload
        self._password = command["password"]
        self._reopen()
        return {"num_pages": len(self._document())}, b""

    def _reopen(self) -> None:
        if self._pdf is not None:
            self._pdf.close()
        self._pdf = pdfium.PdfDocument(self._source, password=self._password)
        self._pdf.init_forms()  # so that what was filled in is drawn

    def measure(self, command: Mapping[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        """Size of a page in points, as shown, and its rotation."""
        with self._page(command["index"]) as page:
            width, height = page.get_size()
            return {"width": width, "height": height, "rotation": page.get_rotation()}, b""

    def render(self, command: Mapping[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        """Pixels of a page: RGB rows, each of ``stride`` bytes."""
        self._num_rendered += 1
        if self._num_rendered % PAGES_BETWEEN == 0:
            self._reopen()
        with self._page(command["index"]) as page:
            bitmap = page.render(scale=command["scale"], rev_byteorder=True)
            with contextlib.closing(bitmap):
                size = {"width": bitmap.width, "height": bitmap.height, "stride": bitmap.stride}
                return size, bytes(bitmap.buffer)

    def mark(self, command: Mapping[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        """Writes a PDF of some pages with rectangles, lines and labels on them."""
        target = pdfium.PdfDocument.new()
        with contextlib.closing(target):
            for page_marks in command["pages"]:
                target.import_pages(self._document(), [page_marks["index"]])
                page = target[len(target) - 1]
                with contextlib.closing(page):
                    _draw(target, page, page_marks["marks"])
            target.save(command["to"])
        return {}, b""

    def _document(self) -> pdfium.PdfDocument:
        assert self._pdf is not None, "open comes first"
        return self._pdf

    @contextlib.contextmanager
    def _page(self, index: int) -> Any:
        page = self._document()[index]
        with contextlib.closing(page):
            yield page


def _draw(
    pdf: pdfium.PdfDocument, page: pdfium.PdfPage, marks: Iterable[Mapping[str, Any]]
) -> None:
    place = _Placement(page)
    for mark in marks:
        if mark["kind"] == "label":
            _draw_label(pdf, page, place, mark)
            continue
        points = [place(x, y) for x, y in mark["points"]]
        path = raw.FPDFPageObj_CreateNewPath(*points[0])
        for point in points[1:]:
            raw.FPDFPath_LineTo(path, *point)
        if mark["closed"]:
            raw.FPDFPath_Close(path)
        is_filled = mark["fill"] is not None
        if is_filled:
            raw.FPDFPageObj_SetFillColor(path, *mark["fill"], 255)
        raw.FPDFPageObj_SetStrokeColor(path, *mark["colour"], 255)
        raw.FPDFPageObj_SetStrokeWidth(path, mark["width"])
        mode = raw.FPDF_FILLMODE_WINDING if is_filled else raw.FPDF_FILLMODE_NONE
        raw.FPDFPath_SetDrawMode(path, mode, True)
        raw.FPDFPage_InsertObject(page, path)
    page.gen_content()


def _draw_label(
    pdf: pdfium.PdfDocument, page: pdfium.PdfPage, place: "_Placement", mark: Mapping[str, Any]
) -> None:
    text = raw.FPDFPageObj_NewTextObj(pdf, b"Helvetica", mark["size"])
    encoded = (mark["text"] + "\0").encode("utf-16-le")
    buffer = ctypes.create_string_buffer(encoded, len(encoded))
    raw.FPDFText_SetText(text, ctypes.cast(buffer, raw.FPDF_WIDESTRING))
    raw.FPDFPageObj_SetFillColor(text, *mark["colour"], 255)
    (x, y), (right, up) = mark["points"][0], place.directions
    raw.FPDFPageObj_Transform(text, *right, *up, *place(x, y))
    raw.FPDFPage_InsertObject(page, text)


class _Placement:
    """A place on the page as shown -> the same in the page's own coordinates.

    Source: ISO 32000-1, 8.3.2.3 (user space) and table 30 (Rotate, clockwise).
    """

    def __init__(self, page: pdfium.PdfPage) -> None:
        self._left, self._bottom, self._right, self._top = page.get_bbox()
        self._rotation = page.get_rotation()

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        if self._rotation == 90:
            return self._left + y, self._bottom + x
        if self._rotation == 180:
            return self._right - x, self._bottom + y
        if self._rotation == 270:
            return self._right - y, self._top - x
        return self._left + x, self._top - y

    @property
    def directions(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Where right and up on the page as shown lead."""
        return {
            90: ((0, 1), (-1, 0)),
            180: ((-1, 0), (0, -1)),
            270: ((0, -1), (1, 0)),
        }.get(self._rotation, ((1, 0), (0, 1)))


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answers commands until the input ends. What PDFium refuses is an answer too."""
    worker = Worker()
    while line := requests.readline():
        command = json.loads(line)
        payload = requests.read(command["num_bytes"])
        try:
            answer, data = getattr(worker, command["do"])(command, payload)
        except (pdfium.PdfiumError, ValueError, OSError, MemoryError) as error:
            answer, data = {"error": str(error) or type(error).__name__}, b""
        answers.write(json.dumps({**answer, "num_bytes": len(data)}).encode() + b"\n")
        answers.write(data)
        answers.flush()


def limit_memory() -> None:
    """Keeps a faulty file from taking the machine's memory."""
    try:
        import resource
    except ImportError:  # not on this system
        return
    with contextlib.suppress(ValueError, OSError):  # a lower limit is set already
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    limit_memory()
    # Whatever a library prints must not end up among the answers.
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, channel)
