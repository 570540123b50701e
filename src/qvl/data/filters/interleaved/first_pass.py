"""The four scores by cheap rules, which decide what is clear and leave the rest to a model.

Owns: the evidence for each score and when it is clear. Does not own: asking a model (``scoring``),
cleaning (``cleaning``).

    Document -> Evidence, once -> text_quality, relevance, complementarity, balance
        -> Verdict(GOOD | BAD | None when unsure, why)

The report names the four criteria and no numbers. All numbers here are ours, chosen on one half of
drawn articles with known defects (``synth.interleaved``); docs/how-to/curation.md has what they
settle on the other half. Source of the criteria: report, 2.2.1, "Interleaved Image-Text Data".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from qvl.data.filters.interleaved import images, texts
from qvl.data.interleaved import Document, Paragraph, Picture
from qvl.data.languages import STOP_WORDS, guess_language
from qvl.errors import InputError

GOOD, BAD = 10.0, 0.0
"""Scores of what is clear, at the ends of the models' scale."""


class Verdict(NamedTuple):
    """What the rules say of one score."""

    score: float | None
    """`GOOD`, `BAD`, or None when a model has to look."""
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictured:
    """A picture with what is known about it and what stands around it.

    Attributes:
        words: content words of its description and of the words in it.
        near: content words of the paragraph before it and of the one after it.
        far: content words of each other paragraph.
        mark: the same for pictures that look the same.
        information: 0 to 1, see `images.information`; None when its pixels are not here.
    """

    words: frozenset[str]
    near: frozenset[str]
    far: tuple[frozenset[str], ...]
    mark: str
    information: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What the rules look at.

    Attributes:
        text: of the document.
        language: of the text, "" when unknown.
        words: of the text.
        pictures: in order.
    """

    text: str
    language: str
    words: tuple[str, ...]
    pictures: tuple[Pictured, ...]


def evidence(document: Document, *, opens: bool = True) -> Evidence:
    """Gathers what the rules look at.

    Args:
        document: to be judged.
        opens: look at the pictures' pixels; False for records whose pictures are elsewhere.
    """
    language = guess_language(document.text).language
    found = {
        number: _content_words(node.text, language)
        for number, node in enumerate(document.nodes)
        if isinstance(node, Paragraph)
    }
    pictures = [
        _pictured(node, number, found, language, opens)
        for number, node in enumerate(document.nodes)
        if isinstance(node, Picture)
    ]
    return Evidence(
        text=document.text,
        language=language,
        words=texts.words(document.text),
        pictures=tuple(pictures),
    )


def _pictured(
    picture: Picture, number: int, found: dict[int, frozenset[str]], language: str, opens: bool
) -> Pictured:
    before = max((place for place in found if place < number), default=None)
    after = min((place for place in found if place > number), default=None)
    near = {place for place in (before, after) if place is not None}
    mark, information = images.identity(picture.source), None
    if opens:
        try:
            mark = images.signature(picture.source)
            information = images.information(images.look(picture.source))
        except InputError:
            information = 0.0  # nobody will see anything in it
    return Pictured(
        words=_content_words(f"{picture.alt} {picture.words}", language),
        near=frozenset().union(*(found[place] for place in near)),
        far=tuple(words for place, words in found.items() if place not in near),
        mark=mark,
        information=information,
    )


def _content_words(text: str, language: str) -> frozenset[str]:
    """Words that carry a topic, in their shortest form: no stop words, no plural endings."""
    known = STOP_WORDS.get(language, STOP_WORDS["en"])
    found = {word.removesuffix("'s") for word in texts.words(text) if word not in known}
    found |= set(_NUMBER.findall(text))
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in found)


_NUMBER = re.compile(r"\b\d{2,}\b")

# --- text quality -----------------------------------------------------------------------------

_STOP_WORDS = (0.25, 0.38, 0.68)  # bad below, good from, good to; prose has 0.4 to 0.6
# Mean letters of a word in prose. Gopher keeps 3 to 10 for all web text; ours is narrower, as it
# says what is clear, not what is kept. Source: arXiv 2112.11446, A.1.1.
_WORD_LENGTH = (3.4, 7.0)
_CAPITALS = (0.12, 0.5)  # share of letters: prose has 0.02 to 0.06
_REPEATED = (0.05, 0.3)  # share of five-word sequences
_MARKS = (0.02, 0.06, 0.25)  # share of punctuation: bad below, good from, good to
_BROKEN = (0.02, 0.12)  # share of articles ("the", "a") before a word that cannot follow them
_SENTENCE_END = re.compile(r"[^.!?\u3002][.!?\u3002]")
# An article of English is followed by a noun or what describes one, never by these.
_CLOSED = """a and are as at be because been but by can could did do does for from had has have he
    him if in into is it its me my of on or our she so than that the their them then there these
    they this those to up us was we were when where which while who why with would you your"""
_NEVER_AFTER_ARTICLE = frozenset(_CLOSED.split())


def text_quality(found: Evidence) -> Verdict:
    """Whether the text alone is worth reading: prose in sentences, not lists, noise or spam."""
    if len(found.words) < 20:
        return Verdict(None, "short text")
    letters = sum(map(str.isalpha, found.text))
    capitals = sum(map(str.isupper, found.text)) / max(1, letters)
    repeated = texts.word_repetition(found.text)
    marks = texts.punctuation(found.text)[0]
    if capitals > _CAPITALS[1]:
        return Verdict(BAD, "written in capitals")
    if repeated > _REPEATED[1]:
        return Verdict(BAD, "repeats itself")
    if marks < _MARKS[0]:
        return Verdict(BAD, "no sentences")
    stop_words = STOP_WORDS.get(found.language)
    if stop_words is None:
        return Verdict(None, f"language {found.language or 'unknown'}")
    share = texts.share_of(found.words, stop_words)
    if share < _STOP_WORDS[0]:
        return Verdict(BAD, "words without grammar")
    broken = _broken(found) if found.language == "en" else 0.0
    if broken > _BROKEN[1]:
        return Verdict(BAD, "words in no order")
    length = sum(map(len, found.words)) / len(found.words)
    is_clear = (
        _STOP_WORDS[1] <= share <= _STOP_WORDS[2]
        and _WORD_LENGTH[0] <= length <= _WORD_LENGTH[1]
        and capitals <= _CAPITALS[0]
        and repeated <= _REPEATED[0]
        and _MARKS[1] <= marks <= _MARKS[2]
        and broken <= _BROKEN[0]
        and len(_SENTENCE_END.findall(found.text)) >= 2
    )
    return Verdict(GOOD, "prose") if is_clear else Verdict(None, "neither prose nor noise")


def _broken(found: Evidence) -> float:
    """Share of articles before a word that cannot follow one."""
    articles = broken = 0
    for word, following in zip(found.words, found.words[1:], strict=False):
        if word in ("the", "a", "an"):
            articles += 1
            broken += following in _NEVER_AFTER_ARTICLE
    return broken / articles if articles >= 4 else 0.0


# --- relevance --------------------------------------------------------------------------------

_FEWEST_WORDS = 2  # content words of a picture, below which they prove nothing
_BELONGS = 0.3  # share of a picture's words that come again near it
_STRANGE = 0.12
_BETTER = 0.25  # by so much another place of the text fits better


def relevance(found: Evidence) -> Verdict:
    """Whether pictures are about what the text next to them is about."""
    known = [picture for picture in found.pictures if len(picture.words) >= _FEWEST_WORDS]
    if not known or 2 * len(known) < len(found.pictures):
        return Verdict(None, "pictures without words")
    belong = strange = 0
    for picture in known:
        here = _share(picture.words, picture.near)
        elsewhere = max((_share(picture.words, words) for words in picture.far), default=0.0)
        if here <= _STRANGE or elsewhere >= here + _BETTER:
            strange += 1
        elif here >= _BELONGS and here >= elsewhere:
            belong += 1
    if 2 * strange >= len(known):
        return Verdict(BAD, "pictures belong elsewhere")
    if belong == len(found.pictures):  # a picture without words may belong anywhere
        return Verdict(GOOD, "pictures share words with their text")
    return Verdict(None, "some pictures share words with their text")


def _share(words: frozenset[str], others: frozenset[str]) -> float:
    return len(words & others) / len(words) if words else 0.0


# --- complementarity --------------------------------------------------------------------------

_ADDS = 0.75  # share of the text's content words near a picture that the picture does not have
_REPEATS = 0.5
_SEEN = 0.05  # information of a picture in which there is something to see
_NOTHING = 0.02


def complementarity(found: Evidence) -> Verdict:
    """Whether text and pictures each say something that the other does not."""
    if not found.pictures:
        return Verdict(BAD, "no pictures")
    if len(found.pictures) > 1 and len({item.mark for item in found.pictures}) == 1:
        return Verdict(BAD, "one picture again and again")
    told = [item.information for item in found.pictures if item.information is not None]
    if told and 2 * sum(value <= _NOTHING for value in told) >= len(found.pictures):
        return Verdict(BAD, "pictures without information")
    known = [item for item in found.pictures if len(item.words) > _FEWEST_WORDS]
    if 2 * len(known) < len(found.pictures):
        return Verdict(None, "pictures without words")
    new = [1 - _share(item.near, item.words) for item in known if item.near]
    if not new:
        return Verdict(None, "pictures without text")
    if median(new) <= _REPEATS:
        return Verdict(BAD, "text repeats the pictures")
    is_seen = len(told) == len(found.pictures) and min(told) >= _SEEN
    if min(new) >= _ADDS and is_seen:
        return Verdict(GOOD, "text and pictures both add")
    return Verdict(None, "little is added")


# --- balance ----------------------------------------------------------------------------------

# OBELICS has about 240 words for each picture, MMC4 about 55: 115 G tokens and 353 M images, 43 G
# tokens and 571 M images, three words to four tokens. Source: arXiv 2306.16527, Table 1.
_WORDS_PER_PICTURE = (8, 20, 300, 700)  # bad below, good from, good to, bad above


def balance(found: Evidence) -> Verdict:
    """Whether neither side drowns the other: words for each picture, and whether both say
    something."""
    if not found.pictures:
        return Verdict(BAD, "no pictures")
    told = [item.information for item in found.pictures if item.information is not None]
    if told and median(told) <= _NOTHING:
        return Verdict(BAD, "pictures without information")
    words = len(found.words) / len(found.pictures)
    least, good_from, good_to, most = _WORDS_PER_PICTURE
    if words < least:
        return Verdict(BAD, "hardly any text")
    if words > most:
        return Verdict(BAD, "hardly any pictures")
    is_seen = not told or min(told) >= _SEEN
    if good_from <= words <= good_to and is_seen:
        return Verdict(GOOD, "as many words as pictures need")
    return Verdict(None, "few words or little to see")


RULES: dict[str, Callable[[Evidence], Verdict]] = {
    "text_quality": text_quality,
    "relevance": relevance,
    "complementarity": complementarity,
    "balance": balance,
}
"""The report's four criteria by name."""

LOOKS = frozenset({"complementarity", "balance"})
"""Those whose rules look at the pictures' pixels."""
