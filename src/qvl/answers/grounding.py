"""Finds, counts and detects things in pictures, and looks again at a part of one.

Owns: asking, and results that know the pictures they are about. Does not own: the written forms
(``tasks.grounding``, ``tasks.detection``, ``tasks.counting``), drawing (``tasks.draw``).

    pictures, what -> prompt -> model -> tasks.grounding.parse -> GroundingAnswer in original_px
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

import PIL.Image

from qvl.answers.answering import AnsweringModel
from qvl.answers.drawings import save_marks
from qvl.errors import InputError
from qvl.geometry import Box, ImageSize, Point, clip
from qvl.messages import Conversation, GenerationResult, Image, SamplingParams
from qvl.processing.image import load_image
from qvl.processing.processor import ModelInputs
from qvl.tasks import counting, detection, draw_svg, grounding
from qvl.tasks.draw import draw
from qvl.tasks.grounding import Grounded, GroundedBox, GroundingResult
from qvl.tasks.marks import layout, marks_of

if TYPE_CHECKING:
    from qvl.messages import ImageSource

    Pictures = ImageSource | Image | Sequence[ImageSource | Image]
    """One picture or several."""

_SMALLEST_REGION_PX = 2
"""Smallest side of a region to look at again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundingAnswer(GroundingResult):
    """What an answer states, with the pictures it is about; coordinates are in their pixels."""

    images: tuple[Image, ...] = field(default=(), compare=False, repr=False)
    """As they were given."""
    sizes: tuple[ImageSize, ...] = field(default=(), compare=False, repr=False)
    """Of the pictures, in original_px."""

    def __str__(self) -> str:
        lines = [_line(item, len(self.images) > 1) for item in self.items]
        if not self.items:
            lines = ["nothing found" if self.answered else f"no coordinates in {self.text!r}"]
        return "\n".join([*lines, *(f"({problem})" for problem in self.problems)])

    def draw(self, path: str | None = None, *, image_index: int = 0) -> PIL.Image.Image:
        """Returns a picture with what was found in it drawn on it.

        Args:
            path: also written there; the ending decides the format, ".svg" among them.
            image_index: which of the pictures.

        Raises:
            InputError: there is no such picture, or the file cannot be written.
        """
        if not 0 <= image_index < len(self.images):
            raise InputError(f"picture {image_index} is asked for, there are {len(self.images)}")
        picture = load_image(self.images[image_index].source)
        items = [item for item in self.items if item.image_index == image_index]
        if path is not None:
            save_marks(path, picture, marks_of(items))
        return draw(picture, items)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(item.label)}</td><td>{_numbers(item)}</td>"
            f"<td>{item.image_index}</td></tr>"
            for item in self.items
        )
        pictures = "".join(
            draw_svg.write(
                layout(size, marks_of([i for i in self.items if i.image_index == number])),
                load_image(image.source),
            )
            for number, (image, size) in enumerate(zip(self.images, self.sizes, strict=True))
        )
        table = f"<tr><th>label</th><th>original pixels</th><th>picture</th></tr>{rows}"
        return f"{pictures}<table>{table}</table>"


@dataclass(frozen=True, kw_only=True, slots=True)
class CountAnswer:
    """How many things an answer states, and the ones it points at."""

    count: int | None
    """The number the answer states; the number of boxes where it states none; None for neither."""
    stated: int | None
    """The number in the words of the answer."""
    found: GroundingAnswer
    """The boxes of the answer, if it was asked for them."""

    @property
    def agrees(self) -> bool:
        """True unless the answer states one number and lists another."""
        return self.stated is None or not self.found.items or self.stated == len(self.found.items)

    def __str__(self) -> str:
        if self.agrees:
            return str(self.count) if self.count is not None else f"no number: {self.found.text!r}"
        return f"{self.count} stated, {len(self.found.items)} listed"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(str(self))}</p>{self.found._repr_html_()}"

    def to_json(self) -> dict[str, object]:
        """A plain dictionary for ``json.dumps``."""
        return {"count": self.count, "stated": self.stated, "found": self.found.to_json()}

    def draw(self, path: str | None = None) -> PIL.Image.Image:
        """As `GroundingAnswer.draw`."""
        return self.found.draw(path)


def locate(
    model: AnsweringModel,
    pictures: "Pictures",
    what: str,
    *,
    params: SamplingParams,
    kind: grounding.Kind = "box",
    region: Box | None = None,
) -> GroundingAnswer:
    """Finds things; see `TypedAnswers.ground`."""
    images = as_images(pictures)
    asked = grounding.prompt(what, kind=kind)
    if region is None:
        return _ask(model, images, asked, params)
    if len(images) != 1:
        raise InputError(f"a region of {len(images)} pictures, expected one picture")
    return _look_closer(model, images[0], asked, region, params)


def detect(
    model: AnsweringModel,
    pictures: "Pictures",
    categories: Sequence[str],
    *,
    params: SamplingParams,
    merge: bool = True,
) -> GroundingAnswer:
    """Finds every instance of the categories; see `TypedAnswers.detect`."""
    found = _ask(model, as_images(pictures), detection.prompt(categories), params)
    found = _with(found, detection.categorise(found, categories))
    return replace(found, items=detection.merge_duplicates(found.items)) if merge else found


def count(
    model: AnsweringModel,
    pictures: "Pictures",
    things: str,
    *,
    params: SamplingParams,
    listing: bool = False,
) -> CountAnswer:
    """Counts things; see `TypedAnswers.count`."""
    asked = counting.listing_prompt(things) if listing else counting.prompt(things)
    found = _ask(model, as_images(pictures), asked, params)
    stated = counting.parse(found.text)
    listed = len(found.items) if found.answered else None
    return CountAnswer(count=listed if stated is None else stated, stated=stated, found=found)


def as_images(pictures: "Pictures") -> tuple[Image, ...]:
    """One picture or several, as message parts.

    Raises:
        InputError: there is none.
    """
    several = pictures if isinstance(pictures, list | tuple) else [pictures]
    if not several:
        raise InputError("no picture was given, expected at least one")
    # What is no picture is named by the error of opening it.
    return tuple(item if isinstance(item, Image) else Image(item) for item in several)  # type: ignore[arg-type]


def _ask(
    model: AnsweringModel, images: Sequence[Image], asked: str, params: SamplingParams
) -> GroundingAnswer:
    inputs = model.prepare(Conversation.user(*images, asked))
    (result,) = model.complete([inputs], params)
    return _read(result, inputs, images)


def _read(
    result: GenerationResult, inputs: ModelInputs, images: Sequence[Image]
) -> GroundingAnswer:
    transforms = [item.transform for item in inputs.media]
    found = grounding.parse(result.text, transforms=transforms)
    answer = GroundingAnswer(
        **{item.name: getattr(found, item.name) for item in fields(GroundingResult)},
        images=tuple(images),
        sizes=tuple(transform.original for transform in transforms),
    )
    if result.finish_reason == "length":
        answer = replace(answer, truncated=True)
    return answer


def _with(answer: GroundingAnswer, changed: GroundingResult) -> GroundingAnswer:
    return replace(answer, items=changed.items, problems=changed.problems)


def _look_closer(
    model: AnsweringModel, image: Image, asked: str, region: Box, params: SamplingParams
) -> GroundingAnswer:
    """Shows the model a part of a picture in full resolution; results are in the whole picture."""
    picture = load_image(image.source)
    size = ImageSize(picture.height, picture.width)
    left, top, right, bottom = _on_grid(region, size)
    crop = replace(image, source=picture.crop((left, top, right, bottom)))
    found = _ask(model, [crop], asked, params)
    return replace(
        found,
        items=tuple(_moved(item, left, top) for item in found.items),
        images=(image,),
        sizes=(size,),
    )


def _on_grid(region: Box, size: ImageSize) -> tuple[int, int, int, int]:
    """Whole pixels of a region inside the picture.

    Raises:
        InputError: nothing of it lies inside.
    """
    try:
        x1, y1, x2, y2 = map(float, region)
    except (TypeError, ValueError):
        raise InputError(f"region is {region!r}, expected x1, y1, x2, y2") from None
    if not all(math.isfinite(value) for value in (x1, y1, x2, y2)):
        raise InputError(f"region is {tuple(region)}, expected four finite numbers")
    whole = clip(Box(x1, y1, x2, y2), size)
    left, top, right, bottom = round(whole.x1), round(whole.y1), round(whole.x2), round(whole.y2)
    if right - left < _SMALLEST_REGION_PX or bottom - top < _SMALLEST_REGION_PX:
        raise InputError(
            f"region {tuple(region)} has nothing of the picture of {size}, expected "
            f"x1, y1, x2, y2 in its pixels, at least {_SMALLEST_REGION_PX} on a side"
        )
    return left, top, right, bottom


def _moved(item: Grounded, left: int, top: int) -> Grounded:
    if isinstance(item, GroundedBox):
        x1, y1, x2, y2 = item.box
        return replace(item, box=Box(x1 + left, y1 + top, x2 + left, y2 + top))
    return replace(item, point=Point(item.point.x + left, item.point.y + top))


def _line(item: Grounded, several: bool) -> str:
    place = f"  picture {item.image_index}" if several else ""
    return f"{_numbers(item)}\t{' '.join(item.label.split())}{place}"


def _numbers(item: Grounded) -> str:
    numbers = item.box if isinstance(item, GroundedBox) else item.point
    return " ".join(f"{value:.0f}" for value in numbers)
