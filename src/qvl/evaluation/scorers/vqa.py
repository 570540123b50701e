"""VQA accuracy: how many of ten people gave this answer.

Owns: both normal forms of an answer, and the vote. Does not own: the contractions (a table of
their own).

    answer, ten human answers -> normal forms -> for each person: min(1, others who agree / 3)
    -> mean over the people

`vqa_v2` is the rule of VQA v2; `evalai_vqa` the stricter cleaning of the EvalAI servers, which
TextVQA, VizWiz and ST-VQA use. Source: VQA v2 evaluation code, vqaEval.py (as copied in Qwen-VL
eval_mm/vqa_eval.py); lmms-eval vqa_eval_metric.py.
"""

import re
from collections import Counter
from collections.abc import Sequence

from qvl.errors import DataError
from qvl.evaluation.scorers.contractions import CONTRACTIONS
from qvl.evaluation.scorers.score import Score
from qvl.options import shown

_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
} | {"none": "0"}
_ARTICLES = frozenset(("a", "an", "the"))
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
# The reference means to spare the points of numbers by a look-behind, but misspells it.
_PERIOD = re.compile(r"\.(?!\d)")
_PERIODS_REMOVED = 32
"""The reference passes the flag re.UNICODE, 32, where the number of replacements belongs."""


def vqa_v2(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores an answer by the rule of VQA v2.

    The truths lose their punctuation, and only if they are not all the same; articles and number
    words are changed in the answer alone. So "the red" among the truths can never be met.

    >>> round(vqa_v2(answer="Two.", truths=["2"] * 3 + ["3"] * 7).value, 3)
    0.9

    Args:
        answer: as the model wrote it.
        truths: the human answers, usually ten.

    Raises:
        DataError: there are no truths.
    """
    given = without_articles(without_punctuation(_one_line(answer)))
    different = set(truths)
    if len(different) == 1:
        return _vote(given, truths)
    forms = {truth: without_punctuation(truth) for truth in different}
    return _vote(given, [forms[truth] for truth in truths])


def evalai_vqa(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores an answer by the rule of TextVQA, VizWiz and ST-VQA: both sides are normalised.

    >>> evalai_vqa(answer="Red", truths=["the red"] * 4 + ["blue"] * 6).value
    1.0

    Args:
        answer: as the model wrote it.
        truths: the human answers, usually ten.

    Raises:
        DataError: there are no truths.
    """
    forms = {truth: normalise_evalai(truth) for truth in set(truths)}
    return _vote(normalise_evalai(answer), [forms[truth] for truth in truths])


def normalise_evalai(text: str) -> str:
    """Returns the form in which the EvalAI servers compare answers.

    >>> normalise_evalai("1,000"), normalise_evalai("well-known"), normalise_evalai("U.S.A.")
    ('1000', 'well known', 'usa')
    """
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    return without_articles(without_punctuation(_one_line(text)))


def without_punctuation(text: str) -> str:
    """Returns a text without its punctuation, each mark deleted or replaced by a space.

    A mark is deleted if it stands beside a space somewhere in the text, or if the text has a
    comma between digits. Full stops go unless a digit follows.
    """
    comma_in_number = _COMMA_IN_NUMBER.search(text) is not None
    cleaned = text
    for mark in _PUNCTUATION:
        if mark not in text:
            continue
        beside_space = f"{mark} " in text or f" {mark}" in text
        cleaned = cleaned.replace(mark, "" if beside_space or comma_in_number else " ")
    return _PERIOD.sub("", cleaned, count=_PERIODS_REMOVED)


def without_articles(text: str) -> str:
    """Returns a text in lower case without articles, number words as digits, contractions spelt."""
    words = (_NUMBERS.get(word, word) for word in text.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _vote(given: str, truths: Sequence[str]) -> Score:
    """Leave each person out in turn, and count those of the others who agree."""
    if not truths:
        raise DataError("a question without human answers, expected at least one")
    agreeing = Counter(truths)[given]
    # A person who agrees is left out of their own count.
    value = agreeing * min(1.0, (agreeing - 1) / 3)
    value += (len(truths) - agreeing) * min(1.0, agreeing / 3)
    return Score(
        value=value / len(truths),
        why=f"{agreeing} of {len(truths)} people said {shown(given)}",
        is_parsed=bool(given),
    )
