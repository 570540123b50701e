"""Text of pictures: recorded answers, the round trip, and nothing lost of what was written."""

import json
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.geometry import Box, ImageSize, Point, ResizeTransform
from qvl.tasks import ocr
from qvl.tasks.ocr import TextLine, format_lines, format_text, in_layout_order, parse
from tests.material import material, requires_material

characters = st.characters(exclude_categories=["Cs"])
side = st.integers(0, 5000)


@st.composite
def text_lines(draw: st.DrawFn) -> TextLine:
    (x1, x2), (y1, y2) = sorted([draw(side), draw(side)]), sorted([draw(side), draw(side)])
    points = st.builds(lambda x, y: Point(float(x), float(y)), side, side)
    return TextLine(
        text=draw(st.text(characters, max_size=20)),
        box=Box(float(x1), float(y1), float(x2), float(y2)),
        outline=tuple(draw(st.just([]) | st.lists(points, min_size=3, max_size=6))),
        image_index=draw(st.integers(0, 2)),
        extra=draw(st.dictionaries(st.sampled_from(["font", "text", "words"]), st.integers())),
    )


@given(st.lists(text_lines(), max_size=5))
def test_lines_round_trip(lines: list[TextLine]) -> None:
    for level in ("line", "word"):
        reading = parse(format_lines(lines), level=level)
        assert list(reading.lines) == lines
        assert reading.text == "\n".join(line.text for line in lines)
        assert (reading.problems, reading.truncated) == ((), False)


fenced = st.lists(st.sampled_from(["`", "```", "\n", ":", "a", " "]), max_size=12).map("".join)


@given(st.text(characters, max_size=60) | fenced)
def test_text_round_trip(text: str) -> None:
    reading = parse(format_text(text))
    assert (reading.text, reading.truncated) == (text, False)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("12.50", "12.50"),
        ("The text in the image reads:\n\n```\n12.50\n```", "12.50"),
        ("图中的文字：\n```text\n合计\n金额\n```\n", "合计\n金额"),
        ("```\n12.50\n\nTOTAL\n```", "12.50\n\nTOTAL"),
        ("````\n```\ncode\n```\n````", "```\ncode\n```"),
        ("```\n```", ""),
        # Nothing of a picture that shows such things itself is lost.
        ("Ingredients:\nsugar", "Ingredients:\nsugar"),
        ("Install:\n```\nmake\n```\nThen run it.", "Install:\n```\nmake\n```\nThen run it."),
        ("One\ntwo:\n```\nthree\n```", "One\ntwo:\n```\nthree\n```"),
        ("  spaces kept  ", "  spaces kept  "),
    ],
)
def test_a_sentence_and_a_fence_around_all_of_it_go(answer: str, text: str) -> None:
    assert parse(answer).text == text


def test_a_fence_that_was_cut_off_is_known() -> None:
    reading = parse("The text reads:\n```\nMILK\nBRE")
    assert (reading.text, reading.truncated) == ("MILK\nBRE", True)
    assert [line.text for line in reading.lines] == ["MILK", "BRE"]


def test_plain_lines_know_where_they_stand() -> None:
    answer = "Text:\n```\nMILK\n\n2.50\n```"
    reading = parse(answer)
    assert [answer[slice(*line.span or ())] for line in reading.lines] == ["MILK", "2.50"]
    assert all(line.box is None for line in reading.lines)


def test_boxes_and_outlines_come_back_in_original_pixels() -> None:
    transform = ResizeTransform(ImageSize(100, 200), ImageSize(56, 112))
    answer = (
        '[{"bbox_2d": [0, 0, 56, 28], "text_content": "box"},'
        ' {"bbox_2d": [0, 28, 28, 28, 28, 56, 0, 56], "text_content": "quad"},'
        ' {"polygon": [[28, 0], [56, 28], [28, 56]], "text": "ring"},'
        ' {"bbox_2d": [0, 0, 28, 28], "quad": [0, 0, 28, 0, 28, 28, 0, 28], "text": "both"},'
        ' {"bbox_2d": [0, 0, 200, 28], "text_content": "out"}]'
    )
    lines = parse(answer, level="line", transforms=[transform]).lines
    assert [line.text for line in lines] == ["box", "quad", "ring", "both", "out"]
    assert [line.box for line in lines] == [
        pytest.approx((0, 0, 100, 50)),
        pytest.approx((0, 50, 50, 100)),
        pytest.approx((50, 0, 100, 100)),
        pytest.approx((0, 0, 50, 50)),
        pytest.approx((0, 0, 200, 50)),
    ]
    assert [len(line.outline) for line in lines] == [0, 4, 3, 4, 0]
    assert lines[1].outline[1] == pytest.approx((50, 50))
    assert [line.rotation for line in lines] == [None, 0.0, 45.0, 0.0, None]
    assert [line.clipped for line in lines] == [False] * 4 + [True]
    assert json.dumps([line.to_json() for line in lines])


@pytest.mark.parametrize(
    ("answer", "texts", "problem"),
    [
        ("MILK\n2.50", ["MILK", "2.50"], "no boxes"),
        ('["MILK", "2.50"]', ["MILK", "2.50"], "no boxes"),
        ('[{"text_content": "MILK"}, {"text_content": "2.50"}]', ["MILK", "2.50"], "no boxes"),
        (
            '[{"bbox_2d": [1, 2, 3], "text_content": "MILK"},'
            ' {"bbox_2d": [1, 2, 3, 4], "text_content": "2.50"}]',
            ["MILK", "2.50"],
            "expected 4 numbers",
        ),
        ("[illegible] MILK", ["[illegible] MILK"], "no boxes"),
    ],
)
def test_text_without_a_usable_box_is_kept(answer: str, texts: list[str], problem: str) -> None:
    reading = parse(answer, level="line")
    assert [line.text for line in reading.lines] == texts
    assert problem in " ".join(reading.problems)


def test_the_text_is_what_the_answer_calls_text() -> None:
    answer = '{"bbox_2d": [1, 2, 3, 4], "label": "title", "text": "MILK"}'
    (line,) = parse(answer, level="line").lines
    assert (line.text, line.extra) == ("MILK", {"label": "title"})
    assert answer[slice(*line.span or ())] == '"MILK"'


def test_a_picture_that_does_not_exist_loses_its_box_only() -> None:
    transform = ResizeTransform(ImageSize(100, 200), ImageSize(56, 112))
    answer = '{"bbox_2d": [1, 2, 3, 4], "text": "MILK", "img_idx": 3}'
    reading = parse(answer, level="line", transforms=[transform])
    assert [(line.text, line.box) for line in reading.lines] == [("MILK", None)]
    assert reading.problems == (
        "picture 3 is named, there are 1",
        "the answer states no boxes",
    ) or (reading.problems == ("picture 3 is named, there are 1",))


def test_layout_order_is_asked_for() -> None:
    lines = [
        TextLine(text="2.50", box=Box(60, 0, 90, 10)),
        TextLine(text="milk", box=Box(0, 1, 40, 11)),
        TextLine(text="nowhere"),
        TextLine(text="other page", box=Box(0, 0, 60, 10), image_index=1),
    ]
    reading = ocr.TextReading(lines=tuple(reversed(lines)), text="", answer="")
    ordered = in_layout_order(reading)
    assert [line.text for line in ordered.lines] == ["milk", "2.50", "nowhere", "other page"]
    assert ordered.text == "milk\n2.50\nnowhere\nother page"


def test_prompts() -> None:
    assert ocr.prompt(style="plain").startswith("Please output only the text content")
    assert ocr.prompt(style="chinese") == "请识别出图中所有的文字。"
    assert "line-level" in ocr.prompt("line")
    assert "word-level" in ocr.prompt("word")
    with pytest.raises(InputError, match="expected text, line or word"):
        ocr.prompt("page")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="style is 'x'"):
        ocr.prompt(style="x")  # type: ignore[arg-type]


def test_format_refuses_what_it_cannot_hold() -> None:
    box = Box(1, 2, 3, 4)
    with pytest.raises(InputError, match="has no box"):
        format_lines([TextLine(text="a")])
    with pytest.raises(InputError, match="meaning of their own"):
        format_lines([TextLine(text="a", box=box, extra={"quad": 1})])
    with pytest.raises(InputError, match="3 or more"):
        format_lines([TextLine(text="a", box=box, outline=(Point(0, 0),))])


@given(st.text(alphabet="{}[],:\"'\\ \n12.`-<>points xybox_2dtext=/", max_size=100) | st.text())
def test_never_raises(text: str) -> None:
    transforms = [ResizeTransform(ImageSize(10, 10), ImageSize(28, 28))]
    for level in ("text", "line", "word"):
        reading = in_layout_order(parse(text, level=level, transforms=transforms))
        assert reading.answer == text
        json.dumps(reading.to_json())


@pytest.mark.parametrize(
    "unit", ["`", "```\n", " ", ":\n", "a: ", "[", '{"text": "', "1,2,3,4 a\n"]
)
def test_long_answers_take_little_time(unit: str) -> None:
    text = unit * (50_000 // len(unit))
    start = time.process_time()
    for level in ("text", "line"):
        parse(text, level=level)
    assert time.process_time() - start < 2.0


RECEIPT = """Auntie Anne's

CINNAMON SUGAR
1 x 17,000
SUB TOTAL
17,000
GRAND TOTAL
17,000
CASH IDR
20,000
CHANGE DUE
3,000"""


def recorded(name: str) -> str:
    return material("cookbooks", "model_outputs", f"{name}.txt").read_text()


@requires_material
def test_recorded_texts() -> None:
    assert parse(recorded("ocr_receipt_text_fenced")).text == RECEIPT
    label = recorded("ocr_label_zh_a")
    reading = parse(label)
    assert reading.text == label
    assert reading.lines[-1].text == "电话：0546-8440388 传真：0546-6447566 产地：山东省东营市"
    assert len(reading.lines) == 5


@requires_material
def test_recorded_lines() -> None:
    transform = ResizeTransform(ImageSize(1398, 870), ImageSize(1400, 868))
    reading = parse(recorded("ocr_spotting_receipt"), level="line", transforms=[transform])
    assert len(reading.lines) == 39
    assert (reading.problems, reading.truncated) == ((), False)
    first, last = reading.lines[0], reading.lines[-1]
    assert first.text == "UNIHAKKA INTERNATIONAL SDN BHD"
    assert first.box == pytest.approx((125.29, 168.76, 755.74, 207.70), abs=0.01)
    assert last.text == "Facebook.com/BarWangRice"
    assert in_layout_order(reading).lines == reading.lines
    words = parse(recorded("ocr_spotting_receipt_words"), level="word")
    assert words.text.split("\n") == [
        "CINNAMON SUGAR", "1", "x", "17,000", "17,000", "SUB TOTAL", "17,000", "GRAND TOTAL",
        "17,000", "CASH IDR", "20,000", "CHANGE DUE", "3,000",
    ]  # fmt: skip
    assert words.lines[0].box == Box(49, 430, 251, 451)


@requires_material
@pytest.mark.parametrize("name", ["ocr_spotting_receipt", "ocr_spotting_receipt_words"])
def test_every_truncation_keeps_all_that_was_closed(name: str) -> None:
    text = recorded(name)
    whole = parse(text, level="line").lines
    step = 1 if len(text) < 2000 else 7
    for cut in range(3, len(text), step):
        reading = parse(text[:cut], level="line")
        closed = text[:cut].count("}")
        assert reading.lines == whole[:closed], cut


@requires_material
def test_every_truncation_of_text_keeps_all_of_it() -> None:
    text = recorded("ocr_receipt_text_fenced")
    body = text.index("Auntie")
    for cut in range(body, len(text) - 4):
        assert parse(text[:cut]).text == text[body:cut]
        assert parse(text[:cut]).truncated


def mutations(count: int) -> None:
    random_ = random.Random(1)
    texts = [recorded(f"ocr_{n}") for n in ("spotting_receipt_words", "receipt_text_fenced")]
    letters = '{}[]",:0123 \n\\`ab\u4e2d\ufeff'
    for i in range(count):
        text = list(random_.choice(texts)[: random_.randint(1, 900)])
        for _ in range(random_.randint(1, 6)):
            at = random_.randrange(len(text))
            kind = random_.random()
            if kind < 0.4:
                text[at] = random_.choice(letters)
            elif kind < 0.7:
                text.insert(at, random_.choice(letters))
            else:
                text[at : at + random_.randint(1, 9)] = [""]
        answer = "".join(text)
        reading = parse(answer, level=("text", "line")[i % 2])
        assert reading.answer == answer
        for line in reading.lines:
            if line.box is not None:
                assert len(line.raw) >= 4


@requires_material
def test_damaged_answers() -> None:
    mutations(1500)


@pytest.mark.slow
@requires_material
def test_damaged_answers_by_the_thousand() -> None:
    mutations(100_000)


def test_corners_are_asked_for_by_the_key_under_which_they_are_written() -> None:
    asked = ocr.prompt("line", outlines=True)
    assert asked.startswith(ocr.prompt("line"))
    line = ocr.TextLine(
        text="a", box=Box(0, 0, 9, 9), outline=(Point(0, 4), Point(4, 0), Point(9, 5), Point(5, 9))
    )
    key = asked.split('"')[1]
    assert f'"{key}"' in ocr.format_lines([line])
    assert ocr.parse(ocr.format_lines([line]), level="line").lines[0].outline == line.outline
