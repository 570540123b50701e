"""Joins captions of neighbouring windows that say the same, and sums many up level by level.

Owns: what counts as the same, the joining, the levels. Does not own: asking (`captioner`).

    Caption, Caption, ... -> merge_captions() -> fewer, longer -> summary(): eight become one, and
        so on until one is left
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

SAME = 0.7
"""Least share of content words, of both captions together, that two of the same content share."""

_NEWS = 0.1
"""Share of content words up to which a caption says nothing new."""

FAN_IN = 8
"""Captions that one paragraph sums up: about as many as fit the attention of a small model."""

# Words that captions share whatever they are about.
_EMPTY_WORDS = """
a an the and or of in on at to with from by for is are was were be been it its this that there then
while as scene video frame frames shows show shown see seen can into over under
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Caption:
    """What a stretch of a video shows.

    Attributes:
        start_s: its first frame.
        end_s: the first frame after it.
        text: of one or more sentences.
        is_cut: whether it begins with a cut.
    """

    start_s: float
    end_s: float
    text: str
    is_cut: bool = True


def content_words(text: str) -> frozenset[str]:
    """Words that carry meaning, in small letters.

    >>> sorted(content_words("The dog jumps over the red box."))
    ['box', 'dog', 'jumps', 'red']
    """
    return frozenset(_WORD.findall(text.lower())) - _EMPTY


def likeness(one: str, other: str) -> float:
    """Shared content words over all of both, 0 to 1 (the Jaccard index).

    >>> likeness("A dog runs.", "The dog runs."), likeness("A dog runs.", "A cat sleeps.")
    (1.0, 0.0)
    """
    a, b = content_words(one), content_words(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def merge_captions(captions: Sequence[Caption], *, same: float = SAME) -> list[Caption]:
    """Returns the captions with like neighbours joined; together they cover the same time.

    Of like ones the longer text stays. A cut between two does not keep them apart: a film that cuts
    to and fro within one scene shows one thing. A window that goes on without a cut and says
    nothing new belongs to the one before; one that says something new stays: something happened.

    Args:
        captions: in order, without gaps.
        same: least likeness; above 1 nothing is joined.
    """
    merged: list[Caption] = []
    for caption in captions:
        if merged and _is_same(merged[-1].text, caption, same):
            text = max(merged[-1].text, caption.text, key=len)
            merged[-1] = replace(merged[-1], end_s=caption.end_s, text=text)
        else:
            merged.append(caption)
    return merged


def _is_same(before: str, caption: Caption, same: float) -> bool:
    if likeness(before, caption.text) >= same:
        return True
    words = content_words(caption.text)
    new = len(words - content_words(before))
    return not caption.is_cut and same <= 1 and new <= _NEWS * len(words)


def summarise(
    texts: Sequence[str],
    sum_up: Callable[[Sequence[Sequence[str]]], Sequence[str]],
    *,
    fan_in: int = FAN_IN,
) -> str:
    """Returns one text for many, summed up level by level.

    The groups of a level are as even as they can be, so no group is a lone leftover.

    >>> summarise(list("abcdefghij"), lambda groups: ["".join(g) for g in groups], fan_in=4)
    'abcdefghij'

    Args:
        texts: in order, at least one.
        sum_up: groups of texts -> a text for each.
        fan_in: most texts of a group.
    """
    level = list(texts)
    while len(level) > 1:
        level = list(sum_up(_groups(level, fan_in)))
    return level[0]


def _groups(texts: Sequence[str], fan_in: int) -> list[Sequence[str]]:
    """Neighbours in as few groups as possible, as even as possible.

    >>> [len(group) for group in _groups(list("abcdefghij"), 4)]
    [3, 3, 4]
    """
    count = -(-len(texts) // fan_in)
    edges = [len(texts) * number // count for number in range(count + 1)]
    return [texts[a:b] for a, b in pairwise(edges)]
