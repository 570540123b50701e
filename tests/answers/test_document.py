"""Documents read page by page with a scripted model: boxes, files, going on, bad input."""

import json
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image

from qvl.answers.document import Progress, ReadingOptions, read_document, read_pages
from qvl.errors import InputError, QvlError
from qvl.geometry import Box, ImageSize
from qvl.messages import SamplingParams
from qvl.tasks.document_elements import Figure, Heading, Paragraph, Table
from tests.answers.scripted import ScriptedEngine, ScriptedModel
from tests.processing.pdfs import write_pdf

PAGE = (
    "```html\n<html><body>\n"
    '<h1 data-bbox="10 10 100 30">Title *one*</h1> \n '
    '<div class="image" data-bbox="28 56 84 112"><img data-bbox="28 56 84 112"/></div> \n '
    '<table data-bbox="10 120 100 150" class="table1"><tr><th>a</th></tr>'
    "<tr><td>1</td></tr></table> \n"
    "</body></html>\n```"
)


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "report.pdf", num_pages=3)


def test_a_pdf_page_by_page(pdf: Path) -> None:
    model = ScriptedModel(PAGE, "<p>two</p>", "<p>three")
    result = model.read_document(pdf)
    assert [page.number for page in result.pages] == [1, 2, 3]
    assert [page.ended for page in result.pages] == ["end"] * 3
    heading, figure, table = result.pages[0].elements
    assert isinstance(heading, Heading)
    assert isinstance(figure, Figure)
    assert isinstance(table, Table)
    page = result.page(1)
    assert heading.box == page.transform.to_original(Box(10, 10, 100, 30))
    assert page.size_pt is not None
    assert page.size_pt[:2] == (200, 400)
    record = result.to_json()
    first = record["pages"][0]  # type: ignore[index,call-overload]
    in_px, in_pt = first["elements"][0]["box_px"], first["elements"][0]["box_pt"]
    assert in_pt[0] == pytest.approx(in_px[0] * 200 / page.size.width, abs=0.02)
    assert in_pt[3] == pytest.approx(in_px[3] * 400 / page.size.height, abs=0.02)
    assert json.loads(json.dumps(record)) == record
    assert result.pages[2].parsed.truncated
    assert not result.pages[2].elements[0].complete
    assert model.engine.prompts == ["QwenVL HTML "] * 3


def test_the_page_is_as_large_as_the_limits_say(pdf: Path) -> None:
    model = ScriptedModel(PAGE)
    limits = model.engine.processor.settings.limits
    page = model.read_document(pdf, pages=2).pages[0]
    assert 0.8 * limits.max_pixels < page.size.area <= limits.max_pixels
    small = model.read_document(pdf, pages="2", max_pixels=20_000).pages[0]
    assert small.size.area <= 20_000
    assert small.transform.resized.area <= 20_000


def test_a_picture_is_a_document_of_one_page() -> None:
    picture = Image.new("RGB", (300, 200), "white")
    result = ScriptedModel(PAGE).read_document(picture, variant="caption")
    (page,) = result.pages
    assert page.size == ImageSize(200, 300)
    assert page.size_pt is None
    assert page.to_json()["size_pt"] is None
    assert result.markdown.startswith("# Title \\*one\\*\n\n*(figure)*\n\n| a |\n| --- |\n| 1 |\n")
    assert "<h1" in result.html
    assert np.asarray(result.draw()).any()
    assert result.draw(1).size == (600, 400)
    assert "heading" in str(result)
    assert (
        "<script" not in ScriptedModel("<p>&lt;script&gt;</p>").read_document(picture)._repr_html_()
    )


def test_pages_come_as_they_are_finished(pdf: Path) -> None:
    engine = ScriptedEngine(["<p>a</p>"])
    pages = read_pages(engine, pdf)
    assert engine.asked == []
    assert next(pages).number == 1
    assert len(engine.asked) == 1
    pages.close()  # type: ignore[attr-defined]


def test_a_reading_goes_on_where_it_was_left(pdf: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    engine = ScriptedEngine([PAGE, "<p>two</p>", "<p>three</p>", "<p>again</p>"])
    pages = read_pages(engine, pdf, folder=kept, model_name="m")
    next(pages), next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert len(list(kept.iterdir())) == 2
    first = read_document(engine, pdf, folder=kept, model_name="m")
    assert len(engine.asked) == 3
    again = read_document(engine, pdf, folder=kept, model_name="m")
    assert len(engine.asked) == 3
    assert again.pages == first.pages
    # Anything else is another page: model, limits, sampling, prompt, contents.
    read_document(engine, pdf, pages="1", folder=kept, model_name="other")
    for options in (
        ReadingOptions(max_pixels=20_000),
        ReadingOptions(params=SamplingParams(max_tokens=9)),
        ReadingOptions(variant="plain"),
    ):
        read_document(engine, pdf, pages="1", folder=kept, model_name="m", options=options)
    other = write_pdf(tmp_path / "report.pdf", size=(201, 400))
    read_document(engine, other, pages="1", folder=kept, model_name="m")
    assert len({path.name for path in kept.iterdir()}) == 8


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": 1}', "null", "\x00"])
def test_a_damaged_file_of_a_page_is_read_again(pdf: Path, tmp_path: Path, damage: str) -> None:
    engine = ScriptedEngine(["<p>one</p>"])
    read_document(engine, pdf, pages=1, folder=tmp_path / "kept")
    (path,) = (tmp_path / "kept").iterdir()
    whole = path.read_text()
    path.write_text(damage)
    read_document(engine, pdf, pages=1, folder=tmp_path / "kept")
    assert len(engine.asked) == 2
    assert path.read_text() == whole


def test_progress(pdf: Path) -> None:
    seen: list[Progress] = []
    read_document(ScriptedEngine(["<p>x</p>"]), pdf, pages="2-3", on_progress=seen.append)
    assert {(at.page, at.done, at.total) for at in seen} == {(2, 0, 2), (3, 1, 2)}
    assert max(at.characters for at in seen) == len("<p>x</p>")


def test_a_repetition_says_so(pdf: Path) -> None:
    loop = "<p>The same sentence comes again.</p>"
    (page,) = ScriptedModel("<h1>t</h1>" + loop * 300).read_document(pdf, pages=1).pages
    assert page.ended == "repetition"
    assert [element.kind for element in page.elements] == ["heading", "paragraph"]
    assert "repeated itself" in str(page)


def test_files(pdf: Path, tmp_path: Path) -> None:
    model = ScriptedModel(PAGE, '<p data-bbox="5 5 50 50">two <script>x</script></p>')
    result = model.read_document(pdf, pages="1-2")
    out = tmp_path / "out"
    written = result.save(out, ("md", "html", "json", "overlay"))
    assert [path.name for path in written] == [
        "report.md", "report.html", "report.json", "report-overlay.pdf"]  # fmt: skip
    markdown = (out / "report.md").read_text()
    assert "![](<report-figures/page-0001-01.png>)" in markdown
    assert "\n---\n\ntwo" in markdown
    crop = Image.open(out / "report-figures" / "page-0001-01.png")
    figure = result.pages[0].elements[1]
    assert figure.box is not None
    assert crop.size == (
        round(figure.box.x2) - round(figure.box.x1), round(figure.box.y2) - round(figure.box.y1)
    )  # fmt: skip
    shown = (out / "report.html").read_text()
    assert "data:image/jpeg;base64," in shown
    assert "<script" not in shown
    assert json.loads((out / "report.json").read_text())["schema"] == "qvl.document/1"
    assert Image.open(out / "report-overlay" / "page-0002.png").size
    assert not list(out.rglob("*.part"))
    marked = pdfium.PdfDocument(out / "report-overlay.pdf")
    assert len(marked) == 2
    words = marked[0].get_textpage().get_text_range()
    assert words.split() == ["1", "heading", "2", "figure", "3", "table"]


def test_an_overlay_of_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.new("RGB", (300, 200), "white").save(path)
    result = ScriptedModel(PAGE).read_document(path)
    result.save(tmp_path / "out", ["overlay"])
    marked = pdfium.PdfDocument(tmp_path / "out" / "scan-overlay.pdf")
    assert marked[0].get_size() == pytest.approx((300, 200))
    assert "heading" in marked[0].get_textpage().get_text_range()


def test_a_changed_file_is_not_drawn_on(pdf: Path, tmp_path: Path) -> None:
    result = ScriptedModel(PAGE).read_document(pdf, pages=1)
    write_pdf(tmp_path / "report.pdf", size=(400, 200))
    with pytest.raises(InputError, match="the file has changed"):
        result.draw(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pages": "4"}, "page 4 is asked for, the document has 3 pages"),
        ({"variant": "html"}, "variant is 'html', expected one of qwenvl, caption, plain"),
        ({"max_pixels": 0}, "max_pixels is 0, expected a whole number above 0"),
        ({"max_rounds": -1}, "max_rounds is -1, expected a whole number above 0"),
        ({"min_pixels": 9999, "max_pixels": 5000}, "expected 0 < min_pixels <= max_pixels"),
    ],
)
def test_bad_options_are_refused_before_the_model_is_asked(
    pdf: Path, options: dict[str, object], message: str
) -> None:
    model = ScriptedModel(PAGE)
    with pytest.raises(QvlError, match=r"expected|asked") as error:
        model.read_document(pdf, **options)  # type: ignore[arg-type]
    assert message in str(error.value)
    assert model.engine.asked == []


def test_bad_documents(tmp_path: Path) -> None:
    model = ScriptedModel(PAGE)
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 nothing")
    for source, message in ((broken, "damaged"), (tmp_path / "none.pdf", "does not exist")):
        with pytest.raises(InputError, match=message):
            model.read_document(source)
    with pytest.raises(InputError, match="format is 'mdd', expected of"):
        model.read_document(Image.new("RGB", (50, 50))).save(tmp_path / "out", ["mdd"])
    assert Paragraph(text="").text == ""
