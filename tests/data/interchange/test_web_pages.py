"""Pages give their text and pictures in order, and no page takes long, much, or a file of ours."""

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.interchange.markup import tokens
from qvl.data.interchange.opening import open_data
from qvl.data.interchange.web_pages import WebPages, local_source, read_page
from qvl.data.interleaved import Paragraph, Picture, document_of
from qvl.errors import DataError
from qvl.geometry import ImageSize
from tests.data.small import picture

PAGE = """<!DOCTYPE html><html class="no-sidebar"><head><title>T</title><style>p{}</style></head>
<body><nav><a href=/>Home</a> <a href=/x>Shop</a></nav>
<article><h1>A &amp; B</h1>
<p>It is <b>bold</b> and <a href="/l">linked</a> in a long enough sentence of plain words.
<p>Second<br>line <!-- <img src=no.png> -->
<figure><img data-src="late.png" src="data:image/gif;base64,R0" alt="Two  cups" width="300px"
 height=200><figcaption>A caption.</figcaption></figure>
<ul><li>First<li>Second</ul>
<p><a href=1>Read</a> <a href=2>more</a></p>
<div class="site-footer footer">Never shown <img src=f.png></div>
<script>if (a < b) "<p>no</p>"</script>
<div hidden>no</div><p aria-hidden="true">no</p><div role=navigation>no</div>
<img srcset="big.png 2x, small.png 1x"></article><footer>(c)</footer></body></html> tail"""


def kinds(page: str) -> list[str]:
    return [
        node.text if isinstance(node, Paragraph) else f"[{node.source}]"
        for node in read_page(page).nodes
    ]


def test_text_and_pictures_come_in_order_without_the_furniture() -> None:
    assert kinds(PAGE) == [
        "A & B",
        "It is bold and linked in a long enough sentence of plain words.",
        "Second\nline",
        "[late.png]",
        "A caption.",
        "First",
        "Second",
        "[big.png]",
        "tail",
    ]
    (found, _) = read_page(PAGE).pictures
    assert (found.alt, found.size) == ("Two cups", ImageSize(200, 300))


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("", []),
        ("plain", ["plain"]),
        ("<p>a<p", ["a"]),  # an unfinished tag is dropped
        ("<p>a<!-- b <p>c", ["a"]),
        ("<p>a<script>b<p>c", ["a"]),
        ("</p></p></div>a", ["a"]),
        ("<div><p>a</div>b", ["a", "b"]),
        ("<nav><p>a", []),
        ("<P>A</P><IMG SRC=x.png>", ["A", "[x.png]"]),
        ('<img alt="> <p>" src=x.png>', ["[x.png]"]),
        ("1 < 2 <3 &lt;b&gt; &#0; &nosuch;", ["1 < 2 <3 <b> \ufffd &nosuch;"]),
        ("<img>", ["[]"]),
        ("a\0b", ["ab"]),
        ("<svg><p>a</p></svg>b", ["b"]),
    ],
)
def test_broken_pages(page: str, expected: list[str]) -> None:
    assert kinds(page) == expected


@pytest.mark.parametrize(
    "evil",
    [
        *("<div>", "<a href='", '<a b="', "<p>", "</p>", "<", "<!--", "<![CDATA[", "&amp", "<li>a"),
        *("<a b ", "<script>", "<script></scrip", "<b></i>", "<div class='footer'>", "&#x", "<br>"),
        *("<nav></nav>", "<a>b</a> ", "<div></p></div>", "<title><"),
    ],
)
def test_time_grows_with_the_size_only(evil: str) -> None:
    def seconds(times: int) -> float:
        start = time.process_time()
        with contextlib.suppress(DataError):  # too many nodes
            read_page(evil * times)
        return time.process_time() - start

    # Other work on the machine may slow one try.
    assert any(seconds(60_000) < 16 * max(seconds(15_000), 0.02) for _ in range(3))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<p", "<img ", "src=", "'", '"', ">", "/", "<!--", "-->", "</", "div", "&"]
        )
        | st.text(max_size=5),
        max_size=30,
    )
)
def test_any_text_is_a_page(pieces: list[str]) -> None:
    page = "".join(pieces)
    for node in read_page(page).nodes:
        assert isinstance(node, Picture) or node.text.strip()
    assert len(list(tokens(page))) <= len(page) + 1


def test_pages_are_bounded() -> None:
    with pytest.raises(DataError, match="expected at most"):
        read_page("a" * (8 * 2**20 + 1))
    deep = "<div>" * 5000 + "<p>inside</p>" + "</div>" * 5000 + "<p>after</p>"
    assert kinds(deep) == ["inside", "after"]


def test_a_folder_of_pages_is_data(tmp_path: Path) -> None:
    (tmp_path / "site" / "img").mkdir(parents=True)
    (tmp_path / "cdn.example" / "x").mkdir(parents=True)
    (tmp_path / "site" / "img" / "a.jpg").write_bytes(picture())
    (tmp_path / "cdn.example" / "x" / "b c.jpg").write_bytes(picture())
    page = (
        '<p>Größe</p><img src="img/a.jpg"><img src="/site/img/a.jpg">'
        '<img src="https://cdn.example/x/b%20c.jpg?w=3"><img src="https://cdn.example/none.jpg">'
        '<img src="../../../../etc/hostname"><img src="file:///etc/hostname">'
    )
    (tmp_path / "site" / "page.html").write_bytes(page.encode("cp1252"))
    (tmp_path / "site" / "page.html").write_bytes(
        b'<meta charset="iso-8859-1">' + page.encode("cp1252")
    )
    (tmp_path / "site" / "huge.htm").write_bytes(b" " * (8 * 2**20 + 1))
    data = open_data(tmp_path, licence="CC-BY-4.0")
    assert isinstance(data, WebPages)
    assert len(data) == 2
    with pytest.raises(DataError, match=r"site/huge\.htm: page has more than"):
        data[0]
    document = document_of(data[1])
    assert document.paragraphs == ("Größe",)
    sources = [item.source for item in document.pictures]
    assert sources[:3] == [
        (tmp_path / "site/img/a.jpg").resolve(),
        (tmp_path / "site/img/a.jpg").resolve(),
        (tmp_path / "cdn.example/x/b c.jpg").resolve(),
    ]
    assert all(isinstance(source, str) for source in sources[3:])
    assert data[1].provenance.licence == "CC-BY-4.0"
    assert data.fingerprint(0, 2) != data.fingerprint(0, 1)


@pytest.mark.parametrize(
    "source", ["", "\0", "a" * 5000, "http://[", "x:y", b"bytes", "data:,x", 3]
)
def test_odd_sources_stay_as_they_are(source: object, tmp_path: Path) -> None:
    assert local_source(source, folder=tmp_path, root=tmp_path) == source


def test_too_many_nodes_are_refused() -> None:
    with pytest.raises(DataError, match="more than 10,000 paragraphs"):
        read_page("<p>a" * 10_001)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<p>Größe</p>".encode(), "Größe"),
        ("\ufeff<p>Größe</p>".encode(), "Größe"),
        ("<p>Größe</p>".encode("cp1252"), "Größe"),
        ("<meta charset=utf-8><p>Größe</p>".encode("cp1252"), "Gr\ufffd\ufffde"),
        ("<p>Größe</p>".encode("utf-16"), "Größe"),
    ],
)
def test_encodings_are_told_or_found(data: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(data)
    assert document_of(WebPages(tmp_path)[0]).text == text
