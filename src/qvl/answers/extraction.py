"""Extracts the fields of a schema from pictures.

Owns: asking, asking again with what was wrong, and the result that knows the pictures. Does not
own: the prompt and reading an answer (``tasks.extraction``), schemas (``tasks.extraction_schema``).

    pictures, schema -> prompt -> model -> tasks.extraction.parse -> ExtractionResult in original_px
                           ^--- what breaks the schema, while attempts are left
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import PIL.Image

from qvl.answers.answering import AnsweringModel
from qvl.answers.confidence import with_confidence
from qvl.answers.drawings import save_scene
from qvl.answers.grounding import as_images
from qvl.errors import InputError
from qvl.geometry import ImageSize, ResizeTransform
from qvl.messages import (
    Conversation,
    GenerationResult,
    Image,
    Message,
    SamplingParams,
    Text,
)
from qvl.processing.image import load_image
from qvl.tasks import draw_svg, extraction
from qvl.tasks.draw import paint
from qvl.tasks.extraction_result import Extraction
from qvl.tasks.extraction_schema import Schema, as_schema
from qvl.tasks.marks import Mark, Scene, layout

if TYPE_CHECKING:
    from qvl.answers.grounding import Pictures

MAX_ATTEMPTS = 5
"""A model that fails so often fails again."""
_COMPLAINTS_TOLD = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtractionResult(Extraction):
    """The best of the answers about a schema, with the pictures; boxes are in their pixels."""

    attempts: tuple[Extraction, ...] = field(default=(), compare=False, repr=False)
    """What every answer stated, in the order they were given."""
    images: tuple[Image, ...] = field(default=(), compare=False, repr=False)
    """As they were given."""
    sizes: tuple[ImageSize, ...] = field(default=(), compare=False, repr=False)
    """Of the pictures, in original_px."""

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for ``json.dumps``; earlier attempts only where there were several."""
        found = Extraction.to_json(self)
        if len(self.attempts) > 1:
            found["attempts"] = [attempt.to_json() for attempt in self.attempts]
        return found

    def draw(self, path: str | None = None, *, image_index: int = 0) -> PIL.Image.Image:
        """Returns a picture with the values on it that the answer says where to find.

        Args:
            path: also written there; the ending decides the format, ".svg" among them.
            image_index: which of the pictures.

        Raises:
            InputError: there is no such picture, or the file cannot be written.
        """
        if not 0 <= image_index < len(self.images):
            raise InputError(f"picture {image_index} is asked for, there are {len(self.images)}")
        picture = load_image(self.images[image_index].source)
        scene = self._scene(image_index)
        if path is not None:
            save_scene(path, picture, scene)
        return paint(picture, scene)

    def _scene(self, image_index: int) -> Scene:
        marks = [
            Mark(shape=item.box, label=f"{item.path}: {item.raw}", group=item.path)
            for item in self.fields
            if item.box is not None and item.image_index == image_index
        ]
        return layout(self.sizes[image_index], marks)

    def _repr_html_(self) -> str:
        shown = [
            (item.path, "" if item.value is None else str(item.value), item.status, item.raw or "")
            for item in self.fields
        ]
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in shown
        )
        notes = "".join(
            f"<p>{html.escape(note)}</p>" for note in (*self.complaints, *self.problems)
        )
        pictures = "".join(
            draw_svg.write(self._scene(number), load_image(self.images[number].source))
            for number in sorted({f.image_index for f in self.fields if f.box is not None})
        )
        head = "<tr><th>field</th><th>value</th><th>status</th><th>written</th></tr>"
        return f"{pictures}<table>{head}{rows}</table>{notes}"


def extract(
    model: AnsweringModel,
    pictures: "Pictures",
    schema: object,
    *,
    params: SamplingParams,
    attempts: int = 1,
    evidence: bool = False,
) -> ExtractionResult:
    """Extracts the fields of a schema; see `TypedAnswers.extract`."""
    if not isinstance(attempts, int) or not 1 <= attempts <= MAX_ATTEMPTS:
        raise InputError(f"attempts is {attempts!r}, expected 1 to {MAX_ATTEMPTS}")
    asked = as_schema(schema)
    images = as_images(pictures)
    conversation = Conversation.user(*images, extraction.prompt(asked, evidence=evidence))
    answers: list[Extraction] = []
    transforms: list[ResizeTransform] = []
    while True:
        inputs = model.prepare(conversation)
        transforms = [item.transform for item in inputs.media]
        (result,) = model.complete([inputs], params)
        answer = _read(result, asked, transforms, model)
        answers.append(answer)
        if answer.is_valid or len(answers) == attempts:
            break
        conversation = _again(conversation, answer)
    # Of equally bad answers the first: the others were given under pressure.
    best = min(answers, key=lambda answer: (not answer.is_valid, len(answer.complaints)))
    return ExtractionResult(
        **{item.name: getattr(best, item.name) for item in fields(Extraction)},
        attempts=tuple(answers),
        images=images,
        sizes=tuple(transform.original for transform in transforms),
    )


def _read(
    result: GenerationResult,
    schema: Schema,
    transforms: Sequence[ResizeTransform],
    model: AnsweringModel,
) -> Extraction:
    answer = extraction.parse(result.text, schema, transforms=transforms)
    if result.logprobs is not None:
        sure = with_confidence(answer.fields, result, model.processor.tokenizer)
        answer = replace(answer, fields=sure)
    return replace(answer, truncated=True) if result.finish_reason == "length" else answer


def _again(conversation: Conversation, answer: Extraction) -> Conversation:
    """The conversation with the answer and what is wrong with it."""
    wrong = "\n".join(f"- {complaint}" for complaint in answer.complaints[:_COMPLAINTS_TOLD])
    words = (
        f"The answer does not fit the format:\n{wrong}\n"
        "Look again and give the whole answer in the same format. Leave empty what is not there."
    )
    said = Message("assistant", (Text(answer.text),))
    return Conversation((*conversation.messages, said, Message("user", (Text(words),))))
