"""Relaxed accuracy of ChartQA: numbers within five percent, text as it stands.

Owns: the rule, and a variant in which years are exact. Does not own: finding a number in prose.

    answer, truth -> two numbers: relative error; else: equal text

"10%" is 0.1, so "12" does not meet "12%". "1,000" is text. A truth of 0 must be met as text.
Source: Methani et al. 2020 (PlotQA); pix2struct metrics.py, relaxed_correctness.
"""

import math
import re

from qvl.evaluation.scorers.score import Score
from qvl.options import shown

_TOLERANCE = 0.05
_YEAR = re.compile(r"\s*(?:1[5-9]|20)\d\d\s*")


def relaxed_accuracy(*, answer: str, truth: str) -> Score:
    """Scores 1 for a number within five percent of the truth, or for the same text.

    >>> [relaxed_accuracy(answer=a, truth="10").value for a in ("10.5", "10.51", "ten")]
    [1.0, 0.0, 0.0]
    """
    given, wanted = number(answer), number(truth)
    if given is None or not wanted:
        return _as_text(answer, truth)
    error = abs(given - wanted) / abs(wanted)
    return Score(
        value=float(error <= _TOLERANCE),
        why=f"{given:g} is off {wanted:g} by {100 * error:.1f}%",
    )


def relaxed_accuracy_strict_years(*, answer: str, truth: str, is_year: bool | None = None) -> Score:
    """Scores as `relaxed_accuracy`, but a year must be met exactly: five percent is a century.

    Source: google-research/pix2struct issue 35 reports 2010 counted as 1950.

    >>> relaxed_accuracy_strict_years(answer="1950", truth="2010").value
    0.0

    Args:
        answer: as the model wrote it.
        truth: as annotated.
        is_year: whether the truth is a year; None takes four digits from 1500 to 2099 for one.
    """
    if is_year if is_year is not None else _YEAR.fullmatch(truth):
        given, wanted = number(answer), number(truth)
        if given is not None and given == wanted:
            return Score(value=1.0, why=f"the year {shown(truth)}")
        return _as_text(answer, truth)
    return relaxed_accuracy(answer=answer, truth=truth)


def number(text: str) -> float | None:
    """Reads a text that is a number, perhaps in percent; None for any other text.

    >>> number("5%"), number("1e3"), number("1,000"), number("nan")
    (0.05, 1000.0, None, None)
    """
    try:
        value = float(text.rstrip().removesuffix("%"))
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return value / 100 if text.rstrip().endswith("%") else value


def _as_text(answer: str, truth: str) -> Score:
    same = answer.strip().lower() == truth.strip().lower()
    return Score(
        value=float(same),
        why=f"{shown(answer)} is {'' if same else 'not '}the text {shown(truth)}",
        is_parsed=bool(answer.strip()),
    )
