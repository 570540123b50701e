"""PDF files: sizes and pixels as shown, whatever the rotation; bad files are errors, no hangs."""

from pathlib import Path

import numpy as np
import psutil
import pytest

from qvl.errors import InputError
from qvl.processing.pdf import MAX_DPI, Pdf, is_pdf
from tests.processing.pdfs import encrypted, write_pdf

BLUE, RED = (0, 0, 255), (255, 0, 0)


def where(picture: object, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels of a colour."""
    rows, columns = np.nonzero((np.asarray(picture) == colour).all(axis=-1))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


# Where the square at (10, 30) of user space is on the page as shown, in points from the top left.
SHOWN = {
    0: (10, 350, 30, 370),
    90: (30, 10, 50, 30),
    180: (170, 30, 190, 50),
    270: (350, 170, 370, 190),
}


@pytest.mark.parametrize("rotation", SHOWN)
def test_pages_are_as_shown_and_marks_lie_where_they_belong(rotation: int, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", rotation=rotation)
    left, top, right, bottom = SHOWN[rotation]
    with Pdf(path) as pdf:
        size = pdf.page_size(1)
        assert size == ((200, 400, 0) if rotation == 0 else size)
        assert (size.width_pt, size.height_pt) == ((200, 400), (400, 200))[rotation % 180 > 0]
        assert size.rotation == rotation
        page = pdf.render(1, max_pixels=10**9, max_dpi=144)
        assert where(page.picture, BLUE) == pytest.approx(
            (left * 2, top * 2, right * 2, bottom * 2), abs=2
        )
        corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
        marks = [
            {
                "kind": "path",
                "points": corners,
                "closed": True,
                "fill": RED,
                "colour": RED,
                "width": 0,
            },
            {"kind": "label", "points": [[60, 60]], "text": "1 é 图", "size": 20, "colour": RED},
        ]
        pdf.write_marked(tmp_path / "marked.pdf", [(1, marks)])
    with Pdf(tmp_path / "marked.pdf") as pdf:
        marked = pdf.render(1, max_pixels=10**9, max_dpi=144).picture
    assert marked.size == page.picture.size
    inside = marked.crop((left * 2 + 2, top * 2 + 2, right * 2 - 2, bottom * 2 - 2))
    assert inside.getcolors() == [(inside.width * inside.height, RED)]
    # The label stands upright on its baseline, to the right of its point.
    label = marked.crop((110, 60, 200, 130))
    assert where(label, RED)[3] == pytest.approx(60, abs=12)
    assert where(label, RED)[0] == pytest.approx(12, abs=12)


def test_cropped_pages(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", crop=(5, 25, 105, 225))
    with Pdf(path) as pdf:
        assert pdf.page_size(1)[:2] == (100, 200)
        page = pdf.render(1, max_pixels=10**9, max_dpi=72)
        assert where(page.picture, BLUE) == pytest.approx((5, 175, 25, 195), abs=1)
        corners = [[50, 50], [60, 50], [60, 60], [50, 60]]
        mark = {"kind": "path", "points": corners, "closed": True, "fill": RED, "colour": RED}
        pdf.write_marked(tmp_path / "b.pdf", [(1, [{**mark, "width": 0}])])
    with Pdf(tmp_path / "b.pdf") as pdf:
        marked = pdf.render(1, max_pixels=10**9, max_dpi=72)
    assert where(marked.picture, RED) == pytest.approx((50, 50, 60, 60), abs=1)


@pytest.mark.parametrize("size", [(200, 400), (612, 792), (3, 2000), (1, 1), (14400, 14400)])
def test_the_pixel_limit_holds(size: tuple[float, float], tmp_path: Path) -> None:
    with Pdf(write_pdf(tmp_path / "a.pdf", size=size)) as pdf:
        for max_pixels in (784, 100_000, 1_605_632):
            page = pdf.render(1, max_pixels=max_pixels)
            width, height = page.picture.size
            assert width * height <= max_pixels
            assert page.dpi <= MAX_DPI
            if size == (612, 792):
                assert width * height > 0.9 * max_pixels


def test_bytes_and_paths_are_recognised(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.bin")
    contents = path.read_bytes()
    assert is_pdf(path)
    assert is_pdf(str(path))
    assert is_pdf(contents)
    assert is_pdf(b"junk before\n" + contents)
    assert not is_pdf(b"\x89PNG")
    assert not is_pdf(tmp_path / "missing.pdf")
    assert not is_pdf(None)
    with Pdf(contents) as pdf:
        assert pdf.num_pages == 1


def test_bad_files_are_named_and_explained(tmp_path: Path) -> None:
    contents = write_pdf(tmp_path / "a.pdf").read_bytes()
    bad = {
        "empty": (b"", "is empty"),
        "garbage": (b"%PDF-1.4 garbage", "damaged, cut off or no PDF"),
        "text": (b"hello", "damaged, cut off or no PDF"),
        "locked": (encrypted(contents), "it is encrypted; hint: give its password"),
    }
    for name, (data, message) in bad.items():
        path = tmp_path / f"{name}.pdf"
        path.write_bytes(data)
        with pytest.raises(InputError) as error:
            Pdf(path)
        assert f"{name}.pdf" in str(error.value)
        assert message in str(error.value)
    with pytest.raises(InputError, match="the password is wrong"):
        Pdf(encrypted(contents), password="guess")
    with pytest.raises(InputError, match=r"document file .*missing.pdf' does not exist"):
        Pdf(tmp_path / "missing.pdf")


def test_a_page_that_is_not_there(tmp_path: Path) -> None:
    with Pdf(write_pdf(tmp_path / "a.pdf")) as pdf:
        for number in (0, 2, -1):
            with pytest.raises(InputError, match=r"a\.pdf', page .*: there is no such page, exp"):
                pdf.render(number, max_pixels=1000)
        assert pdf.render(1, max_pixels=1000).picture.width > 0


def test_what_takes_too_long_is_given_up() -> None:
    with pytest.raises(InputError, match=r"not done within 0.001 seconds, given up"):
        Pdf(b"%PDF-1.4", timeout_s=0.001)


def test_a_crash_of_the_reader_is_an_error(tmp_path: Path) -> None:
    with Pdf(write_pdf(tmp_path / "a.pdf")) as pdf:
        pdf._reader._process.kill()
        pdf._reader._process.wait()
        with pytest.raises(InputError, match="page 1: the process that reads it ended"):
            pdf.render(1, max_pixels=1000)


def test_a_thousand_pages_without_growth(tmp_path: Path) -> None:
    with Pdf(write_pdf(tmp_path / "a.pdf", num_pages=1000, size=(60, 60))) as pdf:
        assert pdf.num_pages == 1000
        worker = psutil.Process(pdf._reader._process.pid)
        pdf.render(1, max_pixels=100_000)
        before = worker.memory_info().rss
        for number in range(2, 1001, 20):
            pdf.render(number, max_pixels=100_000)
        assert worker.memory_info().rss - before < 30_000_000


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    pdf = Pdf(write_pdf(tmp_path / "a.pdf"))
    process = pdf._reader._process
    pdf.close()
    assert process.poll() is not None
