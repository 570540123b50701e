"""Warps and effects: what is carried lies where the pixels went, and all of it stays in view."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage

from qvl.data.synth import effects, textures, warps
from qvl.errors import InputError
from qvl.geometry import Box, ImageSize

SIZE = ImageSize(280, 364)
SIDE = 15
SPOTS = [(20, 20), (180, 30), (330, 14), (40, 140), (200, 150), (330, 250), (12, 250)]


def dotted() -> tuple[PILImage.Image, list[warps.Points]]:
    """White with dark squares, and their corners."""
    pixels = np.full((*SIZE, 3), 255, np.uint8)
    for x, y in SPOTS:
        pixels[y : y + SIDE, x : x + SIDE] = 0
    boxes = [Box(x, y, x + SIDE, y + SIDE) for x, y in SPOTS]
    return PILImage.fromarray(pixels), [warps.rectangle(box, per_side=4) for box in boxes]


def centre_of_dark(image: PILImage.Image, box: Box) -> np.ndarray:
    """The centre of what is dark in and around a box, in continuous pixels."""
    x1, y1, x2, y2 = (round(v) for v in box)
    left, top = max(x1 - 3, 0), max(y1 - 3, 0)
    region = np.asarray(image.convert("L"), np.float64)[top : y2 + 3, left : x2 + 3]
    # Halfway between paper and ink: light, noise and dust have little weight there.
    dark, light = np.percentile(region, (10, 90))
    weight = (region < (dark + light) / 2).astype(float)
    ys, xs = np.mgrid[0 : region.shape[0], 0 : region.shape[1]]
    centre = np.array([(weight * xs).sum(), (weight * ys).sum()]) / weight.sum()
    return centre + 0.5 + (left, top)


def ink_inside(image: PILImage.Image, polygons: list[warps.Points], within: float) -> None:
    for polygon in polygons:
        found = centre_of_dark(image, warps.box_of(polygon, SIZE))
        assert np.hypot(*(found - polygon.mean(0))) < within


WARPS = {
    "perspective": warps.between_quads(
        [[0, 0], [364, 0], [364, 280], [0, 280]], [[9, 30], [350, 4], [333, 270], [44, 255]]
    ),
    "turn": warps.moved(-182, -140).then(warps.rotated(17)),
    "wave": warps.waved(9, 150, 0.7),
    "arc": warps.arched(SIZE, 50),
    "hanging arc": warps.arched(SIZE, -65),
    "curl": warps.curled(SIZE, top_px=20, bottom_px=8, bulge=0.25, side=0.4),
}


@pytest.mark.parametrize("name", WARPS)
def test_pixels_go_where_polygons_go(name: str) -> None:
    image, polygons = dotted()
    warp = warps.fitted(WARPS[name], SIZE, SIZE, margin=0.02)
    moved = warps.carried(warp, polygons)
    layer = warps.warped(image, warp, SIZE)
    result = PILImage.new("RGB", layer.size, (255, 255, 255))
    result.paste(layer, mask=layer.getchannel("A"))
    ink_inside(result, moved, within=0.5)


@pytest.mark.parametrize("name", WARPS)
def test_backward_undoes_forward(name: str) -> None:
    points = np.random.default_rng(1).uniform((0, 0), (364, 280), (200, 2))
    there = WARPS[name].forward(points)
    assert np.abs(WARPS[name].backward(there) - points).max() < 1e-6


@settings(max_examples=40, deadline=None)
@given(
    top=st.floats(-20, 20), bottom=st.floats(-20, 20), bulge=st.floats(0, 0.3), side=st.floats(0, 1)
)
def test_every_curled_page_can_be_flattened(
    top: float, bottom: float, bulge: float, side: float
) -> None:
    warp = warps.curled(SIZE, top_px=top, bottom_px=bottom, bulge=bulge, side=side)
    points = np.random.default_rng(1).uniform((0, 0), (364, 280), (100, 2))
    assert np.abs(warp.backward(warp.forward(points)) - points).max() < 1e-4


@pytest.mark.parametrize("effect", [effects.printed, effects.scanned, effects.photographed])
@pytest.mark.parametrize("strength", [0.0, 0.6, 1.0])
def test_effects_carry_what_is_on_the_picture(
    effect: Callable[..., effects.Labelled], strength: float
) -> None:
    image, polygons = dotted()
    for number in range(12):
        rng = np.random.default_rng((5, number))
        result, carried = effect(rng, image, polygons, strength=strength)
        assert result.size == image.size
        assert result.mode == "RGB"
        assert [p.shape for p in carried] == [p.shape for p in polygons]
        for polygon in carried:
            assert polygon.min() >= 0
            assert (polygon <= (SIZE.width, SIZE.height)).all()
        # A moved lens smears a square by up to 2 px to one side; dust adds to it.
        ink_inside(result, carried, within=1.5)


@pytest.mark.parametrize("effect", [effects.printed, effects.scanned, effects.photographed])
def test_same_numbers_same_pixels(effect: Callable[..., effects.Labelled]) -> None:
    image, polygons = dotted()
    first, again, other = (
        effect(np.random.default_rng(seed), image, polygons)[0].tobytes() for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_surfaces_have_their_size_and_differ() -> None:
    rng = np.random.default_rng(3)
    for size in (ImageSize(56, 84), ImageSize(300, 28), ImageSize(2, 2)):
        for _ in range(15):
            for made in (textures.surface(rng, size), textures.paper(rng, size)):
                assert made.size == (size.width, size.height)
    assert np.asarray(textures.surface(rng, SIZE)).std() > 0


def test_quads_hold_their_polygons_tightly() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        degrees = float(rng.uniform(0, 90))
        turned = warps.rotated(degrees).forward(warps.rectangle(Box(3, 5, 80, 19), per_side=5))
        quad = warps.quad_of(turned)
        sides = np.sort(np.hypot(*(np.roll(quad, -1, axis=0) - quad).T))
        assert sides == pytest.approx([14, 14, 77, 77])
        assert quad[0] == pytest.approx(turned[0])


def test_impossible_shapes_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="sides that are multiples of 28"):
        effects.scanned(np.random.default_rng(0), PILImage.new("RGB", (30, 56)), [])
    with pytest.raises(InputError, match="inner edge would vanish"):
        warps.arched(ImageSize(100, 50), 90)
    with pytest.raises(InputError, match="on a line"):
        warps.between_quads([[0, 0], [1, 1], [2, 2], [0, 9]], [[0, 0], [1, 0], [1, 1], [0, 1]])


def test_a_warped_picture_keeps_its_colours_up_to_the_edge() -> None:
    colour = (200, 120, 160)
    plain = PILImage.new("RGB", (SIZE.width, SIZE.height), colour)
    layer = np.asarray(warps.warped(plain, warps.fitted(WARPS["turn"], SIZE, SIZE), SIZE))
    assert (layer[layer[:, :, 3] > 0][:, :3] == colour).all()
