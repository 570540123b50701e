"""Pasted things: every mark is what can be seen afterwards, nothing is left as a sliver."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qvl.data.encoding import content_id
from qvl.data.lint import check_sample
from qvl.data.masks import RunLengths, rasterised
from qvl.data.synth.grounding.annotated_scenes import DrawnSet
from qvl.data.synth.grounding.copy_paste import PasteSource, cut_out, pasted
from qvl.data.synth.grounding.cutouts import Noun
from qvl.data.synth.grounding.scene import MIN_VISIBLE, Scene, Thing, box_of_mask
from qvl.errors import ConfigError
from qvl.geometry import Box, ImageSize, Point
from tests.data.synth.grounding.worlds import needs_emoji


def disc(name: str, x: int, y: int, radius: int, size: ImageSize) -> Thing:
    ys, xs = np.mgrid[: size.height, : size.width]
    mask = np.hypot(xs - x, ys - y) < radius
    box = box_of_mask(mask)
    x1, y1, x2, y2 = (int(value) for value in box)
    return Thing(
        noun=Noun(name=name, plural=name + "s"),
        box=box,
        point=Point(x + 0.5, y + 0.5),
        mask=mask[y1:y2, x1:x2],
    )


def world(colour: int, names: list[str], seed: int, **known: frozenset[str]) -> Scene:
    """Discs on black, apart from each other, each name in a shade of its own."""
    size = ImageSize(224, 308)
    rng = np.random.default_rng(seed)
    things, pixels = [], np.zeros((*size, 3), np.uint8)
    for number, name in enumerate(names):
        x = 50 + 100 * number
        item = disc(name, x, int(rng.integers(50, 170)), int(rng.integers(24, 44)), size)
        x1, y1, x2, y2 = (int(value) for value in item.box)
        pixels[y1:y2, x1:x2][item.mask] = (colour, 60 + 60 * number, 0)
        things.append(item)
    return Scene(pixels=pixels, things=tuple(things), **known)


@given(st.integers(0, 10**6))
@example(742126)  # of two pasted things one covers the other
@settings(max_examples=40, deadline=None)
def test_marks_are_what_can_be_seen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scene, donor = world(90, ["cup", "dog", "hat"], seed), world(250, ["cat", "pen"], seed + 1)
    result, count, used = pasted(rng, scene, [donor])
    assert used == ([0] if count else [])
    new = [thing for thing in result.things if thing.noun.name in ("cat", "pen")]
    # A thing pasted later may cover one pasted before, which is then gone like any other.
    assert min(count, 1) <= len(new) <= count
    shown = result.pixels[:, :, 0].astype(int)
    for number, thing in enumerate(scene.things):
        visible = (result.pixels == (90, 60 + 60 * number, 0)).all(-1)
        after = [item for item in result.things if item.noun == thing.noun]
        if not after:
            assert visible.sum() < 0.02 * thing.mask.sum()  # type: ignore[union-attr]
            continue
        (item,) = after
        assert item.visible >= MIN_VISIBLE
        assert item.visible == pytest.approx(item.mask.sum() / thing.mask.sum(), abs=1e-3)  # type: ignore[union-attr]
        seen = box_of_mask(visible)
        assert max(abs(a - b) for a, b in zip(seen, item.box, strict=True)) <= 2
        assert visible[int(item.point.y), int(item.point.x)] or item.visible < 1
    for item in new:
        assert shown[int(item.point.y), int(item.point.x)] > 100


def test_cut_edges_bring_nothing_of_their_surroundings() -> None:
    donor = world(250, ["cat"], 0)
    (thing,) = donor.things
    cutout = cut_out(donor, thing)
    assert (cutout.pixels[:, :, 3][~thing.mask] == 0).all()  # type: ignore[index]
    assert (cutout.pixels[cutout.pixels[:, :, 3] > 0][:, 0] == 250).all()


def test_what_a_donor_leaves_open_stays_open() -> None:
    scene = world(90, ["cup"], 0, absent=frozenset({"cat", "pen", "owl", "bee"}))
    donor = world(250, ["cat"], 1, absent=frozenset({"owl", "cup"}), unsure=frozenset({"bee"}))
    result, count, _ = pasted(np.random.default_rng(0), scene, [donor])
    assert count
    assert result.absent == {"owl"}
    assert result.unsure == {"bee"}


def test_crowds_and_boxes_without_masks_are_not_covered() -> None:
    scene = world(90, ["cup"], 0)
    whole = Thing(
        noun=Noun(name="dog", plural="dogs"),
        box=Box(0, 0, 308, 224),
        point=Point(9, 9),
        is_crowd=True,
    )
    scene = Scene(pixels=scene.pixels, things=(whole,))
    for seed in range(5):
        result, count, _ = pasted(np.random.default_rng(seed), scene, [world(250, ["cat"], 1)])
        assert (result, count) == (scene, 0)


@needs_emoji
def test_samples_are_true_and_the_same_each_time() -> None:
    source = PasteSource(pictures=DrawnSet(count=8), count=6)
    for number in range(6):
        sample = source[number]
        assert content_id(sample) == content_id(source[number])
        assert not list(check_sample(sample))
        assert sample.facts["pasted"] <= len(sample.facts["things"])
        height, width = sample.facts["things"][0]["segmentation"]["size"]
        for thing in sample.facts["things"]:
            runs = RunLengths(size=ImageSize(height, width), counts=thing["segmentation"]["counts"])
            assert box_of_mask(rasterised(runs, runs.size, runs.size)) == Box(*thing["box"])
        assert sample.provenance.licence == "OFL-1.1"
        assert "drawn scene" in sample.provenance.source
    assert len({content_id(source[number]) for number in range(6)}) == 6


def test_one_picture_is_too_few() -> None:
    with pytest.raises(ConfigError, match="expected at least 2"):
        PasteSource(pictures=DrawnSet(count=1), count=3)
