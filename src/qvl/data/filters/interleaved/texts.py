"""What a text is like, in numbers: the statistics on which web documents are cleaned.

Owns: the statistics, their definitions. Does not own: how much of each is allowed (``cleaning``).

    text -> words(), character_repetition(), ... -> shares from 0 to 1

Source: huggingface/OBELICS, obelics/processors/web_document_filtering.py, FilteringFunctions, for
the definition of each share.
"""

import functools
import math
import re
from collections import Counter
from collections.abc import Sequence, Set

_FIRST_TO_LAST = re.compile(r"[^\W_\d](?:.*[^\W_\d])?", re.DOTALL)
_CHINESE_OR_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORDS_AND_MARKS = re.compile(r"[\w']+|[.,;:!?\u2026\u3002\uff0c\uff01\uff1f\u061f\u060c]")
_MARKS = frozenset(".,;:!?\u2026\u3002\uff0c\uff01\uff1f\u061f\u060c")
# Above this, a longer text is judged by its beginning: counting takes memory.
_LONGEST = 200_000

CHARACTERS, WORDS = 10, 5
"""Length of the sequences whose repetition is counted. Source: OBELICS,
config_filter_web_documents.yaml, character_repetition_length and word_repetition_length."""


@functools.lru_cache(maxsize=16)  # several rules in a row ask about one text
def words(text: str) -> tuple[str, ...]:
    """Words in lower case, without the signs and digits around them.

    Chinese and Japanese put no space between words; each of their characters counts as one.

    >>> words("(The) cup's 3rd, 红色!")
    ('the', "cup's", 'rd', '红', '色')
    """
    text = text[:_LONGEST]
    if not text.isascii():
        text = _CHINESE_OR_JAPANESE.sub(r" \g<0> ", text)
    found = [word if word.isalpha() else _stripped(word) for word in text.lower().split()]
    return tuple(filter(None, found))


def _stripped(word: str) -> str:
    letters = _FIRST_TO_LAST.search(word)
    return letters.group() if letters else ""


def character_repetition(text: str) -> float:
    """Share of the commonest tenfold characters among all, at most the root of their number.

    >>> character_repetition("A plain sentence.")
    0.0
    >>> round(character_repetition("Buy now at our shop. " * 9), 2)
    0.2
    """
    text = text[:_LONGEST]
    total = len(text) - CHARACTERS + 1
    if total <= 0:
        return 0.0
    counts = Counter([text[i : i + CHARACTERS] for i in range(total)])
    repeated = sorted((count for count in counts.values() if count > 1), reverse=True)
    return sum(repeated[: math.isqrt(len(counts))]) / total


def word_repetition(text: str) -> float:
    """Share of the five-word sequences that come more than once.

    >>> word_repetition("one two three four five six")
    0.0
    """
    found = words(text)
    total = len(found) - WORDS + 1
    if total <= 0:
        return 0.0
    counts = Counter(zip(*(found[i:] for i in range(WORDS)), strict=False))
    return sum(count for count in counts.values() if count > 1) / total


def special_characters(text: str) -> float:
    """Share of characters that are no letters: spaces, digits, punctuation, signs.

    >>> special_characters("a b1")
    0.5
    """
    text = text[:_LONGEST]
    return 1 - sum(map(str.isalpha, text)) / len(text) if text else 0.0


def share_of(found: Sequence[str], known: Set[str]) -> float:
    """Share of the words that are among the known ones.

    >>> share_of(["the", "cup"], {"the"})
    0.5
    """
    return sum(word in known for word in found) / len(found) if found else 0.0


def punctuation(text: str) -> tuple[float, int]:
    """Share of the marks among words and marks, and the number of both.

    >>> punctuation("Yes, it is.")
    (0.4, 5)
    """
    found = _WORDS_AND_MARKS.findall(text[:_LONGEST])
    if not found:
        return 0.0, 0
    return sum(item in _MARKS for item in found) / len(found), len(found)
