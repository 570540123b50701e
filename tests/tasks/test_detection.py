"""Several kinds at once: names as asked, nothing guessed, nothing twice."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.errors import InputError
from qvl.geometry import Box, Point, box_iou
from qvl.tasks import detection, grounding
from qvl.tasks.grounding import GroundedBox, GroundedPoint

ANSWER = (
    '[{"bbox_2d": [1, 2, 30, 40], "label": "Traffic lights"},'
    ' {"bbox_2d": [5, 6, 70, 80], "label": "cat"},'
    ' {"bbox_2d": [7, 7, 9, 9], "label": "lion"}]'
)


def test_labels_become_the_categories_and_others_are_reported() -> None:
    found = detection.categorise(grounding.parse(ANSWER), ["traffic light", "cats"])
    assert [item.label for item in found.items] == ["traffic light", "cats"]
    assert found.problems == ("'lion' at [7.0, 7.0, 9.0, 9.0] is none of the categories",)


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ([], "there are no categories"),
        ("cat, dog", "expected a list of names"),
        ([1, 2], "expected a list of names"),
        (["cat", " "], "has no name"),
        (["cat", "Cats"], "'Cats' is named twice"),
        ([f"kind {i}" for i in range(1001)], "1001 categories"),
    ],
)
def test_unusable_categories_are_refused(categories: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        detection.prompt(categories)


boxes = st.builds(
    lambda x, y, w, h, label: GroundedBox(box=Box(x, y, x + w, y + h), label=label),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(["a", "b"]),
)


@given(items=st.lists(boxes, max_size=12), min_iou=st.sampled_from([0.5, 0.9, 1.0]))
def test_merging_keeps_one_of_each(items: list[GroundedBox], min_iou: float) -> None:
    kept = detection.merge_duplicates(items, min_iou=min_iou)
    assert detection.merge_duplicates(kept, min_iou=min_iou) == kept, "merging twice changes none"
    for item in items:
        assert any(
            other.label == item.label
            and (other.box == item.box or box_iou(other.box, item.box) >= min_iou)
            for other in kept
            if isinstance(other, GroundedBox)
        )
    for i, one in enumerate(kept):
        for other in kept[i + 1 :]:
            assert isinstance(one, GroundedBox)
            assert isinstance(other, GroundedBox)
            assert one.label != other.label or box_iou(one.box, other.box) < min_iou


def test_points_pictures_and_names_keep_things_apart() -> None:
    point = GroundedPoint(point=Point(1, 1), label="a")
    box = GroundedBox(box=Box(0, 0, 9, 9), label="a")
    items = [point, point, replace(point, point=Point(1, 2)), box, replace(box, image_index=1)]
    assert detection.merge_duplicates(items) == (items[0], items[2], items[3], items[4])


def test_an_endless_answer_is_merged_in_seconds() -> None:
    items = [GroundedBox(box=Box(i, 0, i + 9, 9), label="a") for i in range(4000)]
    assert len(detection.merge_duplicates([*items, *items])) == 4000
