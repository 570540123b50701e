"""Yes or no: reading the answer, and the figures of MME, POPE and HallusionBench.

Owns: three readings, three sets of figures. Does not own: other multiple choice.

    answer -> "yes", "no" or None -> Score, or a record -> figures of a set
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qvl.errors import DataError
from qvl.evaluation.scorers.score import Score, f1, mean
from qvl.options import shown

YesNo = Literal["yes", "no"]

_WORD = re.compile(r"\b(yes|no)\b|(是的|是)|(不是|否|没有)", re.IGNORECASE)


def read_yes_no(answer: str) -> YesNo | None:
    """Returns the only one of the two words that an answer holds; None if none or both.

    Source: VLMEvalKit utils/yorn.py, YOrN_Extraction; that reads English only.

    >>> [read_yes_no(text) for text in ("Yes, it is.", "There is no dog", "maybe", "yes or no")]
    ['yes', 'no', None, None]
    """
    found: set[YesNo] = set()
    for english, yes, _ in _WORD.findall(answer):
        word = english.lower() if english else "yes" if yes else "no"
        found.add("yes" if word == "yes" else "no")
    return found.pop() if len(found) == 1 else None


def read_yes_no_exact(answer: str) -> YesNo | None:
    """Returns the answer if it is one of the two words and nothing else: "Yes." is not.

    Source: lmms-eval pope/utils.py.
    """
    word = answer.strip().lower()
    return "yes" if word == "yes" else "no" if word == "no" else None


def read_yes_no_pope(answer: str) -> YesNo:
    """Returns "no" if the first sentence has "no", "No" or "not" as a word; else "yes".

    Whatever is not a denial is a yes, an empty answer too.
    Source: AoiDragon/POPE evaluate.py.

    >>> read_yes_no_pope("It is not there. Yes."), read_yes_no_pope("maybe")
    ('no', 'yes')
    """
    words = answer.split(".")[0].replace(",", "").split(" ")
    return "no" if {"No", "not", "no"} & set(words) else "yes"


def yes_no(*, answer: str, truth: YesNo) -> Score:
    """Scores 1 if an answer says what is true; one that cannot be read is wrong."""
    given = read_yes_no(answer)
    return Score(
        value=float(given == truth),
        why=f"neither yes nor no in {shown(answer)}"
        if given is None
        else f"said {given}, expected {truth}",
        is_parsed=given is not None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class YesNoFigures:
    """Figures of a set, 0 to 1; "yes" is the positive answer."""

    accuracy: float
    """Unread answers are wrong."""
    precision: float
    recall: float
    f1: float
    """Unread answers count as "no"."""
    yes_ratio: float
    """Share of answers that said yes."""
    num_unparsed: int


def yes_no_figures(records: Sequence[tuple[YesNo | None, YesNo]]) -> YesNoFigures:
    """Returns POPE's figures for a set of answers.

    Source: POPE (Li et al. 2023); VLMEvalKit utils/yorn.py, POPE_rating.

    >>> yes_no_figures([("yes", "yes"), (None, "yes"), ("no", "no")]).recall
    0.5

    Args:
        records: what was read, and what is true. Of POPE's three splits give one at a time, and
            average their figures.

    Raises:
        DataError: there are no records.
    """
    true_yes = sum(given == truth == "yes" for given, truth in records)
    said_yes = sum(given == "yes" for given, _ in records)
    is_yes = sum(truth == "yes" for _, truth in records)
    precision = true_yes / said_yes if said_yes else 0.0
    recall = true_yes / is_yes if is_yes else 0.0
    return YesNoFigures(
        accuracy=mean([float(given == truth) for given, truth in records]),
        precision=precision,
        recall=recall,
        f1=f1(precision, recall),
        yes_ratio=said_yes / len(records),
        num_unparsed=sum(given is None for given, _ in records),
    )


MME_GROUPS: Mapping[str, tuple[str, ...]] = {
    "perception": (
        "existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark",
        "artwork", "OCR",
    ),
    "cognition": (
        "commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning",
    ),
}  # fmt: skip
"""The sub-tasks of MME; each has 200 points, so perception has 2000 and cognition 800."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MMEPoints:
    """Points of MME."""

    perception: float
    cognition: float
    by_task: Mapping[str, float]
    """0 to 200: percent of questions right, plus percent of pictures with both right."""

    @property
    def total(self) -> float:
        """Out of 2800."""
        return self.perception + self.cognition


def mme_points(records: Sequence[tuple[str, Hashable, Score]]) -> MMEPoints:
    """Returns the points of a run of MME.

    Source: Fu et al. 2023, MME; VLMEvalKit utils/yorn.py, MME_rating.

    Args:
        records: sub-task as in `MME_GROUPS`, picture, score; two of each picture.

    Raises:
        DataError: a sub-task is unknown, or a picture has not two questions.
    """
    tasks: dict[str, dict[Hashable, list[float]]] = defaultdict(lambda: defaultdict(list))
    known = [task for group in MME_GROUPS.values() for task in group]
    for task, picture, score in records:
        if task not in known:
            raise DataError(f"sub-task of MME is {shown(task)}, expected one of {known}")
        tasks[task][picture].append(score.value)
    points = {}
    for task, pictures in tasks.items():
        for picture, values in pictures.items():
            if len(values) != 2:
                raise DataError(
                    f"picture {shown(picture)} of {task} has {len(values)} answers, expected 2"
                )
        accuracy = mean([value for values in pictures.values() for value in values])
        both = mean([float(min(values) == 1) for values in pictures.values()])
        points[task] = 100 * (accuracy + both)
    sums = {
        group: sum(points.get(task, 0.0) for task in members)
        for group, members in MME_GROUPS.items()
    }
    return MMEPoints(perception=sums["perception"], cognition=sums["cognition"], by_task=points)


@dataclass(frozen=True, kw_only=True, slots=True)
class HallusionRecord:
    """The score of one question of HallusionBench, and where it belongs."""

    score: Score
    category: Hashable
    """The second level, such as "chart"."""
    set_id: Hashable
    figure_id: Hashable
    question_id: Hashable


@dataclass(frozen=True, kw_only=True, slots=True)
class HallusionFigures:
    """Figures of HallusionBench, 0 to 1."""

    all_accuracy: float
    """aAcc: questions."""
    figure_accuracy: float
    """fAcc: figures of which every question was right."""
    question_accuracy: float
    """qAcc: questions that were right about every figure."""

    @property
    def mean(self) -> float:
        """The mean of the three, which is reported."""
        return (self.all_accuracy + self.figure_accuracy + self.question_accuracy) / 3


def hallusion_figures(records: Sequence[HallusionRecord]) -> HallusionFigures:
    """Returns the figures of a run of HallusionBench.

    Source: Guan et al. 2024, HallusionBench; VLMEvalKit utils/yorn.py, Hallusion_rating.

    Raises:
        DataError: there are no records.
    """
    figures: dict[Hashable, list[float]] = defaultdict(list)
    questions: dict[Hashable, list[float]] = defaultdict(list)
    for record in records:
        figures[record.category, record.set_id, record.figure_id].append(record.score.value)
        questions[record.category, record.set_id, record.question_id].append(record.score.value)
    return HallusionFigures(
        all_accuracy=mean([record.score.value for record in records]),
        figure_accuracy=mean([float(min(values) == 1) for values in figures.values()]),
        question_accuracy=mean([float(min(values) == 1) for values in questions.values()]),
    )
