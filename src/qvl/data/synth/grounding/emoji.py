"""Things from the colour emoji font: hundreds of kinds with names, in many languages.

Owns: reading ``emoji_names.txt``, drawing glyphs, names in other languages. Does not own: other
cut-outs (``drawings``).

    emoji_names.txt -> glyphs() -> cutout(glyph) -> Cutout with the licence of the font
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from qvl.data.synth.fonts import font_named
from qvl.data.synth.grounding.cutouts import Cutout, Noun, colours_of, tinted, trimmed
from qvl.data.synth.grounding.nouns import plural
from qvl.errors import MissingDependencyError

LANGUAGES = ("ar", "de", "es", "fa", "fr", "id", "it", "ja", "ko", "pt", "ru", "tr", "zh")
"""Languages other than English in which glyphs have names. Source: CLDR annotations, as in the
``emoji`` package."""

_FONT = "NotoColorEmoji"
# The font holds pictures of one size only. Source: its CBLC table, ppem 109.
_SIZE_PX = 109
_NAMES = Path(__file__).with_name("emoji_names.txt")


@dataclass(frozen=True, kw_only=True, slots=True)
class Glyph:
    """An emoji that shows one thing."""

    character: str
    noun: Noun
    category: str
    """Heading of its line in the list, also where it is not asked about."""
    is_tintable: bool = False
    """Whether such things come in any colour."""


@lru_cache(maxsize=1)
def glyphs() -> tuple[Glyph, ...]:
    """Returns all emoji of which we say what they show."""
    found = []
    for line in _NAMES.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        group, _, things = line.partition(": ")
        found += [_glyph(thing.strip(), group) for thing in things.split(";")]
    return tuple(found)


def _glyph(text: str, group: str) -> Glyph:
    """Reads "🧣 scarf* / scarves ~ shawl"."""
    text, _, also = text.partition(" ~ ")
    text, _, several = text.partition(" / ")
    character, _, name = text.partition(" ")
    name, is_tintable = name.removesuffix("*"), name.endswith("*")
    noun = Noun(
        name=name,
        plural=several or plural(name),
        group="" if group.startswith("[") else group,
        also=frozenset(also.split(", ")) if also else frozenset(),
    )
    return Glyph(
        character=character, noun=noun, category=group.strip("[]"), is_tintable=is_tintable
    )


@lru_cache(maxsize=1)
def _face() -> ImageFont.FreeTypeFont:
    path = font_named(_FONT)
    if path is None:
        raise MissingDependencyError(
            "scenes with emoji need the font NotoColorEmoji",
            hint="on Debian: apt-get install fonts-noto-color-emoji",
        )
    return ImageFont.truetype(str(path), _SIZE_PX)


@lru_cache(maxsize=2048)
def cutout(glyph: Glyph, turn: int = 0) -> Cutout:
    """Returns a glyph as a cut-out, about 130 px wide.

    Args:
        glyph: one of `glyphs`.
        turn: of its hues, in 256ths of the circle.

    Raises:
        MissingDependencyError: the font is not installed.
    """
    picture = PILImage.new("RGBA", (160, 160))
    pen = ImageDraw.Draw(picture)
    pen.text((8, 8), glyph.character, font=_face(), embedded_color=True)
    pixels = np.asarray(picture)
    if turn:
        pixels = tinted(pixels, turn)
    colour, colours = colours_of(pixels)
    return trimmed(
        Cutout(
            pixels=pixels,
            noun=glyph.noun,
            colour=colour,
            colours=colours,
            licence="OFL-1.1",
            source=f"{_FONT} U+{ord(glyph.character):04X}",
        )
    )


def name_in(glyph: Glyph, language: str) -> str:
    """Returns the name of a glyph in one of `LANGUAGES`.

    Raises:
        MissingDependencyError: the package with the names is not installed.
    """
    return _names(language)[glyph.character]


@lru_cache(maxsize=len(LANGUAGES))
def _names(language: str) -> dict[str, str]:
    try:
        import emoji
    except ImportError as error:
        raise MissingDependencyError(
            "names of emoji in other languages need the package emoji",
            hint="pip install 'qvl[data]'",
        ) from error
    emoji.config.load_language(language)
    names = {}
    for glyph in glyphs():
        entry = (
            emoji.EMOJI_DATA.get(glyph.character)
            or emoji.EMOJI_DATA[glyph.character + "\N{VARIATION SELECTOR-16}"]
        )
        if language in entry:
            names[glyph.character] = entry[language].strip(":").replace("_", " ")
    return names
