"""The stages of the embedded model as data: what is trained in which order, on which drawings.

Owns: mixtures, steps and rates. What comes before and after training is in ``tiny``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from qvl.data.mixture import Generator, Mixture
from qvl.data.packing import PackBudget
from qvl.data.synth.screens import screen_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.data.synth.text import line_sample, page_sample, word_sample
from qvl.training.stages import Part


@dataclass(frozen=True, kw_only=True, slots=True)
class TinyStage:
    """One stage; see `qvl.training.stages.Stage` and the objective of drawings.

    Attributes:
        name: for logs and checkpoints.
        steps: optimiser steps.
        rates: peak learning rate of each trained part; a part that is missing is frozen.
        mixture: where samples come from.
        budget: of one pack.
        answer_weight: of the loss on answers; 0 leaves the language model out altogether.
        dense_weight: of the loss of the throw-away heads; 0 leaves them out.
        warmup: steps until the peak rate.
        decay_from: share of the stage after which the rate falls linearly.
        floor: share of the peak rate at the end.
        digit_weight: of coordinate digits in answers.
        finding_weight: of the losses that teach to find the object that is asked about.
    """

    name: str
    steps: int
    rates: Mapping[Part, float]
    mixture: Mixture
    budget: PackBudget
    answer_weight: float = 1.0
    dense_weight: float = 0.0
    warmup: int = 50
    decay_from: float = 0.6
    floor: float = 0.03
    digit_weight: float = 1.0
    finding_weight: float = 0.0


def draw_from(**shares: float) -> Mixture:
    """Returns a mixture of `GENERATORS` by their shares."""
    return Mixture(parts={name: (share, GENERATORS[name]) for name, share in shares.items()})


GENERATORS: dict[str, Generator] = {
    "letters": partial(word_sample, max_letters=3, strength=0.5),
    "word": word_sample,
    "line": line_sample,
    "spot": partial(line_sample, spotting=True),
    "page": partial(page_sample, side_tokens=(4, 9)),
    "clean_page": partial(
        page_sample, side_tokens=(3, 8), sizes=(18, 34), most_fonts=10, plain=0.9, strength=0.1
    ),
    "one_shape": partial(shapes_sample, most=1),
    "few_shapes": partial(shapes_sample, least=2, most=3),
    "one_box": partial(shapes_sample, most=1, forms=("box",), side_tokens=(4, 6)),
    "one_point": partial(shapes_sample, most=1, forms=("point",), side_tokens=(4, 6)),
    "few_boxes": partial(shapes_sample, least=2, most=3, forms=("box",)),
    "few_points": partial(shapes_sample, least=2, most=3, forms=("point",)),
    "two_places": partial(
        shapes_sample,
        least=2,
        most=3,
        side_tokens=(4, 7),
        forms=("point", "box"),
        distinct=True,
    ),
    "places": partial(
        shapes_sample,
        least=3,
        most=5,
        side_tokens=(5, 8),
        forms=("box", "point", "point"),
        distinct=True,
    ),
    "boxes": partial(shapes_sample, least=2, most=5, forms=("box",)),
    "points": partial(shapes_sample, least=2, most=5, forms=("point",)),
    "counts": partial(shapes_sample, forms=("count",)),
    "colours": partial(shapes_sample, least=2, most=5, forms=("colour",)),
    "kinds": partial(shapes_sample, least=2, most=5, forms=("shape",)),
    "shapes": shapes_sample,
    "screen": screen_sample,
}


def tiny_stages() -> tuple[TinyStage, ...]:
    """Returns the stages; a step is one pack on each of two ranks."""
    return (
        *_first_round(),
        *_second_round(),
        *_finish(),
        *_finding(),
        *_long(),
        *_names(),
        *_spotting(),
    )


def _first_round() -> tuple[TinyStage, ...]:
    return (
        TinyStage(
            name="vision_pretrain_clean",
            steps=2500,
            rates={"tower": 1e-3, "merger": 1e-3, "heads": 1e-3},
            mixture=draw_from(clean_page=0.8, shapes=0.12, screen=0.08),
            budget=PackBudget(max_tokens=100_000, max_patches=480),
            answer_weight=0.0,
            dense_weight=1.0,
            warmup=100,
            decay_from=1.0,
        ),
        TinyStage(
            name="vision_pretrain",
            steps=3500,
            rates={"tower": 1e-3, "merger": 1e-3, "heads": 1e-3},
            mixture=draw_from(page=0.76, shapes=0.12, screen=0.12),
            budget=PackBudget(max_tokens=100_000, max_patches=480),
            answer_weight=0.0,
            dense_weight=1.0,
            warmup=20,
            decay_from=0.4,
            floor=0.2,
        ),
        TinyStage(
            name="reader",
            steps=2500,
            rates={"llm": 1.5e-3, "merger": 5e-4},
            mixture=draw_from(
                letters=0.2, word=0.25, line=0.25, spot=0.03, shapes=0.17, screen=0.1
            ),
            budget=PackBudget(max_tokens=1000, max_patches=1200),
            warmup=100,
            decay_from=0.7,
            floor=0.3,
            digit_weight=3.0,
        ),
        TinyStage(
            name="multimodal_start",
            steps=1000,
            rates={"tower": 4e-4, "merger": 4e-4, "llm": 1e-3, "heads": 4e-4},
            mixture=draw_from(
                letters=0.04, word=0.22, line=0.28, spot=0.05, page=0.05, shapes=0.2, screen=0.16
            ),
            budget=PackBudget(max_tokens=1000, max_patches=1000),
            dense_weight=0.4,
            warmup=100,
            decay_from=1.0,
            digit_weight=3.0,
        ),
        # Coordinates do not emerge among many objects; with one in the picture they do.
        TinyStage(
            name="multimodal_locate",
            steps=900,
            rates={"tower": 3e-4, "merger": 4e-4, "llm": 1.2e-3, "heads": 4e-4},
            mixture=draw_from(one_shape=0.5, shapes=0.08, screen=0.1, word=0.14, line=0.18),
            budget=PackBudget(max_tokens=1000, max_patches=1000),
            dense_weight=0.4,
            warmup=40,
            decay_from=1.0,
            digit_weight=3.0,
        ),
        TinyStage(
            name="multimodal_pretrain",
            steps=1500,
            rates={"tower": 3e-4, "merger": 4e-4, "llm": 1e-3, "heads": 4e-4},
            mixture=draw_from(
                one_shape=0.12, shapes=0.26, screen=0.14, word=0.2, line=0.24, spot=0.02, page=0.02
            ),
            budget=PackBudget(max_tokens=1000, max_patches=1000),
            dense_weight=0.4,
            warmup=40,
            decay_from=0.3,
            digit_weight=3.0,
        ),
    )


def _second_round() -> tuple[TinyStage, ...]:
    """Goes on with the weights of answers, and the digits and counts among the dense labels, that
    the first round had shown to be missing.

    Small packs at a high rate would now undo what was learnt.
    """
    return (
        TinyStage(
            name="vision_pretrain_again",
            steps=4500,
            rates={"tower": 5e-4, "merger": 5e-4, "heads": 1e-3},
            mixture=draw_from(page=0.5, shapes=0.32, screen=0.18),
            budget=PackBudget(max_tokens=100_000, max_patches=960),
            answer_weight=0.0,
            dense_weight=1.0,
            warmup=100,
            decay_from=0.1,
            floor=0.3,
        ),
        TinyStage(
            name="multimodal_start_again",
            steps=400,
            rates={"tower": 3e-4, "merger": 3e-4, "llm": 1e-3, "heads": 3e-4},
            mixture=draw_from(
                one_shape=0.08, shapes=0.28, screen=0.18, word=0.18, line=0.2, spot=0.03, page=0.05
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=100,
            decay_from=1.0,
            digit_weight=3.0,
        ),
        # Finding by an attribute is learnt among few: what the one circle's colour is comes before
        # where the red one of five is.
        TinyStage(
            name="multimodal_attributes",
            steps=1500,
            rates={"tower": 3e-4, "merger": 3e-4, "llm": 1e-3, "heads": 3e-4},
            mixture=draw_from(
                one_shape=0.14,
                few_shapes=0.26,
                shapes=0.06,
                screen=0.1,
                word=0.18,
                line=0.2,
                spot=0.02,
                page=0.04,
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=20,
            decay_from=1.0,
            digit_weight=2.0,
        ),
        # Then where: one question a picture, so that no coordinate can be had from another.
        TinyStage(
            name="multimodal_places",
            steps=900,
            rates={"tower": 3e-4, "merger": 3e-4, "llm": 1e-3, "heads": 3e-4},
            mixture=draw_from(
                one_box=0.22,
                one_point=0.14,
                few_boxes=0.12,
                few_points=0.08,
                few_shapes=0.08,
                screen=0.12,
                word=0.1,
                line=0.14,
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=20,
            decay_from=1.0,
            digit_weight=4.0,
        ),
        TinyStage(
            name="multimodal_pretrain_again",
            steps=1700,
            rates={"tower": 3e-4, "merger": 3e-4, "llm": 1e-3, "heads": 3e-4},
            mixture=draw_from(
                one_box=0.02,
                few_boxes=0.16,
                few_points=0.08,
                shapes=0.18,
                screen=0.16,
                word=0.15,
                line=0.19,
                spot=0.02,
                page=0.04,
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=20,
            decay_from=0.1,
            digit_weight=3.0,
        ),
    )


def _finish() -> tuple[TinyStage, ...]:
    """The rate once more from high to low, with more places."""
    return (
        TinyStage(
            name="multimodal_finish",
            steps=1150,
            rates={"tower": 2.5e-4, "merger": 2.5e-4, "llm": 8e-4, "heads": 2.5e-4},
            mixture=draw_from(
                one_box=0.05,
                few_boxes=0.18,
                few_points=0.12,
                shapes=0.16,
                screen=0.17,
                word=0.15,
                line=0.15,
                page=0.02,
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=60,
            decay_from=0.05,
            digit_weight=3.0,
        ),
    )


def _finding() -> tuple[TinyStage, ...]:
    """Teaches which object is meant, which the stages before had not: among several shapes the
    topmost was taken whatever was asked."""
    return (
        TinyStage(
            name="multimodal_find_start",
            steps=700,
            rates={"tower": 1e-4, "merger": 4e-4, "llm": 1e-3, "heads": 3e-4},
            mixture=draw_from(places=0.5, two_places=0.5),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=20,
            decay_from=1.0,
            digit_weight=3.0,
            finding_weight=1.0,
        ),
        TinyStage(
            name="multimodal_find",
            steps=4700,
            rates={"tower": 1.5e-4, "merger": 2.5e-4, "llm": 8e-4, "heads": 4e-4},
            mixture=draw_from(
                places=0.22,
                two_places=0.08,
                boxes=0.08,
                points=0.05,
                one_box=0.05,
                shapes=0.1,
                screen=0.16,
                word=0.13,
                line=0.15,
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=60,
            decay_from=0.1,
            floor=0.02,
            digit_weight=3.0,
            finding_weight=0.5,
        ),
        TinyStage(
            name="multimodal_finish_again",
            steps=800,
            rates={"tower": 1.5e-4, "merger": 2.5e-4, "llm": 8e-4, "heads": 2e-4},
            mixture=draw_from(
                word=0.29,
                line=0.31,
                shapes=0.13,
                places=0.07,
                two_places=0.02,
                boxes=0.06,
                points=0.02,
                screen=0.1,
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=25,
            decay_from=0.05,
            floor=0.02,
            digit_weight=3.0,
            finding_weight=0.3,
        ),
    )


def _long() -> tuple[TinyStage, ...]:
    """One long fall of the rate over everything: worth more than all short ones together."""
    return (
        TinyStage(
            name="multimodal_long",
            steps=8600,
            rates={"tower": 2.5e-4, "merger": 3e-4, "llm": 1e-3, "heads": 4e-4},
            mixture=draw_from(
                word=0.21,
                line=0.19,
                places=0.16,
                two_places=0.03,
                boxes=0.1,
                points=0.02,
                shapes=0.1,
                counts=0.06,
                screen=0.08,
                page=0.05,
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=100,
            decay_from=0.15,
            floor=0.01,
            digit_weight=3.0,
            finding_weight=0.3,
        ),
    )


def _names() -> tuple[TinyStage, ...]:
    """Names of colours and kinds, in which the losses of finding now show which thing is meant."""
    return (
        TinyStage(
            name="multimodal_names",
            steps=2000,
            rates={"tower": 2e-4, "merger": 2.5e-4, "llm": 8e-4, "heads": 3e-4},
            mixture=draw_from(
                colours=0.17,
                kinds=0.09,
                word=0.25,
                line=0.15,
                places=0.1,
                two_places=0.02,
                boxes=0.07,
                points=0.01,
                counts=0.05,
                screen=0.06,
                page=0.03,
            ),
            budget=PackBudget(max_tokens=1200, max_patches=1200),
            dense_weight=0.4,
            warmup=60,
            decay_from=0.05,
            floor=0.01,
            digit_weight=3.0,
            finding_weight=0.4,
        ),
    )


def _spotting() -> tuple[TinyStage, ...]:
    """Lines of text with their boxes, which the losses of finding now know as things, beside what
    was learnt before."""
    (names,) = _names()
    mixture = draw_from(
        spot=0.2,
        word=0.26,
        line=0.1,
        colours=0.09,
        kinds=0.06,
        places=0.09,
        two_places=0.02,
        boxes=0.06,
        points=0.01,
        counts=0.05,
        screen=0.05,
        page=0.01,
    )
    return (replace(names, name="multimodal_spotting", steps=3000, mixture=mixture),)
