"""Benchmarks of boxes, points and counts, on files in their published layouts."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Reply
from qvl.evaluation.benchmarks.counting import COUNTBENCH, COUNTBENCH_DIRECT, PIXMO_COUNT
from qvl.evaluation.benchmarks.odinw import _SETS, ODINW
from qvl.evaluation.benchmarks.pointing import PIXMO_POINTS, POINT_MASKS, POINTARENA
from qvl.evaluation.benchmarks.refcoco import refcoco_benchmarks
from qvl.geometry import ImageSize, ResizeTransform
from tests.evaluation.benchmarks.published import PICTURE, load, numbers, parquet, values, words
from tests.evaluation.test_layouts import png

REFCOCO = {item.name: item for item in refcoco_benchmarks()}
# The picture of 40 x 30 px was seen twice as wide and four times as high.
TWICE = (ResizeTransform(ImageSize(30, 40), ImageSize(120, 80)),)


def boxes(*items: tuple[str, tuple[int, int, int, int]]) -> str:
    """An answer as the model writes it."""
    return json.dumps([{"bbox_2d": list(box), "label": label} for label, box in items])


def points(*places: tuple[int, int]) -> str:
    """An answer as the model writes it."""
    return json.dumps([{"point_2d": list(place), "label": "it"} for place in places])


def black_and_white(*white: tuple[int, int, int, int]) -> bytes:
    """A mask of 40 x 30 px."""
    mask = np.zeros((30, 40), dtype=np.uint8)
    for left, top, right, bottom in white:
        mask[top:bottom, left:right] = 255
    file = io.BytesIO()
    PIL.Image.fromarray(mask).save(file, "PNG")
    return file.getvalue()


def test_the_eight_splits_of_refcoco_have_their_published_scores() -> None:
    assert list(REFCOCO) == [
        "refcoco-val", "refcoco-testa", "refcoco-testb", "refcoco+-val", "refcoco+-testa",
        "refcoco+-testb", "refcocog-val", "refcocog-test",
    ]  # fmt: skip
    assert REFCOCO["refcoco+-testb"].published["7b"] == 76.9
    assert REFCOCO["refcoco-testa"].split == "testA"


def test_refcoco_of_the_hub_asks_for_each_phrase(tmp_path: Path) -> None:
    benchmark = REFCOCO["refcoco-testa"]
    rows = [
        {"question_id": "9", "image": PICTURE, "question": "Please describe ...",
         "answer": ["left man", "man in red"], "bbox": [10.0, 10.0, 20.0, 10.0], "iscrowd": 0},
    ]  # fmt: skip
    questions = load(benchmark, parquet(tmp_path / "data", "testA", rows).parent)
    assert [question.key for question in questions] == ["0-0", "0-1"]
    assert words(questions[1]) == (
        "Locate man in red in this image and output the bbox coordinates in JSON format."
    )
    assert questions[0].truth == [10, 10, 30, 20]
    right, shifted = boxes(("man", (20, 40, 60, 80))), boxes(("man", (24, 40, 64, 80)))
    far = boxes(("man", (0, 0, 20, 20)), ("man", (20, 40, 60, 80)))
    # In the picture's own pixels the same numbers would be a miss.
    scores = [benchmark.score(questions[0], Reply(text=right, transforms=TWICE)),
              benchmark.score(questions[0], Reply(text=right))]  # fmt: skip
    assert [score.value for score in scores] == [1, 0]
    assert not benchmark.score(questions[0], Reply(text="I see none.", transforms=TWICE)).is_parsed
    found = numbers(benchmark, questions, [shifted, far], TWICE)
    assert found == {
        "accuracy": 50.0,
        "mean_iou": pytest.approx(100 * (18 / 22) / 2),
        "any_box": 100.0,
    }


def test_refcoco_of_one_phrase_a_line(tmp_path: Path) -> None:
    (tmp_path / "train2014").mkdir()
    (tmp_path / "train2014" / "a.jpg").write_bytes(png())
    lines = [
        {"image": f"train2014/{name}.jpg", "sent": "the cat", "bbox": [0, 0, 20, 10],
         "height": 30, "width": 40}
        for name in ("a", "b")
    ]  # fmt: skip
    path = tmp_path / "refcocog_test.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    first, second = load(REFCOCO["refcocog-test"], tmp_path)
    assert first.truth == [0, 0, 20, 10]
    assert not first.broken
    assert "b.jpg does not exist" in second.broken
    assert values(REFCOCO["refcocog-test"], first, boxes(("", (0, 0, 20, 10)))) == [1]
    path.write_text(json.dumps({**lines[0], "bbox": [1, 2]}))
    with pytest.raises(DataError, match=r"bbox is \[1, 2\], expected four numbers"):
        load(REFCOCO["refcocog-test"], tmp_path)


def coco_set(folder: Path, name: str, split: str) -> None:
    """One of the sets of ODinW: a picture with a box, one without."""
    root = folder / name / _SETS[name] / split
    root.mkdir(parents=True)
    (root / "a.jpg").write_bytes(png())
    content = {
        "images": [{"id": 3, "file_name": "a.jpg"}, {"id": 4, "file_name": "gone.jpg"}],
        "categories": [{"id": 1, "name": "Dog"}, {"id": 2, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 3, "category_id": 1, "bbox": [10, 10, 20, 10], "iscrowd": 0}
        ],
    }
    (root / "annotations_without_background.json").write_text(json.dumps(content))


def test_odinw_as_published(tmp_path: Path) -> None:
    for name in _SETS:
        coco_set(tmp_path, name, "mini_val" if name == "EgoHands" else "valid")
    questions = load(ODINW, tmp_path, "valid")
    assert len(questions) == 26
    assert questions[0].key == "AerialMaritimeDrone-3"
    assert "gone.jpg does not exist" in questions[1].broken
    assert words(questions[0]) == (
        "Locate every instance that belongs to the following categories: 'Dog, cat'. Report bbox "
        "coordinates in JSON format."
    )
    right = boxes(("dog", (20, 40, 60, 80)))
    wrong = boxes(("bird", (20, 40, 60, 80)))
    answers = [right, "[]", wrong, "[]"] + [right[:-1], "[]"] * 11
    found = numbers(ODINW, questions, answers, TWICE)
    assert found["AerialMaritimeDrone"] == pytest.approx(100)
    assert found["Aquarium"] == 0
    assert found["map"] == pytest.approx(100 * 12 / 13)
    assert found["whole_lists"] == pytest.approx(100 / 13)
    with pytest.raises(DataError, match="has no test split of AerialMaritimeDrone"):
        load(ODINW, tmp_path)


def test_odinw_as_parquet(tmp_path: Path) -> None:
    rows = [
        {"image": PICTURE, "dataset_name": name, "categories": ["dog", "cat"],
         "bboxes": [[0.0, 0.0, 20.0, 10.0]], "labels": ["dog"]}
        for name in ("pothole", "Raccoon")
    ]  # fmt: skip
    questions = load(ODINW, parquet(tmp_path, "test", rows))
    # An overlap of 0.72 is a hit at five of the ten overlaps.
    near = boxes(("Dog", (0, 0, 20, 7)), ("dog", (0, 0, 2, 2)))
    assert values(ODINW, questions[0], near, "nothing") == pytest.approx([2 / 3, 0])
    found = numbers(ODINW, questions, [near, ""])
    assert found["pothole"] == pytest.approx(50)
    assert found["map"] == pytest.approx(25)


@pytest.mark.parametrize("is_zipped", [True, False])
def test_pointarena(tmp_path: Path, is_zipped: bool) -> None:
    files = {
        "selected_images": {"some/é.png": png()},
        "selected_masks": {"m.png": black_and_white((0, 0, 10, 10), (30, 0, 40, 10))},
    }
    for name, members in files.items():
        if is_zipped:
            with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
                for member, content in members.items():
                    archive.writestr(member, content)
        else:
            (tmp_path / name).mkdir()
            for member, content in members.items():
                (tmp_path / name / member.rsplit("/", 1)[-1]).write_bytes(content)
    rows = [
        {"image_filename": "é.png", "mask_filename": "m.png", "category": category,
         "user_input": "Point to a handle.", "count": 2}
        for category in ("spatial", "counting")
    ]  # fmt: skip
    rows.append({**rows[0], "mask_filename": "none.png"})
    (tmp_path / "data.json").write_text(json.dumps(rows))
    first, counted, broken = load(POINTARENA, tmp_path)
    assert words(first) == "Point to a handle.\nOutput the point coordinates in JSON format."
    assert "Point to every object" in words(counted)
    assert "none.png" in broken.broken
    on, other, off = (10, 20), (70, 20), (40, 20)
    answers = [points(on), points(on, off), points(off, on), "There are none."]
    scores = [POINTARENA.score(first, Reply(text=text, transforms=TWICE)) for text in answers]
    assert [score.value for score in scores] == [1, 1, 0, 0]
    answers = [points(on, other), points(on), points(on, other, off)]
    scores = [POINTARENA.score(counted, Reply(text=text, transforms=TWICE)) for text in answers]
    assert [score.value for score in scores] == [1, 0, 0]
    found = numbers(POINTARENA, [first, counted, broken], [points(on, off), points(on), ""], TWICE)
    assert found["accuracy"] == pytest.approx(100 / 3)
    assert found["fraction"] == pytest.approx(50)
    assert found["counting"] == 0


def test_pixmo_points(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    name = hashlib.sha256(png()).hexdigest()
    (tmp_path / "images" / f"{name}.png").write_bytes(png())
    (tmp_path / "images" / ("0" * 64)).write_bytes(png("blue"))
    left = np.zeros((15, 20), dtype=bool)
    left[:, :10] = True
    row = {
        "image_url": "https://x",
        "image_sha256": name,
        "label": "red cup",
        "points": [{"x": 5.0, "y": 5.0}],
        "masks": [left.tolist(), (~left).tolist()],
    }
    rows = [row, {**row, "image_sha256": "0" * 64}, {**row, "image_sha256": "1" * 64}]
    first, changed, missing = load(PIXMO_POINTS, parquet(tmp_path, "test", rows))
    assert words(first) == (
        "Locate red cup in this image and output the point coordinates in JSON format."
    )
    assert "another picture" in changed.broken
    assert "does not exist" in missing.broken
    # Masks are half as large as the picture; the right half begins at x = 20 of 40, seen as 40.
    answers = [points((10, 10), (50, 10)), points((10, 10)), points((10, 10), (20, 10)), "none"]
    scores = [PIXMO_POINTS.score(first, Reply(text=text, transforms=TWICE)) for text in answers]
    assert [score.value for score in scores] == pytest.approx([1, 2 / 3, 0.5, 0])


def test_points_on_masks_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "m.png").write_bytes(black_and_white((0, 0, 10, 10)))
    lines = [
        {"id": "x", "image": "a.png", "question": "Point to the cup.", "masks": ["m.png"]},
        {"image": "a.png", "question": "Point to the cup.", "masks": []},
        {"image": "a.png", "question": "Point to the cup.", "masks": ["gone.png"]},
        {"image": "a.png", "question": "Point to the cup.", "masks": ["a.txt"]},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[:3]))
    first, none, broken = load(POINT_MASKS, tmp_path)
    assert (first.key, bool(broken.broken)) == ("x", True)
    assert values(POINT_MASKS, first, points((5, 5)), points((15, 5))) == [1, 0]
    assert values(POINT_MASKS, none, "There is no cup.", points((5, 5))) == [1, 0]
    (tmp_path / "a.txt").write_text("no picture")
    path.write_text(json.dumps(lines[3]))
    with pytest.raises(DataError, match="a mask cannot be read"):
        load(POINT_MASKS, tmp_path)


@pytest.mark.parametrize(
    ("benchmark", "asked"),
    [
        (
            COUNTBENCH,
            "Please first output bbox coordinates and names of all headsets in this image in JSON "
            "format, and then answer how many headsets are there in the image.",
        ),
        (
            COUNTBENCH_DIRECT,
            "How many headsets are there in the image?\nAnswer with a single number.",
        ),
    ],
)
def test_countbench(tmp_path: Path, benchmark: Benchmark, asked: str) -> None:
    rows = [
        {"image": PICTURE, "text": "two headsets", "number": number,
         "question": "How many headsets are there in the image?"}
        for number in (2, 3)
    ]  # fmt: skip
    questions = load(benchmark, parquet(tmp_path, "test", rows))
    assert words(questions[0]) == asked
    assert values(benchmark, questions[0], "Two.", "There are 12.", "many") == [1, 0, 0]
    listed = boxes(("h", (0, 0, 1, 1)), ("h", (2, 2, 3, 3)))
    found = numbers(benchmark, questions, [f"{listed}\nThere are 2 headsets.", "13"])
    assert (found["accuracy"], found["lmms_eval"], found["vlmevalkit"]) == (50, 0, 100)
    assert found.get("boxes", 50) == 50


def test_pixmo_count(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    name = hashlib.sha256(png()).hexdigest()
    (tmp_path / "images" / f"{name}.jpg").write_bytes(png())
    row = {"image_url": "https://x", "image_sha256": name, "label": "people", "count": 4}
    (question,) = load(PIXMO_COUNT, parquet(tmp_path, "test", [row]))
    assert words(question) == (
        "How many people are there in the image?\nAnswer with a single number."
    )
    assert not question.broken
    assert numbers(PIXMO_COUNT, [question], ["I see 4 of them, or 5"])["lmms_eval"] == 100
    rows = [{"image": PICTURE, "question": "<image>How many cups?", "answer": "3 cups"}]
    (question,) = load(PIXMO_COUNT, parquet(tmp_path, "test", rows))
    assert words(question) == "How many cups?\nAnswer with a single number."
    assert values(PIXMO_COUNT, question, "three", "4") == [1, 0]
