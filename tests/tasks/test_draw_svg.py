"""SVG drawings: well-formed for any label, the same places as on pixels, nothing fetched."""

import xml.etree.ElementTree as ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from qvl.geometry import Box, ImageSize, Point
from qvl.tasks import draw_svg
from qvl.tasks.draw import mask, paint
from qvl.tasks.marks import Mark, layout

SVG = "{http://www.w3.org/2000/svg}"

coordinates = st.floats(-50, 900, allow_nan=False)
points = st.builds(Point, coordinates, coordinates)
shapes = st.one_of(
    points,
    st.builds(
        lambda x, y, w, h: Box(x, y, x + w, y + h),
        coordinates,
        coordinates,
        st.floats(0, 400),
        st.floats(0, 400),
    ),
    st.lists(points, min_size=3, max_size=6).map(tuple),
)
marks = st.lists(
    st.builds(lambda shape, label: Mark(shape=shape, label=label, group=label), shapes, st.text()),
    max_size=5,
)


@given(marks=marks, order=st.booleans(), fill=st.sampled_from([0.0, 0.3]))
def test_any_marks_make_well_formed_svg_and_a_picture(
    marks: list[Mark], order: bool, fill: float
) -> None:
    size = ImageSize(300, 500)
    scene = layout(size, marks, order=order, fill=fill)
    root = ElementTree.fromstring(draw_svg.write(scene))
    assert root.get("viewBox") == f"0 0 {scene.size.width} {scene.size.height}"
    assert paint(Image.new("RGB", (500, 300)), scene).size == (scene.size.width, scene.size.height)


def test_svg_holds_the_picture_and_the_label_as_text() -> None:
    label = "<script>alert(1)</script>"
    scene = layout(ImageSize(600, 800), [Mark(shape=Box(10, 20, 110, 220), label=label)])
    root = ElementTree.fromstring(draw_svg.write(scene, Image.new("RGBA", (800, 600))))
    image = root.find(f"{SVG}image")
    assert image is not None
    assert image.get("href", "").startswith("data:image/png;base64,")
    assert [text.text for text in root.iter(f"{SVG}text")] == [label]
    corners = root.findall(f"{SVG}polygon")[0].get("points")
    assert corners == "10,20 110,20 110,220 10,220"


def test_order_numbers_the_marks_and_joins_them() -> None:
    marks = [Mark(shape=Box(x, 10, x + 50, 60), label="p") for x in (100, 300, 500)]
    scene = layout(ImageSize(600, 800), marks, order=True)
    assert [tag.label for tag in scene.tags] == ["1 p", "2 p", "3 p"]
    assert [(arrow.start, arrow.end) for arrow in scene.arrows] == [
        (Point(125, 35), Point(325, 35)),
        (Point(325, 35), Point(525, 35)),
    ]
    assert layout(ImageSize(600, 800), marks).arrows == ()


def test_a_filled_box_tints_its_inside_only() -> None:
    scene = layout(ImageSize(600, 800), [Mark(shape=Box(100, 100, 300, 300))], fill=0.5)
    painted = paint(Image.new("RGB", (800, 600), "white"), scene)
    assert painted.getpixel((200, 200)) not in ((255, 255, 255), scene.outlines[0].colour)
    assert painted.getpixel((400, 400)) == (255, 255, 255)


def test_mask_numbers_the_pixels_of_each_mark() -> None:
    marks = [
        Mark(shape=Box(0, 0, 4, 3)),
        Mark(shape=Box(2, 1, 6, 5)),
        Mark(shape=Point(8.7, 8.2)),
        Mark(shape=Box(9, 9, 9, 9)),
    ]
    numbers = mask(ImageSize(10, 10), marks)
    counts = {n: int((np.asarray(numbers) == n).sum()) for n in range(1, 5)}
    assert counts == {1: 4 * 3 - 2 * 2, 2: 16, 3: 1, 4: 0}
    assert numbers.getpixel((8, 8)) == 3
