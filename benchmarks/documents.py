"""How fast answers become pages, and what a long PDF needs.

python benchmarks/documents.py

Parser: megabytes of model text a second of processor time, on three kinds of pages of 30 KB (best
of several runs) and on 10 MB at once. PDF: 100 pages rendered and prepared one after another;
memory of this process and of the one that reads the file.
"""

import platform
import tempfile
import time
from pathlib import Path

import psutil
import pypdfium2 as pdfium
from PIL import Image, ImageDraw

from qvl.checkpoint import EMBEDDED
from qvl.geometry import Box
from qvl.messages import Conversation
from qvl.messages import Image as ImagePart
from qvl.processing.pdf import Pdf
from qvl.processing.processor import Processor
from qvl.tasks.document import format, parse
from qvl.tasks.document_elements import Cell, Element, Figure, Formula, Heading, Paragraph, Table
from qvl.tasks.repetition import WINDOW, find_repetition

PAGE_BYTES = 30_000
PAGES = 100
MAX_PIXELS = 2048 * 784
BOX = Box(112, 240, 896, 287)
WORDS = "The quick brown fox jumps over the lazy dog, and so does everyone else in this report. "


def report(size: int) -> list[Element]:
    """Headings, paragraphs, a figure, a formula and a small table, again and again."""
    rows = tuple((Cell(f"{i}"), Cell("Revenue"), Cell(f"{i * 17.5}")) for i in range(8))
    part: list[Element] = [
        Heading(level=2, text="A heading", box=BOX),
        *[Paragraph(text=f"{i} {WORDS * 6}", box=BOX) for i in range(3)],
        Figure(role="caption", text="What is seen", box=BOX, picture=BOX),
        Formula(latex="\\frac{a}{b} < c & d", box=BOX, picture=BOX),
        Table(rows=rows, box=BOX, name="table1"),
    ]
    return part * max(1, round(size / len(format(part))))


def tables(size: int) -> list[Element]:
    """Nothing but short cells."""
    row = (Cell("12.5"), Cell("Revenue"), Cell("abc", col_span=2))
    return [Table(rows=(row,) * (size // 62), box=BOX)]


def formulas(size: int) -> list[Element]:
    """Nothing but short formulas."""
    return [Formula(latex="a < b + \\frac{1}{2}", box=BOX, picture=BOX)] * (size // 135)


def megabytes_a_second(text: str, runs: int) -> float:
    """The best of some runs."""
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        parse(text)
        best = min(best, time.process_time() - start)
    return len(text.encode()) / 1e6 / best


def measure_parser() -> None:
    for make in (report, tables, formulas):
        page, long = format(make(PAGE_BYTES)), format(make(10_000_000))
        speeds = megabytes_a_second(page, 30), megabytes_a_second(long, 1)
        print(
            f"parse {make.__name__:<10} {speeds[0]:6.1f} MB/s a page  {speeds[1]:6.1f} MB/s 10 MB"
        )
    text = format(report(WINDOW))
    start = time.process_time()
    for _ in range(20):
        find_repetition(text)
    print(f"look for a repetition {(time.process_time() - start) / 20 * 1e3:.1f} ms")


def make_pdf(path: Path) -> None:
    """Pages of a scanned document: a photograph-like picture and lines of text on each."""
    scans = []
    for number in range(4):
        scan = Image.effect_noise((1240, 1754), 40).convert("RGB")
        ImageDraw.Draw(scan).text((100, 100), f"{number} {WORDS}", fill="black")
        scans.append(scan)
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder) / "few.pdf"
        scans[0].save(few, save_all=True, append_images=scans[1:], resolution=150)
        source, target = pdfium.PdfDocument(few), pdfium.PdfDocument.new()
        for number in range(PAGES):
            target.import_pages(source, [number % 4])
        target.save(path)


def measure_pdf() -> None:
    processor = Processor.from_folder(EMBEDDED)
    own = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.pdf"
        make_pdf(path)
        print(f"PDF of {PAGES} pages, {path.stat().st_size / 1e6:.0f} MB")
        with Pdf(path) as pdf:
            reader = psutil.Process(pdf._reader._process.pid)
            start = time.perf_counter()
            for number in range(1, PAGES + 1):
                picture = pdf.render(number, max_pixels=MAX_PIXELS).picture
                part = ImagePart(picture, max_pixels=MAX_PIXELS)
                inputs = processor(Conversation.user(part, "QwenVL HTML "))
                if number in (1, 10, PAGES):
                    sizes = [p.memory_info().rss / 1e6 for p in (own, reader)]
                    print(
                        f"after page {number:>3}: {sizes[0]:.0f} MB here, {sizes[1]:.0f} MB in the "
                        f"reader, {len(inputs.input_ids)} tokens"
                    )
            seconds = time.perf_counter() - start
            print(f"{seconds / PAGES * 1e3:.0f} ms a page, rendered and prepared")


if __name__ == "__main__":
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    measure_parser()
    measure_pdf()
