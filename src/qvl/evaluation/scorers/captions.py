"""Captions: BLEU and CIDEr-D over a set of pictures.

Owns: words of a caption, both scores. Does not own: SPICE and METEOR, which need Java.

    captions of a set -> words without punctuation -> n-grams of 1 to 4 words -> scores

Both are scores of a set: CIDEr weighs an n-gram by how few pictures have it, so for a single
picture it is 0. Source: tylin/coco-caption, bleu_scorer.py and cider_scorer.py; Papineni et al.
2002; Vedantam et al. 2015.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qvl.errors import DataError

_LONGEST_NGRAM = 4
_SIGMA = 6.0
"""Width of the penalty for another length. Source: cider_scorer.py."""
_TINY, _SMALL = 1e-15, 1e-9
"""Source: bleu_scorer.py; they keep a set without a match at 0 without dividing by it."""
_LONGEST_CAPTION = 20_000
"""Characters; a caption that runs on has lost by then."""

_NEGATED = re.compile(r"(?<=[a-z])n't\b")
_CLITIC = re.compile(r"(?<=[a-z])('(?:s|m|d|re|ve|ll))\b")
_WORD = re.compile(r"n't|'(?:s|m|d|re|ve|ll)\b|\w+(?:[-./,:&]\w+)*|[^\w\s.?!,:;'\"`()\[\]{}-]")

Ngram = tuple[str, ...]


def caption_words(caption: str) -> list[str]:
    """Returns the words of a caption in lower case, as the Penn Treebank splits them.

    Punctuation is left out. Words with hyphens stay whole, "don't" becomes two words. The
    reference runs Stanford's tokenizer in Java; rare tokens such as "a.m." may differ.

    >>> caption_words("A man's dog doesn't jump, it's well-fed (1,000 g).")
    ['a', 'man', "'s", 'dog', 'does', "n't", 'jump', 'it', "'s", 'well-fed', '1,000', 'g']
    """
    text = caption[:_LONGEST_CAPTION].lower().replace("’", "'").replace("cannot", "can not")
    text = _CLITIC.sub(r" \1", _NEGATED.sub(" n't", text))
    return _WORD.findall(text)


def _ngrams(words: Sequence[str]) -> Counter[Ngram]:
    return Counter(
        tuple(words[start : start + length])
        for length in range(1, _LONGEST_NGRAM + 1)
        for start in range(len(words) - length + 1)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Captioned:
    """A picture's caption and what people wrote about it."""

    answer: str
    truths: Sequence[str]


def bleu(captions: Sequence[Captioned]) -> tuple[float, float, float, float]:
    """Returns BLEU-1 to BLEU-4 of a set, 0 to 1.

    Counts are added over the set before anything is divided. The nearest length of a picture's
    truths, the shorter of two equally near, is that of the brevity penalty.

    >>> [round(value, 3) for value in bleu([Captioned(answer="a red cat", truths=["a red dog"])])]
    [0.667, 0.577, 0.0, 0.0]

    Raises:
        DataError: the set is empty, or a picture has no truth.
    """
    hits, given = [0] * _LONGEST_NGRAM, [0] * _LONGEST_NGRAM
    length = wanted_length = 0
    for answer, truths in _in_words(captions):
        counts = _ngrams(answer)
        most: Counter[Ngram] = Counter()
        for truth in truths:
            most |= _ngrams(truth)
        for ngram, count in (counts & most).items():
            hits[len(ngram) - 1] += count
        for n in range(_LONGEST_NGRAM):
            given[n] += max(0, len(answer) - n)
        length += len(answer)
        wanted_length += min(
            (len(truth) for truth in truths), key=lambda size: (abs(size - len(answer)), size)
        )
    ratio = (length + _TINY) / (wanted_length + _SMALL)
    penalty = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    product, values = 1.0, []
    for n in range(_LONGEST_NGRAM):
        product *= (hits[n] + _TINY) / (given[n] + _SMALL)
        values.append(product ** (1 / (n + 1)) * penalty)
    return values[0], values[1], values[2], values[3]


def cider_d(captions: Sequence[Captioned]) -> list[float]:
    """Returns CIDEr-D of each picture, 0 to 10; the score of the set is the mean.

    Raises:
        DataError: the set is empty, or a picture has no truth.
    """
    items = [(_ngrams(a), [_ngrams(t) for t in truths]) for a, truths in _in_words(captions)]
    pictures_with: Counter[Ngram] = Counter()
    for _, truths in items:
        pictures_with.update(set().union(*truths))
    log_count = math.log(len(items))

    def weighed(counts: Counter[Ngram]) -> dict[Ngram, float]:
        return {
            ngram: count * (log_count - math.log(max(1, pictures_with[ngram])))
            for ngram, count in counts.items()
        }

    return [
        10
        * sum(
            _likeness(weighed(answer), weighed(truth), _length(answer) - _length(truth))
            for truth in truths
        )
        / len(truths)
        for answer, truths in items
    ]


def _length(counts: Counter[Ngram]) -> int:
    """Number of words. The reference counts pairs of them, which differs by 1 on both sides."""
    return sum(count for ngram, count in counts.items() if len(ngram) == 1)


def _likeness(answer: dict[Ngram, float], truth: dict[Ngram, float], difference: int) -> float:
    """The mean over lengths of n-grams of the cosine, the answer's weights cut to the truth's."""
    products, squares = [0.0] * _LONGEST_NGRAM, [[0.0, 0.0] for _ in range(_LONGEST_NGRAM)]
    for ngram, weight in answer.items():
        other = truth.get(ngram, 0.0)
        products[len(ngram) - 1] += min(weight, other) * other
        squares[len(ngram) - 1][0] += weight**2
    for ngram, weight in truth.items():
        squares[len(ngram) - 1][1] += weight**2
    norms = [math.sqrt(a * b) for a, b in squares]
    cosines = [
        product / norm if norm else 0.0 for product, norm in zip(products, norms, strict=True)
    ]
    return sum(cosines) / _LONGEST_NGRAM * math.exp(-(difference**2) / (2 * _SIGMA**2))


def _in_words(captions: Sequence[Captioned]) -> list[tuple[list[str], list[list[str]]]]:
    if not captions:
        raise DataError("no captions, expected at least one")
    read = []
    for index, item in enumerate(captions):
        if not item.truths:
            raise DataError(f"picture {index} has no truth, expected at least one")
        read.append((caption_words(item.answer), [caption_words(t) for t in item.truths]))
    return read
