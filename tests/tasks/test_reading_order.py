"""The order of reading: known pages, and laws that hold for any page."""

import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.geometry import Box, Point
from qvl.tasks import grounding
from qvl.tasks.reading_order import Block, corners_of, reading_order
from tests.material import material, requires_material


def at(x: float, y: float, text: str, *, width: float | None = None, height: float = 10) -> Block:
    wide = 6.0 * len(text) if width is None else width
    return Block(text, corners_of(Box(x, y, x + wide, y + height)))


def read(blocks: list[Block]) -> list[str]:
    return [blocks[i].text for i in reading_order(blocks)]


def shuffled(blocks: list[Block]) -> list[Block]:
    return random.Random(7).sample(blocks, len(blocks))


def turned(block: Block, degrees: float) -> Block:
    """The block on a page that is turned clockwise, as an outline."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = tuple(Point(x * cos - y * sin, x * sin + y * cos) for x, y in block.corners)
    return Block(block.text, corners, True)


RECEIPT = [
    at(40, 0, "CORNER SHOP"),
    at(0, 20, "milk"), at(60, 21, "1"), at(100, 23, "2.50"),
    at(0, 40, "bread"), at(60, 41, "2"), at(100, 43, "3.10"),
    at(0, 60, "cheese"), at(60, 61, "1"), at(100, 63, "4.00"),
    at(0, 90, "TOTAL"), at(100, 92, "9.60"),
]  # fmt: skip

NEWSPAPER = [
    at(0, 0, "a headline across all of the page", width=420),
    *[at(0, 20 + 12 * i, f"left {i}", width=195) for i in range(4)],
    *[at(220, 21 + 12 * i, f"right {i}", width=195) for i in range(4)],
    at(0, 80, "another headline across all of it", width=420),
    *[at(0, 100 + 12 * i, f"lower left {i}", width=195) for i in range(3)],
    *[at(220, 101 + 12 * i, f"lower right {i}", width=195) for i in range(3)],
]

ARABIC = [
    at(60, 0, "فاتورة"),
    at(100, 20, "حليب"), at(0, 21, "2.50"),
    at(100, 40, "خبز"), at(0, 41, "3.10"),
]  # fmt: skip

VERTICAL = [
    at(90, 0, "春はあけぼの", width=12, height=80),
    at(60, 0, "やうやう白く", width=12, height=80),
    at(30, 0, "なりゆく", width=12, height=50),
    at(30, 55, "山ぎは", width=12, height=40),
]


@pytest.mark.parametrize("page", [RECEIPT, NEWSPAPER, ARABIC, VERTICAL])
def test_known_pages(page: list[Block]) -> None:
    assert read(shuffled(page)) == [block.text for block in page]


@pytest.mark.parametrize("page", [RECEIPT, NEWSPAPER, ARABIC])
@pytest.mark.parametrize("degrees", [0, 7, -12, 90, 180, 270])
def test_a_turned_page_reads_the_same(page: list[Block], degrees: float) -> None:
    assert read(shuffled([turned(block, degrees) for block in page])) == [b.text for b in page]


def test_a_line_of_the_other_script_keeps_its_own_way() -> None:
    page = [at(0, 0, "Dictionary of words"), at(90, 20, "שלום"), at(0, 20, "עולם")]
    assert read(shuffled(page)) == [block.text for block in page]


def test_lines_across_and_down_do_not_mix() -> None:
    across = [at(0, 20 * i, "a line of the page", width=150) for i in range(3)]
    spine = at(170, 0, "背表紙の題", width=12, height=60)
    assert read([spine, *across])[-1] == "背表紙の題"


def test_a_form_is_read_row_by_row() -> None:
    labels, values = ["Name", "Date of birth", "Nationality"], ["A. N. Other Person", "1", "none"]
    rows = [(at(0, 20 * i, labels[i]), at(120, 20 * i, values[i])) for i in range(3)]
    page = [block for row in rows for block in row]
    assert read(shuffled(page)) == [block.text for block in page]


numbers = st.integers(0, 400).map(float)
texts = st.text(st.sampled_from("ab1אبあ山"), min_size=1, max_size=6)
blocks = st.builds(
    lambda x, y, w, h, text, turn: Block(text, corners_of(Box(x, y, x + w, y + h)), turn),
    numbers, numbers, st.integers(1, 200), st.integers(1, 60), texts, st.booleans(),
)  # fmt: skip


@given(st.lists(blocks, max_size=10), st.randoms(use_true_random=False))
def test_every_line_once_whatever_order_they_came_in(
    page: list[Block], random_: random.Random
) -> None:
    order = reading_order(page)
    assert sorted(order) == list(range(len(page)))
    mixed = random_.sample(page, len(page))
    # Lines alike in letters and place may stand for one another.
    assert [page[i][:2] for i in order] == [mixed[i][:2] for i in reading_order(mixed)]


@given(st.lists(blocks, max_size=10), st.integers(-500, 500), st.sampled_from([0.5, 2.0, 4.0]))
def test_place_and_size_of_the_page_do_not_matter(
    page: list[Block], shift: int, scale: float
) -> None:
    moved = [
        block._replace(corners=tuple(Point(x * scale + shift, y * scale) for x, y in block.corners))
        for block in page
    ]
    assert reading_order(moved) == reading_order(page)


@given(st.lists(blocks, max_size=10))
def test_a_mirrored_page_of_a_mirrored_script_reads_the_same(page: list[Block]) -> None:
    def lines(letter: str, mirror: bool) -> list[Block]:
        made = []
        for i, block in enumerate(page):
            (x1, y1), _, (x2, y2), _ = block.corners
            box = Box(-x2, y1, -x1, y2) if mirror else Box(x1, y1, x2, y2)
            made.append(Block(letter + str(i), corners_of(box)))
        return made

    assert reading_order(lines("a", False)) == reading_order(lines("א", True))


def test_many_lines_take_little_time() -> None:
    random_ = random.Random(3)
    page = [at(random_.random() * 2000, random_.random() * 30000, "word") for _ in range(10_000)]
    wide = [at(30.0 * i, 0, "a") for i in range(3000)] + [at(0, 20.0 * i, "b") for i in range(3000)]
    start = time.process_time()
    reading_order(page)
    reading_order(wide)
    assert time.process_time() - start < 5.0


@requires_material
@pytest.mark.parametrize("name", ["ocr_spotting_receipt", "ocr_spotting_receipt_words"])
def test_recorded_receipts(name: str) -> None:
    text = material("cookbooks", "model_outputs", f"{name}.txt").read_text()
    items = grounding.parse(text).boxes
    page = [Block(item.label, corners_of(item.box)) for item in items]
    assert read(shuffled(page)) == [item.label for item in items]
