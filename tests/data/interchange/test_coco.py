"""COCO files: read as their own code reads them, every fault named, written and read back."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PILImage

from qvl.data.interchange.coco import CocoFile, is_coco
from qvl.data.interchange.coco_writing import write_coco
from qvl.data.interchange.opening import open_data
from qvl.data.lint import check_sample
from qvl.data.local import run_local
from qvl.data.masks import rasterised
from qvl.data.places import places
from qvl.data.run import RunOptions
from qvl.data.synth.grounding.annotated_scenes import AnnotatedSource, DrawnSet, annotated_scene
from qvl.errors import DataError
from qvl.geometry import Box, ImageSize
from qvl.messages import Image
from qvl.tasks import grounding
from tests.data.small import asked, drawn
from tests.data.synth.grounding.worlds import needs_emoji

SQUARE = [[20.0, 30.0, 80.0, 30.0, 80.0, 100.0, 20.0, 100.0]]


def content() -> dict[str, Any]:
    return {
        "licenses": [
            {"id": 4, "name": "Attribution", "url": "http://creativecommons.org/licenses/by/2.0/"}
        ],
        "categories": [
            {"id": 1, "name": "person", "supercategory": "person"},
            {"id": 18, "name": "dog", "supercategory": "animal"},
            {"id": 90, "name": "tooth_brush", "supercategory": "indoor"},
        ],
        "images": [
            {"id": 7, "file_name": "a.png", "height": 150, "width": 200, "license": 4},
            {"id": 8, "file_name": "b.png", "height": 150, "width": 200},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 18, "bbox": [20, 30, 60, 70],
             "segmentation": SQUARE, "iscrowd": 0, "area": 4200},
            {"id": 2, "image_id": 7, "category_id": 18, "bbox": [100, 30, 60, 70],
             "segmentation": [[100.0, 30.0, 160.0, 30.0, 160.0, 100.0, 100.0, 100.0]]},
            {"id": 3, "image_id": 7, "category_id": 1, "bbox": [0, 120, 200, 30],
             "segmentation": {"size": [150, 200], "counts": [120, 30, *[120, 30] * 199]},
             "iscrowd": 1},
        ],
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        PILImage.new("RGB", (200, 150), (90, 120, 90)).save(tmp_path / name)
    write(tmp_path, content())
    return tmp_path


def write(folder: Path, value: object) -> None:
    (folder / "instances.json").write_text(json.dumps(value))


def test_reads_boxes_masks_crowds_and_terms(folder: Path) -> None:
    file = CocoFile(folder / "instances.json", licence="MIT")
    assert (len(file), file.names) == (2, ("person", "dog", "tooth brush"))
    first, second = file.picture(0), file.picture(1)
    assert [item.name for item in first.instances] == ["dog", "dog", "person"]
    assert first.instances[0].box == Box(20, 30, 80, 100)
    assert (first.instances[0].group, first.instances[2].group) == ("animal", "")
    assert first.instances[2].is_crowd
    crowd = rasterised(first.instances[2].segmentation, first.size, first.size)  # type: ignore[arg-type]
    assert crowd[120:].all()
    assert not crowd[:120].any()
    assert first.absent == {"tooth brush"}
    assert first.unsure == {"person"}
    assert (first.licence, second.licence) == ("CC-BY-2.0", "MIT")
    assert second.absent == {"person", "dog", "tooth brush"}


def test_agrees_with_coco_s_own_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    oracle = pytest.importorskip("pycocotools.coco").COCO(str(folder / "instances.json"))
    file = CocoFile(folder / "instances.json")
    for record, item in zip(oracle.loadAnns([1, 2, 3]), file.picture(0).instances, strict=True):
        theirs = oracle.annToMask(record).astype(bool)
        size = ImageSize(150, 200)
        mine = rasterised(item.segmentation, size, size)  # type: ignore[arg-type]
        assert (mine & theirs).sum() / (mine | theirs).sum() > 0.95


def test_a_picture_becomes_the_question_for_all_of_it(folder: Path) -> None:
    file = open_data(folder / "instances.json")
    assert isinstance(file, CocoFile)
    first, second = list(file)
    assert not list(check_sample(first))
    found = places(first)
    # In pixels of the file, within one of the resized picture.
    expected = [(20, 30, 80, 100), (100, 30, 160, 100)]
    assert [place.label for place in found] == ["dog", "dog"]
    for place, box in zip(found, expected, strict=True):
        assert place.shape == pytest.approx(box, abs=1)
    question = second.conversation.messages[0].content[1].text  # type: ignore[union-attr]
    answer = second.conversation.messages[1].content[0].text  # type: ignore[union-attr]
    assert "person, dog, tooth brush" in question
    assert grounding.parse(answer).items == ()


def test_lvis_says_what_was_not_looked_for(folder: Path) -> None:
    value = content()
    value["images"][0] |= {"neg_category_ids": [90], "not_exhaustive_category_ids": [18]}
    value["images"][1] |= {"neg_category_ids": []}
    write(folder, value)
    file = CocoFile(folder / "instances.json")
    first, second = file.picture(0), file.picture(1)
    assert first.absent == {"tooth brush"}
    assert first.unsure == {"dog", "person"}
    assert second.absent == frozenset()
    scene = annotated_scene(first)
    assert {"dog", "animal"} <= scene.unsure


def test_a_picture_in_which_nothing_is_marked_is_dropped_and_no_failure(folder: Path) -> None:
    source = AnnotatedSource(pictures=CocoFile(folder / "instances.json"))
    options = RunOptions(failure_budget=0)
    summary = run_local(source, [], folder / "run", options=options)
    assert (summary.num_read, summary.num_kept, summary.num_failed) == (2, 1, 0)
    assert summary.dropped == {"read": {"nothing clear to ask about the picture": 1}}
    again = run_local(source, [], folder / "run", options=options)
    assert (again.num_reused, again.dropped) == (1, summary.dropped)


def test_a_mask_that_cannot_be_used_is_named_with_its_picture(folder: Path) -> None:
    value = content()
    value["annotations"][0]["segmentation"] = {"size": [150, 200], "counts": "garbage!!"}
    write(folder, value)
    source = AnnotatedSource(pictures=CocoFile(folder / "instances.json"))
    with pytest.raises(DataError, match=r"^instances\.json: image 7: 'dog': mask holds 'r'"):
        source[0]


def test_questions_about_marked_pictures_are_true(folder: Path) -> None:
    source = AnnotatedSource(pictures=CocoFile(folder / "instances.json"))
    forms = set()
    for seed in range(25):
        sample = AnnotatedSource(pictures=source.pictures, seed=seed)[0]
        assert not list(check_sample(sample))
        for asked_ in sample.facts["asked"]:
            forms.add(asked_["form"])
            # How many people a crowd has is not known, so nothing is asked about them.
            assert "person" not in asked_["expression"]
            if asked_["expression"] == "dogs":
                assert len(asked_["targets"]) == 2
    assert {"nothing", "box", "all boxes"} <= forms


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"category_id": 5}, "annotation 1: category 5 is not in the file"),
        ({"bbox": [1, 2, 3]}, "annotation 1: bbox is"),
        ({"bbox": [1, 2, "3", 4]}, "annotation 1: bbox is"),
        ({"bbox": [1, 2, float("inf"), 4]}, "annotation 1: bbox is"),
        ({"bbox": [300, 2, 3, 4]}, "has no area"),
        ({"bbox": None}, "annotation 1: bbox is None"),
        ({"segmentation": "x"}, "annotation 1: segmentation is"),
        ({"segmentation": {"size": [9, 9], "counts": "x"}}, "annotation 1: segmentation is"),
        ({"segmentation": {"size": [150, 200], "counts": [-1]}}, "counts of a mask"),
        ({"segmentation": [["x"]]}, "no list of outlines"),
    ],
)
def test_a_damaged_annotation_is_named_and_costs_its_picture_only(
    folder: Path, change: dict[str, Any], message: str
) -> None:
    value = content()
    value["annotations"][0] |= change
    write(folder, value)
    file = CocoFile(folder / "instances.json")
    with pytest.raises(DataError, match="image 0: ") as caught:
        file.picture(0)
    assert message in caught.value.message
    assert file.picture(1).instances == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file_name": "../a.png"}, "leads out of"),
        ({"file_name": "/etc/passwd"}, "leads out of"),
        ({"file_name": "c.png"}, "is missing"),
        ({"file_name": 3}, "file_name is 3"),
        ({"height": 0}, "height is 0"),
        ({"height": True}, "height is True"),
        ({"width": 150, "height": 200}, "is 200 x 150 px, its record says 150 x 200 px"),
        ({"id": None}, "expected an object with an id"),
    ],
)
def test_a_damaged_image_is_named(folder: Path, change: dict[str, Any], message: str) -> None:
    value = content()
    value["images"][1] |= change
    write(folder, value)
    file = CocoFile(folder / "instances.json")
    with pytest.raises(DataError) as caught:
        file.picture(1)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 200_000, "is no JSON"),
        ("[]", "expected an object"),
        ('{"images": []}', "'categories' is None"),
        ('{"images": 3, "annotations": [], "categories": []}', "'images' is 3"),
        ('{"images": [], "annotations": [], "categories": [{"id": 1}]}', "expected an id and a"),
    ],
)
def test_what_is_no_coco_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        CocoFile(path)
    assert message in caught.value.message


def test_ours_are_written_and_read_back(tmp_path: Path) -> None:
    samples = drawn(6)
    words = asked("What?", "Nothing.")
    path = tmp_path / "out.coco.json"
    count, problems = write_coco([*samples, words], path)
    with_boxes = [i for i, s in enumerate(samples) if any(len(p.raw) == 4 for p in places(s))]
    assert count == len(with_boxes) > 0
    assert len(problems) == len(samples) + 1 - count
    assert is_coco(path)
    file = CocoFile(path)
    for number, place in enumerate(with_boxes):
        stated = [p for p in places(samples[place]) if len(p.raw) == 4]
        read = file.picture(number)
        assert [item.name for item in read.instances] == [p.label for p in stated]
        assert [item.box for item in read.instances] == [p.shape for p in stated]
        assert read.licence == samples[place].provenance.licence
    with pytest.raises(DataError, match="already exists"):
        write_coco(samples, path)


@needs_emoji
def test_masks_are_written_and_read_back(tmp_path: Path) -> None:
    marked = DrawnSet().picture(1)
    sample = asked(
        "What?",
        "Things.",
        Image(marked.picture),
        things=[item.to_json() for item in marked.instances],
    )
    assert write_coco([sample], tmp_path / "out.json") == (1, [])
    read = CocoFile(tmp_path / "out.json").picture(0)
    assert [item.segmentation for item in read.instances] == [
        item.segmentation for item in marked.instances
    ]
    assert np.array_equal(np.asarray(PILImage.open(str(read.picture))), marked.picture)


def test_travels_to_other_processes(folder: Path) -> None:
    file = CocoFile(folder / "instances.json", licence="MIT")
    again = pickle.loads(pickle.dumps(file))
    assert again.picture(0) == file.picture(0)
    assert again.fingerprint(0, 2) == file.fingerprint(0, 2)
    before = file.fingerprint(1, 2)
    PILImage.new("RGB", (200, 150)).save(folder / "b.png")
    assert file.fingerprint(1, 2) != before
