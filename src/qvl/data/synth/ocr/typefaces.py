"""Which typefaces can draw a text: found among those installed, checked character by character.

Owns: the families in use, their styles, what each covers. Does not own: opening them at a size
(``lettering``).

    language, text, style -> choose() -> Typeface whose character map has every character

A font draws a box for a character that it lacks, and the label would be untrue. No text is drawn
before its typeface is known to have all of it, with ink for all that has ink.
"""

import logging
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import ImageFont

from qvl.data.synth.fonts import FAMILIES, font_named
from qvl.data.synth.ocr.languages import Language, Script
from qvl.errors import MissingDependencyError

Style = Literal["plain", "display", "hand"]

_ALPHABETIC: dict[Style, tuple[str, ...]] = {
    "plain": (*FAMILIES["train"], "RobotoCondensed-Regular", "RobotoCondensed-Bold", "PTS55F",
              "PTS75F", "PTF55F", "PTF75F", "PTN57F", "Play-Regular", "Dustismo_Roman"),
    "display": ("BebasNeue-Bold", "BebasNeue-Regular", "lobster", "LobsterTwo-Bold",
                "LobsterTwo-BoldItalic", "Play-Bold", "Comfortaa-Bold", "Quicksand-Bold",
                "Roboto-Black", "RobotoCondensed-Bold", "NotoSerif-BoldItalic", "PTC75F", "OCRA",
                "Klaudia-Bold", "dustismo_bold", "Courier Prime Bold"),
    "hand": ("DancingScript-Regular", "DancingScript-Bold", "ComicNeue-Regular", "ComicNeue-Bold",
             "Breip", "Ecolier-court", "Humor-Sans", "Rufscript010", "SteveHand", "Delphine",
             "Domestic_Manners", "PenguinAttack", "LobsterTwo-Italic", "Amiri-Slanted"),
}  # fmt: skip
_ARABIC: dict[Style, tuple[str, ...]] = {
    "plain": ("NotoNaskhArabic-Regular", "NotoNaskhArabic-Bold", "NotoSansArabic-Regular",
              "NotoSansArabic-Bold", "Amiri-Regular", "Amiri-Bold", "Scheherazade-Regular",
              "Lateef-Regular", "KacstBook", "KacstNaskh", "KacstOffice", "DejaVuSans",
              "DejaVuSans-Bold"),
    "display": ("NotoKufiArabic-Regular", "NotoKufiArabic-Bold", "KacstOne", "KacstOne-Bold",
                "KacstPoster", "KacstTitle", "KacstDecorative", "Scheherazade-Bold",
                "ae_AlArabiya", "ae_Cortoba", "ae_Dimnah", "ae_Granada", "ae_Metal"),
    "hand": ("KacstPen", "Amiri-Slanted", "Lateef-Medium", "ae_Rehan", "ae_Hani"),
}  # fmt: skip
_ASIAN: dict[Script, dict[Style, tuple[tuple[str, int], ...]]] = {
    "han": {
        "plain": (("NotoSansCJK-Regular", 2), ("NotoSerifCJK-Regular", 2), ("wqy-microhei", 0),
                  ("wqy-zenhei", 0), ("uming", 0)),
        "display": (("NotoSansCJK-Bold", 2), ("NotoSerifCJK-Bold", 2)),
        "hand": (("ukai", 0), ("gkai00mp", 0)),
    },
    "japanese": {
        "plain": (("NotoSansCJK-Regular", 0), ("NotoSerifCJK-Regular", 0),
                  ("VL-PGothic-Regular", 0), ("ipagp", 0), ("ipamp", 0)),
        "display": (("NotoSansCJK-Bold", 0), ("NotoSerifCJK-Bold", 0)),
        "hand": (),
    },
    "hangul": {
        "plain": (("NotoSansCJK-Regular", 1), ("NotoSerifCJK-Regular", 1), ("NanumGothic", 0),
                  ("NanumMyeongjo", 0), ("NanumBarunGothic", 0), ("UnBatang", 0), ("UnDotum", 0)),
        "display": (("NotoSansCJK-Bold", 1), ("NotoSerifCJK-Bold", 1), ("NanumGothicExtraBold", 0),
                    ("NanumSquareEB", 0), ("UnGraphicBold", 0)),
        "hand": (("NanumPen", 0), ("NanumBrush", 0), ("NanumBarunpenR", 0), ("UnPilgi", 0)),
    },
}  # fmt: skip
"""File stem and number in a collection: one file holds the forms of several countries."""

_PACKAGES: dict[Script, str] = {
    "latin": "fonts-dejavu fonts-liberation fonts-roboto fonts-noto-core",
    "cyrillic": "fonts-dejavu fonts-liberation fonts-roboto fonts-noto-core",
    "arabic": "fonts-noto-core fonts-hosny-amiri fonts-kacst",
    "han": "fonts-noto-cjk (or the small fonts-wqy-microhei)",
    "japanese": "fonts-noto-cjk (or the small fonts-vlgothic)",
    "hangul": "fonts-noto-cjk or fonts-nanum",
}
_ACROSS_ONLY = frozenset({"wqy-zenhei"})
"""Their characters have no height, so that those of a vertical line would lie on one another."""
_INKLESS = frozenset("\u3000 ")


@dataclass(frozen=True, kw_only=True)
class Typeface:
    """A font file, and for a collection the number of the font in it."""

    path: Path
    index: int = 0
    _drawn: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def characters(self) -> frozenset[int]:
        """Code points that the font has a glyph for."""
        try:
            from fontTools.ttLib import TTFont
        except ImportError as error:
            raise MissingDependencyError(
                "checking what typefaces cover needs fonttools", hint="pip install 'qvl[data]'"
            ) from error
        # Old fonts have padding in tables that are not read here; fontTools would warn of it.
        logging.getLogger("fontTools").setLevel(logging.ERROR)
        with TTFont(str(self.path), fontNumber=self.index, lazy=True) as font:
            mapped = font.getBestCmap() or {}
            return frozenset(code for code, glyph in mapped.items() if glyph != ".notdef")

    @cached_property
    def _probe(self) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(
            str(self.path), 32, index=self.index, layout_engine=ImageFont.Layout.BASIC
        )

    @cached_property
    def has_capitals_only(self) -> bool:
        """True if small letters look like capitals, so that a label could not tell which it is."""
        heights = [self._probe.getbbox(letter, anchor="ls")[1] for letter in "xX"]
        return ord("x") in self.characters and heights[0] <= 0.9 * heights[1]

    @cached_property
    def _missing(self) -> bytes:
        """What it draws for a code point that no font has."""
        return bytes(self._probe.getmask("\U0010fffe"))

    def draws(self, letter: str) -> bool:
        """True if a character has a glyph of its own, with ink. Some fonts name empty glyphs, or
        boxes, in their character map."""
        known = self._drawn.get(letter)
        if known is None:
            known = ord(letter) in self.characters
            if known:
                mask = self._probe.getmask(letter)
                known = mask.getbbox() is not None and bytes(mask) != self._missing
            self._drawn[letter] = known
        return known

    def covers(self, text: str) -> bool:
        """True if every character of the text would be drawn as itself, none as a box."""
        if self.has_capitals_only and text != text.upper():
            return False
        return all(self.draws(letter) for letter in text if letter not in _INKLESS)


@lru_cache
def typefaces(script: Script, style: Style) -> tuple[Typeface, ...]:
    """Returns the installed typefaces of a script and style; none is no error."""
    if script in _ASIAN:
        wanted = _ASIAN[script][style]
    else:
        stems = (_ARABIC if script == "arabic" else _ALPHABETIC)[style]
        wanted = tuple((stem, 0) for stem in stems)
    found = ((font_named(stem), index) for stem, index in wanted)
    return tuple(_known(path, index) for path, index in found if path is not None)


@lru_cache
def _known(path: Path, index: int) -> Typeface:
    return Typeface(path=path, index=index)


def choose(
    rng: np.random.Generator,
    language: Language,
    text: str,
    style: Style = "plain",
    *,
    vertical: bool = False,
) -> Typeface:
    """Returns a typeface of the style that has all of the text; a plain one where none has.

    Args:
        rng: source of randomness.
        language: whose forms are wanted.
        text: all that will be drawn.
        style: wanted first.
        vertical: whether it is drawn downwards, which not all fonts can.

    Raises:
        MissingDependencyError: no installed typeface has it.
    """
    for wanted in dict.fromkeys((style, "plain")):
        able = [
            face
            for face in typefaces(language.script, wanted)
            if face.covers(text) and not (vertical and face.path.stem in _ACROSS_ONLY)
        ]
        if able:
            return able[int(rng.integers(len(able)))]
    raise MissingDependencyError(
        f"no installed typeface has all of the {language.name} text {text[:40]!r}",
        hint=f"on Debian: apt-get install {_PACKAGES[language.script]}",
    )
