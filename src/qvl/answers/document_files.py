"""Writes what was read of a document into files: Markdown, HTML, JSON, overlays.

Owns: names of files, cutting out pictures, the overlay PDF. Does not own: what they say (results,
``tasks``), PDF (``processing.pdf``).

    DocumentResult -> one look at every page's picture -> files, each written as a whole

The overlay PDF is made by PDFium from the original pages, so that their text stays text; Pillow's
writer would turn each page into a picture.
"""

import base64
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import PIL.Image

from qvl.answers.document_results import (
    DocumentResult,
    PageResult,
    check_picture,
    join_markdown,
)
from qvl.answers.files import write_bytes, write_text
from qvl.errors import InputError
from qvl.geometry import Box, Point
from qvl.options import nearest, shown
from qvl.processing.image import load_image
from qvl.processing.pages import open_pages
from qvl.processing.pdf import Pdf, is_pdf
from qvl.tasks.document_elements import Chart, Element, Figure, Pictured, walk
from qvl.tasks.document_html import PictureSource, page_html
from qvl.tasks.document_markdown import to_markdown
from qvl.tasks.draw import paint
from qvl.tasks.draw_document import document_scene
from qvl.tasks.marks import DARK, Tag

Format = Literal["md", "html", "json", "overlay"]
FORMATS: tuple[str, ...] = get_args(Format)

Place = Callable[[Point], list[float]]
"""Pixels of the canvas -> points of the page."""

_SMALLEST_PICTURE_PX = 4
"""Smaller boxes are slips, not pictures."""
_JPEG_QUALITY = 85


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """The formats, each once.

    Raises:
        InputError: one is not known.
    """
    for name in formats:
        if name not in FORMATS:
            hint = nearest(name, FORMATS)
            raise InputError(
                f"format is {shown(name)}, expected of {', '.join(FORMATS)}", hint=hint
            )
    if not formats:
        raise InputError(f"no format was chosen, expected of {', '.join(FORMATS)}")
    return tuple(dict.fromkeys(formats))


def save_document(result: DocumentResult, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Writes a document in some formats.

    ``NAME.md`` with its pictures in ``NAME-figures/``; ``NAME.html``, which stands alone;
    ``NAME.json``; ``NAME-overlay.pdf`` and a PNG of each page in ``NAME-overlay/``.

    Args:
        result: what was read.
        folder: made if it is missing.
        formats: of `FORMATS`.

    Returns:
        the files that were written, without the pictures.

    Raises:
        InputError: a format is not known, the document has changed, a file cannot be written.
    """
    wanted = check_formats(formats)
    name = Path(result.title).stem or "document"
    figures, overlays = folder / f"{name}-figures", folder / f"{name}-overlay"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if "overlay" in wanted:
            overlays.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    markdown: list[str] = []
    sources: list[PictureSource] = []
    for page, picture in _with_pictures(result, wanted):
        crops = {} if picture is None else _crops(page, picture)
        if "md" in wanted:
            addresses = _write_crops(crops, figures, page.number)
            markdown.append(to_markdown(page.elements, source=_by_element(addresses)))
        if "html" in wanted:
            embedded = {key: _data_uri(crop) for key, crop in crops.items()}
            sources.append(_by_element(embedded))
        if "overlay" in wanted and picture is not None:
            drawn = paint(picture, document_scene(page.size, page.elements))
            write_bytes(overlays / f"page-{page.number:04}.png", _encoded(drawn, "PNG"))
    written: list[Path] = []
    if "md" in wanted:
        written.append(folder / f"{name}.md")
        write_text(written[-1], join_markdown(markdown))
    if "html" in wanted:
        written.append(folder / f"{name}.html")
        elements = [page.elements for page in result.pages]
        write_text(written[-1], page_html(elements, title=result.title, source=sources.__getitem__))
    if "json" in wanted:
        written.append(folder / f"{name}.json")
        write_json(written[-1], result)
    if "overlay" in wanted:
        written.append(folder / f"{name}-overlay.pdf")
        write_overlay(written[-1], result)
    return written


def write_json(path: Path, result: DocumentResult) -> None:
    """Writes the document as indented JSON."""
    write_text(path, json.dumps(result.to_json(), ensure_ascii=False, indent=2) + "\n")


def write_overlay(path: Path, result: DocumentResult) -> None:
    """Writes a PDF of the pages that were read, with boxes, kinds and reading order on them.

    Raises:
        InputError: the document cannot be read, or the file not be written.
    """
    source = result.source
    if isinstance(source, str | Path | bytes) and is_pdf(source):
        with Pdf(source, password=result.password) as pdf:
            pdf.write_marked(path, [(page.number, _marks(page)) for page in result.pages])
        return
    # A picture: a page of its size, one point a pixel.
    contents = _encoded(load_image(source), "PDF")
    with Pdf(contents) as pdf:
        pdf.write_marked(path, [(page.number, _marks(page)) for page in result.pages])


def _with_pictures(
    result: DocumentResult, wanted: Sequence[str]
) -> Iterator[tuple[PageResult, PIL.Image.Image | None]]:
    """Every page, with its picture where something of it is needed; one at a time in memory."""
    with open_pages(result.source, password=result.password) as pages:
        for page in result.pages:
            has_pictures = any(map(_is_cut_out, walk(page.elements)))
            cuts = has_pictures and ("md" in wanted or "html" in wanted)
            if not (cuts or "overlay" in wanted):
                yield page, None
                continue
            picture = pages.page(page.number, max_pixels=result.max_pixels).picture
            yield page, check_picture(page, picture)


def _is_cut_out(element: Element) -> bool:
    """Whether its picture says what its text does not."""
    return isinstance(element, Figure | Chart) and _picture_box(element) is not None


def _picture_box(element: Pictured) -> Box | None:
    return element.picture if element.picture is not None else element.box


def _crops(page: PageResult, picture: PIL.Image.Image) -> dict[int, PIL.Image.Image]:
    """The pictures on a page, by the identity of their elements."""
    crops = {}
    for element in walk(page.elements):
        if not (_is_cut_out(element) and isinstance(element, Pictured)):
            continue
        box = _picture_box(element)
        assert box is not None
        left, top, right, bottom = (round(value) for value in box)
        if min(right - left, bottom - top) >= _SMALLEST_PICTURE_PX:
            crops[id(element)] = picture.crop((left, top, right, bottom))
    return crops


def _by_element(addresses: dict[int, str]) -> PictureSource:
    return lambda element: addresses.get(id(element))


def _write_crops(
    crops: dict[int, PIL.Image.Image], folder: Path, page_number: int
) -> dict[int, str]:
    addresses = {}
    for order, (key, crop) in enumerate(crops.items(), start=1):
        folder.mkdir(exist_ok=True)
        name = f"page-{page_number:04}-{order:02}.png"
        write_bytes(folder / name, _encoded(crop, "PNG"))
        addresses[key] = f"{folder.name}/{name}"
    return addresses


def _data_uri(picture: PIL.Image.Image) -> str:
    data = base64.b64encode(_encoded(picture, "JPEG")).decode("ascii")
    return f"data:image/jpeg;base64,{data}"


def _encoded(picture: PIL.Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    options = {"quality": _JPEG_QUALITY} if kind == "JPEG" else {}
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _marks(page: PageResult) -> list[dict[str, Any]]:
    """A page's scene for `Pdf.write_marked`: pixels of the canvas become points of the page."""
    scene = document_scene(page.size, page.elements)
    scale = page.points_per_pixel
    to_x = (scale.x if scale is not None else 1.0) / scene.scale
    to_y = (scale.y if scale is not None else 1.0) / scene.scale

    def at(point: Point) -> list[float]:
        return [point.x * to_x, point.y * to_y]

    marks: list[dict[str, Any]] = []
    for outline in scene.outlines:
        corners = [at(corner) for corner in _corners(Box(*outline.points[0], *outline.points[1]))]
        shape = {"kind": "path", "points": corners, "closed": True, "fill": None}
        width = outline.line_px * to_x
        marks.append({**shape, "colour": DARK, "width": 2 * width})
        marks.append({**shape, "colour": outline.colour, "width": width})
    for tag in scene.tags:
        marks += _tag(tag, at, to_x, to_y)
    return marks


def _corners(box: Box) -> list[Point]:
    return [
        Point(box.x1, box.y1),
        Point(box.x2, box.y1),
        Point(box.x2, box.y2),
        Point(box.x1, box.y2),
    ]


def _tag(tag: Tag, at: Place, to_x: float, to_y: float) -> list[dict[str, Any]]:
    frame = {
        "kind": "path",
        "points": [at(corner) for corner in _corners(tag.frame)],
        "closed": True,
        "fill": tag.fill,
        "colour": DARK,
        "width": 0.5,
    }
    # Letters stand on a line a quarter of the frame above its lower edge.
    height = tag.frame.y2 - tag.frame.y1
    baseline = Point(tag.text_at.x, tag.frame.y2 - height / 4)
    label = {
        "kind": "label",
        "text": tag.label,
        "points": [at(baseline)],
        "size": tag.font_px * to_y,
        "colour": tag.ink,
    }
    return [frame, label]
