"""Draws the elements of a page on its picture: numbers in reading order, one colour a kind.

Owns: what is shown of an element. Does not own: where marks go (``marks``), pixels (``draw``).

    elements -> document_scene() -> Scene -> draw.paint()
"""

from collections.abc import Iterable

from PIL import Image

from qvl.geometry import ImageSize
from qvl.tasks.document_elements import Element, walk
from qvl.tasks.draw import paint
from qvl.tasks.marks import Mark, Scene, layout


def document_scene(size: ImageSize, elements: Iterable[Element]) -> Scene:
    """Lays out the elements that have a box.

    Args:
        size: of the page's picture.
        elements: in reading order, boxes in pixels of that picture.
    """
    # Numbers say the order; arrows from middle to middle would cross out the text.
    marks = [
        Mark(
            shape=element.box,
            label=f"{number} {element.kind.replace('_', ' ')}",
            group=element.kind,
        )
        for number, element in enumerate(walk(elements), start=1)
        if element.box is not None
    ]
    return layout(size, marks)


def draw_document(picture: Image.Image, elements: Iterable[Element]) -> Image.Image:
    """Returns a copy of a page's picture with its elements drawn on it."""
    return paint(picture, document_scene(ImageSize(picture.height, picture.width), elements))
