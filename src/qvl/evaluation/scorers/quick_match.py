"""Pairing of a page's blocks where a model breaks paragraphs elsewhere: OmniDocBench's quick_match.

Owns: joining blocks of the answer for one of the truth, joining blocks of the truth for one of the
answer, what is left over. Does not own: normal forms, distances of a page (``omnidocbench_page``).

    blocks of both sides -> good pairs set aside -> runs of answers joined -> cheapest pairs
    -> truths that stand inside an answer -> leftovers -> Match(truths, answers), ...

The outcome is that of the official code, with its oddities, because published numbers have them:
a truth without a partner counts twice where all answers have one, and answers are left out of the
count where more are left over than truths. The official code gives up after 30 seconds; here a
count of steps decides, so that a run gives the same on any machine.
Source: opendatalab/OmniDocBench utils/match_quick.py of version 1.0; VLMEvalKit OmniDocBench/utils.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qvl.evaluation.scorers.assignment import cheapest_pairs
from qvl.evaluation.scorers.edit_distance import (
    edit_distance,
    normalised_distance,
    stretch_distances,
)

# Source: match_quick.py.
_SURE, _HOPELESS, _PART_OF_TRUTH, _PART_OF_ANSWER = 0.25, 0.7, 0.6, 0.4
_MAX_STEPS = 6_000_000
"""Characters gone through to compare all blocks once, about a microsecond each; a dense newspaper
takes four million. Pages with more have whole blocks paired; of an answer that runs on and on the
first ones, the others are left over."""

Costs = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Match:
    """Blocks that stand for each other, by their places; one side may be empty."""

    truths: tuple[int, ...]
    answers: tuple[int, ...]


def quick_match(answers: Sequence[str], truths: Sequence[str]) -> list[Match]:
    """Returns which blocks stand for which.

    >>> quick_match(["abcdefgh", "ijklmnop"], ["abcdefghijklmnop"])
    [Match(truths=(0,), answers=(0, 1))]
    >>> quick_match(["abcdefghijklmnop"], ["abcdefgh", "ijklmnop"])
    [Match(truths=(0, 1), answers=(0,))]

    Args:
        answers: blocks of the answer in their normal form, in order, none of them empty.
        truths: blocks of the truth, the same.
    """
    if not truths:
        return [Match((), (index,)) for index in range(len(answers))]
    if not answers:
        return [Match((index,), ()) for index in range(len(truths))]
    if len(truths) == len(answers) == 1:
        return [Match((0,), (0,))]
    if _steps(answers, truths) > _MAX_STEPS:
        return whole_blocks(answers, truths)
    units = _joined(_costs(truths, answers), answers, truths)
    texts = [" ".join(answers[index] for index in unit) for unit in units]
    costs = _costs(truths, texts)
    # Truths by the answers they belong to, in the order in which they were found.
    found: dict[tuple[int, ...], list[int]] = {}
    partners = dict(cheapest_pairs(costs))
    alone = []
    for truth in range(len(truths)):
        unit = partners.get(truth)
        if unit is None or costs[truth, unit] > _HOPELESS:
            alone.append(truth)
        else:
            found.setdefault(units[unit], []).append(truth)
    _add_inner(found, alone, answers, truths)
    return _with_leftovers(found, answers, truths)


def whole_blocks(answers: Sequence[str], truths: Sequence[str]) -> list[Match]:
    """Pairs each block with one at most, as the official ``simple_match``; answers left over are
    one block.

    >>> whole_blocks(["b", "a", "c"], ["a", "b"])
    [Match(truths=(0,), answers=(1,)), Match(truths=(1,), answers=(0,)), Match(truths=(), \
answers=(2,))]
    """
    total = sum(map(len, truths))
    steps = np.cumsum([len(truths) * len(answer) + total for answer in answers])
    first = answers[: max(1, int(np.searchsorted(steps, _MAX_STEPS)))]
    partners = dict(cheapest_pairs(_costs(truths, first))) if answers and truths else {}
    matches = [
        Match((index,), (partners[index],) if index in partners else ())
        for index in range(len(truths))
    ]
    left = tuple(sorted(set(range(len(answers))) - set(partners.values())))
    return [*matches, Match((), left)] if left else matches


def _steps(answers: Sequence[str], truths: Sequence[str]) -> int:
    return sum(map(len, truths)) * len(answers) + sum(map(len, answers)) * len(truths)


def _costs(truths: Sequence[str], answers: Sequence[str]) -> Costs:
    """float64[truths, answers]: distances over the longer lengths."""
    return np.array([[normalised_distance(truth, text) for text in answers] for truth in truths])


def _joined(costs: Costs, answers: Sequence[str], truths: Sequence[str]) -> list[tuple[int, ...]]:
    """The answers in order, some of them joined because a truth needs them together."""
    sure = costs < _SURE
    open_truths = [i for i in range(len(truths)) if not sure[i].any()]
    taken = {j for j in range(len(answers)) if sure[:, j].any()}
    starts = [j for j in range(len(answers)) if j not in taken]
    wishes: list[tuple[tuple[int, ...], float]] = []
    for i in open_truths:
        runs = [_run(truths[i], answers, start, taken) for start in starts]
        if runs:
            texts = [" ".join(answers[j] for j in run) for run in runs]
            distances = [normalised_distance(truths[i], text) for text in texts]
            best = int(np.argmin(distances))
            wishes.append((runs[best], distances[best]))
    chosen = {run[0]: run for run in _compatible(wishes)}
    units: list[tuple[int, ...]] = []
    index = 0
    while index < len(answers):
        unit = chosen.get(index, (index,))
        units.append(unit)
        index += len(unit)
    return units


def _run(truth: str, answers: Sequence[str], start: int, taken: set[int]) -> tuple[int, ...]:
    """As many answers from a place on as bring them nearer to the truth."""
    stop = start + 1
    while stop < len(answers) and stop not in taken:
        # The cheap conditions first: a block longer than the truth is no part of it.
        if not _is_within(answers[stop], truth, _PART_OF_TRUTH):
            break
        if not all(
            _is_within(answers[j], truth, _PART_OF_TRUTH, or_equal=True) for j in range(start, stop)
        ):
            break
        shorter, longer = (" ".join(answers[start:end]) for end in (stop, stop + 1))
        if normalised_distance(truth, longer) > normalised_distance(truth, shorter):
            break
        stop += 1
        if len(longer) > len(truth):
            break
    return tuple(range(start, stop))


def _compatible(wishes: list[tuple[tuple[int, ...], float]]) -> list[tuple[int, ...]]:
    """Of wishes that overlap, those together that are cheapest on average."""
    groups: list[list[tuple[tuple[int, ...], float]]] = []
    for wish in sorted(wishes, key=lambda wish: wish[0][0]):
        if groups and any(set(wish[0]) & set(other[0]) for other in groups[-1]):
            groups[-1].append(wish)
        else:
            groups.append([wish])
    chosen: list[tuple[int, ...]] = []
    for group in groups:
        paths = [[group[0]]]
        for wish in group[1:]:
            is_placed = False
            for path in paths:
                same = next((other for other in path if other[0] == wish[0]), None)
                if same is not None:
                    is_placed = True
                    if same[1] > wish[1]:
                        path[path.index(same)] = wish
                elif not any(set(wish[0]) & set(other[0]) for other in path):
                    path.append(wish)
                    is_placed = True
            if not is_placed:
                paths.append([wish])
        best = min(paths, key=lambda path: sum(cost for _, cost in path) / len(path))
        chosen += [run for run, _ in best]
    return chosen


def _add_inner(
    found: dict[tuple[int, ...], list[int]],
    alone: Sequence[int],
    answers: Sequence[str],
    truths: Sequence[str],
) -> None:
    """Gives truths without a partner to an answer that they stand in."""
    placed = {truth for group in found.values() for truth in group}
    for index, answer in enumerate(answers):
        inner = [i for i in alone if _is_within(truths[i], answer, _PART_OF_ANSWER)]
        if inner:
            group = found.setdefault((index,), [])
            group += [truth for truth in inner if truth not in placed]
            placed |= set(inner)


def _with_leftovers(
    found: dict[tuple[int, ...], list[int]], answers: Sequence[str], truths: Sequence[str]
) -> list[Match]:
    matches = [Match(tuple(sorted(set(group))), unit) for unit, group in found.items() if group]
    matched = {truth for match in matches for truth in match.truths}
    used = {index for unit in found for index in unit}
    missing = [i for i in range(len(truths)) if i not in matched]
    left = [j for j in range(len(answers)) if j not in used]
    if left and missing:
        edits = np.array([[edit_distance(truths[i], answers[j]) for j in left] for i in missing])
        pairs = dict(cheapest_pairs(edits.astype(np.float64)))
        matches += [Match((missing[i],), (left[j],)) for i, j in pairs.items()]
        return [*matches, *(Match((t,), ()) for i, t in enumerate(missing) if i not in pairs)]
    if left:
        return [*matches, Match((), tuple(left))]
    return [*matches, *(Match((truth,), ()) for truth in missing for _ in range(2))]


def _is_within(piece: str, text: str, limit: float, *, or_equal: bool = False) -> bool:
    """Whether a stretch of the text, as long as the piece, is nearer to it than the limit.

    The nearest stretch of any length is found in one pass. It is at most as far as the nearest of
    that length, which in turn is at most twice as far.
    """
    if not piece or len(piece) > len(text):
        return False
    bound = limit * len(piece)
    nearest = min(stretch_distances(piece, text))
    if nearest > bound or (nearest == bound and not or_equal):
        return False
    if 2 * nearest < bound:
        return True
    least = min(
        edit_distance(text[start : start + len(piece)], piece)
        for start in range(len(text) - len(piece) + 1)
    )
    share = least / len(piece)
    return share <= limit if or_equal else share < limit
