"""Text in the wild, photographed: the generator of scenes in any of the twelve languages.

Owns: language, scene, what covers it, the camera. Does not own: scenes, answers, effects.

    rng -> writer -> scene -> partly_covered -> light, blur, JPEG -> Sample
"""

from collections.abc import Mapping

import numpy as np
from PIL import ImageFilter

from qvl.data.records import Provenance, Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.effects import lit
from qvl.data.synth.ocr.answers import asked, conversation, facts, forms_for
from qvl.data.synth.ocr.languages import LANGUAGES
from qvl.data.synth.ocr.scenes import SCENES, partly_covered
from qvl.data.synth.ocr.writing import writer
from qvl.data.synth.words import Split
from qvl.errors import InputError
from qvl.geometry import FACTOR, ImageSize

EVEN: Mapping[str, float] = dict.fromkeys(LANGUAGES, 1.0)
"""All languages alike."""
_TRIES = 8
LEAST_TOKENS = 8
"""Of a side: 224 px, in which a sign of a few words and its wall find room."""


def chosen(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    """Returns one of the names, by their shares."""
    names = list(shares)
    weights = np.array([shares[name] for name in names], np.float64)
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def some_size(rng: np.random.Generator, side_tokens: tuple[int, int]) -> ImageSize:
    """Returns a size whose sides are so many merged tokens (28 px), ends included.

    Raises:
        InputError: sides are crossed, or too short for what is drawn.
    """
    if not LEAST_TOKENS <= side_tokens[0] <= side_tokens[1]:
        raise InputError(
            f"side_tokens is {side_tokens}, expected a least and a most of {LEAST_TOKENS} or more"
        )
    height, width = (int(v) * FACTOR for v in rng.integers(*side_tokens, 2, endpoint=True))
    return ImageSize(height, width)


def wild_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    split: Split = "train",
    languages: Mapping[str, float] = EVEN,
    scenes: tuple[str, ...] = tuple(SCENES),
    side_tokens: tuple[int, int] = (12, 30),
    strength: float = 0.8,
) -> Sample:
    """Returns a scene with text, and a question about its text.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        split: of words; typefaces are those of training.
        languages: codes with their shares.
        scenes: names in ``scenes.SCENES``.
        side_tokens: least and most merged tokens (28 px) of a side.
        strength: of the camera, 0 to 1.

    Raises:
        MissingDependencyError: no typeface has the language, or a package is not installed.
        InputError: no text fits into pictures of this size.
    """
    shares = {name: SCENES[name][0] for name in scenes}
    for _ in range(_TRIES):
        author = writer(rng, chosen(rng, languages), split)
        name = chosen(rng, shares)
        size = some_size(rng, side_tokens)
        picture = SCENES[name][1](rng, author, size)
        if picture.lines:
            break
    else:
        raise InputError(
            f"no line of text fits into pictures with sides of {side_tokens} tokens",
            hint="allow larger pictures",
        )
    if rng.random() < 0.25:
        partly_covered(rng, picture)
    detail = min(line.size_px for line in picture.lines)
    image = lit(rng, picture.image, strength=strength)
    blur = min(1.2, detail / 24) * strength
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, blur))))
    image = photograph(rng, image, strength=strength * min(1.0, detail / 28))
    forms = forms_for(author.language, quads=True)
    form = forms[int(rng.integers(len(forms)))]
    turn = asked(rng, picture.lines, author.language, form, size)
    return Sample(
        task=f"ocr_{form}",
        conversation=conversation(image, [turn]),
        provenance=Provenance(generator="ocr.wild.wild_sample", seed=seed),
        facts={"scene": name, **facts(picture.lines, author.language, size)},
    )
