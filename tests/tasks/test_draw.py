"""Annotated pictures: the right pixels change, at any size, for any label."""

import numpy as np
import pytest
from PIL import Image

from qvl.geometry import Box, Point
from qvl.tasks.draw import draw
from qvl.tasks.grounding import GroundedBox, GroundedPoint
from qvl.tasks.marks import COLOURS, LONGEST_LABEL, SMALLEST_SIDE_PX


def count(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(picture) == colour).all(axis=-1).sum())


def test_draws_the_box_where_it_is_and_leaves_the_picture_alone() -> None:
    picture = Image.new("RGB", (800, 600), "white")
    drawn = draw(picture, [GroundedBox(box=Box(100, 200, 300, 400))])
    assert drawn.size == picture.size
    assert count(picture, (255, 255, 255)) == 800 * 600
    rows, columns = np.nonzero((np.asarray(drawn) == COLOURS[0]).all(axis=-1))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (100, 200, 299, 399)
    assert drawn.getpixel((200, 300)) == (255, 255, 255)


def test_one_colour_per_label() -> None:
    items = [
        GroundedBox(box=Box(10, 100, 60, 160), label="cat"),
        GroundedBox(box=Box(200, 100, 260, 160), label="cat"),
        GroundedPoint(point=Point(400, 130), label="dog"),
    ]
    drawn = draw(Image.new("RGB", (640, 480), "white"), items)
    assert count(drawn, COLOURS[0]) > 500
    assert count(drawn, COLOURS[1]) > 20
    assert count(drawn, COLOURS[2]) == 0


@pytest.mark.parametrize("size", [(1, 1), (20, 9), (3000, 40), (40, 3000), (4000, 3000)])
@pytest.mark.parametrize("label", ["", "a" * 500, "按钮", "line\nbreak", "\x00"])
def test_any_size_and_label(size: tuple[int, int], label: str) -> None:
    box = GroundedBox(box=Box(0, 0, *map(float, size)), label=label)
    point = GroundedPoint(point=Point(size[0], size[1]), label=label)
    drawn = draw(Image.new("RGB", size), [box, point])
    assert max(drawn.size) >= SMALLEST_SIDE_PX
    assert drawn.size[0] * size[1] == drawn.size[1] * size[0]
    assert len(label) < LONGEST_LABEL or count(drawn, COLOURS[0]) > 0


def test_tags_do_not_cover_one_another() -> None:
    """Two equal boxes: the second tag goes elsewhere, so both colours' tags can be seen."""
    box = Box(200, 200, 400, 300)
    drawn = draw(
        Image.new("RGB", (640, 480), "white"),
        [GroundedBox(box=box, label="first"), GroundedBox(box=box, label="second")],
    )
    alone = draw(Image.new("RGB", (640, 480), "white"), [GroundedBox(box=box, label="first")])
    tag = (200, 160, 280, 195)
    assert drawn.crop(tag).tobytes() == alone.crop(tag).tobytes()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "LA", "I;16", "CMYK"])
def test_any_mode(mode: str) -> None:
    drawn = draw(Image.new(mode, (600, 500)), [GroundedBox(box=Box(10, 10, 50, 50), label="x")])
    assert drawn.mode == "RGB"


def test_transparent_becomes_white() -> None:
    assert draw(Image.new("RGBA", (600, 500)), []).getpixel((5, 5)) == (255, 255, 255)
