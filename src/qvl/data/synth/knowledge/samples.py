"""Pictures of flags and of things, with captions that know more than is seen.

Owns: the pictures and the questions about them. Does not own: flags (``flags``), facts about
countries (``countries``) and things (``facts``), emoji (``grounding.emoji``).

    code or glyph -> picture;   facts -> caption or questions -> Sample
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from qvl.data.records import Sample
from qvl.data.synth.canvas import photograph
from qvl.data.synth.grounding.backgrounds import background
from qvl.data.synth.grounding.cutouts import resized
from qvl.data.synth.grounding.emoji import Glyph, cutout, glyphs
from qvl.data.synth.grounding.nouns import with_article
from qvl.data.synth.knowledge.countries import LICENCE, Country, country, name_in
from qvl.data.synth.knowledge.facts import FACTS
from qvl.data.synth.knowledge.flags import FLAGS, draw_flag
from qvl.data.synth.palette import jittered
from qvl.data.synth.picking import listed, lower, pick, shuffled
from qvl.data.synth.text_tasks.turns import sample_of
from qvl.geometry import FACTOR, ImageSize

Pixels = npt.NDArray[np.uint8]

_WITH_ARTICLE = frozenset({"NL", "BS", "AE", "PS"})
_CAPTIONS = (
    "Describe this image and say what you know about it.",
    "What is shown here? Tell me more about it.",
    "Write a caption for this image with some background knowledge.",
    "What is this? Explain.",
)
_NAMED = {
    "en": ("Which country does this flag belong to?", "This is the flag of {}."),
    "zh": ("这是哪个国家的国旗？", "这是{}的国旗。"),
    "de": ("Zu welchem Land gehört diese Flagge?", "Diese Flagge gehört zu diesem Land: {}."),
    "fr": ("À quel pays appartient ce drapeau ?", "Ce drapeau est celui du pays suivant : {}."),
    "es": ("¿De qué país es esta bandera?", "Es la bandera de este país: {}."),
}
_PLACES = {2: ("left", "right"), 4: ("upper left", "upper right", "lower left", "lower right")}


def _the(code: str, name: str) -> str:
    return f"the {name}" if code in _WITH_ARTICLE else name


def _sized(picture: PILImage.Image, rng: np.random.Generator, strength: float) -> Pixels:
    return np.asarray(photograph(rng, picture, strength=strength), np.uint8)


def _on_ground(
    rng: np.random.Generator, flags: list[PILImage.Image], columns: int
) -> PILImage.Image:
    """Flags in a grid on a plain ground, with sides that are multiples of 28."""
    ground = jittered(rng, pick(rng, ((232, 232, 228), (120, 130, 140), (205, 215, 225))), 12)
    rows = -(-len(flags) // columns)
    gap = int(rng.integers(14, 40))
    cell_w, cell_h = max(f.width for f in flags) + gap, max(f.height for f in flags) + gap
    width = -(-(cell_w * columns + gap) // FACTOR) * FACTOR
    height = -(-(cell_h * rows + gap) // FACTOR) * FACTOR
    image = PILImage.new("RGB", (width, height), ground)
    left, top = (width - cell_w * columns) // 2, (height - cell_h * rows) // 2
    for number, flag in enumerate(flags):
        row, column = divmod(number, columns)
        x = left + column * cell_w + (cell_w - flag.width) // 2
        y = top + row * cell_h + (cell_h - flag.height) // 2
        shadow = tuple(int(0.7 * value) for value in ground)
        image.paste(shadow, (x + 3, y + 3, x + flag.width + 3, y + flag.height + 3))
        image.paste(flag, (x, y))
    return image


def flag_sample(
    rng: np.random.Generator, *, seed: tuple[int, ...], several: float = 0.3, strength: float = 0.5
) -> Sample:
    """Returns one flag with a caption or questions, or several flags to choose among.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        several: share of pictures of two or four flags.
        strength: of the camera effects.

    Raises:
        MissingDependencyError: the package with the names of countries is not installed.
    """
    if rng.random() < several:
        return _choice(rng, seed, strength)
    code = pick(rng, tuple(FLAGS))
    found = country(code)
    picture = _on_ground(rng, [draw_flag(code, int(rng.integers(100, 240)))], 1)
    turns = [_caption(rng, found)] if rng.random() < 0.4 else _asked(rng, found)
    return sample_of(
        turns,
        task="flag",
        generator="knowledge.samples.flag_sample",
        seed=seed,
        facts={"country": code, "name": found.name, "answers": [answer for _, answer in turns]},
        pictures=[_sized(picture, rng, strength)],
        licence=LICENCE,
    )


def _caption(rng: np.random.Generator, found: Country) -> tuple[str, str]:
    name = _the(found.code, found.name)
    sentences = [f"This is the flag of {name}: {FLAGS[found.code].words}."]
    if found.capital:
        sentences.append(f"The capital of {name} is {found.capital}.")
    where = f"{name} lies in {found.continent}."
    sentences.append(where[:1].upper() + where[1:])
    if found.currency:
        sentences.append(f"Its currency is the {found.currency}.")
    return pick(rng, _CAPTIONS), " ".join(sentences)


def _asked(rng: np.random.Generator, found: Country) -> list[tuple[str, str]]:
    language = "en" if rng.random() < 0.6 else pick(rng, tuple(_NAMED))
    question, answer = _NAMED[language]
    name = _the(found.code, found.name) if language == "en" else name_in(found.code, language)
    turns = [(question, answer.format(name))]
    if language != "en":
        return turns
    further = [("On which continent does this country lie?", f"It lies in {found.continent}.")]
    if found.capital:
        further.append(("What is the capital of this country?", f"Its capital is {found.capital}."))
    if found.currency:
        further.append(("Which currency is used there?", f"The {found.currency} is used there."))
    if len(found.languages) == 1:
        tongue = found.languages[0]
        further.append(
            ("What is the official language there?", f"The official language is {tongue}.")
        )
    words = FLAGS[found.code].words
    further.append(
        ("Describe this flag.", f"It has {words}." if words[0].isdigit() else f"It shows {words}.")
    )
    return turns + shuffled(rng, further)[: int(rng.integers(0, 3))]


def _choice(rng: np.random.Generator, seed: tuple[int, ...], strength: float) -> Sample:
    count = pick(rng, tuple(_PLACES))
    codes = shuffled(rng, tuple(FLAGS))[:count]
    tall = int(rng.integers(70, 130))
    picture = _on_ground(rng, [draw_flag(code, tall) for code in codes], 2)
    names = [_the(code, country(code).name) for code in codes]
    asked = int(rng.integers(count))
    place = _PLACES[count][asked]
    form = rng.random()
    if form < 0.4:
        turn = (f"Which of these flags is that of {names[asked]}?", f"The one on the {place}.")
    elif form < 0.8:
        turn = (f"Whose flag is on the {place}?", f"It is the flag of {names[asked]}.")
    else:
        rows = [f"{where}: {name}" for where, name in zip(_PLACES[count], names, strict=True)]
        turn = ("Which countries do these flags belong to?", "\n".join(rows))
    return sample_of(
        [turn],
        task="flags",
        generator="knowledge.samples.flag_sample",
        seed=seed,
        facts={"countries": codes, "answers": [turn[1]]},
        pictures=[_sized(picture, rng, strength)],
        licence=LICENCE,
    )


@lru_cache(maxsize=1)
def known_glyphs() -> tuple[Glyph, ...]:
    """The emoji about which there is a fact."""
    return tuple(glyph for glyph in glyphs() if glyph.noun.name in FACTS)


def thing_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    side_tokens: tuple[int, int] = (6, 11),
    strength: float = 0.5,
) -> Sample:
    """Returns one thing, drawn as an emoji, with a caption that says something about it.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        side_tokens: least and most merged tokens (28 px) of a side.
        strength: of the camera effects.

    Raises:
        MissingDependencyError: the font with the emoji is not installed.
    """
    glyph = pick(rng, known_glyphs())
    noun = glyph.noun
    height, width = (int(v) * FACTOR for v in rng.integers(side_tokens[0], side_tokens[1] + 1, 2))
    image = PILImage.fromarray(background(rng, ImageSize(height, width)).pixels)
    thing = cutout(glyph)
    tall, wide = thing.pixels.shape[:2]
    scale = float(rng.uniform(0.5, 0.85)) * min(height / tall, width / wide)
    thing = resized(thing, max(8, round(tall * scale)), max(8, round(wide * scale)))
    cut = PILImage.fromarray(thing.pixels)
    at = (
        int(rng.integers(0, width - cut.width + 1)),
        int(rng.integers(0, height - cut.height + 1)),
    )
    image.paste(cut, at, cut)
    named = with_article(noun.name)
    form = rng.random()
    if form < 0.5:
        turns = [(pick(rng, _CAPTIONS), f"The picture shows {named}. {FACTS[noun.name]}")]
    else:
        turns = [
            (pick(rng, ("What is this?", "Name what you see.")), f"It is {named}."),
            (
                pick(rng, ("Tell me a fact about it.", "What do you know about it?")),
                FACTS[noun.name],
            ),
        ]
        if noun.group:
            kinds = sorted({g.noun.group for g in glyphs() if g.noun.group} - {noun.group})
            offered = shuffled(rng, [noun.group, *shuffled(rng, kinds)[:2]])
            choices = listed([lower(kind) for kind in offered], "or")
            turns.insert(
                1, (f"What kind of thing is it: {choices}?", f"It is {with_article(noun.group)}.")
            )
    return sample_of(
        turns,
        task="thing",
        generator="knowledge.samples.thing_sample",
        seed=seed,
        facts={"name": noun.name, "answers": [answer for _, answer in turns]},
        pictures=[_sized(image, rng, strength)],
        licence=thing.licence,
    )
