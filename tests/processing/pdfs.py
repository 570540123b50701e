"""PDF files made on the spot."""

from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw


def write_pdf(
    path: Path,
    *,
    num_pages: int = 1,
    size: tuple[float, float] = (200, 400),
    rotation: int = 0,
    crop: tuple[float, float, float, float] | None = None,
) -> Path:
    """Pages, each with a blue square of 20 points whose corner is at (10, 30) of user space.

    ``size`` is (width, height) in points, before rotation; ``crop`` is left, bottom, right, top.
    """
    pdf = pdfium.PdfDocument.new()
    for _ in range(num_pages):
        page = pdf.new_page(*size)
        square = raw.FPDFPageObj_CreateNewRect(10, 30, 20, 20)
        raw.FPDFPageObj_SetFillColor(square, 0, 0, 255, 255)
        raw.FPDFPath_SetDrawMode(square, raw.FPDF_FILLMODE_WINDING, False)
        raw.FPDFPage_InsertObject(page, square)
        page.gen_content()
        if crop is not None:
            page.set_cropbox(*crop)
        page.set_rotation(rotation)
        page.close()
    pdf.save(str(path))
    pdf.close()
    return path


def encrypted(contents: bytes) -> bytes:
    """A PDF that says it is encrypted by a handler nobody knows the password of."""
    key = b"<" + b"00" * 32 + b">"
    handler = b"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O " + key + b"/U " + key + b">>"
    marked = contents.replace(b"trailer\r\n<<", b"trailer\r\n<<" + handler + b"/ID[<00><00>]")
    if marked == contents:
        raise AssertionError("the trailer was not found")
    return marked
