"""Reads the text of a picture.

Owns: asking, and the result that knows the picture. Does not own: the written forms
(``tasks.ocr``), the order of reading (``tasks.reading_order``), drawing (``tasks.marks``).

    picture, level -> prompt -> model -> tasks.ocr.parse -> TextResult in original_px
"""

import html
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Literal

import PIL.Image

from qvl.answers.answering import AnsweringModel
from qvl.answers.confidence import with_confidence
from qvl.answers.drawings import save_scene
from qvl.errors import InputError
from qvl.geometry import ImageSize
from qvl.messages import Conversation, Image, SamplingParams
from qvl.processing.image import load_image
from qvl.tasks import draw_svg, ocr
from qvl.tasks.draw import paint
from qvl.tasks.marks import Mark, Scene, layout
from qvl.tasks.ocr import Level, TextReading

if TYPE_CHECKING:
    from qvl.messages import ImageSource

Order = Literal["model", "layout"]
"""As the model tells the lines, or as a person reads them; see ``tasks.reading_order``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextResult(TextReading):
    """The text of a picture; boxes are in its pixels. ``str()`` is the text."""

    image: Image = field(compare=False, repr=False)
    """As it was given."""
    size: ImageSize = field(compare=False, repr=False)
    """Of the picture, in original_px."""

    def draw(self, path: str | None = None, *, order: bool = False) -> PIL.Image.Image:
        """Returns the picture with a box and the words of each line on it.

        Args:
            path: also written there; the ending decides the format, ".svg" among them.
            order: join the lines by arrows, in their order.

        Raises:
            InputError: the file cannot be written.
        """
        picture = load_image(self.image.source)
        scene = self._scene(order=order)
        if path is not None:
            save_scene(path, picture, scene)
        return paint(picture, scene)

    def _repr_html_(self) -> str:
        text = f'<pre dir="auto">{html.escape(self.text)}</pre>'
        notes = "".join(f"<p>{html.escape(problem)}</p>" for problem in self.problems)
        if not any(line.box is not None for line in self.lines):
            return text + notes
        picture = load_image(self.image.source)
        return draw_svg.write(self._scene(), picture) + text + notes

    def _scene(self, *, order: bool = False) -> Scene:
        marks = [
            Mark(shape=line.outline or line.box, label=line.text)
            for line in self.lines
            if line.box is not None
        ]
        return layout(self.size, marks, order=order)


def read_text(
    model: AnsweringModel,
    image: "ImageSource | Image",
    *,
    params: SamplingParams,
    level: Level = "text",
    order: Order = "model",
    prompt: str | None = None,
) -> TextResult:
    """Reads the text of a picture; see `TypedAnswers.read_text`."""
    if order not in ("model", "layout"):
        raise InputError(f"order is {order!r}, expected model or layout")
    if order == "layout" and level == "text":
        raise InputError(
            "order 'layout' of level 'text': nothing says where the text is",
            hint="use level 'line' or 'word'",
        )
    asked = ocr.prompt(level) if prompt is None else prompt
    if not asked.strip():
        raise InputError("the prompt is empty", hint="leave it out for the usual one")
    picture = image if isinstance(image, Image) else Image(image)
    inputs = model.prepare(Conversation.user(picture, asked))
    (answer,) = model.complete([inputs], params)
    transforms = [item.transform for item in inputs.media]
    reading = ocr.parse(answer.text, level=level, transforms=transforms)
    if order == "layout":
        reading = ocr.in_layout_order(reading)
    if answer.logprobs is not None:
        lines = with_confidence(reading.lines, answer, model.processor.tokenizer)
        reading = replace(reading, lines=lines)
    if answer.finish_reason == "length":
        reading = replace(reading, truncated=True)
    return TextResult(
        **{item.name: getattr(reading, item.name) for item in fields(TextReading)},
        image=picture,
        size=transforms[0].original,
    )
