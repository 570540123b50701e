"""Whatever is asked for can be told from what is behind it: ground, rug or another thing."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PILImage

from qvl.data.synth.grounding import arranging
from qvl.data.synth.grounding.contrast import stands_out
from qvl.data.synth.grounding.cutouts import Cutout, Noun
from qvl.data.synth.grounding.scene import Layer, Scene, compose, paint
from qvl.data.synth.palette import NAMED, Colour
from qvl.geometry import ImageSize
from tests.data.synth.grounding.worlds import needs_emoji

NEAR_WHITE, BLUE, YELLOW = (238, 240, 242), NAMED["blue"], NAMED["yellow"]


def square(side: int, colour: Colour, at: int) -> Layer:
    pixels = np.full((side, side, 4), (*colour, 255), np.uint8)
    return Layer(cutout=Cutout(pixels=pixels, noun=Noun(name="square", plural="s")), x=at, y=at)


def plain(colour: Colour) -> npt.NDArray[np.uint8]:
    return np.full((112, 112, 3), colour, np.uint8)


def test_a_white_square_on_near_white_is_left_out_of_picture_and_labels() -> None:
    scene = compose(plain(NEAR_WHITE), [square(40, NAMED["white"], 30)])
    assert scene.things == ()
    assert (scene.pixels == NEAR_WHITE).all()
    assert len(compose(plain(BLUE), [square(40, NAMED["white"], 30)]).things) == 1


def test_what_is_behind_may_be_another_thing() -> None:
    rug, cup = square(90, YELLOW, 10), square(30, (255, 225, 50), 40)
    assert len(compose(plain(BLUE), [cup]).things) == 1
    assert len(compose(plain(BLUE), [rug, cup]).things) == 1
    # The rug is itself left out on yellow, and then so is the cup.
    assert compose(plain(YELLOW), [rug, cup]).things == ()


def test_a_thing_may_have_a_part_like_its_surroundings() -> None:
    thing = np.repeat(np.array([[250, 250, 250], [35, 80, 200]], np.uint8), (35, 65), axis=0)
    assert stands_out(thing, np.full_like(thing, 245))
    assert not stands_out(thing[:60], np.full_like(thing[:60], 245))
    assert not stands_out(thing[:0], thing[:0])


@needs_emoji
@pytest.mark.parametrize("layout", arranging.LAYOUTS)
def test_no_thing_of_a_scene_has_the_colour_of_what_is_behind_it(
    layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grounds: list[npt.NDArray[np.uint8]] = []
    layers: list[Layer] = []

    def without_shadow(
        pixels: npt.NDArray[np.uint8], over: Sequence[Layer], *, shadow: object = None
    ) -> Scene:
        grounds.append(pixels)
        layers[:] = over
        return compose(pixels, over)

    monkeypatch.setattr(arranging, "compose", without_shadow)
    for number in range(24):
        rng = np.random.default_rng((5, number))
        scene = arranging.arranged(rng, ImageSize(336, 420), layout=layout)
        canvas = PILImage.fromarray(grounds[-1]).copy()
        rest = iter(layers)
        for thing in scene.things:
            layer = next(one for one in rest if is_of(one, thing.noun, thing.point))
            x1, y1, x2, y2 = (int(value) for value in thing.box)
            mine, behind = scene.pixels[y1:y2, x1:x2], np.asarray(canvas)[y1:y2, x1:x2]
            apart = np.abs(mine.astype(int) - behind).max(2)[thing.mask]
            assert (apart < 26).mean() <= 0.4, (number, thing.noun.name)
            paint(canvas, layer)


def is_of(layer: Layer, noun: Noun, point: tuple[float, float]) -> bool:
    """Whether a layer is the one of a thing: it covers its point."""
    height, width = layer.cutout.pixels.shape[:2]
    x, y = int(point[0]) - layer.x, int(point[1]) - layer.y
    is_over = 0 <= x < width and 0 <= y < height
    return layer.cutout.noun == noun and is_over and bool(layer.cutout.pixels[y, x, 3] >= 128)
