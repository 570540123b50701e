"""The HTML for people: safe whatever a model wrote, and the same page when it is read again."""

from dataclasses import replace

from hypothesis import given, settings

from qvl.geometry import Box
from qvl.tasks.document import format, parse
from qvl.tasks.document_elements import (
    Chart,
    Element,
    Figure,
    Other,
    Paragraph,
    Pictured,
    Table,
    map_boxes,
)
from qvl.tasks.document_html import is_safe_style, page_html
from tests.tasks.documents import PAGE


@settings(max_examples=100, deadline=None)
@given(PAGE)
def test_format_parse_html_parse_is_the_same_page(page: list[Element]) -> None:
    first = parse(format(page)).elements
    shown = page_html([first])
    again = parse(shown[shown.index("<body>") :])
    assert again.elements == tuple(map(_as_shown, first))


def _as_shown(element: Element) -> Element:
    """CSS that could load something is not shown."""
    if isinstance(element, Table) and not is_safe_style(element.style):
        return replace(element, style="")
    if isinstance(element, Chart) and element.table is not None:
        return replace(element, table=_as_shown(element.table))
    if isinstance(element, Other):
        return replace(element, children=tuple(map(_as_shown, element.children)))
    return element


def test_fractions_of_pixels_survive() -> None:
    (element,) = parse('<p data-bbox="1 2 3 4">x</p>').elements
    moved = map_boxes(element, lambda box: Box(*(value * 1.13 for value in box)))
    again = parse(page_html([[moved]]).split("<body>")[1])
    assert again.elements[0].box == Box(1.13, 2.26, 3.39, 4.52)


ATTACKS = [
    "<script>alert(1)</script>",
    '<p onmouseover="x()">a</p>',
    '<a href="javascript:x()">a</a>',
    '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>',
    '<table class="&quot; onload=&quot;x"><tr><td>a</td></tr></table>',
    "<style>@import 'http://x';</style><table><tr><td>a</td></tr></table>",
    "<style>p { background: url(http://x) }</style><table><tr><td>a</td></tr></table>",
    '<img src="http://x/pixel.gif" alt="&lt;script&gt;"/>',
    '<iframe src="http://x"></iframe><object data="x"></object><embed src="x">',
    "<svg><script>x</script></svg>",
    '<div class="x&quot;><script>"><p>a</p></div>',
]  # fmt: skip


def test_nothing_in_it_runs_or_loads() -> None:
    for attack in ATTACKS:
        shown = page_html([parse(attack).elements], title="</title><script>").lower()
        body = shown[shown.index("<body>") :]
        for forbidden in (
            "<script",
            "onmouseover",
            "javascript:",
            'onload="',
            "@import",
            "url(",
            "http:",
        ):
            assert forbidden not in body, attack
        assert "<script" not in shown


def test_pictures_are_inside_the_file_when_given() -> None:
    def source(page: int) -> object:
        def where(element: Pictured) -> str:
            return f"data:image/png;base64,{page}"

        return where

    shown = page_html([[Figure()], [Figure(), Paragraph(text="a", complete=False)]], source=source)  # type: ignore[arg-type]
    assert shown.count('src="data:image/png;base64,') == 2
    assert 'base64,1"/>' in shown
    assert "<p data-incomplete>a</p>" in shown


def test_safe_css() -> None:
    assert is_safe_style("table1 td:hover, .x > p { border: 1px solid #aaa; width: 90% }")
    for css in (
        "a{b:url(x)}",
        "@import x;",
        "a{b:expression(x)}",
        "a{b:\\75rl}",
        "a{b:'x'}",
        "}",
        "a",
    ):
        assert not is_safe_style(css), css
