"""Boxes and points: every form that models write, and nothing they did not."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.geometry import Box, ImageSize, Point, ResizeTransform
from qvl.tasks import grounding
from qvl.tasks.grounding import GroundedBox, GroundedPoint, parse
from tests.material import material, requires_material

side = st.integers(0, 20_000)
plain_labels = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)
any_labels = st.text(max_size=20).filter(lambda s: "\ud800" not in s)
scalars = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5)
extras = st.dictionaries(st.sampled_from(["sub_label", "label2", "name_zh"]), scalars, max_size=2)


@st.composite
def boxes(draw: st.DrawFn, labels: st.SearchStrategy[str], plain: bool = False) -> GroundedBox:
    (x1, x2), (y1, y2) = sorted([draw(side), draw(side)]), sorted([draw(side), draw(side)])
    image = 0 if plain else draw(st.integers(0, 3))
    return GroundedBox(
        box=Box(float(x1), float(y1), float(x2), float(y2)),
        label=draw(labels),
        image_index=image,
        extra={} if plain else draw(extras),
    )


@st.composite
def points(draw: st.DrawFn, labels: st.SearchStrategy[str], plain: bool = False) -> GroundedPoint:
    return GroundedPoint(
        point=Point(float(draw(side)), float(draw(side))),
        label=draw(labels),
        image_index=0 if plain else draw(st.integers(0, 3)),
        extra={} if plain else draw(extras),
    )


@given(st.lists(boxes(any_labels) | points(any_labels), max_size=6))
def test_json_round_trip(items: list[grounding.Grounded]) -> None:
    for key in ("label", "text_content"):
        result = parse(grounding.format(items, label_key=key))
        assert list(result.items) == items
        assert result.answered
        assert not result.problems


@given(st.lists(points(plain_labels, plain=True), max_size=6))
def test_xml_round_trip(items: list[GroundedPoint]) -> None:
    assert list(parse(grounding.format(items, style="xml")).items) == items


@given(st.lists(boxes(plain_labels, plain=True), max_size=6))
def test_text_round_trip(items: list[GroundedBox]) -> None:
    assert list(parse(grounding.format(items, style="text")).items) == items


CUP = Box(1, 2, 3, 4)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "cup"}]', "cup"),
        (
            '```json\n[\n\t{"bbox_2d": [1, 2, 3, 4], "label": "cup"}\n]\n```\nThere is 1 item.',
            "cup",
        ),
        ('{"bbox_2d": [1, 2, 3, 4]}', ""),
        ('{"bbox_2d": [1, 2, 3, 4,], "text_content": "cup",}', "cup"),
        ("[{'bbox_2d': ['1', '2', '3', '4'], 'label': 'cup'}]", "cup"),
        ('{"bbox_2d": "1, 2, 3, 4", "label": "cup"}', "cup"),
        ('{"bbox_2d": ["1,2,3,4"], "label": "cup"}', "cup"),
        ('{"bbox_2d": "[1, 2, 3, 4]", "label": "cup"}', "cup"),
        ('{"bbox_2d": [[1, 2], [3, 4]], "label": "cup"}', "cup"),
        ('{"bbox_2d": {"x1": 1, "y1": 2, "x2": 3, "y2": 4}, "label": "cup"}', "cup"),
        ('{"bbox_2d": [3, 4, 1, 2], "label": "cup"}', "cup"),
        ('{"cup": [1, 2, 3, 4]}', "cup"),
        ('{"objects": [{"bbox": [1, 2, 3, 4], "label": "cup"}]}', "cup"),
        ("The cup is at [1, 2, 3, 4].", ""),
        ("bbox_2d: 1, 2, 3, 4", ""),
        ("1,2,3,4 cup", "cup"),
        ("Here:\n  1, 2, 3, 4 cup\n", "cup"),
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "cup"}, {"bbox_2d": [5, 6,', "cup"),
    ],
)
def test_every_written_form_of_a_box(text: str, label: str) -> None:
    (item,) = parse(text).boxes
    assert (item.box, item.label) == (CUP, label)


@pytest.mark.parametrize(
    "text",
    [
        '[{"point_2d": [5, 6], "label": "bird"}]',
        '[{"point_2d": ["5", "6"], "label": "bird"}]',
        '[{"point_2d": ["5, 6"], "label": "bird"}]',
        '{"point_2d": {"x": 5, "y": 6}, "label": "bird"}',
        '<points x1="5" y1="6" alt="bird">bird</points>',
        "<points x1='5' y1='6' alt='bird'/>",
        '<point x="5" y="6">bird</point>',
        "It is here: <points 5 6>bird</points>.",
    ],
)
def test_every_written_form_of_a_point(text: str) -> None:
    (item,) = parse(text).points
    assert (item.point, item.label) == (Point(5, 6), "bird")


def test_one_element_or_record_may_hold_several() -> None:
    xml = parse('<points x1="1" y1="2" x2="3" y2="4" alt="a">a</points>')
    assert [item.point for item in xml.points] == [Point(1, 2), Point(3, 4)]
    record = parse('{"bbox_2d": [[1, 2, 3, 4], [5, 6, 7, 8]], "label": "a"}')
    assert [item.label for item in record.boxes] == ["a", "a"]
    both = parse('{"bbox_2d": [1, 2, 3, 4], "point_2d": [2, 3], "label": "a", "sub_label": "b"}')
    assert (len(both.boxes), len(both.points)) == (1, 1)
    assert both.boxes[0].extra == {"sub_label": "b"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I see no cup here.",
        "[1] says so, and [2, 3] too.",
        '{"bbox_2d": [1, 2, 3]}',
        '{"bbox_2d": [1, 2, 3, 4, 5]}',
        '{"bbox_2d": ["a", "b", "c", "d"]}',
        '{"bbox_2d": [1, 2, 3, null]}',
        '{"bbox_2d": [1, 2, 3, true]}',
        '{"bbox_2d": null, "label": "cup"}',
        '{"bbox_2d": [1, 2, 3, 1e999]}',
        '{"bbox_2d": [1, 2, 3, 4], "label": "cu',
        '{"color": [255, 0, 0, 1], "label": "cup"}',
        '<points x1="1" alt="a">a</points>',
        '<points x1="1" y1="2" alt="a">a',
        "bbox_2d: 1, 2, 3, 4, 5",
        "1,2,3 cup",
        '{"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [1, 2]}}',
    ],
)
def test_never_invents(text: str) -> None:
    assert parse(text).items == ()


@pytest.mark.parametrize(
    ("text", "box", "raw"),
    [
        ('{"bbox_2d": [0, 1, 9, 0, 9, 5, 0, 6], "label": "a"}', (0, 0, 9, 6), 8),
        ('{"bbox_2d": [[0, 1], [9, 0], [9, 5], [0, 6]]}', (0, 0, 9, 6), 8),
        ('{"polygon": [0, 1, 9, 0, 4, 6], "label": "a"}', (0, 0, 9, 6), 6),
        ('{"quad": [{"x": 0, "y": 1}, {"x": 9, "y": 0}, {"x": 4, "y": 6}]}', (0, 0, 9, 6), 6),
    ],
)
def test_an_outline_is_the_box_around_it(text: str, box: tuple[float, ...], raw: int) -> None:
    (item,) = parse(text).boxes
    assert (item.box, len(item.raw)) == (box, raw)


def test_a_box_comes_before_its_outline() -> None:
    text = '{"bbox_2d": [1, 2, 3, 4], "polygon": [1, 2, 3, 2, 3, 4], "label": "cup"}'
    (item,) = parse(text).boxes
    assert (item.box, item.extra) == (CUP, {"polygon": [1, 2, 3, 2, 3, 4]})


def test_eight_numbers_that_go_round_nothing_may_be_two_boxes() -> None:
    result = parse('{"bbox_2d": [0, 0, 9, 9, 20, 0, 29, 9]}')
    assert result.items == ()
    assert len(result.problems) == 1


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "5, 6"}]', ["1, 2, 3, 4"]),
        ('{"bbox_2d": [[1, 2, 3, 4], [5, 6, 7, 8]]}', ["1, 2, 3, 4", "5, 6, 7, 8"]),
        ('{"bbox_2d": [[1, 2], [3, 4]]}', ["1, 2], [3, 4"]),
        ('{"bbox_2d": "1, 2, 3, 4"}', ['"1, 2, 3, 4"']),
        ('{"bbox_2d": {"x1": 1, "y1": 2, "x2": 3, "y2": 4}}', ['1, "y1": 2, "x2": 3, "y2": 4']),
        ("At [1, 2, 3, 4].", ["1, 2, 3, 4"]),
        ('{"cup": [1, 2, 3, 4]}', ["1, 2, 3, 4"]),
        ('[{"bbox_2d": [1, 2, 3, 4]}, {"bbox_2d": [5,', ["1, 2, 3, 4"]),
        ("bbox_2d: 1, 2, 3, 4", ["1, 2, 3, 4"]),
        ("1,2,3,4 cup", ["1,2,3,4"]),
        ('<points x1="1" y1="2" x2="3" y2="4" alt="9">9</points>', ['1" y1="2', '3" y2="4']),
        ("<points 5 6>bird</points>", [" 5 6"]),
    ],
)
def test_knows_which_characters_state_a_place(text: str, written: list[str]) -> None:
    assert [text[slice(*item.span or (0, 0))] for item in parse(text).items] == written


@pytest.mark.parametrize(
    "text",
    ["1,2,3,4 a" + " " * 50_000 + "b", "[" + "1" * 50_000 + "x", '{"bbox_2d": "' + "1" * 50_000],
)
def test_long_runs_take_no_time(text: str) -> None:
    start = time.process_time()
    parse(text)
    assert time.process_time() - start < 1.0


def test_tells_an_empty_answer_from_prose_and_from_a_cut() -> None:
    empty, prose, cut = parse("```json\n[]\n```"), parse("None."), parse('[{"bbox_2d": [1, 2')
    assert [r.answered for r in (empty, prose, cut)] == [True, False, False]
    assert [r.truncated for r in (empty, prose, cut)] == [False, False, True]
    assert parse('{"bbox_2d": [1, 2]}').problems == ("bbox_2d is [1, 2], expected 4 numbers",)


def test_coordinates_come_back_in_pixels_of_the_original() -> None:
    transform = ResizeTransform(ImageSize(1398, 870), ImageSize(1400, 868))
    (item,) = parse('{"bbox_2d": [434, 700, 900, 1400]}', transforms=[transform]).boxes
    assert item.box == pytest.approx((435, 699, 870, 1398))
    assert item.clipped
    assert item.raw == (434, 700, 900, 1400)
    (inside,) = parse('{"point_2d": [868, 1400]}', transforms=[transform]).points
    assert inside.point == pytest.approx((870, 1398))
    assert not inside.clipped


def test_each_picture_has_its_own_transform() -> None:
    small, large = ImageSize(28, 28), ImageSize(56, 56)
    transforms = [ResizeTransform(small, small), ResizeTransform(large, small)]
    text = '[{"point_2d": [7, 7], "img_idx": %d}]'
    assert parse(text % 0, transforms=transforms).points[0].point == Point(7, 7)
    assert parse(text % 1, transforms=transforms).points[0].point == Point(14, 14)
    assert parse(text % 2, transforms=transforms).problems == ("picture 2 is named, there are 2",)


@given(st.integers(28, 3000), st.integers(28, 3000), st.data())
def test_training_text_comes_back_within_a_pixel(
    height: int, width: int, data: st.DataObject
) -> None:
    transform = ResizeTransform(ImageSize(height, width), ImageSize(1092, 728))
    x, y = data.draw(st.floats(0, width)), data.draw(st.floats(0, height))
    written = grounding.to_model_space(GroundedPoint(point=Point(x, y)), transform)
    assert isinstance(written, GroundedPoint)
    assert 0 <= written.point.x <= 727
    assert 0 <= written.point.y <= 1091
    (back,) = parse(grounding.format([written]), transforms=[transform]).points
    assert abs(back.point.x - x) <= width / 728 + 1e-6
    assert abs(back.point.y - y) <= height / 1092 + 1e-6


def test_format_refuses_what_a_style_cannot_hold() -> None:
    box, point = GroundedBox(box=CUP, label="a\nb"), GroundedPoint(point=Point(1, 2))
    with pytest.raises(InputError, match="cannot hold a GroundedBox"):
        grounding.format([box], style="xml")
    with pytest.raises(InputError, match="cannot hold a GroundedPoint"):
        grounding.format([point], style="text")
    with pytest.raises(InputError, match="one printable line"):
        grounding.format([box], style="text")
    with pytest.raises(InputError, match="have a meaning of their own"):
        grounding.format([GroundedBox(box=CUP, extra={"point_2d": 1})])
    with pytest.raises(InputError, match="finite"):
        grounding.format([GroundedBox(box=Box(0, 0, 1, float("nan")))])


def test_prompts() -> None:
    assert grounding.prompt(" every person ") == (
        "Locate every person in this image and output the bbox coordinates in JSON format."
    )
    with pytest.raises(InputError, match="nothing to look for"):
        grounding.prompt(" ")


def test_every_wording_names_the_thing() -> None:
    forms = [("box", "json"), ("box", "text"), ("point", "json"), ("point", "xml")]
    for kind, style in forms:
        for language in ("en", "zh"):
            for several in (False, True):
                found = grounding.wordings(
                    "red cups", kind=kind, style=style, several=several, language=language
                )
                assert found
                assert all("red cups" in question for question in found)
                assert not several or not any(" its " in question for question in found)
    assert grounding.wordings("a", kind="point")[0] == grounding.prompt("a", kind="point")
    with pytest.raises(InputError, match="no box is asked for in style 'xml'"):
        grounding.wordings("a", kind="box", style="xml")


def test_a_region_is_written_as_answers_write_it() -> None:
    (item,) = grounding.parse(grounding.region_prompt(Box(1, 2, 30, 40))).boxes
    assert item.box == Box(1, 2, 30, 40)


def test_results_are_plain_json() -> None:
    text = '[{"bbox_2d": [1, 2, 3.333, 4], "label": "cup", "sub_label": "red"}]'
    (item,) = json.loads(json.dumps(parse(text).to_json()))["items"]
    assert item["box"] == [1, 2, 3.33, 4]
    assert item["extra"] == {"sub_label": "red"}


@given(st.text(alphabet="{}[],:\"'\\ \n12.-<>points xybox_2d=/", max_size=100) | st.text())
def test_never_raises(text: str) -> None:
    parse(text, transforms=[ResizeTransform(ImageSize(10, 10), ImageSize(28, 28))])


@requires_material
def test_recorded_answers() -> None:
    folder = material("cookbooks", "model_outputs")
    cases = {case["id"]: case for case in json.loads((folder / "index.json").read_text())["cases"]}
    counts = {
        "grounding_cakes_described": 12,
        "ocr_spotting_receipt": 39,
        "ocr_spotting_receipt_words": 13,
        "omni_food_names": 7,
        "point_free_space": 1,
        "zoom_tool_turn": 1,
        "kie_receipt": 0,
        "spatial_choice_reasoned": 0,
        "recognition_bird": 0,
        "video_events_json": 0,
    }
    for name, count in counts.items():
        result = parse((folder / f"{name}.txt").read_text())
        assert len(result.items) == count, name
        assert not result.problems, name
    receipt = cases["ocr_spotting_receipt"]
    (width, height), (new_width, new_height) = receipt["image_size"], receipt["input_size"]
    transform = ResizeTransform(ImageSize(height, width), ImageSize(new_height, new_width))
    result = parse((folder / "ocr_spotting_receipt.txt").read_text(), transforms=[transform])
    assert result.boxes[0].label == "UNIHAKKA INTERNATIONAL SDN BHD"
    assert result.boxes[0].box == pytest.approx((125.29, 168.76, 755.74, 207.70), abs=0.01)


# Where the published scorer finds a box and we do not, with the reason.
DIFFERENT = {
    '{"bbox_2d": [1,2,3,4,5]}': "five numbers are no box",
}


@requires_material
def test_at_least_as_tolerant_as_the_published_scorer() -> None:
    cases = json.loads(material("scorers", "box_parsing.json").read_text())["cases"]
    for case in cases:
        if case["text"] not in DIFFERENT:
            raw = [list(item.raw) for item in parse(case["text"]).boxes]
            assert raw == case["boxes"], case["text"]
