"""Average normalised Levenshtein similarity: reading, with some tolerance for single characters.

Owns: the rule of the evaluation scripts and that of the paper, which differ at the threshold.
Does not own: the distance.

    answer, truths -> lower case, single spaces -> 1 - distance / length -> 0 below one half

Used by DocVQA, InfoVQA and ST-VQA.
"""

from collections.abc import Sequence

from qvl.errors import DataError
from qvl.evaluation.scorers.edit_distance import edit_distance
from qvl.evaluation.scorers.score import Score
from qvl.options import shown

_THRESHOLD = 0.5
"""Below this likeness an answer is taken as wrong, not as misread. Source: Biten et al. 2019."""


def anls(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores an answer by the rule of the evaluation scripts.

    A likeness of exactly one half counts. The length that the distance is divided by is that of
    the texts as they came, with all their spaces.
    Source: Qwen-VL eval_mm/infographicsvqa_eval.py.

    >>> anls(answer="abxy", truths=["abcd"]).value, anls(answer="HELO", truths=["hello"]).value
    (0.5, 0.8)

    Args:
        answer: as the model wrote it.
        truths: accepted answers; the nearest one counts.

    Raises:
        DataError: there are no truths.
    """
    likeness, nearest = _nearest(answer, truths, lengths_as_given=True)
    return _score(likeness if likeness >= _THRESHOLD else 0.0, likeness, nearest, answer)


def anls_paper(*, answer: str, truths: Sequence[str]) -> Score:
    """Scores an answer by the rule of the paper.

    A likeness of exactly one half does not count, and lengths are those of the texts compared.
    Source: Biten et al. 2019, Scene text visual question answering, equation 1.

    >>> anls_paper(answer="abxy", truths=["abcd"]).value
    0.0

    Raises:
        DataError: there are no truths.
    """
    likeness, nearest = _nearest(answer, truths, lengths_as_given=False)
    return _score(likeness if likeness > _THRESHOLD else 0.0, likeness, nearest, answer)


def _nearest(answer: str, truths: Sequence[str], *, lengths_as_given: bool) -> tuple[float, str]:
    """The greatest likeness to a truth, and that truth. Hopeless pairs are not compared."""
    if not truths:
        raise DataError("a question without answers, expected at least one")
    given = _spaced(answer)
    best, nearest = 0.0, truths[0]
    for truth in truths:
        wanted = _spaced(truth)
        pair = (truth, answer) if lengths_as_given else (wanted, given)
        length = max(len(text) for text in pair)
        if length and abs(len(wanted) - len(given)) > _THRESHOLD * length:
            continue
        likeness = 1 - edit_distance(wanted, given) / length if length else 1.0
        if likeness > best:
            best, nearest = likeness, truth
    return best, nearest


def _spaced(text: str) -> str:
    return " ".join(text.lower().split())


def _score(value: float, likeness: float, nearest: str, answer: str) -> Score:
    return Score(
        value=value,
        why=f"{shown(answer)} is {100 * likeness:.0f}% like {shown(nearest)}"
        if likeness >= _THRESHOLD
        else f"{shown(answer)} is less than half like {shown(nearest)}",
        is_parsed=bool(answer.strip()),
    )
