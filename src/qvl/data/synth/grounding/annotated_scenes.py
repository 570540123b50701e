"""Marked pictures as scenes that questions can be asked about.

Owns: marks in the picture as the model sees it. Does not own: where marks come from
(``annotated``), questions (``questions``).

    AnnotatedPicture -> resized to multiples of 28 -> Scene, its masks at that size
    AnnotatedSet -> AnnotatedSource[number] -> Sample with questions about the picture

Of real things colours are not known, so nothing is said of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PILImage

from qvl.data.annotated import AnnotatedPicture, AnnotatedSet, Instance
from qvl.data.fingerprint import fingerprint
from qvl.data.masks import Mask, rasterised, run_lengths
from qvl.data.records import Provenance, Sample
from qvl.data.sources import NoSample
from qvl.data.synth.grounding.arranging import arranged
from qvl.data.synth.grounding.cutouts import Noun
from qvl.data.synth.grounding.nouns import plural
from qvl.data.synth.grounding.samples import as_sample, converse
from qvl.data.synth.grounding.scene import MIN_SIDE_PX, Scene, Thing, box_of_mask, inner_point
from qvl.errors import DataError
from qvl.geometry import Box, ImageSize, Point, ResizeTransform, smart_resize
from qvl.processing.image import load_image
from qvl.processing.settings import DEFAULT_LIMITS

MAX_PIXELS = 1024 * 1024
"""Larger pictures are made smaller: 1,369 tokens are enough to find things in everyday pictures."""

FORMS = {
    "box": 0.2, "point": 0.12, "all boxes": 0.18, "all points": 0.12, "count": 0.1,
    "listed count": 0.1, "detection": 0.12, "nothing": 0.12,
}  # fmt: skip
"""Shares of the forms of question about marked pictures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatedSource:
    """Questions about every picture of a set; satisfies the protocol of ``sources``.

    Attributes:
        pictures: to ask about.
        seed: another seed asks other questions.
    """

    pictures: AnnotatedSet
    seed: int = 0

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        rng = np.random.default_rng((self.seed, number))
        annotated = self.pictures.picture(number)
        scene = annotated_scene(annotated)
        turns, is_text = converse(rng, scene, FORMS, nouns=nouns_of(scene))
        if not turns:
            raise NoSample("nothing clear to ask about the picture")
        return as_sample(
            scene,
            turns,
            pixels=scene.pixels,
            is_text=is_text,
            task="grounding annotated",
            provenance=Provenance(
                generator="grounding.annotated_scenes.AnnotatedSource",
                seed=(self.seed, number),
                licence=annotated.licence,
                source=annotated.source,
            ),
        )

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of the pictures with their marks, and of the seed."""
        return fingerprint(self.pictures.fingerprint(start, stop), self.seed, converse)


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnSet:
    """Drawn scenes as a set of marked pictures: for trying things out without real ones.

    Attributes:
        count: of pictures.
        seed: another seed draws others.
    """

    count: int = 64
    seed: int = 0

    def __len__(self) -> int:
        return self.count

    def picture(self, number: int, /) -> AnnotatedPicture:
        """Returns one; everything that is not marked in it is absent."""
        rng = np.random.default_rng((self.seed, number))
        size = ImageSize(*(28 * int(tokens) for tokens in rng.integers(14, 26, 2)))
        scene = arranged(rng, size, layout=str(rng.choice(["scattered", "rows", "landscape"])))
        instances = tuple(_marked(thing, size) for thing in scene.things)
        return AnnotatedPicture(
            picture=scene.pixels,
            size=size,
            instances=instances,
            licence="OFL-1.1",
            source=f"drawn scene {self.seed} {number}",
        )

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of how they are drawn."""
        return fingerprint(arranged, self.seed, start, stop)


def _marked(thing: Thing, size: ImageSize) -> Instance:
    return Instance(
        name=thing.noun.name,
        group=thing.noun.group,
        box=thing.box,
        segmentation=run_lengths(full_mask(thing, size)),
    )


def full_mask(thing: Thing, size: ImageSize) -> Mask:
    """Returns what is visible of a thing, in the whole picture: bool[H, W]."""
    mask = np.zeros(size, bool)
    x1, y1, x2, y2 = (int(value) for value in thing.box)
    mask[y1:y2, x1:x2] = True if thing.mask is None else thing.mask
    return mask


def nouns_of(scene: Scene) -> Sequence[Noun]:
    """Returns what can be asked for and is known not to be in the picture, and what is in it."""
    names = sorted(scene.absent or ())
    return [Noun(name=name, plural=plural(name)) for name in names] or [
        thing.noun for thing in scene.things
    ]


def annotated_scene(annotated: AnnotatedPicture, *, max_pixels: int = MAX_PIXELS) -> Scene:
    """Returns a marked picture as a scene, resized so that it is its own resized_px space.

    Things that are too small to be asked about make their name unsure; they are not forgotten.

    Raises:
        InputError: the picture cannot be read.
        DataError: a mask cannot be used.
    """
    picture = (
        PILImage.fromarray(annotated.picture)
        if isinstance(annotated.picture, np.ndarray)
        else load_image(annotated.picture)
    )
    size = smart_resize(annotated.size, min_pixels=DEFAULT_LIMITS.min_pixels, max_pixels=max_pixels)
    picture = picture.resize((size.width, size.height), PILImage.Resampling.BICUBIC)
    transform = ResizeTransform(annotated.size, size)
    things: list[Thing] = []
    unsure = set(annotated.unsure)
    for instance in annotated.instances:
        try:
            thing = _thing(instance, transform)
        except DataError as error:
            where = f"{annotated.source}: {instance.name!r}"
            raise DataError(f"{where}: {error.message}", hint=error.hint) from error
        if thing is None:
            unsure |= {instance.name, instance.group} - {""}
        else:
            things.append(thing)
    groups = {item.group for item in annotated.instances if item.name in unsure}
    return Scene(
        pixels=np.asarray(picture, np.uint8),
        things=tuple(things),
        unsure=frozenset(unsure | groups - {""}),
        absent=annotated.absent,
    )


def _thing(instance: Instance, transform: ResizeTransform) -> Thing | None:
    """A mark as a thing, or None when it is too small to be asked about."""
    box = transform.to_resized(instance.box)
    point = Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)
    mask: Mask | None = None
    if instance.segmentation is not None:
        whole = rasterised(instance.segmentation, transform.original, transform.resized)
        found = box_of_mask(whole)
        x1, y1, x2, y2 = (int(value) for value in found)
        if x2 <= x1 or y2 <= y1:
            return None
        mask = whole[y1:y2, x1:x2]
        x, y = inner_point(mask)
        box, point = Box(*found), Point(x + x1, y + y1)
    if not instance.is_crowd and min(box.x2 - box.x1, box.y2 - box.y1) < MIN_SIDE_PX:
        return None
    return Thing(
        noun=Noun(name=instance.name, plural=plural(instance.name), group=instance.group),
        box=box,
        point=point,
        mask=mask,
        is_crowd=instance.is_crowd,
    )
