"""Boxes, shares and points of a scene are those of the pixels that can be seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.synth.grounding import drawings, emoji
from qvl.data.synth.grounding.cutouts import Cutout, Noun, colours_of, resized, solid, turned
from qvl.data.synth.grounding.scene import (
    MIN_SIDE_PX,
    MIN_VISIBLE,
    Layer,
    compose,
    inner_point,
)
from qvl.data.synth.palette import NAMED
from qvl.geometry import Box
from tests.data.synth.grounding.worlds import needs_emoji


def disc(side: int, colour: tuple[int, int, int]) -> Cutout:
    ys, xs = np.mgrid[:side, :side] - (side - 1) / 2
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[np.hypot(xs, ys) <= side / 2] = (*colour, 255)
    return Cutout(pixels=pixels, noun=Noun(name="disc", plural="discs"))


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_boxes_and_shares_are_those_of_the_painted_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = [
        Layer(
            cutout=disc(int(rng.integers(24, 120)), (0, 10 * (number + 1), 200)),
            x=int(rng.integers(-40, 280)),
            y=int(rng.integers(-40, 200)),
        )
        for number in range(8)
    ]
    scene = compose(np.zeros((224, 308, 3), np.uint8), layers)
    left = 0
    for layer in layers:
        colour = layer.cutout.pixels[layer.cutout.pixels[:, :, 3] > 0][0][:3]
        painted = (scene.pixels == colour).all(-1)
        if not painted.any():
            left += 1
            continue
        ys, xs = painted.nonzero()
        box = Box(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        (thing,) = [t for t in scene.things if t.box == box]
        share = painted.sum() / solid(layer.cutout.pixels).sum()
        assert thing.visible == pytest.approx(share, abs=1e-4)
        assert share >= MIN_VISIBLE
        assert min(box.x2 - box.x1, box.y2 - box.y1) >= MIN_SIDE_PX
        assert painted[int(thing.point.y), int(thing.point.x)]
        x1, y1, x2, y2 = (int(value) for value in box)
        assert np.array_equal(thing.mask, painted[y1:y2, x1:x2])
    # What is labelled is all that is painted, and the other way round.
    assert len(scene.things) + left == len(layers)


def test_what_is_hidden_is_not_in_the_picture() -> None:
    below, above = disc(60, (200, 0, 0)), disc(60, (0, 0, 200))
    scene = compose(
        np.zeros((112, 112, 3), np.uint8),
        [Layer(cutout=below, x=20, y=20), Layer(cutout=above, x=22, y=20)],
    )
    assert len(scene.things) == 1
    assert not (scene.pixels == (200, 0, 0)).all(-1).any()


@given(st.integers(0, 10**6), st.integers(1, 300), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_a_point_lies_on_the_thing(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < float(rng.choice([0.002, 0.3, 0.98]))
    if not mask.any():
        mask[height // 2, width // 2] = True
    point = inner_point(mask)
    assert mask[int(point.y), int(point.x)]


def test_a_ring_is_pointed_at_on_its_band() -> None:
    ys, xs = np.mgrid[:200, :200] - 99.5
    radius = np.hypot(xs, ys)
    x, y = inner_point((radius > 60) & (radius < 100))
    assert 70 < np.hypot(x - 100, y - 100) < 90


def test_flat_things_know_what_lies_on_them() -> None:
    rng = np.random.default_rng(0)
    tray = resized(drawings.draw(rng, "tray"), 200, 280)
    inside, outside = disc(30, (0, 0, 0)), disc(30, (0, 0, 0))
    scene = compose(
        np.full((308, 448, 3), 255, np.uint8),
        [
            Layer(cutout=tray, x=20, y=20),
            Layer(cutout=inside, x=100, y=100),
            Layer(cutout=outside, x=380, y=100),
        ],
    )
    assert [thing.under for thing in scene.things] == [-1, 0, -1]


@pytest.mark.parametrize("name", drawings.KINDS)
def test_parts_of_a_drawing_lie_on_it_and_mirror_with_it(name: str) -> None:
    cutout = drawings.draw(np.random.default_rng(3), name)
    other = turned(cutout, 0.0, mirrored=True)
    for item in (cutout, other):
        assert (item.part_map is None) == (not item.parts)
        if item.part_map is not None:
            assert item.part_map.shape == item.pixels.shape[:2]
            assert (solid(item.pixels) | (item.part_map == 0)).mean() > 0.995
    for part in cutout.parts:
        side, _, rest = part.partition(" ")
        if side in ("left", "right"):
            assert f"{'left' if side == 'right' else 'right'} {rest}" in other.parts
        else:
            assert part in other.parts


@pytest.mark.parametrize("colour", NAMED)
def test_a_plain_colour_has_its_name(colour: str) -> None:
    pixels = np.full((9, 9, 4), 255, np.uint8)
    pixels[:, :, :3] = NAMED[colour]
    assert colours_of(pixels) == (colour, frozenset([colour]))


def test_two_colours_have_no_single_name() -> None:
    pixels = np.full((10, 10, 4), 255, np.uint8)
    pixels[:5, :, :3], pixels[5:, :, :3] = NAMED["red"], NAMED["blue"]
    assert colours_of(pixels) == ("", frozenset({"red", "blue"}))


@needs_emoji
def test_every_emoji_of_the_list_is_a_picture_of_its_own() -> None:
    seen: dict[bytes, str] = {}
    for glyph in emoji.glyphs():
        cutout = emoji.cutout(glyph)
        assert solid(cutout.pixels).sum() > 1000, glyph
        # A missing glyph is drawn as the same empty box each time.
        assert seen.setdefault(cutout.pixels.tobytes(), glyph.character) == glyph.character
        assert glyph.noun.name == glyph.noun.name.strip()
        assert glyph.noun.name not in glyph.noun.also
    assert len(emoji.glyphs()) > 300


def test_emoji_have_names_in_other_languages() -> None:
    pytest.importorskip("emoji")
    dog = next(glyph for glyph in emoji.glyphs() if glyph.noun.name == "dog")
    assert emoji.name_in(dog, "de") == "hund"
    assert emoji.name_in(dog, "zh") == "狗"
    for language in emoji.LANGUAGES:
        assert all(emoji.name_in(glyph, language) for glyph in emoji.glyphs())
