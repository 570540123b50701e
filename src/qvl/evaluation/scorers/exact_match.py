"""Equality of whole answers.

Owns: the two kinds of equality that benchmarks use. Does not own: reading a number or a letter out
of an answer.

    answer, truth -> both normalised -> equal or not
"""

from collections.abc import Sequence

from qvl.evaluation.scorers.score import Score
from qvl.options import shown


def exact_match(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores 1 if the answer is one of the truths, without case and without space at the ends.

    Source: GQA and OCR-VQA as scored by VLMEvalKit and lmms-eval.

    >>> exact_match(answer=" Yes", truths=["yes"]).value
    1.0
    """
    wanted = {truth.strip().lower() for truth in truths}
    return _score(answer.strip().lower(), wanted, answer)


def exact_match_verbatim(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores 1 if the answer is one of the truths, character by character but for the ends."""
    return _score(answer.strip(), {truth.strip() for truth in truths}, answer)


def _score(given: str, wanted: set[str], answer: str) -> Score:
    if given in wanted:
        return Score(value=1.0, why=f"{shown(answer)} is the truth")
    return Score(
        value=0.0,
        why=f"{shown(answer)} is not {' or '.join(shown(truth) for truth in sorted(wanted)[:3])}",
        is_parsed=bool(given),
    )
