"""Finding, counting, detecting: results in the pixels of the caller's own pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qvl.errors import InputError
from qvl.geometry import Box
from qvl.messages import Image as ImagePart
from tests.answers.scripted import ScriptedModel
from tests.material import requires_embedded

pytestmark = requires_embedded

# The embedded model sees at most 336 x 336 px, so this picture is halved.
PICTURE = Image.fromarray(np.full((560, 448, 3), 255, np.uint8))


def test_boxes_come_back_in_original_pixels() -> None:
    model = ScriptedModel('[{"bbox_2d": [10, 20, 30, 40], "label": "cup"}]')
    found = model.ground(PICTURE, "the cup")
    (media,) = model.engine.asked[0].media
    scale_x = 448 / media.transform.resized.width
    scale_y = 560 / media.transform.resized.height
    assert scale_x > 1
    (item,) = found.boxes
    assert item.box == pytest.approx((10 * scale_x, 20 * scale_y, 30 * scale_x, 40 * scale_y))
    assert item.raw == (10, 20, 30, 40)
    assert "cup" in str(found)


def test_zoom_maps_a_crop_back_to_the_whole_picture() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (500, 700, 3), np.uint8)
    model = ScriptedModel('[{"bbox_2d": [0, 0, 28, 56], "label": "word"}]')
    found = model.zoom(Image.fromarray(pixels), Box(100, 200, 212, 312), "the word")
    (media,) = model.engine.asked[0].media
    assert tuple(media.transform.original) == (112, 112), "the crop alone is what the model sees"
    assert tuple(media.transform.resized) == (112, 112), "in full resolution"
    assert found.boxes[0].box == Box(100, 200, 128, 256)
    drawn = found.draw()
    assert drawn.size == (700, 500), "drawn on the whole picture"


def test_zoomed_points_and_edges() -> None:
    model = ScriptedModel('[{"point_2d": [14, 14], "label": "dot"}]')
    found = model.zoom(PICTURE, Box(-50, 500, 84, 9999), "the dot", kind="point")
    assert found.points[0].point == pytest.approx((14, 514), abs=1)
    for region in (Box(0, 0, 1, 50), Box(500, 0, 600, 50), Box(9, 9, 3, 3)):
        with pytest.raises(InputError, match="has nothing of the picture"):
            model.zoom(PICTURE, region, "the dot")


def test_each_picture_has_its_own_scale() -> None:
    small = Image.new("RGB", (112, 112))
    model = ScriptedModel(
        '[{"bbox_2d": [0, 0, 56, 56], "label": "a"},'
        ' {"bbox_2d": [0, 0, 56, 56], "label": "b", "img_idx": 1},'
        ' {"bbox_2d": [0, 0, 56, 56], "label": "c", "img_idx": 2}]'
    )
    found = model.ground([small, PICTURE], "things")
    assert [item.image_index for item in found.items] == [0, 1]
    assert found.boxes[0].box == Box(0, 0, 56, 56)
    assert found.boxes[1].box.x2 > 60
    assert found.problems == ("picture 2 is named, there are 2",)
    assert found.draw(image_index=1).size == (448, 560)
    with pytest.raises(InputError, match="picture 2 is asked for, there are 2"):
        found.draw(image_index=2)


def test_detect_spells_labels_as_asked_and_merges() -> None:
    same = '{"bbox_2d": [10, 10, 100, 100], "label": "Cats"}'
    model = ScriptedModel(f'[{same}, {same}, {{"bbox_2d": [1, 1, 9, 9], "label": "sofa"}}]')
    found = model.detect(PICTURE, ["cat", "dog"])
    assert [item.label for item in found.items] == ["cat"]
    assert len(found.problems) == 1
    assert "'cat, dog'" in model.engine.prompts[0]
    assert len(model.detect(PICTURE, ["cat"], merge=False).items) == 2


@pytest.mark.parametrize(
    ("answer", "count", "agrees"),
    [
        ("There are 2 cups.", 2, True),
        ('[{"bbox_2d": [1, 1, 9, 9]}]\nThere is one cup.', 1, True),
        ('[{"bbox_2d": [1, 1, 9, 9]}]', 1, True),
        ('[{"bbox_2d": [1, 1, 9, 9]}]\nSo 3.', 3, False),
        ("[]", 0, True),
        ("None.", 0, True),
        ("Cups?", None, True),
    ],
)
def test_counts(answer: str, count: int | None, agrees: bool) -> None:
    counted = ScriptedModel(answer).count(PICTURE, "cups", listing=True)
    assert (counted.count, counted.agrees) == (count, agrees)
    assert str(counted)
    assert counted.to_json()["count"] == count


def test_an_answer_cut_by_the_token_limit_says_so() -> None:
    text = '[{"bbox_2d": [1, 1, 9, 9], "label": "a"}, {"bbox_2d": [2, 2, 9, 9], "label": "b"}]'
    found = ScriptedModel(text).ground(PICTURE, "things", max_tokens=40)
    assert found.truncated
    assert len(found.items) == 1


def test_notebook_view_escapes_what_the_model_wrote() -> None:
    evil = '[{"bbox_2d": [1, 1, 9, 9], "label": "<script>alert(1)</script>"}]'
    page = ScriptedModel(evil).ground(PICTURE, "x")._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<svg" in page


@pytest.mark.parametrize("name", ["out.png", "out.svg", "out.jpg"])
def test_draws_to_a_file(tmp_path: Path, name: str) -> None:
    found = ScriptedModel('[{"bbox_2d": [10, 20, 30, 40]}]').ground(PICTURE, "x")
    found.draw(str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(InputError, match="cannot draw"):
        found.draw(str(tmp_path / "out.xyz"))


def test_options_of_the_picture_are_kept_when_zooming() -> None:
    model = ScriptedModel("[]")
    model.zoom(ImagePart(PICTURE, max_pixels=3136), Box(0, 0, 400, 400), "x")
    assert model.engine.asked[0].media[0].transform.resized.area <= 3136


def test_bad_calls_are_refused() -> None:
    model = ScriptedModel("[]")
    with pytest.raises(InputError, match="no picture was given"):
        model.ground([], "x")
    with pytest.raises(InputError, match="nothing to look for"):
        model.ground(PICTURE, " ")
    for region in ((1, 2, 3), ("a", 1, 2, 3)):
        with pytest.raises(InputError, match="expected x1, y1, x2, y2"):
            model.zoom(PICTURE, region, "x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="kind is 'foo'"):
        model.ground(PICTURE, "x", kind="foo")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="max_tokns"):
        model.ground(PICTURE, "x", max_tokns=3)  # type: ignore[call-arg]


def test_boxes_that_cannot_be_are_marked() -> None:
    found = ScriptedModel(
        '[{"bbox_2d": [10, 10, 10, 40]}, {"bbox_2d": [30, 40, 10, 20]}, {"bbox_2d": [1, 1, 9, 9]}]'
    ).ground(PICTURE, "x")
    assert [box.is_empty for box in found.boxes] == [True, False, False]
    assert [box.is_swapped for box in found.boxes] == [False, True, False]
    told = found.to_json()["items"]
    assert [set(item) & {"is_empty", "is_swapped"} for item in told] == [  # type: ignore[union-attr]
        {"is_empty"},
        {"is_swapped"},
        set(),
    ]


def test_boxes_in_an_unknown_unit_are_reported() -> None:
    old = "<|object_ref_start|>cup<|object_ref_end|><|box_start|>(10,20),(30,40)<|box_end|>"
    found = ScriptedModel(old).ground(PICTURE, "the cup")
    assert found.items == ()
    assert "may be thousandths of the picture or pixels" in found.problems[0]
