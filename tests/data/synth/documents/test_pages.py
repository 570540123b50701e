"""Pages: every box is around the ink of its element, answers say what stands there, in order."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

from qvl.data.filters.documents import reading_is_whole
from qvl.data.filters.rules import places_inside
from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.data.synth.documents import formulas, page
from qvl.data.synth.documents.blocks import flow, heading, listing, para
from qvl.data.synth.documents.layouts.kinds import LAYOUTS
from qvl.data.synth.documents.samples import document_sample, drawn_page
from qvl.data.synth.documents.style import page_css, sampled
from qvl.data.synth.render.page import RenderedPage, render_page
from qvl.errors import DataError, MissingDependencyError
from qvl.geometry import FACTOR, Box, ImageSize
from qvl.messages import Image, Text
from qvl.tasks import document
from qvl.tasks.document_elements import Figure, Heading, List, Paragraph, walk
from qvl.tasks.document_markdown import to_markdown

for package in ("playwright", "verovio", "rdkit", "matplotlib"):
    pytest.importorskip(package, reason=f"drawing documents needs {package}")
try:
    formulas.katex_head()
    sampled(np.random.default_rng(0))
    render_page("<p>", size=ImageSize(28, 28))
    MISSING = ""
except MissingDependencyError as error:
    MISSING = str(error)
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

SMALL = (420, 600)
HIDDEN = "filter: opacity(0)"


def made(number: int, **options: Any) -> Sample:
    rng = np.random.default_rng((21, number))
    return document_sample(rng, seed=(21, number), tokens=SMALL, **options)


def picture(sample: Sample) -> np.ndarray:
    part = sample.conversation.messages[0].content[0]
    assert isinstance(part, Image)
    assert isinstance(part.source, np.ndarray)
    return part.source


def answer(sample: Sample) -> str:
    part = sample.conversation.messages[1].content[0]
    assert isinstance(part, Text)
    return part.text


def fingerprint(number: int) -> str:
    sample = made(number)
    return hashlib.sha256(picture(sample).tobytes() + answer(sample).encode()).hexdigest()


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What pages were drawn from, and what they measured."""
    seen: list[dict[str, Any]] = []

    def spy(html: str, *, size: ImageSize, script: str) -> RenderedPage:
        drawn = render_page(html, size=size, script=script)
        seen.append({"html": html, "size": size, "script": script, "value": drawn.value})
        return drawn

    monkeypatch.setattr(page, "render_page", spy)
    return seen


@pytest.mark.parametrize(("number", "layout"), enumerate(LAYOUTS))
def test_every_layout_gives_a_whole_page_at_the_first_try(number: int, layout: str) -> None:
    rng = np.random.default_rng((22, number))
    drawn = drawn_page(rng, layout, described=number % 2 == 1, fonts="train", tokens=SMALL)
    width, height = drawn.picture.size
    assert width % FACTOR == 0
    assert height % FACTOR == 0
    assert len(drawn.elements) >= 3
    for element in walk(drawn.elements):
        assert element.box is not None
        assert element.box.x1 >= 0
        assert element.box.y1 >= 0
        assert element.box.x2 <= width
        assert element.box.y2 <= height


@pytest.mark.parametrize("layout", ["paper", "textbook", "invoice", "menu"])
def test_the_ink_of_an_element_is_in_its_box_and_fills_it(
    layout: str, spied: list[dict[str, Any]]
) -> None:
    rng = np.random.default_rng((23, len(layout)))
    drawn = drawn_page(rng, layout, described=False, fonts="train", tokens=SMALL)
    (seen,) = spied
    owners = [record["block"] for record in seen["value"] for _ in record["parts"]]
    whole = np.asarray(drawn.picture).astype(int)
    for parity in (0, 1):
        # Every second block vanishes: what changes must be in their boxes and nowhere else.
        hidden = [b for i, b in enumerate(dict.fromkeys(owners)) if i % 2 == parity]
        rule = ", ".join(f'[data-e="{block}"]' for block in hidden) + f" {{ {HIDDEN} }}"
        html = seen["html"].replace("</style></head>", f"{rule}</style></head>")
        without = render_page(html, size=seen["size"], script=seen["script"]).picture
        ink = np.abs(whole - np.asarray(without)).max(-1) > 48
        left = ink.copy()
        for owner, element in zip(owners, drawn.elements, strict=True):
            if owner not in hidden:
                continue
            assert element.box is not None
            x1, y1, x2, y2 = element.box
            left[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))] = False
            rows, columns = ink[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].nonzero()
            assert len(rows), element
            if element.kind not in ("table", "chart", "figure"):  # whose border may be invisible
                slack = 2.5
                assert rows.min() <= slack, element
                assert columns.min() <= slack, element
                assert rows.max() + 1 >= y2 - int(y1) - slack, element
                assert columns.max() + 1 >= x2 - int(x1) - slack, element
        assert not left.any(), np.argwhere(left)[:5]


def test_the_answer_is_what_was_sampled_and_what_parse_reads() -> None:
    for number in range(4):
        sample = made(number, variant="qwenvl")
        text = answer(sample)
        read = document.parse(text)
        assert document.format(read.elements) == text
        assert not read.problems
        assert reading_is_whole(sample) is None
        kinds = [element.kind for element in walk(read.elements)]
        assert {kind: kinds.count(kind) for kind in kinds} == sample.facts["kinds"]


def test_the_same_numbers_give_the_same_page_in_another_process() -> None:
    first = fingerprint(1)
    assert fingerprint(1) == first
    assert fingerprint(2) != first
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(fingerprint, 1).result() == first


def test_questions_decide_what_answers_say() -> None:
    asked = {v: made(5, layout="cover", variant=v, effect="clean") for v in ("caption", "plain")}
    described = document.parse(answer(asked["caption"]))
    (seen,) = [e for e in described.elements if isinstance(e, Figure)]
    assert seen.role == "caption"
    assert seen.text.endswith(".")
    assert seen.picture == seen.box
    assert "data-bbox" not in answer(asked["plain"])
    assert reading_is_whole(asked["plain"]) is None


def test_pages_and_parts_of_them_as_markdown() -> None:
    page, parts, known = (
        made(8, layout="invoice", variant=v, effect="clean")
        for v in ("markdown", "regions", "qwenvl")
    )
    elements = document.parse(answer(known)).elements
    assert answer(page) == to_markdown(elements).strip()
    assert parts.task == "regions of a document"
    by_box = {e.box: e for e in walk(elements)}
    messages = parts.conversation.messages
    for question, found in zip(messages[::2], messages[1::2], strict=True):
        words = answer_text(question)
        (box,) = [b for b in by_box if b is not None and document.region_prompt(b) == words]
        assert answer_text(found) == to_markdown([by_box[box]]).strip()
    assert len(messages) >= 2
    assert [places_inside(parts), reading_is_whole(parts), reading_is_whole(page)] == [None] * 3


def test_boxes_follow_what_a_camera_does() -> None:
    clean, taken = (made(6, layout="letter", effect=e) for e in ("clean", "photographed"))
    assert picture(clean).shape == picture(taken).shape
    before = document.parse(answer(clean)).elements
    after = document.parse(answer(taken)).elements
    assert [type(e) for e in before] == [type(e) for e in after]
    assert [e.box for e in before] != [e.box for e in after]
    assert reading_is_whole(taken) is None


def columns_page(columns: int, *nodes: Any) -> page.DrawnPage:
    style = sampled(np.random.default_rng(3), size_px=14)
    size = ImageSize(420, 560)
    css = page_css(style, size, margin_px=28, columns=columns)
    return page.draw([flow(*nodes)], css, size)


def test_text_that_goes_on_in_the_next_column_is_two_elements_and_none_is_lost() -> None:
    text = " ".join(f"word{i}" for i in range(260))
    drawn = columns_page(2, heading("Title", 2), para(text, splits=True))
    first, left, right = drawn.elements
    assert isinstance(first, Heading)
    assert isinstance(left, Paragraph)
    assert isinstance(right, Paragraph)
    assert left.box is not None
    assert right.box is not None
    assert left.box.x2 < right.box.x1
    both = f"{left.text} {right.text}"
    # The end of the page cuts it between two words.
    assert text.startswith(both)
    assert text[len(both) :][:1] in ("", " ")
    assert len(both) > 400


def test_a_list_goes_on_with_its_numbers() -> None:
    style = sampled(np.random.default_rng(3), size_px=14)
    entries = [f"entry number {i}" for i in range(1, 25)]
    drawn = columns_page(2, listing(style, entries, ordered=True))
    first, second = drawn.elements
    assert isinstance(first, List)
    assert isinstance(second, List)
    assert (first.start, second.start) == (1, len(first.items) + 1)
    seen = [item.text for part in (first, second) for item in part.items]
    assert seen == entries[: len(seen)]
    assert all(item.box is not None for item in (*first.items, *second.items))


def test_reading_goes_down_one_column_and_then_the_next() -> None:
    nodes = [para(f"Paragraph {i}. " + "More words here. " * 6) for i in range(12)]
    drawn = columns_page(3, *nodes)
    boxes = [element.box for element in drawn.elements if element.box is not None]
    order = sorted(boxes, key=lambda box: (round(box.x1 / 40), box.y1))
    assert boxes == order
    texts = [e.text for e in drawn.elements if isinstance(e, Paragraph)]
    assert [int(t.split()[1].rstrip(".")) for t in texts] == list(range(len(texts)))


def test_what_is_larger_than_a_column_is_left_out() -> None:
    wide = para("x" * 300, style="white-space: nowrap")
    drawn = columns_page(2, para("before"), wide, para("after"))
    assert [e.text for e in drawn.elements if isinstance(e, Paragraph)] == ["before", "after"]


def test_elements_that_collide_are_refused() -> None:
    style = sampled(np.random.default_rng(3))
    size = ImageSize(280, 280)
    css = page_css(style, size, margin_px=10, columns=1)
    over = "position: absolute; top: 40px; left: 40px"
    with pytest.raises(DataError, match="lie on each other"):
        page.draw([para("one text", style=over), para("another", style=over)], css, size)
    with pytest.raises(DataError, match="leaves the page"):
        page.draw([para("gone", style="position: absolute; top: -9px")], css, size)


def test_trimming_keeps_all_ink_and_nothing_else() -> None:
    pixels = np.full((40, 60, 3), 250, np.uint8)
    pixels[10:20, 15:30] = (200, 30, 30)
    assert page.trimmed(pixels, Box(2, 2, 58, 39)) == Box(15, 10, 30, 20)
    assert page.trimmed(pixels, Box(40, 2, 58, 39)) == Box(40, 2, 58, 39)


def test_without_katex_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formulas, "FOLDERS", ())
    formulas.katex_head.cache_clear()
    with pytest.raises(MissingDependencyError, match="libjs-katex"):
        formulas.katex_head()
    formulas.katex_head.cache_clear()
