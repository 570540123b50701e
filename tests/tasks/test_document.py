"""QwenVL HTML: what is written is read back, what models write is read as a person reads it."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.geometry import Box, ImageSize, ResizeTransform
from qvl.tasks.document import format, parse, prompt, to_model_space
from qvl.tasks.document_elements import (
    Address,
    Cell,
    Chart,
    ChemicalFormula,
    Element,
    Figure,
    Formula,
    Heading,
    List,
    ListItem,
    MusicSheet,
    Other,
    Paragraph,
    Table,
    walk,
)
from tests.material import material, requires_material
from tests.tasks.documents import PAGE


def one(text: str) -> Element:
    (element,) = parse(text).elements
    return element


@settings(max_examples=300, deadline=None)
@given(PAGE, st.booleans())
def test_what_is_written_is_read_back(page: list[Element], fenced: bool) -> None:
    parsed = parse(format(page, fenced=fenced))
    assert list(parsed.elements) == page
    assert not parsed.truncated
    assert parsed.answered


RECORDED = "cookbooks", "model_outputs", "doc_qwenvl_html_page.html"


def recorded() -> str:
    return material(*RECORDED).read_text(encoding="utf-8")


@requires_material
def test_the_recorded_page_reads_as_a_person_reads_it() -> None:
    page = parse(recorded())
    assert [(e.kind, tuple(e.box or ())) for e in page.elements] == [
        ("heading", (310, 94, 658, 132)),
        ("paragraph", (427, 154, 542, 182)),
        ("figure", (262, 195, 708, 272)),
        ("heading", (436, 289, 533, 317)),
        ("paragraph", (99, 339, 869, 565)),
        ("paragraph", (99, 569, 869, 730)),
        ("paragraph", (99, 728, 869, 955)),
        ("figure", (88, 1054, 889, 1322)),
        ("paragraph", (31, 1346, 940, 1437)),
    ]
    title, team, logo, abstract, *_, plot, caption = page.elements
    assert isinstance(title, Heading)
    assert (title.level, title.text) == (2, "Qwen2.5 Technical Report")
    assert isinstance(team, Paragraph)
    assert team.text == "Qwen Team"
    assert isinstance(abstract, Heading)
    assert abstract.text == "Abstract"
    assert isinstance(logo, Figure)
    assert isinstance(plot, Figure)
    assert (logo.picture, plot.role) == (logo.box, "plain")
    assert isinstance(caption, Paragraph)
    assert caption.text.startswith("Figure 1: In the iterative development of the Qwen series")
    assert caption.text.endswith("enhancing the model’s capabilities.")
    assert page.problems == ()
    assert page.answered
    assert not page.truncated


@requires_material
def test_writing_gives_the_recorded_page_to_the_letter() -> None:
    assert format(parse(recorded()).elements) + "\n" == recorded()


@requires_material
def test_boxes_are_in_the_pixels_of_the_page() -> None:
    transform = ResizeTransform(ImageSize(1532, 1014), ImageSize(1540, 1008))
    for resized, original in zip(
        parse(recorded()).elements, parse(recorded(), transform=transform).elements, strict=True
    ):
        assert resized.box is not None
        assert original.box == transform.to_original(resized.box)
        assert original.raw == tuple(resized.box)
        assert to_model_space(original, transform) == resized


@requires_material
def test_cut_anywhere_it_keeps_what_was_finished() -> None:
    text = recorded()
    whole = parse(text).elements
    for end in range(0, len(text) - 20, 50):
        page = parse(text[:end])
        assert page.truncated is (end > 0 and "<html" in text[:end])
        closed = [element for element in page.elements if element.complete]
        assert list(whole[: len(closed)]) == closed
        assert len(page.elements) - len(closed) <= 1
        for cut, full in zip(page.elements[len(closed) :], whole[len(closed) :], strict=False):
            assert cut.box == full.box
            assert getattr(full, "text", "").startswith(getattr(cut, "text", ""))


def test_an_element_that_is_open_at_the_end_is_kept_and_marked() -> None:
    table, *rest = parse(
        '<html><body><table data-bbox="1 2 3 4"><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d d'
    ).elements
    assert rest == []
    assert isinstance(table, Table)
    assert table.rows == ((Cell("a"), Cell("b")), (Cell("c"), Cell("d d")))
    assert not table.complete
    page = parse('<p data-bbox="1 2 3 4">whole</p><p data-bbox="1 2 3')
    assert page.elements == (Paragraph(text="whole", box=Box(1, 2, 3, 4)),)
    assert page.truncated
    assert page.problems == ("""left out: a tag that was cut off, '<p data-bbox="1 2 3'""",)


def test_the_forms_of_the_report() -> None:
    box = 'data-bbox="1 2 30 40"'
    at = Box(1, 2, 30, 40)
    picture = {"box": at, "picture": at}
    # The report closes body and html in this order.
    page = parse(
        f"""<html><body>
<style>table1 {{ width: 90% }}</style><table {box} class="table1"> <thead><tr><td>h</td></tr>
</thead><tbody><tr><td rowspan="2" colspan='3'>1</td></tr></tbody></table>
<div class="chart" {box}> <img {box} /><table><tr><th>year</th></tr></table></div>
<div class="formula" {box}> <img {box} /> <div> $$a < b$$ </div> (1)</div>
<div class="formula machine_printed" {box}><img {box}/><div>\\[x&amp;y\\]</div></div>
<div class="image caption" {box}> <img {box} /><p> A cat </p></div>
<div class="image ocr" {box}> <img {box} /><p> EXIT </p></div>
<div class="music sheet" format="abc notation" {box}> <img {box} /> <div> X:1
K:C\nA<B c>d|</div></div>
<div class="chemical formula" format="smile" {box}> <img {box} /> <div>F/C=C\\F</div></div>
<address class="author" {box}><p>Ada</p><p {box}>London</p></address>
<ol {box} start="3"><li>one<ul><li>below</li></ul></li><li>two</ol>
</html></body>"""
    )
    assert list(page.elements) == [
        Table(
            box=at,
            rows=((Cell("h", header=True),), (Cell("1", row_span=2, col_span=3),)),
            name="table1",
            style="table1 { width: 90% }",
        ),
        Chart(**picture, table=Table(rows=((Cell("year", header=True),),))),
        Formula(**picture, latex="a < b", text="(1)"),
        Formula(**picture, latex="x&y", origin="machine_printed"),
        Figure(**picture, role="caption", text="A cat"),
        Figure(**picture, role="ocr", text="EXIT"),
        MusicSheet(**picture, abc="X:1\nK:C\nA<B c>d|"),
        ChemicalFormula(**picture, smiles="F/C=C\\F"),
        Address(box=at, parts=(Paragraph(text="Ada"), Paragraph(text="London", box=at))),
        List(
            box=at,
            ordered=True,
            start=3,
            items=(
                ListItem(text="one", children=(List(items=(ListItem(text="below"),)),)),
                ListItem(text="two"),
            ),
        ),
    ]
    assert page.problems == ()
    assert not page.truncated


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>a<p>b", [Paragraph(text="a"), Paragraph(text="b", complete=False)]),
        ("<h1>t</h2><p>b</p>", [Heading(level=1, text="t"), Paragraph(text="b")]),
        ("<p>x</div>y</p>", [Paragraph(text="xy")]),
        ("<p>10<sup>3</sup> H<sub>2</sub>O</p>", [Paragraph(text="10$^{3}$ H$_{2}$O")]),
        ("<p>a<br>b <b>c</b></p>", [Paragraph(text="a\nb c")]),
        ("<p>if a<b$ and c>d, x<y</p>", [Paragraph(text="if a<b$ and c>d, x<y")]),
        ("<p>mail <ada@b.org> or <NAME></p>", [Paragraph(text="mail <ada@b.org> or <NAME>")]),
        ("<P CLASS=x>up</P>", [Paragraph(text="up")]),
        ("Sure: <p>a</p>", [Other(text="Sure:"), Paragraph(text="a")]),
        ("no page at all", [Other(text="no page at all")]),
        ("<div><section><p>a</p></section></div>", [Paragraph(text="a")]),
        ("<table><td>a</td><td>b</table>", [Table(rows=((Cell("a"), Cell("b")),))]),
        (
            '<table><tr><td>a</td></tr><p data-bbox="1 2 3 4">b</p>',
            [Table(rows=((Cell("a"),),)), Paragraph(text="b", box=Box(1, 2, 3, 4))],
        ),
        ('<img alt="A cat"/>', [Figure(text="A cat", role="caption")]),
        ("<p>a<img data-bbox='1 2 3 4'>b</p>", [
            Paragraph(text="ab"), Figure(box=Box(1, 2, 3, 4), picture=Box(1, 2, 3, 4))]),
        ("Here:\n```html\n<p>a</p>\n```\n", [Other(text="Here:"), Paragraph(text="a")]),
    ],
)  # fmt: skip
def test_slips_are_forgiven(text: str, expected: list[Element]) -> None:
    assert list(parse(text).elements) == expected


@pytest.mark.parametrize(
    ("written", "box", "problem"),
    [
        ('data-bbox="30 40 1 2"', Box(1, 2, 30, 40), None),
        ("data-bbox='1, 2, 30.5, 40'", Box(1, 2, 30.5, 40), None),
        ('data-bbox="[1 2 30 40]"', Box(1, 2, 30, 40), None),
        ('data-bbox="1 2 30 40', Box(1, 2, 30, 40), None),
        ("data-bbox=1", None, "data-bbox of a <p> is '1', expected 4 numbers"),
        ('data-bbox="1 2 3"', None, "data-bbox of a <p> is '1 2 3', expected 4 numbers"),
        ('data-bbox="1 2 3 9e99"', None, "data-bbox of a <p> is '1 2 3 9e99', expected 4 numbers"),
        ('data-polygon="1 2 30 2 30 40 1 40"', Box(1, 2, 30, 40), None),
        ("", None, None),
    ],
)
def test_boxes_however_written(written: str, box: Box | None, problem: str | None) -> None:
    page = parse(f"<p {written}>text</p>")
    (element,) = page.elements
    assert isinstance(element, Paragraph)
    assert element.text == "text"
    assert element.box == box
    assert page.problems == (() if problem is None else (problem,))


def test_a_box_beyond_the_page_is_clipped_and_says_so() -> None:
    transform = ResizeTransform(ImageSize(100, 200), ImageSize(56, 112))
    (element,) = parse('<p data-bbox="0 0 120 60">x</p>', transform=transform).elements
    assert element.box == Box(0, 0, 200, 100)
    assert element.clipped
    assert element.raw == (0, 0, 120, 60)


def test_scripts_and_handlers_are_left_out_and_named() -> None:
    page = parse(
        '<p onclick="steal()">a</p><script>alert("<p>no</p>")</script><iframe src="x"></iframe>'
        '<a href="javascript:x">b</a><svg><p>c</p></svg><p>d</p>'
    )
    assert list(page.elements) == [Paragraph(text="a"), Other(text="b"), Paragraph(text="d")]
    assert page.problems == (
        "left out: onclick of a <p>",
        """left out: <script>, 'alert("<p>no</p>")'""",
        "left out: <iframe>, ''",
        "left out: javascript of a <a>",
        "left out: <svg>, '<p>c</p>'",
    )


def test_deep_nesting_is_flattened_not_followed() -> None:
    page = parse("<div class='x'>" * 100_000 + "core" + "</div>" * 100_000)
    assert "core" in [e.text for e in walk(page.elements) if isinstance(e, Other)]
    assert any("flattened" in problem for problem in page.problems)
    lists = parse("<ul><li>" * 5000)
    assert lists.truncated


@pytest.mark.parametrize(
    "unit",
    [
        "<p ", '<p "', "<!--", "<p a='", '<p a="b" ', "<", "&", "&amp", "<td>", "</p>", "<script>",
        "<b>", 'a="', '<p a="a="', "<div class='image'>", "<style>", "< <a", "x\n", "```",
        '<p a="< <',
    ],
)  # fmt: skip
def test_time_is_linear(unit: str) -> None:
    start = time.process_time()
    parse(unit * (1_000_000 // len(unit)))
    assert time.process_time() - start < 10


def test_what_was_cut_off_is_not_written() -> None:
    with pytest.raises(InputError, match="a paragraph was cut off, expected whole elements"):
        format([Paragraph(text="a", complete=False)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Heading(level=7, text=""),
        lambda: Table(rows=(), style="</style><script>"),
        lambda: Table(rows=((Cell("", False, 0, 1),),)),
        lambda: Figure(text="words"),
        lambda: Other(tag="script", text="x"),
        lambda: Other(tag="div", name="formula", text="x"),
        lambda: Other(tag="div"),
        lambda: prompt("html"),  # type: ignore[arg-type]
    ],
)
def test_impossible_elements_are_refused(make: object) -> None:
    with pytest.raises(InputError, match=r"expected|belongs|has text"):
        make()  # type: ignore[operator]


PIECES = [
    "<html>", "<body>", "</body>", "</html>", "<p>", "</p>", "<p data-bbox=\"1 2 3 4\">", "<table>",
    "</table>", "<tr>", "</tr>", "<td>", "</td>", "<th colspan=\"2\">", "<div class=\"formula\">",
    "<div class=\"image caption\">", "<div>", "</div>", "<img/>", "<ul>", "<li>", "</ul>", "<br>",
    "<style>", "</style>", "<script>", "</script>", "text", "$a<b$", "&lt;", "```html\n", "<h2>",
    "</h2>", "<address>", "<", ">", "\"", "'", "\n", " ", "<!--", "-->", "<span>", "</span>",
    "<sup>",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_tags_in_any_order_are_read(text: str) -> None:
    page = parse(text)
    if not page.truncated and all(e.complete for e in walk(page.elements)):
        assert parse(format(page.elements)).elements == page.elements


@pytest.mark.slow
@pytest.mark.timeout(1200)
@requires_material
def test_a_hundred_thousand_mutations() -> None:
    chance = random.Random(0)
    seeds = [recorded()[:1500], "".join(PIECES)]
    for _ in range(100_000):
        text = chance.choice(seeds)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(text) + 1)
            piece = chance.choice([*PIECES, "", chr(chance.randrange(0xD7FF))])
            text = text[:at] + piece + text[at + chance.randrange(10) :]
        page = parse(text)
        assert all(len(problem) < 300 for problem in page.problems)
