"""Copy-paste augmentation: things cut out of marked pictures and put into others.

Owns: which things are cut, where they are pasted, what the marks of the picture are afterwards.
Does not own: marked pictures (``annotated``), questions (``questions``).

    a picture to paste into, others to cut from -> pasted() -> Scene -> questions -> Sample

Marks are made anew from the masks that are visible. What is covered whole is gone; a paste that
would leave a sliver of something is not made.
Source: Ghiasi et al. 2021, "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
Segmentation", sections 3 and 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageFilter

from qvl.data.annotated import AnnotatedSet
from qvl.data.fingerprint import fingerprint
from qvl.data.masks import Mask, run_lengths
from qvl.data.records import Provenance, Sample
from qvl.data.sources import NoSample
from qvl.data.synth.grounding.annotated_scenes import (
    FORMS,
    annotated_scene,
    full_mask,
    nouns_of,
)
from qvl.data.synth.grounding.cutouts import Cutout, resized, turned
from qvl.data.synth.grounding.samples import as_sample, converse, licences
from qvl.data.synth.grounding.scene import (
    MIN_SIDE_PX,
    MIN_VISIBLE,
    Layer,
    Scene,
    Thing,
    box_of_mask,
    inner_point,
    overlap,
)
from qvl.data.synth.picking import shuffled
from qvl.errors import ConfigError
from qvl.geometry import Box, ImageSize, Point

_MOST_PASTED = 6
_MOST_DONORS = 3
# Source: the paper's large scale jitter is 0.1 to 2; below 0.35 little is left of most things.
_SCALES = (0.35, 1.8)
_MOST_SIDE = 0.6
_MIN_CUT_PX = 36
_TRIES = 8
_MIN_LEFT = 0.7
"""Least share left of what was marked before; it may have been half hidden then already."""
# A cut-out that is nearly its whole box is a mask drawn as a box: it would bring its surroundings.
_MOST_FILLED = 0.97


@dataclass(frozen=True, kw_only=True, slots=True)
class PasteSource:
    """Pictures with things pasted into them; satisfies the protocol of ``sources``.

    Attributes:
        pictures: to paste into and to cut from.
        count: of samples.
        seed: another seed pastes others.
    """

    pictures: AnnotatedSet
    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.pictures) < 2:
            raise ConfigError(
                f"{len(self.pictures)} pictures, expected at least 2 to cut and paste"
            )

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < self.count:
            raise IndexError(number)
        seed = (self.seed, number)
        return copy_paste_sample(np.random.default_rng(seed), seed=seed, pictures=self.pictures)

    def fingerprint(self, start: int, stop: int) -> str:
        """Returns a hash of all pictures, the code and the seed."""
        every = self.pictures.fingerprint(0, len(self.pictures))
        return fingerprint(every, copy_paste_sample, self.seed, start, stop)


def copy_paste_sample(
    rng: np.random.Generator, *, seed: tuple[int, ...], pictures: AnnotatedSet
) -> Sample:
    """Returns a picture with things of other pictures in it and questions about all of them.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        pictures: to paste into and to cut from.

    Raises:
        NoSample: there is nothing to ask.
        DataError: a picture or its marks cannot be used.
    """
    numbers = rng.integers(0, len(pictures), 1 + int(rng.integers(1, _MOST_DONORS + 1)))
    target, *others = (pictures.picture(int(number)) for number in numbers)
    scene = annotated_scene(target)
    donors = [annotated_scene(other) for other in others]
    result, num_pasted, used = pasted(rng, scene, donors)
    turns, is_text = converse(rng, result, FORMS, nouns=nouns_of(result))
    if not turns:
        raise NoSample("nothing clear to ask about the picture")
    sample = as_sample(
        result,
        turns,
        pixels=result.pixels,
        is_text=is_text,
        task="grounding copy-paste",
        provenance=Provenance(
            generator="grounding.copy_paste.copy_paste_sample",
            seed=seed,
            licence=licences([target.licence, *(others[i].licence for i in used)]),
            source="; ".join(dict.fromkeys([target.source, *(others[i].source for i in used)])),
        ),
    )
    facts = {**sample.facts, "pasted": num_pasted}
    for item, thing in zip(facts["things"], result.things, strict=True):
        if thing.mask is not None:
            runs = run_lengths(full_mask(thing, result.size))
            item["segmentation"] = {"size": [*runs.size], "counts": runs.counts}
    return replace(sample, facts=facts)


def pasted(
    rng: np.random.Generator, scene: Scene, donors: Sequence[Scene]
) -> tuple[Scene, int, list[int]]:
    """Returns the scene with things of others in it, how many were pasted, and which donors gave
    some. What a later one covers is not in the scene any more.

    What others' pictures leave open stays open: a name is only absent when it is in none of them.
    """
    cuts = [
        (number, thing)
        for number, donor in enumerate(donors)
        for thing in donor.things
        if _can_be_cut(thing, donor)
    ]
    used: list[int] = []
    count = 0
    for number, thing in shuffled(rng, cuts)[: int(rng.integers(1, _MOST_PASTED + 1))]:
        changed = _paste(rng, scene, cut_out(donors[number], thing))
        if changed is not None:
            scene = changed
            count += 1
            used.append(number)
    for number in used:
        donor = donors[number]
        absent = None if scene.absent is None else scene.absent & (donor.absent or frozenset())
        scene = replace(scene, unsure=scene.unsure | donor.unsure, absent=absent)
    if scene.absent is not None:
        there = {thing.noun.name for thing in scene.things}
        scene = replace(scene, absent=scene.absent - there)
    return scene, count, sorted(set(used))


def _can_be_cut(thing: Thing, donor: Scene) -> bool:
    """Whether a thing is whole, large enough, and has an outline of its own."""
    if thing.mask is None or thing.is_crowd:
        return False
    x1, y1, x2, y2 = thing.box
    height, width = donor.size
    is_whole = x1 >= 2 and y1 >= 2 and x2 <= width - 2 and y2 <= height - 2
    is_large = min(x2 - x1, y2 - y1) >= _MIN_CUT_PX
    return is_whole and is_large and float(thing.mask.mean()) <= _MOST_FILLED


def cut_out(donor: Scene, thing: Thing) -> Cutout:
    """Returns a thing without its surroundings, its edge a little soft."""
    assert thing.mask is not None
    x1, y1, x2, y2 = (int(value) for value in thing.box)
    opacity = PILImage.fromarray(np.pad(thing.mask, 1).astype(np.uint8) * 255)
    soft = opacity.filter(ImageFilter.GaussianBlur(0.8))
    # Softened inwards only: outside the mask are the surroundings.
    alpha = np.minimum(np.asarray(soft), np.asarray(opacity))[1:-1, 1:-1]
    pixels = np.dstack([donor.pixels[y1:y2, x1:x2], alpha])
    return Cutout(pixels=pixels, noun=thing.noun)


def _paste(rng: np.random.Generator, scene: Scene, cutout: Cutout) -> Scene | None:
    """The scene with one more thing in front, or None when no place was found for it."""
    size = scene.size
    for _ in range(_TRIES):
        height, width = cutout.pixels.shape[:2]
        scale = float(np.exp(rng.uniform(*np.log(_SCALES))))
        scale = min(scale, _MOST_SIDE * size.height / height, _MOST_SIDE * size.width / width)
        placed = resized(cutout, round(height * scale), round(width * scale))
        degrees = 0.0 if rng.random() < 0.6 else float(rng.normal(0, 10))
        placed = turned(placed, degrees, mirrored=bool(rng.random() < 0.5))
        if rng.random() < 0.3:
            placed = _in_its_light(placed, scene)
        height, width = placed.pixels.shape[:2]
        layer = Layer(
            cutout=placed,
            x=int(rng.integers(-width // 4, max(1, size.width - 3 * width // 4))),
            y=int(rng.integers(-height // 4, max(1, size.height - 3 * height // 4))),
        )
        changed = _in_front(scene, layer)
        if changed is not None:
            return changed
    return None


def _in_its_light(cutout: Cutout, scene: Scene) -> Cutout:
    """The cut-out with half of its difference in brightness to the picture taken away."""
    seen = cutout.pixels[cutout.pixels[:, :, 3] >= 128][:, :3]
    gain = float(np.clip(scene.pixels.mean() / max(1.0, float(seen.mean())), 0.5, 2.0)) ** 0.5
    colours = (cutout.pixels[:, :, :3] * np.float32(gain)).clip(0, 255).astype(np.uint8)
    return replace(cutout, pixels=np.dstack([colours, cutout.pixels[:, :, 3]]))


def _in_front(scene: Scene, layer: Layer) -> Scene | None:
    """The scene with a layer over it, its marks made anew; None when marks would be left that show
    too little of their thing, or when the new thing itself shows too little."""
    size = scene.size
    region, inside = overlap(layer, size)
    alpha = layer.cutout.pixels[:, :, 3]
    cover = np.zeros(size, bool)
    cover[region] = alpha[inside] >= 128
    share = cover.sum() / max(1, (alpha >= 128).sum())
    box = box_of_mask(cover)
    if share < MIN_VISIBLE or min(box.x2 - box.x1, box.y2 - box.y1) < MIN_SIDE_PX:
        return None
    things = []
    for thing in scene.things:
        left = _uncovered(thing, cover, size)
        if left is None:
            return None
        things += left
    new = _seen(
        Thing(noun=layer.cutout.noun, box=box, point=Point(0, 0), visible=round(float(share), 4)),
        cover,
    )
    canvas = PILImage.fromarray(scene.pixels).copy()
    picture = PILImage.fromarray(layer.cutout.pixels)
    canvas.paste(picture, (layer.x, layer.y), picture)
    pixels: npt.NDArray[np.uint8] = np.asarray(canvas, np.uint8)
    return replace(scene, pixels=pixels, things=(*things, new))


def _uncovered(thing: Thing, cover: Mask, size: ImageSize) -> list[Thing] | None:
    """What is left of a thing: itself, nothing, or None when it is a sliver."""
    x1, y1, x2, y2 = (int(value) for value in thing.box)
    if not cover[y1:y2, x1:x2].any():
        return [thing]
    if thing.mask is None or thing.is_crowd:
        # What such a box or crowd shows is not known to the pixel, so it is left alone.
        return None
    mask = full_mask(thing, size)
    left = mask & ~cover
    share = thing.visible * float(left.sum()) / float(mask.sum())
    if not left.any():
        return []
    box = box_of_mask(left)
    if share < _MIN_LEFT or min(box.x2 - box.x1, box.y2 - box.y1) < MIN_SIDE_PX:
        return None
    return [_seen(replace(thing, visible=round(share, 4)), left)]


def _seen(thing: Thing, mask: Mask) -> Thing:
    """The thing with the box, mask and point of what is visible of it."""
    box = box_of_mask(mask)
    x1, y1, x2, y2 = (int(value) for value in box)
    inner = mask[y1:y2, x1:x2]
    x, y = inner_point(inner)
    return replace(thing, box=Box(*box), mask=inner, point=Point(x + x1, y + y1))
