"""Points: inside a mask, inside an element of a screen.

Owns: hits, and the means of ScreenSpot and ScreenSpot-Pro. Does not own: reading points
(``tasks.grounding``, ``tasks.agent``).

    points of an answer in original_px -> mask or box -> hit or miss -> means by platform and kind
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qvl.errors import DataError
from qvl.evaluation.scorers.score import Score, mean
from qvl.geometry import Box, Point

Mask = npt.NDArray[np.bool_]
"""bool[H, W], True on the object."""


def point_in_mask(*, points: Sequence[Point], mask: Mask) -> Score:
    """Scores the first point of an answer: 1 if it lies on the object.

    Source: PointArena's Point-Bench, as in lmms-eval pointbench/utils.py.

    >>> point_in_mask(points=[Point(1.5, 0.2)], mask=np.array([[False, True]])).value
    1.0
    """
    if not points:
        return _no_point()
    return _hit(on_mask(points[0], mask), points[0], "the object")


def points_in_mask(*, points: Sequence[Point], mask: Mask, count: int) -> Score:
    """Scores counting by pointing: 1 if all points lie on objects and their number is right.

    Two points on one object are not told apart; a mask per object is needed for that, see
    `points_in_masks`. Source: as `point_in_mask`, category counting.
    """
    if not points:
        return _no_point() if count else Score(value=1.0, why="nothing to point at")
    hits = sum(on_mask(point, mask) for point in points)
    return Score(
        value=float(hits == len(points) == count),
        why=f"{hits} of {len(points)} points on objects, {count} objects",
    )


def points_in_masks(*, points: Sequence[Point], masks: Sequence[Mask]) -> Score:
    """Scores points on objects: F1 of objects that hold a point and points that hit a new object.

    >>> left, right = np.array([[True, False]]), np.array([[False, True]])
    >>> points_in_masks(points=[Point(0, 0), Point(0.5, 0.5)], masks=[left, right]).value
    0.5
    """
    left = dict(enumerate(masks))
    for point in points:
        held = next((index for index, mask in left.items() if on_mask(point, mask)), None)
        if held is not None:
            del left[held]
    hits = len(masks) - len(left)
    total = len(points) + len(masks)
    return Score(
        value=2 * hits / total if total else 1.0,
        why=f"{hits} of {len(masks)} objects, {len(points)} points",
        is_parsed=bool(points) or not masks,
    )


def on_mask(point: Point, mask: Mask) -> bool:
    """Whether a point lies on a True pixel; a point outside the picture does not."""
    height, width = mask.shape
    if not (0 <= point.x < width and 0 <= point.y < height):
        return False
    return bool(mask[int(point.y), int(point.x)])


def screenspot(*, point: Point | None, truth: Box) -> Score:
    """Scores a click: 1 if it lies in the element, borders included.

    Source: njucckevin/SeeClick pretrain/screenspot_test.py. ScreenSpot's files give x, y, width,
    height, those of ScreenSpot-Pro the corners.

    >>> screenspot(point=Point(10, 5), truth=Box(0, 0, 10, 10)).value
    1.0

    Args:
        point: of the answer in original_px, the middle if it gave a box; None is a miss.
        truth: corners of the element, in original_px.
    """
    if point is None:
        return _no_point()
    return _hit(holds(truth, point), point, "the element")


def holds(box: Box, place: Point) -> bool:
    """Whether a place lies in a box or on its edge."""
    return box.x1 <= place.x <= box.x2 and box.y1 <= place.y <= box.y2


def middle(box: Box) -> Point:
    """The point that a box stands for."""
    return Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScreenSpotMeans:
    """Accuracy of a run, 0 to 1."""

    average: float
    """Mean over the six pairs of platform and kind; what ScreenSpot reports."""
    pooled: float
    """Over all questions; what ScreenSpot-Pro reports."""
    by_group: Mapping[tuple[str, str], float]
    """Of each platform ("mobile") and kind ("text", "icon")."""
    by_kind: Mapping[str, float]
    """Over all questions of a kind."""


def screenspot_means(records: Sequence[tuple[str, str, Score]]) -> ScreenSpotMeans:
    """Returns the means of a run. Each question counts once.

    Args:
        records: platform, kind of element, score.

    Raises:
        DataError: there are no records.
    """
    if not records:
        raise DataError("nothing was scored, expected at least one answer")
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    kinds: dict[str, list[float]] = defaultdict(list)
    for platform, kind, score in records:
        groups[platform, kind].append(score.value)
        kinds[kind].append(score.value)
    by_group = {group: mean(values) for group, values in sorted(groups.items())}
    return ScreenSpotMeans(
        average=mean(list(by_group.values())),
        pooled=mean([score.value for _, _, score in records]),
        by_group=by_group,
        by_kind={kind: mean(values) for kind, values in sorted(kinds.items())},
    )


def _hit(is_inside: bool, point: Point, target: str) -> Score:
    place = f"({point.x:.0f}, {point.y:.0f})"
    return Score(value=float(is_inside), why=f"{place} is {'on' if is_inside else 'off'} {target}")


def _no_point() -> Score:
    return Score(value=0.0, why="no point in the answer", is_parsed=False)
