"""Markdown of a page: read by another program, it says what the page says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from qvl.geometry import Box
from qvl.tasks.document import parse
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
)
from qvl.tasks.document_markdown import to_markdown
from tests.material import material, requires_material

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def texts(markdown: str) -> list[str]:
    """The text of every block as another program reads it."""
    return [_text(token) for token in READER.parse(markdown) if token.type == "inline"]


def _text(token: Token) -> str:
    shown = {"softbreak": "\n", "hardbreak": "\n"}
    pieces = []
    for child in token.children or []:
        assert child.type in ("text", "softbreak", "hardbreak", "text_special"), child.type
        pieces.append(shown.get(child.type, child.content))
    return "".join(pieces)


@pytest.mark.parametrize(
    "text",
    [
        "5 * 3 * 2 = 30",
        "snake_case_name and _this_ __too__",
        "# no heading",
        "1. no list",
        "1986) no",
        "- no item",
        "+ nor this",
        "> no quote",
        "=====",
        "---",
        "***",
        "a\n===",
        "a\n- b",
        "[x](y) ![x](y) [1]: z",
        "`code` ``` fence",
        "<b>bold</b> <!-- x -->",
        "&amp; &lt; AT&T &copy;",
        "back\\slash \\* \\",
        "a | b | c",
        "~~no~~ ~ tilde",
        "costs $5 and $6",
        "C# and F#",
        "two  spaces",
        "*",
        "_",
        "a_",
        "_a",
        "é_é",
        "http://a.b/c_d_e",
        "line one\nline two\n3. line",
        "!",
        "\\",
        "100% {x} (y)",
        "a* b*",
        "$",
        "a\\\nb",
    ],
)
def test_text_reads_as_it_was(text: str) -> None:
    assert texts(to_markdown([Paragraph(text=text)])) == [text]
    assert texts(to_markdown([List(items=(ListItem(text=text),))])) == [text]
    if "\n" not in text:
        assert texts(to_markdown([Heading(level=2, text=text)])) == [text]
        table = Table(rows=((Cell(text, header=True),), (Cell(text),)))
        assert texts(to_markdown([table])) == [text, text]


PUNCTUATION = st.text(st.sampled_from("ab1 #*_-+=~`[]()<>!|&;:.$\\{}\"'\n"), max_size=12)


@settings(max_examples=500, deadline=None)
@given(PUNCTUATION)
def test_any_punctuation_reads_as_it_was(text: str) -> None:
    # What may be a formula is left alone on purpose.
    paragraph = Paragraph(text=text.replace("$", "S").replace("\\(", "(").replace("\\[", "["))
    expected = [paragraph.text] if paragraph.text else []
    assert texts(to_markdown([paragraph])) == expected


@pytest.mark.parametrize(
    "text",
    ["where $x_1 < y^*$ holds", "$$a_{1}*b$$", "$\\alpha$ and $\\beta$", "half $\\frac{1}{2}$."],
)
def test_formulas_in_text_stay(text: str) -> None:
    assert to_markdown([Paragraph(text=text)]) == text + "\n"


def test_other_delimiters_become_dollars() -> None:
    assert to_markdown([Paragraph(text="\\(x_1\\) and \\[y\\]")]) == "$x_1$ and $$y$$\n"


AT = Box(1, 2, 3, 4)
TABLE = Table(
    rows=((Cell("a|b", header=True), Cell("c", header=True)), (Cell("1\n2"), Cell("$|x|$")))
)


@pytest.mark.parametrize(
    ("element", "markdown"),
    [
        (Heading(level=3, text="A *title*"), "### A \\*title\\*"),
        (TABLE, "| a\\|b | c |\n| --- | --- |\n| 1<br>2 | $\\|x\\|$ |"),
        (
            Table(rows=((Cell("a"),), (Cell("b"), Cell("c")))),
            "|  |  |\n| --- | --- |\n| a |  |\n| b | c |",
        ),
        (
            Table(rows=((Cell("<a>", col_span=2),), (Cell("b\nc"), Cell("d"))), caption="T"),
            '<table><caption>T</caption><tr><td colspan="2">&lt;a&gt;</td></tr>'
            "<tr><td>b<br/>c</td><td>d</td></tr></table>",
        ),
        (Formula(latex="a < b \\\\ c & d", text="(1)"), "$$\na < b \\\\ c & d\n$$\n\n(1)"),
        (MusicSheet(abc="X:1\nK:C\n```A<B"), "````abc\nX:1\nK:C\n```A<B\n````"),
        (ChemicalFormula(smiles="F/C=C\\F"), "```smiles\nF/C=C\\F\n```"),
        (Figure(role="caption", text="A *cat*"), "*(figure)* A \\*cat\\*"),
        (Figure(box=AT), "*(figure)*"),
        (Chart(table=TABLE, text="Sales"), f"*(chart)*\n\n{to_markdown([TABLE])}\nSales"),
        (Address(parts=(Paragraph(text="Ada"), Paragraph(text="London"))), "Ada\\\nLondon"),
        (Other(tag="pre", text="  x = 1\n  y"), "```\n  x = 1\n  y\n```"),
        (
            Other(tag="div", name="x", children=(Paragraph(text="a"), Heading(level=1, text="b"))),
            "a\n\n# b",
        ),
        (
            List(
                ordered=True,
                start=3,
                items=(
                    ListItem(text="a", children=(List(items=(ListItem(text="b"),)),)),
                    ListItem(text="c"),
                ),
            ),
            "3. a\n   - b\n4. c",
        ),
        (Paragraph(text=""), ""),
    ],
)
def test_every_kind(element: Element, markdown: str) -> None:
    assert to_markdown([element]) == (markdown + "\n" if markdown else "")


def test_pictures_with_an_address() -> None:
    figure = Figure(box=AT, role="caption", text="A [cat]")
    markdown = to_markdown([figure], source=lambda element: "a b.png")
    assert markdown == "![A \\[cat\\]](<a b.png>)\n"
    (image,) = READER.parse(markdown)[1].children or []
    assert (image.type, image.attrs["src"]) == ("image", "a%20b.png")


def test_lists_in_a_row_stay_apart() -> None:
    one = List(ordered=True, items=(ListItem(text="a"), ListItem(text="b")))
    markdown = to_markdown([one, one, one])
    opened = [token for token in READER.parse(markdown) if token.type == "ordered_list_open"]
    assert len(opened) == 3


@requires_material
def test_the_recorded_page() -> None:
    page = parse(
        material("cookbooks", "model_outputs", "doc_qwenvl_html_page.html").read_text("utf-8")
    )
    blocks = to_markdown(page.elements).split("\n\n")
    assert blocks[:4] == ["## Qwen2.5 Technical Report", "Qwen Team", "*(figure)*", "## Abstract"]
    assert blocks[4].startswith("In this report, we introduce Qwen2.5, a comprehensive series")
    assert blocks[-2] == "*(figure)*"
    assert blocks[-1].startswith("Figure 1: In the iterative development")
    assert "\\" not in "".join(blocks)
