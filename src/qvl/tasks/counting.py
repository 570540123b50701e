"""How many: asking for a number, writing it, reading it out of an answer.

Owns: the prompts and the number words. Does not own: the boxes of a counted list (``grounding``).

    things -> prompt() -> model -> answer -> parse() -> number or None

Large models count better when they point first: ``listing_prompt`` asks for the boxes and then the
number. Source: report section 3.3.3 (CountBench, detect then count).
"""

import re
import unicodedata
from collections.abc import Sequence, Set

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
_TIMES = {"dozen": 12, "hundred": 100, "thousand": 1000}
_HAN = {char: number for number, char in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_TIMES = {"十": 10, "百": 100, "千": 1000}
_MEASURES = "个個只隻条條名位张張辆輛朵颗顆棵匹头頭本件"

# A fence with a list in it, or a list of objects without one: its coordinates are no counts.
_LISTS = re.compile(r"```\w*\s*[\[{].*?(?:```|\Z)|\[\s*\{.*?(?:\}\s*\]|\Z)", re.DOTALL)
# Part of a word; Chinese and Japanese put no space between a number and what is counted.
_LETTER = r"[^\W\u3040-\u9fff]"
_WORD = rf"(?:{'|'.join([*_WORDS, *_TIMES])})"
_NUMBER = re.compile(
    rf"""(?<![.,]) (?<!{_LETTER}) (?:
        (?P<digits> \d{{1,3}}(?:,\d{{3}})+ | \d{{1,15}} ) (?! [.,]?\d | {_LETTER} )
      | (?P<words> (?:an?\s+(?=[htd]))? {_WORD} (?:(?:\s+and)?[\s-]+{_WORD}){{0,8}} )
        (?!{_LETTER})
    )
    # Chinese numerals count only before a measure word: "一" alone is everywhere.
    | (?P<han> [{"".join(_HAN)}{"".join(_HAN_TIMES)}]{{1,9}} ) (?= [{_MEASURES}] )""",
    re.IGNORECASE | re.VERBOSE,
)
# What makes a number the result: "7 in total", "so 7", "the answer is 7"; then "there are 7".
_SUMS_UP = re.compile(
    r"\b(?:total|altogether|so|(?:answer|count|number)(?: of [\w ]{0,30})? (?:is|are|was))\b"
    r"[^.!?\n\d]{0,40}$|共$",
    re.IGNORECASE,
)
_ANY_WORD = re.compile(r"\w")
_AFTER_COLON = re.compile(r"[:=]\W{0,3}$")
_IN_TOTAL = re.compile(r"[^.!?\n\d]{0,30}\b(?:in total|altogether|in all)\b", re.IGNORECASE)
_THERE_ARE = re.compile(r"\bthere(?:'s| is| are| were| was)\b[^.!?\n\d]{0,30}$|有$", re.IGNORECASE)
# Between a number and its parts: "4 (two on the left, two on the right)", "4 cups: 2 red, 2 blue".
_THEN_PARTS = re.compile(r"[^.!?\n\d]{0,40}[(:—]")
_NAMED_PART = re.compile(r"\W{0,3}[^\W\d]")
_NONE = re.compile(
    r"\A\W*(?:none|no one|nothing)\W*\Z|\A\W*没有|"
    r"\b(?:there (?:is|are|was|were)|i (?:see|count|find)) (?:no|none|not any)\b"
    r"(?! (?:doubt|way|idea|telling|clear|single|exact))",
    re.IGNORECASE,
)
_NEAR = 60
"""Characters around a number that can say what it is."""


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


def format_listing(listing: str, count: int, *, one: str, several: str) -> str:
    """Writes the answer to `listing_prompt`: the list, then a sentence with the number.

    Args:
        listing: the boxes, as `grounding.format` writes them.
        count: of the things.
        one: name of one.
        several: name of several.

    >>> print(format_listing("[]", 0, one="cat", several="cats"))
    []
    There are no cats in the image.
    """
    if count < 0:
        raise InputError(f"count is {count}, expected at least 0")
    number = "no" if count == 0 else str(count)
    stated = f"is {number} {one}" if count == 1 else f"are {number} {several}"
    return f"{listing}\nThere {stated} in the image."


def parse(text: str) -> int | None:
    """Returns the number that an answer states, or None if it states none, or several alike.

    Numbers inside JSON lists are coordinates. Of several numbers the one that sums up counts ("7 in
    total", "so 7"), else the first of "there are 7", else the first if the others are its parts and
    add up to it; nothing is guessed among the others.

    >>> parse("There are **twelve** cakes."), parse("I see 3."), parse("图中有十二个")
    (12, 3, 12)
    >>> parse("3 on the left, 4 on the right, so 7"), parse("3 of the 10 cups are red")
    (7, None)
    >>> parse('[{"bbox_2d": [1, 2, 3, 4]}]'), parse("There are no dogs.")
    (None, 0)
    """
    plain = unicodedata.normalize("NFKC", _LISTS.sub(" ", text))
    stated = [match for match in _NUMBER.finditer(plain) if not _is_part(plain, match)]
    sums = [match for match in stated if _sums_up(plain, match)]
    there = [match for match in stated if _THERE_ARE.search(_before(plain, match))]
    if sums or there:
        return _value(sums[-1] if sums else there[0])
    if not stated:
        return 0 if _NONE.search(plain) else None
    values = [_value(match) for match in stated]
    return values[0] if len(set(values)) == 1 or _has_parts(plain, stated, values) else None


def _has_parts(text: str, stated: Sequence[re.Match[str]], values: Sequence[int]) -> bool:
    """Whether the first number is followed by its parts, at least two, each with a name."""
    first, *parts = stated
    return (
        len(parts) > 1
        and values[0] == sum(values[1:])
        and _THEN_PARTS.match(text[first.end() : parts[0].start()]) is not None
        and all(_NAMED_PART.match(text, part.end()) for part in parts)
    )


def _before(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - _NEAR) : match.start()]


def _is_part(text: str, match: re.Match[str]) -> bool:
    """True of "10" and "12" in "10-12", and of "3" in "-3": a range, or no count at all."""
    before, after = _before(text, match), text[match.end() : match.end() + 3]
    return bool(re.search(r"(?:^|[\s\d])[-–]\s?$", before) or re.match(r"\s?[-–]\s?\d", after))


def _sums_up(text: str, match: re.Match[str]) -> bool:
    before, after = _before(text, match), text[match.end() : match.end() + _NEAR]
    is_last = _ANY_WORD.search(text, match.end()) is None
    return bool(
        _SUMS_UP.search(before)
        or _IN_TOTAL.match(after)
        or (is_last and _AFTER_COLON.search(before))
    )


def _value(match: re.Match[str]) -> int:
    if match["digits"] is not None:
        return int(match["digits"].replace(",", ""))
    if match["han"] is not None:
        return _number([_HAN.get(c, _HAN_TIMES.get(c, 0)) for c in match["han"]], {10, 100, 1000})
    words = [word for word in re.split(r"[\s-]+", match["words"].lower()) if word != "and"]
    values = [1 if word in ("a", "an") else _WORDS.get(word, _TIMES.get(word, 0)) for word in words]
    return _number(values, set(_TIMES.values()) if set(words) & set(_TIMES) else set())


def _number(values: Sequence[int], times: Set[int]) -> int:
    """Puts numerals together.

    >>> _number([2, 100, 5], {100}), _number([10, 2], {10}), _number([20, 1], set())
    (205, 12, 21)
    """
    total = current = 0
    for value in values:
        if value in times:
            total, current = total + max(1, current) * value, 0
        else:
            current += value
    return total + current
