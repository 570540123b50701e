"""Scenes with several questions about them, in turns.

Owns: choosing questions of different forms. Does not own: the forms (``questions``), the pictures
(``grounding``), several pictures (``comparing``).
"""

import numpy as np
from PIL import Image as PILImage

from qvl.data.records import Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.grounding.arranging import arranged
from qvl.data.synth.grounding.samples import licences, vocabulary
from qvl.data.synth.picking import pick, shuffled
from qvl.data.synth.text_tasks.turns import sample_of
from qvl.data.synth.vqa.questions import FORMS, Asked, ask
from qvl.errors import DataError
from qvl.geometry import FACTOR, ImageSize

_TRIES = 20
_BRIEF = ("", "", " Answer with a single word or phrase.")
"""Source of the last: Liu et al., Improved Baselines with Visual Instruction Tuning (2024), 3.2."""


def vqa_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    side_tokens: tuple[int, int] = (10, 22),
    questions: int = 4,
    strength: float = 0.5,
) -> Sample:
    """Returns a scene with one to several questions of different forms.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        side_tokens: least and most merged tokens (28 px) of a side.
        questions: most turns.
        strength: of the camera effects.

    Raises:
        MissingDependencyError: the font with the emoji is not installed.
    """
    for _ in range(_TRIES):
        size = ImageSize(
            *(int(v) * FACTOR for v in rng.integers(side_tokens[0], side_tokens[1] + 1, 2))
        )
        scene = arranged(rng, size)
        wanted = int(rng.integers(1, questions + 1))
        asked: list[Asked] = []
        for form in shuffled(rng, tuple(FORMS)):
            turn = ask(rng, form, scene, vocabulary()) if len(asked) < wanted else None
            # "List the things" tells what later turns ask for.
            if turn is not None and not (form == "list" and asked):
                asked.append(turn)
            if turn is not None and form == "list":
                break
        if asked:
            break
    else:
        raise DataError(
            "no scene with a clear question was drawn", hint="larger pictures have more"
        )
    brief = pick(rng, _BRIEF)
    picture = photograph(rng, PILImage.fromarray(scene.pixels), strength=strength)
    return sample_of(
        [(turn.question + (brief if turn.form != "list" else ""), turn.answer) for turn in asked],
        task="vqa",
        generator="vqa.samples.vqa_sample",
        seed=seed,
        facts={
            "forms": [turn.form for turn in asked],
            "answers": [turn.answer for turn in asked],
            "things": [[thing.noun.name, thing.colour, [*thing.box]] for thing in scene.things],
        },
        pictures=[np.asarray(picture, np.uint8)],
        licence=licences([thing.licence for thing in scene.things]),
    )
