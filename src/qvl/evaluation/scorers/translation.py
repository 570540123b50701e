"""How close a translation comes to one reference: BLEU as sacrebleu counts it, and GLEU of Chinese.

Owns: sacrebleu's words (its tokenizer "13a"), smoothed BLEU-4, GLEU. Does not own: BLEU of a whole
set (``captions``), nor of OCRBench v2 (``long_reading``).

    answer, truth -> words -> equal runs of one to four words -> score

Source: sacrebleu 2.6 metrics/bleu.py and tokenizers/tokenizer_13a.py with their defaults (Post
2018); nltk gleu_score.py (Wu et al. 2016).
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from qvl.evaluation.scorers.long_reading import chinese_splitter
from qvl.evaluation.scorers.score import Score

_ORDERS = 4
_LONGEST = 20_000
"""Characters of an answer that are looked at."""
_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
_SPACED = (
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
"""Where words end, in this order; only ASCII's marks, a stop or comma not within a number."""


def smoothed_bleu(*, answer: str, truth: str) -> Score:
    """Scores from 0 to 1: BLEU-4 with exponential smoothing, case kept.

    >>> round(smoothed_bleu(answer="the cat sat on the mat", truth="the cat sat on a mat").value, 3)
    0.537
    >>> smoothed_bleu(answer="one two three", truth="one two three").value
    0.0

    Fewer than four words have no run of four, and score 0 even if all are right.

    Args:
        answer: whose words are counted.
        truth: in which they have to stand.
    """
    given, wanted = _words(answer[:_LONGEST]), _words(truth[:_LONGEST])
    logs, smoothing = 0.0, 1.0
    for order in range(1, _ORDERS + 1):
        a, b = _runs(given, order), _runs(wanted, order)
        hits = (a & b).total()
        if not a or (order == 1 and not hits):
            return Score(value=0.0, why="no word in common" if a else f"fewer than {order} words")
        if not hits:
            smoothing *= 2
        logs += math.log((hits or 1 / smoothing) / a.total())
    penalty = min(1.0, math.exp(1 - len(wanted) / len(given)))
    return Score(
        value=penalty * math.exp(logs / _ORDERS),
        why=f"{len(given)} words for {len(wanted)}",
    )


def chinese_gleu(*, answer: str, truth: str) -> Score:
    """Scores from 0 to 1: runs of one to four words in common / those of the longer side.

    Words are those under which a search engine would file the text, parts of words among them.

    Raises:
        MissingDependencyError: jieba is not installed.
    """
    split = chinese_splitter().cut_for_search
    given, wanted = (
        sum((_runs(words, order) for order in range(1, _ORDERS + 1)), Counter())
        for words in (list(split(text[:_LONGEST])) for text in (answer, truth))
    )
    common, most = (given & wanted).total(), max(given.total(), wanted.total())
    return Score(value=common / most if most else 0.0, why=f"{common} of {most} runs in common")


def _words(text: str) -> list[str]:
    """Words and marks, as sacrebleu's "13a" tells them apart.

    >>> _words('It cost 3,000.5 (or so), "she" said.')
    ['It', 'cost', '3,000.5', '(', 'or', 'so', ')', ',', '"', 'she', '"', 'said', '.']
    """
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, mark in _ENTITIES.items():
        text = text.replace(entity, mark)
    text = f" {text} "
    for pattern, spaced in _SPACED:
        text = pattern.sub(spaced, text)
    return text.split()


def _runs(words: Sequence[str], length: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + length]) for i in range(len(words) - length + 1))
