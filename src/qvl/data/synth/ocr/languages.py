"""The twelve languages that are drawn: how each is written, and its words.

Owns: scripts and directions, vocabularies and their split. Does not own: phrases, prices and dates
(``writing``), typefaces (``typefaces``).

    CLDR names (babel) + texts/<code>.toml -> vocabulary() ; -> invented_word()

Source of the languages: report section 2.2.1, OCR data. Names of countries, languages, currencies,
months, days and units: Unicode CLDR, Unicode-3.0 licence, by the babel package. The lists in
``texts/`` are our own.
"""

import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from qvl.data.synth.words import Split, is_heldout
from qvl.errors import InputError, MissingDependencyError

Script = Literal["latin", "cyrillic", "arabic", "han", "japanese", "hangul"]

_TEXTS = Path(__file__).with_name("texts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """How a language is written.

    Attributes:
        code: ISO 639-1, also the CLDR locale.
        name: in English.
        script: of its letters.
        currency: ISO 4217.
        comma: between parts of a sentence.
        stops: that end one.
        spaced: whether words stand apart.
        right_to_left: whether lines begin at the right.
        vertical: whether lines may also run downwards.
    """

    code: str
    name: str
    script: Script
    currency: str
    comma: str = ","
    stops: tuple[str, ...] = (".", ".", ".", "?", "!")
    spaced: bool = True
    right_to_left: bool = False
    vertical: bool = False

    @property
    def separator(self) -> str:
        """What stands between two words of a line."""
        return " " if self.spaced else ""


_WIDE_STOPS = ("。", "。", "。", "？", "！")
LANGUAGES: dict[str, Language] = {
    item.code: item
    for item in (
        Language(code="en", name="English", script="latin", currency="USD"),
        Language(
            code="zh",
            name="Chinese",
            script="han",
            currency="CNY",
            comma="，",
            stops=_WIDE_STOPS,
            spaced=False,
            vertical=True,
        ),
        Language(code="fr", name="French", script="latin", currency="EUR"),
        Language(code="de", name="German", script="latin", currency="EUR"),
        Language(code="it", name="Italian", script="latin", currency="EUR"),
        Language(code="es", name="Spanish", script="latin", currency="EUR"),
        Language(code="pt", name="Portuguese", script="latin", currency="EUR"),
        Language(
            code="ar",
            name="Arabic",
            script="arabic",
            currency="SAR",
            comma="،",
            stops=(".", ".", ".", "؟", "!"),
            right_to_left=True,
        ),
        Language(code="ru", name="Russian", script="cyrillic", currency="RUB"),
        Language(
            code="ja",
            name="Japanese",
            script="japanese",
            currency="JPY",
            comma="、",
            stops=_WIDE_STOPS,
            spaced=False,
            vertical=True,
        ),
        Language(code="ko", name="Korean", script="hangul", currency="KRW"),
        Language(code="vi", name="Vietnamese", script="latin", currency="VND"),
    )
}

# Rows of the most used characters in the standard of each script; all fonts of a script have them.
# Source: GB 2312 level 1 (3,755 characters), JIS X 0208 level 1 (2,965), KS X 1001 hangul (2,350).
_COMMON_ROWS = {"han": ("gb2312", 0xD8), "japanese": ("euc_jp", 0xD0), "hangul": ("euc_kr", 0xC9)}
_KANA = "".join(map(chr, [*range(0x3042, 0x3094), *range(0x30A2, 0x30F4)]))
_UNSEEN = dict.fromkeys(
    map(ord, "\u200e\u200f\u061c\u200b\u00ad\u202a\u202b\u202c\u2066\u2067\u2069")
)
_LONGEST = 22
_AROUND = ",.;:!¡?¿«»"


def language_of(code: str) -> Language:
    """Returns a language by its code.

    Raises:
        InputError: it is none of the twelve.
    """
    if code not in LANGUAGES:
        raise InputError(f"language is {code!r}, expected one of {', '.join(LANGUAGES)}")
    return LANGUAGES[code]


@lru_cache
def texts(code: str) -> dict[str, Any]:
    """Returns our own lists of a language: signs, shops, products, words, labels."""
    with open(_TEXTS / f"{code}.toml", "rb") as file:
        lists: dict[str, Any] = tomllib.load(file)
    return lists


def clean(text: str) -> str:
    """Returns text as it is drawn: composed, plain spaces, nothing that cannot be seen.

    >>> clean("1\\u202f234\\u00a0\\u20ac\\u200f")
    '1 234 €'
    """
    plain = unicodedata.normalize("NFC", text).translate(_UNSEEN)
    return " ".join(plain.split())


@lru_cache
def names(code: str) -> tuple[str, ...]:
    """Returns the names that CLDR has in a language, short ones, without brackets.

    Raises:
        MissingDependencyError: babel is not installed.
    """
    try:
        from babel import Locale
    except ImportError as error:
        raise MissingDependencyError(
            "names in twelve languages need babel", hint="pip install 'qvl[data]'"
        ) from error
    locale = Locale(code)
    found: list[str] = [*locale.territories.values(), *locale.languages.values()]
    found += locale.currencies.values()
    for calendar in (locale.months, locale.days):
        for width in ("wide", "abbreviated"):
            found += calendar["format"][width].values()
    return tuple(dict.fromkeys(filter(_is_drawn, map(clean, found))))


@lru_cache
def countries(code: str) -> tuple[str, ...]:
    """Returns the names of countries and territories in a language, by CLDR."""
    from babel import Locale

    found = Locale(code).territories.items()
    # Two letters are territories; numbers are continents.
    return tuple(filter(_is_drawn, (clean(v) for k, v in found if len(k) == 2 and k.isalpha())))


@lru_cache
def cities(code: str) -> tuple[str, ...]:
    """Returns the names of cities in a language: CLDR's of time zones."""
    from babel import Locale

    found = (zone["city"] for zone in Locale(code).time_zones.values() if "city" in zone)
    return tuple(dict.fromkeys(filter(_is_drawn, map(clean, found))))


def _is_drawn(name: str) -> bool:
    return 0 < len(name) <= _LONGEST and not any(mark in name for mark in "()[]{}（）【】")


@lru_cache
def vocabulary(code: str, split: Split) -> tuple[str, ...]:
    """Returns the words of a language that belong to a split; see ``words.is_heldout``."""
    language = language_of(code)
    mine = texts(code)["words"].split()
    phrases: Iterable[str] = [
        *names(code),
        *(p for key in ("signs", "shops", "products") for p in texts(code)[key]),
    ]
    if language.spaced:
        found = [*mine, *(word.strip(_AROUND) for name in phrases for word in name.split())]
    else:
        found = [*mine, *(name for name in phrases if " " not in name)]
    wanted = split == "heldout"
    return tuple(word for word in dict.fromkeys(found) if word and is_heldout(word) == wanted)


@lru_cache
def common_words(code: str, split: Split) -> tuple[str, ...]:
    """Returns everyday words of a language that belong to a split."""
    words: str = texts(code)["words"]
    return tuple(word for word in words.split() if is_heldout(word) == (split == "heldout"))


def holds_heldout(phrase: str) -> bool:
    """True if a word of the phrase is kept for evaluation, marks around it left aside."""
    return any(is_heldout(word.strip(_AROUND)) for word in phrase.split())


@lru_cache
def common_characters(script: Script) -> str:
    """Returns the most used characters of a script that has thousands; '' of others."""
    if script not in _COMMON_ROWS:
        return ""
    codec, stop = _COMMON_ROWS[script]
    pairs = (bytes([row, cell]) for row in range(0xB0, stop) for cell in range(0xA1, 0xFF))
    return "".join(pair.decode(codec, "ignore") for pair in pairs)


def invented_word(rng: np.random.Generator, code: str, split: Split) -> str:
    """Returns what could be a word of the language: its letters follow one another as in real ones.

    Of Chinese, Japanese and Korean, a few common characters in a row.
    """
    while True:
        word = _in_characters(rng, language_of(code).script) or _by_chains(rng, code)
        if is_heldout(word) == (split == "heldout"):
            return word


def _in_characters(rng: np.random.Generator, script: Script) -> str:
    characters = common_characters(script)
    if not characters:
        return ""
    word = "".join(
        characters[int(i)] for i in rng.integers(len(characters), size=rng.integers(1, 5))
    )
    if script == "japanese" and rng.random() < 0.6:
        word += "".join(_KANA[int(i)] for i in rng.integers(len(_KANA), size=rng.integers(1, 4)))
    return word


def _by_chains(rng: np.random.Generator, code: str) -> str:
    """By letters that follow two others in the vocabulary. Source: Shannon 1948, section 3."""
    chains = _chains(code)
    while True:
        word = "^^"
        while len(word) < 16:
            following = chains[word[-2:]]
            letter = following[int(rng.integers(len(following)))]
            if letter == "$":
                break
            word += letter
        if 2 <= len(word) - 2 <= 12:
            return word[2:]


@lru_cache
def _chains(code: str) -> dict[str, str]:
    """Every pair of letters and all that follow it; ^ begins a word and $ ends it."""
    following: defaultdict[str, str] = defaultdict(str)
    for word in vocabulary(code, "train"):
        if not word.isalpha():
            continue
        marked = f"^^{word.lower()}$"
        for i in range(len(marked) - 2):
            following[marked[i : i + 2]] += marked[i + 2]
    return dict(following)
