"""Places of answers: elements of pages among them."""

import numpy as np

from qvl.data.filters.rules import places_inside
from qvl.data.places import places
from qvl.geometry import Box
from qvl.messages import Image
from qvl.tasks import document
from qvl.tasks.document_elements import Heading, Paragraph
from tests.data.small import asked, picture


def test_elements_of_a_page_are_places_in_the_pixels_of_its_file() -> None:
    elements = [
        Heading(level=1, text="Title", box=Box(28, 14, 56, 42)),
        Paragraph(text="Outside", box=Box(0, 0, 300, 20)),
    ]
    page = Image(np.zeros((110, 220, 3), np.uint8))  # seen as 112 x 224
    sample = asked("QwenVL HTML ", document.format(elements), page)
    title, outside = places(sample)
    assert title.label == "heading"
    assert title.raw == (28, 14, 56, 42)
    assert title.shape == Box(28 * 220 / 224, 14 * 110 / 112, 56 * 220 / 224, 42 * 110 / 112)
    assert (title.is_inside, outside.is_inside) == (True, False)


def test_plain_html_has_no_places() -> None:
    text = document.format([Paragraph(text="[1, 2, 3, 4]")])
    page = Image(np.zeros((112, 112, 3), np.uint8))
    assert places(asked("图片解析成html", text, page)) == []


def test_places_in_questions() -> None:
    inside = asked('What is in {"bbox_2d": [10, 20, 50, 40]}?', "A cup.", Image(picture(56, 84)))
    assert places(inside) == []
    (found,) = places(inside, questions=True)
    assert (found.raw, found.turn, found.picture) == ((10, 20, 50, 40), 0, 0)
    assert found.is_inside
    assert places_inside(inside) is None
    for question in (
        "What is at [10, 20, 500, 40]?",
        'Name {"point_2d": [90, 20]}.',
        "<|box_start|>(1,2),(3,200)<|box_end|> is what?",
    ):
        sample = asked(question, "A cup.", Image(picture(56, 84)))
        assert places_inside(sample) == "place outside its picture", question
    # Lists of something else, and questions about no picture.
    for question in ("Sort [900, 20, 500, 40].", "Add [3, 4, 500].", "Go to [700, 20]."):
        assert places_inside(asked(question, "So.", Image(picture(56, 84)))) is None
    assert places(asked("What is at [10, 20, 500, 40]?", "So."), questions=True) == []
