"""How many: asking for a number, writing it, reading it out of an answer.

Owns: the prompts and the number words. Does not own: the boxes of a counted list (``grounding``).

    things -> prompt() -> model -> answer -> parse() -> number or None

Large models count better when they point first: ``listing_prompt`` asks for the boxes and then the
number. Source: report section 3.3.3 (CountBench, detect then count).
"""

import re
import unicodedata
from collections import deque

from qvl.errors import InputError

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: number for number, word in enumerate(_SMALL)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
_HAN = {char: number for number, char in enumerate("零一二三四五六七八九")} | {"两": 2}

# Part of a word; Chinese and Japanese put no space between a number and what is counted.
_LETTER = r"[^\W\u3040-\u9fff]"
_MEASURES = "个個只隻条條名位张張辆輛朵颗顆棵匹头頭本件"

# A fence, or a list of objects without one: its coordinates are no counts.
_LISTS = re.compile(r"```.*?(?:```|\Z)|\[\s*\{.*?(?:\}\s*\]|\Z)", re.DOTALL)
_NUMBER = re.compile(
    rf"""(?<![.,]) (?<!{_LETTER}) (?:
        (?P<digits> \d{{1,3}}(?:,\d{{3}})+ | \d{{1,9}} ) (?! [.,]?\d | {_LETTER} )
      | (?P<word> (?:{"|".join(_TENS)}) (?:[ -](?:{"|".join(_SMALL[1:10])}))? | {"|".join(_SMALL)} )
        (?!{_LETTER})
    )
    # Chinese numerals count only before a measure word: "一" alone is everywhere.
    | (?P<han> [{"".join(_HAN)}十]{{1,3}} ) (?= [{_MEASURES}] )""",
    re.IGNORECASE | re.VERBOSE,
)
# "There are no cats."
_NONE = re.compile(r"\b(?:no|none|not any)\b|没有", re.IGNORECASE)


def prompt(things: str) -> str:
    """The words that ask for a number.

    >>> prompt("red circles")
    'How many red circles are there in the image?'
    """
    return f"How many {_named(things)} are there in the image?"


def listing_prompt(things: str) -> str:
    """The words that ask for every box and then the number.

    Source: official cookbooks/spatial_understanding.ipynb, with the things named.
    """
    named = _named(things)
    return (
        f"Please first output bbox coordinates and names of all {named} in this image in JSON "
        f"format, and then answer how many {named} are there in the image."
    )


def _named(things: str) -> str:
    if not things.strip():
        raise InputError("nothing to count", hint="name things in the plural, such as 'people'")
    return things.strip()


def format(count: int) -> str:
    """Writes a number as the model writes it; `parse` reads it back."""
    return str(count)


def parse(text: str) -> int | None:
    """Returns the number that an answer states, or None if it states none.

    Numbers inside JSON lists are coordinates. The last number of the rest counts: an answer that
    reasons ends with its result.

    >>> parse("There are **twelve** cakes."), parse("I see 3."), parse("图中有十二个")
    (12, 3, 12)
    >>> parse('[{"bbox_2d": [1, 2, 3, 4]}]'), parse("There are no dogs.")
    (None, 0)
    """
    plain = unicodedata.normalize("NFKC", _LISTS.sub(" ", text))
    found = deque(_NUMBER.finditer(plain), maxlen=1)
    if not found:
        return 0 if _NONE.search(plain) else None
    last = found[0]
    if last["digits"] is not None:
        return int(last["digits"].replace(",", ""))
    if last["word"] is not None:
        return sum(_WORDS[part] for part in re.split("[ -]", last["word"].lower()))
    return _han_number(last["han"])


def _han_number(text: str) -> int:
    """Numerals up to ninety-nine.

    >>> [_han_number(text) for text in ("三", "十", "十二", "四十", "九十九")]
    [3, 10, 12, 40, 99]
    """
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int("".join(str(_HAN[char]) for char in text))
    return 10 * _HAN.get(tens, 1) + _HAN.get(ones, 0)
