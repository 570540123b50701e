"""Pages with their elements drawn: numbered in reading order, one colour a kind."""

from PIL import Image

from qvl.geometry import Box, ImageSize
from qvl.tasks.document_elements import Figure, Heading, Other, Paragraph
from qvl.tasks.draw_document import document_scene, draw_document

ELEMENTS = [
    Heading(level=1, text="t", box=Box(50, 50, 600, 100)),
    Paragraph(text="no box"),
    Other(tag="div", name="column", box=Box(40, 150, 610, 500), children=(
        Paragraph(text="a", box=Box(50, 160, 600, 250)), Figure(box=Box(50, 300, 600, 490)))),
    Paragraph(text="b", box=Box(50, 520, 600, 600)),
]  # fmt: skip


def test_numbers_are_the_reading_order_and_colours_the_kind() -> None:
    scene = document_scene(ImageSize(700, 640), ELEMENTS)
    assert [tag.label for tag in scene.tags] == [
        "1 heading", "3 other", "4 paragraph", "5 figure", "6 paragraph"]  # fmt: skip
    colours = [outline.colour for outline in scene.outlines]
    assert colours[2] == colours[4]
    assert len(set(colours)) == 4
    assert scene.arrows == ()


def test_drawing_leaves_the_picture_alone() -> None:
    picture = Image.new("RGB", (640, 700), "white")
    drawn = draw_document(picture, ELEMENTS)
    assert drawn.size == picture.size
    assert picture.getcolors() == [(640 * 700, (255, 255, 255))]
    assert len(drawn.getcolors(1 << 20) or []) > 4
    assert draw_document(picture, []).getcolors() == picture.getcolors()
