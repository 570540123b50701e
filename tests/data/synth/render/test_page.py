"""Pages are drawn where the script says they are, the same everywhere, without a network."""

import os
import signal
import socket
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from qvl.data.synth.render.chromium import chromium
from qvl.data.synth.render.page import MOST_SIDE_PX, RenderedPage, render_page
from qvl.errors import DataError, InputError, MissingDependencyError
from qvl.geometry import ImageSize

pytest.importorskip("playwright", reason="drawing pages needs playwright")
try:
    render_page("<p>", size=ImageSize(28, 28))
    HAVE_CHROMIUM = True
except MissingDependencyError:
    HAVE_CHROMIUM = False
pytestmark = pytest.mark.skipif(
    not HAVE_CHROMIUM, reason="needs Chromium: apt-get install chromium"
)

SMALL = ImageSize(112, 224)
TWO_LINES = (
    "<!doctype html><body style='margin:0;font:20px/30px DejaVu Sans'>"
    "<div id=d style='margin:10px;width:180px'>first line<br>second <b>bo</b>ld</div>"
)


def drawn(html: str = TWO_LINES, script: str = "() => measure.all('#d')") -> RenderedPage:
    return render_page(html, size=SMALL, script=script)


def picture_and_value(html: str) -> tuple[bytes, object]:
    page = drawn(html)
    return page.picture.tobytes(), page.value


def test_boxes_are_where_the_ink_is() -> None:
    for scale in (1.0, 2.0):
        page = render_page(
            TWO_LINES, size=SMALL, script="() => measure.lines(document.body)", scale=scale
        )
        assert page.picture.size == (224 * scale, 112 * scale)
        assert [text for text, _ in page.value] == ["first line", "second bold"]
        ink = np.asarray(page.picture.convert("L")) < 128
        for _, (x1, y1, x2, y2) in page.value:
            left, top, right, bottom = int(x1), int(y1), int(x2) + 1, int(y2) + 1
            rows, columns = ink[top:bottom, left:right].nonzero()
            assert columns.min() < 5 * scale
            assert right - left - columns.max() < 5 * scale
            assert np.ptp(rows) > 10 * scale
            ink[top:bottom, left:right] = False
        assert not ink.any()


def test_a_broken_word_has_a_box_for_each_of_its_parts() -> None:
    html = (
        "<body style='font:20px DejaVu Sans;margin:0'>"
        "<p style='width:60px;word-break:break-all'>abcdefghij"
    )
    words = drawn(html, "() => measure.words(document.body)").value
    assert len(words) > 1
    assert "".join(text for text, _ in words) == "abcdefghij"
    assert all(box[2] <= 60 for _, box in words)
    assert sorted(box[1] for _, box in words) == [box[1] for _, box in words]


def test_hidden_words_are_not_there() -> None:
    html = (
        "<p>seen<span hidden> not</span><span style='opacity:0'>this</span>"
        "<span style='visibility:hidden'>that</span>"
    )
    assert [w for w, _ in drawn(html, "() => measure.words(document.body)").value] == ["seen"]


def test_a_whole_page_is_as_high_as_its_content() -> None:
    html = "<!doctype html><body style='margin:0'><div style='height:{}px;background:red'>"
    for content, height in ((10, 28), (1000, 1008)):
        page = render_page(
            html.format(content), size=SMALL, script="() => window.innerHeight", whole=True
        )
        assert page.picture.size == (224, height)
        assert page.value == height


def test_the_same_page_is_the_same_in_another_process_and_after_others() -> None:
    pages = [TWO_LINES, "<p>other", TWO_LINES]
    first, _, again = map(picture_and_value, pages)
    assert first == again
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(picture_and_value, TWO_LINES).result() == first


def test_nothing_stays_from_the_page_before() -> None:
    script = "() => { const before = window.left ?? null; window.left = 1; return before; }"
    assert [drawn("<p>", script).value for _ in range(2)] == [None, None]


def test_the_script_runs_before_the_picture_is_taken() -> None:
    page = drawn("<p>", "() => { document.documentElement.style.background = 'rgb(1,2,3)'; }")
    assert page.value is None
    assert page.picture.getpixel((200, 100)) == (1, 2, 3)


def test_animations_are_over() -> None:
    html = (
        "<style>@keyframes k {from {background: red} to {background: blue}}"
        "div {animation: k 9s infinite; height: 100px}</style><div>"
    )
    assert drawn(html).picture.getpixel((50, 50)) == (255, 255, 255)


REACH = """async () => {
    const reach = address => address.startsWith("ws")
        ? new Promise(done => {
            const socket = new WebSocket(address);
            socket.onopen = () => done("reached");
            socket.onerror = () => done("refused");
        })
        : fetch(address, {mode: "no-cors"}).then(() => "reached", () => "refused");
    return Promise.all(ADDRESSES.map(reach));
}"""


def test_pages_reach_no_network_and_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("x")
    reached: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: reached.append(bool(server.accept())), daemon=True).start()
        port = server.getsockname()[1]
        addresses = [f"http://127.0.0.1:{port}", f"ws://localhost:{port}", f"file://{secret}"]
        page = drawn(
            f"<img src=http://127.0.0.1:{port}/x.png>", REACH.replace("ADDRESSES", str(addresses))
        )
        assert page.value == ["refused"] * 3
        assert not reached


@pytest.mark.parametrize(
    ("html", "script", "message"),
    [
        ("<p>", "() => missing.thing", "missing is not defined"),
        ("<p>", "() => { throw new Error('no room') }", "no room"),
        ("<p>", "not javascript", "Unexpected"),
        ("<p>", "() => 'x'.repeat(5e6)", "5000002 characters"),
        ("<p>hang", "() => { for (;;); }", "not done after 1 s"),
        ("<p>never", "() => new Promise(() => {})", "not done after 1 s"),
    ],
)
def test_bad_pages_are_named_and_the_next_one_is_drawn(
    html: str, script: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        render_page(html, size=SMALL, script=script, seconds=1)
    assert drawn().value[0]["text"] == "first line\nsecond bold"


def test_a_killed_browser_is_started_again() -> None:
    drawn()
    children = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _descends(int(entry.name))
    ]
    for child in children:
        if b"--type=" not in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, signal.SIGKILL)
    assert drawn().value[0]["id"] == "d"


def _descends(process: int) -> bool:
    """Whether it is a browser started by this process."""
    try:
        if b"chrom" not in Path(f"/proc/{process}/cmdline").read_bytes():
            return False
        while process > 1:
            process = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
            if process == os.getpid():
                return True
    except OSError:
        return False
    return False


def test_sizes_have_limits() -> None:
    for size in (ImageSize(0, 10), ImageSize(10, MOST_SIDE_PX + 1), ImageSize(5000, 5000)):
        with pytest.raises(InputError, match="picture of a page would be"):
            render_page("<p>", size=size)
    with pytest.raises(InputError, match="picture of a page would be"):
        render_page("<div style='height: 99999px'>", size=SMALL, whole=True)
    with pytest.raises(InputError, match="scale is 0"):
        render_page("<p>", size=SMALL, scale=0)
    assert chromium() is chromium()
