"""Data runs for grounding: drawn scenes, referring expressions, marked and real pictures.

Owns: these recipes. Does not own: generators, detectors, rules (``data``).

    recipe(...) -> (source, steps)
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qvl.data.annotated import AnnotatedSet
from qvl.data.detection_endpoint import DetectionEndpoint
from qvl.data.detections import Belief, asked_step, mark_step
from qvl.data.filters.grounding import (
    answers_readable,
    boxes_between,
    boxes_distinct,
    labels_clear,
    phrases_single,
    places_at_most,
)
from qvl.data.filters.rules import boxes_at_least, places_inside
from qvl.data.interchange.coco import CocoFile
from qvl.data.interchange.pictures import PictureFolder
from qvl.data.mixture import Mixture
from qvl.data.pseudo_label import DETECTOR, SEGMENTER, load_models
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step
from qvl.data.synth.grounding.annotated_scenes import AnnotatedSource, DrawnSet
from qvl.data.synth.grounding.copy_paste import PasteSource
from qvl.data.synth.grounding.emoji import LANGUAGES
from qvl.data.synth.grounding.questions import MOST_LISTED
from qvl.data.synth.grounding.samples import referring_sample, scene_sample
from qvl.errors import ConfigError

SAMPLES = 100_000

# A side of a patch and a half: below, the tower sees less than one whole patch of it.
_LEAST_SIDE_PX = 21.0


def _checks(*, least_side_px: float = _LEAST_SIDE_PX) -> list[Step]:
    """What every sample with boxes has to satisfy, wherever its boxes come from."""
    return [
        filter_step("readable", answers_readable),
        filter_step("inside", places_inside),
        filter_step("large enough", partial(boxes_at_least, side_px=least_side_px)),
        filter_step("not the whole", partial(boxes_between, least=0.0, most=0.98)),
        filter_step("clear labels", labels_clear),
        filter_step("clear phrases", phrases_single),
        filter_step("distinct", boxes_distinct),
        filter_step("not too many", partial(places_at_most, most=MOST_LISTED)),
    ]


def grounding_scenes(
    *, count: int = SAMPLES, seed: int = 0, languages: tuple[str, ...] = ()
) -> tuple[Source, Sequence[Step]]:
    """Drawn scenes: all of a kind, counts, points, parts, several categories, what is not there.

    Args:
        count: of samples.
        seed: another seed draws others.
        languages: in which things are sometimes named, such as "zh,de".
    """
    if unknown := [code for code in languages if code not in LANGUAGES]:
        raise ConfigError(f"languages has {unknown[0]!r}, expected some of {', '.join(LANGUAGES)}")
    scenes = partial(scene_sample, languages=languages)
    mixture = Mixture(parts={"scenes": (1.0, scenes)})
    # Boxes of parts are smaller than those of things: a patch is the least.
    return DrawnSource(mixture=mixture, count=count, seed=seed), _checks(least_side_px=14.0)


def referring(*, count: int = SAMPLES, seed: int = 0) -> tuple[Source, Sequence[Step]]:
    """Drawn scenes with expressions that mean one thing each, of four levels.

    Args:
        count: of samples.
        seed: another seed draws others.
    """
    mixture = Mixture(parts={"referring": (1.0, referring_sample)})
    return DrawnSource(mixture=mixture, count=count, seed=seed), _checks()


def copy_paste(
    *,
    coco: Path | None = None,
    pictures: Path | None = None,
    licence: str = "",
    count: int = 1000,
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Things cut out of marked pictures and pasted into others, with questions about all of them.

    Args:
        coco: a COCO file with masks; drawn scenes when there is none.
        pictures: folder of its pictures; that of the file when there is none.
        licence: of its pictures, where it states none.
        count: of samples.
        seed: another seed pastes others.
    """
    source = PasteSource(pictures=_marked(coco, pictures, licence), count=count, seed=seed)
    return source, _checks()


def annotated(
    *,
    coco: Path | None = None,
    pictures: Path | None = None,
    licence: str = "",
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Questions about the pictures of a COCO file as they are.

    Args:
        coco: a COCO file; drawn scenes when there is none.
        pictures: folder of its pictures; that of the file when there is none.
        licence: of its pictures, where it states none.
        seed: another seed asks other questions.
    """
    marked = _marked(coco, pictures, licence)
    return AnnotatedSource(pictures=marked, seed=seed), _checks()


def _marked(coco: Path | None, pictures: Path | None, licence: str) -> AnnotatedSet:
    if coco is None:
        if pictures is not None:
            raise ConfigError("a folder of pictures is given, but no COCO file that marks them")
        return DrawnSet()
    return CocoFile(coco, root=pictures, licence=licence)


def pseudo_label(
    *,
    pictures: Path,
    phrases: tuple[str, ...],
    licence: str = "",
    detector: str = DETECTOR,
    segmenter: str = SEGMENTER,
    device: str = "cpu",
    endpoint: str | None = None,
    at_least: float = Belief().at_least,
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Real pictures, marked by detectors, with questions about what is clearly there or not.

    Args:
        pictures: folder of them.
        phrases: looked for, such as "person,dog,red car".
        licence: of the pictures.
        detector: Grounding DINO, by hub name or folder.
        segmenter: SAM, by hub name or folder; empty for boxes alone.
        device: such as "cuda".
        endpoint: of a server that detects, in place of the two.
        at_least: score from which something is there.
        seed: another seed asks other questions.
    """
    if not phrases:
        raise ConfigError("there are no phrases to look for", hint="such as person,dog")
    made = (
        partial(DetectionEndpoint, url=endpoint)
        if endpoint is not None
        else partial(load_models, detector, segmenter, device=device)
    )
    belief = Belief(at_least=at_least, absent_below=min(Belief().absent_below, at_least))
    steps = [mark_step("marks", made, belief=belief), asked_step("questions", seed=seed)]
    source = PictureFolder(folder=pictures, licence=licence, phrases=phrases)
    return source, [*steps, *_checks()]
