"""Marks made by detectors: which of them are believed, and what is then known of a picture.

Owns: thresholds, duplicates, agreement of boxes and masks, the steps that mark pictures and ask
about the marks. Does not own: detectors (``pseudo_label``, ``detection_endpoint``).

    picture, phrases -> Detector.detect() -> believed() -> facts: things, absent, unsure
        -> asked_step() -> questions and answers

Between "there" and "not there" lies "unsure": a phrase of which something was seen, but not clearly
enough, is neither asked for nor denied.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import PIL.Image

from qvl.data.annotated import AnnotatedPicture, Instance
from qvl.data.encoding import content_id, media_of
from qvl.data.masks import RunLengths, Segmentation, rasterised
from qvl.data.records import Sample
from qvl.data.steps import Dropped, Kept, Outcome, Step, batch_step
from qvl.data.synth.grounding.annotated_scenes import FORMS, annotated_scene, nouns_of
from qvl.data.synth.grounding.samples import as_sample, converse
from qvl.data.synth.grounding.scene import box_of_mask
from qvl.errors import ConfigError, DataError
from qvl.geometry import Box, ImageSize, box_iou
from qvl.messages import Image
from qvl.processing.image import load_image

MAX_PHRASES = 200
"""Most phrases that are looked for in one picture."""


class Detector(Protocol):
    """Finds what phrases name."""

    def detect(self, picture: PIL.Image.Image, phrases: Sequence[str]) -> list[Instance]:
        """Returns what it found, the unsure ones too, in pixels of the picture; names are phrases.

        Raises:
            DataError: it could not look at this picture.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Belief:
    """How sure a detector has to be.

    Attributes:
        at_least: score from which something is there. Source: Grounding DINO's demo, 0.35.
        absent_below: best score of a phrase below which nothing of it is there. Ours: well below
            the 0.25 at which that demo still takes a word of a text for the name of a box.
        same_iou: boxes of one phrase that overlap so much are one thing. Source:
            Grounded-Segment-Anything, automatic labelling, 0.5.
        same_thing_iou: boxes of different phrases that overlap so much are one thing with two
            names. Ours.
        mask_iou: least overlap of a box with the box around its mask; below, they speak of
            different things. Ours.
        most_share: a box of more than this share of the picture is the picture. Ours.
    """

    at_least: float = 0.35
    absent_below: float = 0.15
    same_iou: float = 0.5
    same_thing_iou: float = 0.85
    mask_iou: float = 0.7
    most_share: float = 0.95

    def __post_init__(self) -> None:
        for name in ("at_least", "absent_below", "same_iou", "same_thing_iou", "mask_iou"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected 0 to 1")
        if self.absent_below > self.at_least:
            raise ConfigError(
                f"absent_below {self.absent_below} is above at_least {self.at_least}: what is "
                "there would be absent"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Believed:
    """What is known of a picture.

    Attributes:
        instances: that are there, the surest first.
        absent: phrases of which nothing is there.
        unsure: phrases of which there may be more than ``instances`` has.
    """

    instances: tuple[Instance, ...]
    absent: frozenset[str]
    unsure: frozenset[str]


def believed(
    found: Sequence[Instance], phrases: Sequence[str], size: ImageSize, belief: Belief
) -> Believed:
    """Returns what is known after a detector looked for phrases.

    Args:
        found: by the detector, with scores.
        phrases: it looked for.
        size: of the picture.
        belief: how sure it has to be.
    """
    kept: list[Instance] = []
    unsure: set[str] = set()
    best = dict.fromkeys(phrases, 0.0)
    for item in sorted(found, key=lambda item: -item.score):
        if item.name not in best:
            continue
        best[item.name] = max(best[item.name], item.score)
        twins = [other for other in kept if _is_same(item, other, belief)]
        if any(other.name == item.name for other in twins):
            continue
        if item.score < belief.at_least or not _is_plausible(item, size, belief):
            if item.score >= belief.absent_below:
                unsure.add(item.name)
            continue
        if twins:  # one thing with two names: both may be right
            unsure |= {item.name}
            continue
        kept.append(item)
    return Believed(
        instances=tuple(kept),
        absent=frozenset(name for name, score in best.items() if score < belief.absent_below),
        unsure=frozenset(unsure),
    )


def _is_same(item: Instance, other: Instance, belief: Belief) -> bool:
    limit = belief.same_iou if item.name == other.name else belief.same_thing_iou
    return box_iou(item.box, other.box) >= limit


def _is_plausible(item: Instance, size: ImageSize, belief: Belief) -> bool:
    """Whether a box is not the whole picture, and its mask speaks of the same thing."""
    x1, y1, x2, y2 = item.box
    if (x2 - x1) * (y2 - y1) > belief.most_share * size.area:
        return False
    if item.segmentation is None:
        return True
    covered = box_of_mask(rasterised(item.segmentation, size, size))
    return box_iou(Box(*covered), item.box) >= belief.mask_iou


def mark_step(
    name: str,
    detector: Callable[[], Detector],
    *,
    phrases: tuple[str, ...] = (),
    belief: Belief | None = None,
) -> Step:
    """A step that marks the first picture of each sample; the marks go into its facts.

    Args:
        name: of the step.
        detector: called once in each process that needs one.
        phrases: looked for where a sample's facts have no ``phrases`` of their own.
        belief: how sure the detector has to be.
    """
    function = partial(_marked, detector, phrases, belief or Belief())
    return batch_step(name, function, batch_size=1)


@functools.lru_cache(maxsize=2)
def _made(detector: Callable[[], Detector]) -> Detector:
    """The detector of this process: a model is loaded once, not for every batch."""
    return detector()


def _marked(
    detector: Callable[[], Detector],
    phrases: tuple[str, ...],
    belief: Belief,
    samples: Sequence[Sample],
) -> Sequence[Outcome]:
    return [_mark(_made(detector), phrases, belief, sample) for sample in samples]


def _mark(detector: Detector, phrases: tuple[str, ...], belief: Belief, sample: Sample) -> Outcome:
    wanted = [str(phrase) for phrase in sample.facts.get("phrases", phrases)]
    if not 0 < len(wanted) <= MAX_PHRASES:
        raise DataError(f"{len(wanted)} phrases to look for, expected 1 to {MAX_PHRASES}")
    pictures = [item for item in media_of(sample.conversation) if isinstance(item, Image)]
    if not pictures:
        return Dropped(reason="no picture")
    picture = load_image(pictures[0].source)
    size = ImageSize(picture.height, picture.width)
    known = believed(detector.detect(picture, wanted), wanted, size, belief)
    if not known.instances:
        return Dropped(reason="nothing found")
    facts = {
        **sample.facts,
        "things": [item.to_json() for item in known.instances],
        "absent": sorted(known.absent),
        "unsure": sorted(known.unsure),
    }
    lowest = min(item.score for item in known.instances)
    scores = {**sample.provenance.scores, "lowest detection": round(lowest, 4)}
    provenance = replace(sample.provenance, scores=scores)
    return Kept(samples=(replace(sample, facts=facts, provenance=provenance),))


def asked_step(name: str, *, seed: int = 0) -> Step:
    """A step that asks about the marks in a sample's facts and drops what gives no question.

    The facts' ``things`` have name and box in original_px, as COCO files and `mark_step` give
    them; ``absent`` and ``unsure`` are lists of names.
    """
    return batch_step(name, partial(_all_asked, seed), batch_size=1)


def _all_asked(seed: int, samples: Sequence[Sample]) -> Sequence[Outcome]:
    return [_asked(sample, seed) for sample in samples]


def _asked(sample: Sample, seed: int) -> Outcome:
    rng = np.random.default_rng((seed, int(content_id(sample), 16)))
    scene = annotated_scene(marks_of(sample))
    turns, is_text = converse(rng, scene, FORMS, nouns=nouns_of(scene))
    if not turns:
        return Dropped(reason="nothing clear to ask")
    asked = as_sample(
        scene,
        turns,
        pixels=scene.pixels,
        is_text=is_text,
        task="grounding annotated",
        provenance=sample.provenance,
    )
    scored = {item["name"]: item["score"] for item in sample.facts["things"] if "score" in item}
    facts = {**asked.facts, "scores": scored} if scored else asked.facts
    return Kept(samples=(replace(asked, facts=facts),))


def marks_of(sample: Sample) -> AnnotatedPicture:
    """Returns the first picture of a sample with the things of its facts.

    Raises:
        DataError: the facts hold no things, or they are damaged.
    """
    pictures = [item for item in media_of(sample.conversation) if isinstance(item, Image)]
    if not pictures:
        raise DataError("a sample without a picture has no marks")
    picture = load_image(pictures[0].source)
    size = ImageSize(picture.height, picture.width)
    try:
        instances = tuple(_instance(item) for item in sample.facts["things"])
        absent = frozenset(map(str, sample.facts.get("absent", ())))
        unsure = frozenset(map(str, sample.facts.get("unsure", ())))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"facts hold no usable marks: {error!r}", hint="things have a name and a box"
        ) from error
    return AnnotatedPicture(
        picture=np.asarray(picture, np.uint8),
        size=size,
        instances=instances,
        absent=absent,
        unsure=unsure,
        licence=sample.provenance.licence,
        source=sample.provenance.source,
    )


def _instance(item: Any) -> Instance:
    x1, y1, x2, y2 = map(float, item["box"])
    return Instance(
        name=str(item["name"]),
        group=str(item.get("group", "")),
        box=Box(x1, y1, x2, y2),
        segmentation=_segmentation(item.get("segmentation")),
        is_crowd=bool(item.get("is_crowd", False)),
        score=float(item.get("score", 1.0)),
    )


def _segmentation(value: Any) -> Segmentation | None:
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(tuple(map(float, polygon)) for polygon in value)
    height, width = map(int, value["size"])
    return RunLengths(size=ImageSize(height, width), counts=str(value["counts"]))
