"""OCRBench, first version: the truth occurs somewhere in the answer.

Owns: the rule of texts, that of formulas, the points of the whole benchmark. Does not own: version
two (``key_values``, ``teds`` and others).

    answer, truths -> normal form -> contained? -> points out of 1000, by group

An answer that repeats everything it sees scores well; that is the rule.
Source: Yuliang-Liu/MultimodalOCR OCRBench; VLMEvalKit image_vqa.py, class OCRBench.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qvl.errors import DataError
from qvl.evaluation.scorers.score import Score
from qvl.options import shown

GROUPS: Mapping[str, str] = {
    "Regular Text Recognition": "Text Recognition",
    "Irregular Text Recognition": "Text Recognition",
    "Artistic Text Recognition": "Text Recognition",
    "Handwriting Recognition": "Text Recognition",
    "Digit String Recognition": "Text Recognition",
    "Non-Semantic Text Recognition": "Text Recognition",
    "Scene Text-centric VQA": "Scene Text-centric VQA",
    "Doc-oriented VQA": "Doc-oriented VQA",
    "Key Information Extraction": "Key Information Extraction",
    "Handwritten Mathematical Expression Recognition": (
        "Handwritten Mathematical Expression Recognition"
    ),
}
"""Kind of question -> group; the groups have 300, 200, 200, 200 and 100 questions."""

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""Full-width ASCII and the ideographic space, which Chinese input methods write."""


def ocrbench_text(*, answer: str, truths: Sequence[str], folds_full_width: bool = False) -> Score:
    """Scores 1 if a truth occurs in the answer, without case.

    >>> ocrbench_text(answer="The word is centre.", truths=["CENTRE"]).value
    1.0

    Args:
        answer: as the model wrote it.
        truths: accepted answers.
        folds_full_width: take full-width letters for plain ones. lmms-eval does, the official
            code and VLMEvalKit do not.

    Raises:
        DataError: there are no truths.
    """

    def normalise(text: str) -> str:
        folded = text.translate(_HALF_WIDTH) if folds_full_width else text
        return folded.lower().strip().replace("\n", " ")

    return _contains(normalise(answer), [normalise(truth) for truth in truths])


def ocrbench_formula(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores 1 if a formula occurs in the answer, with case and without spaces (HME100k).

    >>> ocrbench_formula(answer="It is \\\\frac {1} {2}", truths=["\\\\frac{1}{2}"]).value
    1.0

    Raises:
        DataError: there are no truths.
    """

    def normalise(text: str) -> str:
        return text.strip().replace("\n", " ").replace(" ", "")

    return _contains(normalise(answer), [normalise(truth) for truth in truths])


def _contains(given: str, truths: Sequence[str]) -> Score:
    if not truths:
        raise DataError("a question without answers, expected at least one")
    for truth in truths:
        if truth in given:
            return Score(value=1.0, why=f"the answer contains {shown(truth)}")
    return Score(
        value=0.0,
        why=f"the answer does not contain {' or '.join(shown(truth) for truth in truths[:3])}",
        is_parsed=bool(given),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class OCRBenchPoints:
    """Points of the whole benchmark."""

    total: int
    groups: Mapping[str, int]


def ocrbench_points(records: Iterable[tuple[str, Score]]) -> OCRBenchPoints:
    """Returns the points of a run: one for each question that was right.

    Args:
        records: kind of question, as in `GROUPS`, and its score.

    Raises:
        DataError: a kind of question is unknown.
    """
    groups = dict.fromkeys(GROUPS.values(), 0)
    for kind, score in records:
        if kind not in GROUPS:
            raise DataError(f"kind of question is {shown(kind)}, expected one of {list(GROUPS)}")
        groups[GROUPS[kind]] += round(score.value)
    return OCRBenchPoints(total=sum(groups.values()), groups=groups)
