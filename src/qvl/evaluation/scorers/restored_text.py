"""Covered text that was restored: the part of an answer that is most like it.

Owns: the rule of VCR. Does not own what was asked.

    answer, truth -> tokens -> runs of as many tokens as the truth -> the likest -> equal? shared?

The reference splits with spaCy's English model; here every word and every mark of punctuation is a
token. Both sides are split alike, so only contractions and abbreviations count otherwise.
Source: Zhang et al. 2024 (arXiv 2406.06462); lmms-eval vcr_wiki/utils.py, by its authors.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from qvl.evaluation.scorers.score import Score
from qvl.options import shown

_TOKEN = re.compile(r"\w+|[^\w\s]")
_REFUSALS = ("I can't", "I cannot", "无法", "抱歉")
_LONGEST = 20_000
"""Characters of an answer that are looked at; a covered sentence has about a hundred."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoredScore(Score):
    """1 if the text was restored exactly, and how many of its words were."""

    jaccard: float
    """Words that both have over words that one has."""


def restored_text(*, answer: str, truth: str) -> RestoredScore:
    """Scores 1 if some run of words of the answer is the truth.

    >>> score = restored_text(answer="It says: the old oak tree.", truth="the old oak tre")
    >>> score.value, score.jaccard
    (0.0, 0.6)

    Args:
        answer: as the model wrote it; one that says it cannot is wrong.
        truth: one covered text.
    """
    if any(text in answer for text in _REFUSALS) or "sorry" in answer.lower():
        return RestoredScore(value=0.0, why="the answer refuses", is_parsed=False, jaccard=0.0)
    wanted = _TOKEN.findall(truth)
    likest = _likest(_TOKEN.findall(answer[:_LONGEST]), wanted, truth)
    if not likest:
        why = f"nothing of {shown(truth)} in {shown(answer)}"
        return RestoredScore(value=0.0, why=why, is_parsed=bool(answer.strip()), jaccard=0.0)
    given, there = set(likest), set(wanted)
    return RestoredScore(
        value=float(likest == wanted),
        why=f"{shown(' '.join(likest))} for {shown(truth)}",
        jaccard=len(given & there) / len(given | there),
    )


def _likest(given: list[str], wanted: list[str], truth: str) -> list[str]:
    """The first of the runs most like the truth; empty if none shares a token with it."""
    best, likest = 0.0, list[str]()
    matcher = SequenceMatcher(None)
    matcher.set_seq2(truth)
    there, seen = set(wanted), set[str]()
    for start in range(len(given) - len(wanted) + 1):
        run = given[start : start + len(wanted)]
        text = " ".join(run)
        if there.isdisjoint(run) or text in seen:
            continue
        seen.add(text)
        matcher.set_seq1(text)
        # Upper bounds, cheap first.
        if matcher.real_quick_ratio() <= best or matcher.quick_ratio() <= best:
            continue
        likeness = matcher.ratio()
        if likeness > best:
            best, likest = likeness, run
    return likest
