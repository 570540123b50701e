"""What is written: running text, phrases, prices, dates and numbers, in words of one language.

Owns: choosing text. Does not own: vocabularies (``languages``), drawing (``lettering``).

    Writer(language, split) -> words of a line in the order of speech -> lettering
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qvl.data.synth.ocr.languages import (
    Language,
    cities,
    clean,
    common_words,
    countries,
    holds_heldout,
    invented_word,
    language_of,
    names,
    texts,
    vocabulary,
)
from qvl.data.synth.words import Split

_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0}
# What a thing costs about, in units of the currency.
_PRICE_LEVEL = {"JPY": 150.0, "KRW": 1300.0, "VND": 25000.0, "RUB": 90.0, "CNY": 7.0, "SAR": 4.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Writes in one language, for one split of its words.

    Attributes:
        language: see ``languages``.
        split: held-out words never reach training.
        own_digits: write numbers in Arabic with the digits of eastern Arab countries.
    """

    language: Language
    split: Split = "train"
    own_digits: bool = False

    def words(self, text: str) -> tuple[str, ...]:
        """Returns a text as the words of a line."""
        return tuple(clean(text).split(" "))

    def joined(self, words: Sequence[str]) -> str:
        """Returns the words of a line as one text; the label of the line."""
        return self.language.separator.join(words)

    def digits(self, text: str) -> str:
        """Returns the text with its digits as this writer writes them."""
        return text.translate(_ARABIC_DIGITS) if self.own_digits else text

    def label(self, key: str) -> str:
        """Returns a fixed word of forms and receipts, such as "total"."""
        labels: dict[str, str] = texts(self.language.code)["labels"]
        return labels[key]

    def phrase(self, rng: np.random.Generator, kind: str) -> str:
        """Returns one of "signs", "shops", "products" or another list of the language, or for
        "name", "country" and "city" a name of CLDR.

        A training phrase holds no held-out word, a held-out phrase at least one. The fixed words of
        `label` belong to both splits.
        """
        code = self.language.code
        known = {"name": names, "country": countries, "city": cities}
        choices = known[kind](code) if kind in known else texts(code)[kind]
        wanted = [text for text in choices if holds_heldout(text) == (self.split == "heldout")]
        return clean(wanted[int(rng.integers(len(wanted)))])

    def has(self, kind: str) -> bool:
        """Whether the language has a list of its own of this kind, see `phrase`."""
        return kind in texts(self.language.code)

    def word(self, rng: np.random.Generator) -> str:
        """Returns one word: real, invented, or a number."""
        form = rng.random()
        if form < 0.75:
            choices = common_words if form < 0.45 else vocabulary
            known = choices(self.language.code, self.split)
            return known[int(rng.integers(len(known)))]
        if form < 0.93:
            return invented_word(rng, self.language.code, self.split)
        return self.digits(str(rng.integers(0, 10 ** int(rng.integers(1, 5)))))

    def running(self, rng: np.random.Generator, count: int) -> list[str]:
        """Returns words with commas and full stops, sentences beginning with a capital."""
        language = self.language
        found: list[str] = []
        begins = True
        for _ in range(count):
            word = self.word(rng)
            if begins:
                word = word[:1].upper() + word[1:]
                begins = False
            form = rng.random()
            if form < 0.1:
                word += language.comma
            elif form < 0.2:
                word += language.stops[int(rng.integers(len(language.stops)))]
                begins = True
            found.append(word)
        last = found[-1].rstrip(language.comma + "".join(language.stops))
        found[-1] = last + language.stops[0]
        return found

    def title(self, rng: np.random.Generator, count: int) -> list[str]:
        """Returns words without marks, capitalised or in capitals where the script has them."""
        found = [self.word(rng) for _ in range(count)]
        form = rng.random()
        if form < 0.35:
            return [word.upper() for word in found]
        return [word[:1].upper() + word[1:] for word in found] if form < 0.7 else found

    def amount(self, value: float) -> str:
        """Returns a price without its currency, as the language writes decimals."""
        from babel.numbers import format_decimal

        decimals = _DECIMALS.get(self.language.currency, 2)
        pattern = "#,##0" + (".00" if decimals else "")
        text = format_decimal(value, pattern, locale=self.language.code)
        return self.digits(clean(text).replace(" ", "" if value < 10_000 else " "))

    def price(self, value: float) -> str:
        """Returns a price with its currency."""
        from babel.numbers import format_currency

        text = format_currency(value, self.language.currency, locale=self.language.code)
        return self.digits(clean(text))

    def cost(self, rng: np.random.Generator) -> float:
        """Returns what a thing costs, in whole cents or units."""
        level = _PRICE_LEVEL.get(self.language.currency, 1.0)
        value = level * float(np.exp(rng.uniform(np.log(0.5), np.log(40))))
        if self.language.currency in _DECIMALS:
            step = 10 if self.language.currency == "JPY" else 500
            return max(step, round(value / step) * step)
        return round(value, 2)

    def date(self, rng: np.random.Generator, *, years: tuple[int, int] = (1990, 2040)) -> str:
        """Returns a date as the language writes it."""
        from babel.dates import format_date

        day = datetime.date(int(rng.integers(*years)), 1, 1) + datetime.timedelta(
            days=int(rng.integers(365))
        )
        form = ("short", "medium", "long")[int(rng.integers(3))]
        return self.digits(clean(format_date(day, form, locale=self.language.code)))

    def time(self, rng: np.random.Generator) -> str:
        """Returns a time of day."""
        return self.digits(f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}")

    def number(self, rng: np.random.Generator, digits: int) -> str:
        """Returns a number of so many digits."""
        return self.digits(f"{rng.integers(10 ** (digits - 1), 10**digits)}")


def writer(rng: np.random.Generator, code: str, split: Split) -> Writer:
    """Returns a writer of a language; half of those in Arabic use its own digits."""
    language = language_of(code)
    own_digits = language.script == "arabic" and rng.random() < 0.5
    return Writer(language=language, split=split, own_digits=own_digits)
