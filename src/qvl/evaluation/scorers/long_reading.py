"""How well a long text was read or translated: the mean of four likenesses.

Owns: BLEU and METEOR of one text, the mean that OCRBench v2 takes. Does not own: captions
(``captions``), pages in blocks (``omnidocbench``).

    answer, truth -> words (Chinese by jieba) -> BLEU, METEOR, F1 of the words, 1 - edits -> mean

The reference's METEOR also joins words of one stem and synonyms out of WordNet, a data set of
its own; here only equal words match. For what was read from a page that changes next to nothing,
for translations it is a little stricter: hence `meteor_of_equal_words`.
Source: OCRBench v2 page_ocr_metric.py, with nltk's bleu_score.py and meteor_score.py.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from qvl.errors import MissingDependencyError
from qvl.evaluation.scorers.edit_distance import normalised_distance
from qvl.evaluation.scorers.score import Score, f1, mean

_CHINESE = re.compile(r"[\u4e00-\u9fa5]")
_LONGEST_NGRAM = 4
# Source: Lavie and Agarwal 2007, as nltk's defaults.
_ALPHA, _BETA, _GAMMA = 0.9, 3.0, 0.5
_LONGEST = 100_000
"""Characters of an answer that are looked at; pages have a few thousand."""


def long_reading(*, answer: str, truth: str) -> Score:
    """Scores a text from 0 to 1.

    >>> long_reading(answer="a b c d e", truth="a b c d e").value > 0.99
    True
    >>> long_reading(answer="", truth="a b").value
    0.0

    Args:
        answer: as the model wrote it.
        truth: the whole text.

    Raises:
        MissingDependencyError: one of them is Chinese, and jieba is not installed.
    """
    answer = answer[:_LONGEST]
    if not answer:
        return Score(value=0.0, why="no answer", is_parsed=False)
    given, wanted = words_of(answer, truth)
    parts = {
        "BLEU": bleu_of_one(given, wanted),
        "METEOR": meteor_of_equal_words(given, wanted),
        "F1": _set_f1(given, wanted),
        "characters": 1 - normalised_distance(answer, truth),
    }
    return Score(
        value=mean(list(parts.values())),
        why=", ".join(f"{name} {value:.2f}" for name, value in parts.items()),
    )


def words_of(answer: str, truth: str) -> tuple[list[str], list[str]]:
    """Splits both at spaces, or both by jieba if one of them has Chinese in it.

    Raises:
        MissingDependencyError: jieba is needed and not installed.
    """
    if not (_CHINESE.search(answer) or _CHINESE.search(truth)):
        return answer.split(), truth.split()
    jieba = chinese_splitter()
    return list(jieba.lcut(answer)), list(jieba.lcut(truth))


def chinese_splitter() -> Any:
    """The package jieba, which finds words in Chinese.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import jieba
    except ImportError as error:
        raise MissingDependencyError(
            "long texts in Chinese are compared word by word, which needs jieba",
            hint="pip install 'qvl[eval]'",
        ) from error
    jieba.setLogLevel("ERROR")
    return jieba


def bleu_of_one(given: Sequence[str], wanted: Sequence[str]) -> float:
    """Returns BLEU-4 of one text without smoothing: 0 if no four words in a row are right.

    >>> round(bleu_of_one("a b c d e".split(), "a b c d f".split()), 3)
    0.669
    """
    if not given:
        return 0.0
    logs = 0.0
    for n in range(1, _LONGEST_NGRAM + 1):
        grams = [_ngrams(side, n) for side in (given, wanted)]
        hits = (grams[0] & grams[1]).total()
        if not hits:
            return 0.0
        logs += math.log(hits / grams[0].total()) / _LONGEST_NGRAM
    penalty = 1.0 if len(given) > len(wanted) else math.exp(1 - len(wanted) / len(given))
    return penalty * math.exp(logs)


def _ngrams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def meteor_of_equal_words(given: Sequence[str], wanted: Sequence[str]) -> float:
    """Returns METEOR where only equal words match, without case.

    >>> round(meteor_of_equal_words("the cat sat".split(), "The cat lay".split()), 3)
    0.625
    """
    places: dict[str, list[int]] = defaultdict(list)
    for index, word in enumerate(wanted):
        places[word.lower()].append(index)
    matches = []
    for index in range(len(given) - 1, -1, -1):  # the last equal word that is left
        if left := places.get(given[index].lower()):
            matches.append((index, left.pop()))
    if not matches:
        return 0.0
    matches.reverse()
    chunks = 1 + sum((a + 1, b + 1) != after for (a, b), after in pairwise(matches))
    precision, recall = len(matches) / len(given), len(matches) / len(wanted)
    average = precision * recall / (_ALPHA * precision + (1 - _ALPHA) * recall)
    return average * (1 - _GAMMA * (chunks / len(matches)) ** _BETA)


def _set_f1(given: Sequence[str], wanted: Sequence[str]) -> float:
    a, b = set(given), set(wanted)
    if not a or not b:
        return 0.0
    return f1(len(a & b) / len(a), len(a & b) / len(b))
