"""Sets of multiple-choice questions: by group, and asked in circles.

Owns: accuracy by group, MMBench's circular evaluation. Does not own: reading a letter.

    (group, score) -> accuracy of each group and over all
    (question, score) of all rotations -> right only if every rotation is -> accuracy
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from qvl.errors import DataError
from qvl.evaluation.scorers.score import Score, mean

ROTATION_STEP = 1_000_000
"""Rotations of a question share their index modulo this. Source: VLMEvalKit multiple_choice.py."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupedAccuracy:
    """Accuracy of a run, 0 to 1."""

    overall: float
    """Over all questions."""
    mean_of_groups: float
    """Groups weigh the same."""
    by_group: Mapping[Hashable, float]
    num_unparsed: int


def grouped_accuracy(records: Sequence[tuple[Hashable, Score]]) -> GroupedAccuracy:
    """Returns the accuracy of each group of questions and of all.

    Args:
        records: group of a question, such as the length of its video, and its score.

    Raises:
        DataError: there are no records.
    """
    groups: dict[Hashable, list[float]] = defaultdict(list)
    for group, score in records:
        groups[group].append(score.value)
    by_group = {group: mean(values) for group, values in groups.items()}
    return GroupedAccuracy(
        overall=mean([score.value for _, score in records]),
        mean_of_groups=mean(list(by_group.values())),
        by_group=by_group,
        num_unparsed=sum(not score.is_parsed for _, score in records),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CircularAccuracy:
    """Accuracy of questions that were asked with their options in every rotation."""

    circular: float
    """Share of questions that were right each time."""
    vanilla: float
    """Share of the first rotations that were right."""
    num_questions: int
    num_unparsed: int
    """Rotations without a choice. One of them fails its question, however well the rest went."""


def circular_accuracy(records: Sequence[tuple[int, Score]]) -> CircularAccuracy:
    """Returns the accuracy over questions whose rotations share an index modulo a million.

    >>> right, wrong = Score(value=1, why=""), Score(value=0, why="")
    >>> circular_accuracy([(7, right), (1_000_007, wrong), (8, right)]).circular
    0.5

    Args:
        records: index of a rotation and its score.

    Raises:
        DataError: there are no records, or an index comes twice.
    """
    questions: dict[int, dict[int, float]] = defaultdict(dict)
    for index, score in records:
        rotations = questions[index % ROTATION_STEP]
        if index in rotations:
            raise DataError(f"two scores for the question {index}, expected one")
        rotations[index] = score.value
    return CircularAccuracy(
        circular=mean([float(all(value == 1 for value in r.values())) for r in questions.values()]),
        vanilla=mean([rotations[min(rotations)] for rotations in questions.values()]),
        num_questions=len(questions),
        num_unparsed=sum(not score.is_parsed for _, score in records),
    )
