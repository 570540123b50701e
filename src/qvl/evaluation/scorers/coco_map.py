"""Mean average precision of detections, as COCO counts it.

Owns: matching by score, precision over recall, the means over overlaps, kinds and sizes. Does not
own: reading boxes (``tasks.detection``), the list of kinds.

    detections, truths -> per kind and image: best first, each takes the best free box
    -> precision at 101 recalls -> mean over overlaps .50 to .95 and over kinds

Models write no scores: all are 1 then, and the order of writing breaks the tie. Equal to
pycocotools' COCOeval on random data. Source: Lin et al. 2014; cocodataset/cocoapi cocoeval.py.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qvl.errors import DataError
from qvl.geometry import Box

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OVERLAPS: Floats = np.linspace(0.5, 0.95, 10)
_RECALLS: Floats = np.linspace(0.0, 1.0, 101)
_AREAS = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""Area in square pixels, both ends included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """A box that a model found."""

    image: Hashable
    kind: Hashable
    box: Box
    """In original_px."""
    score: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """A box that is there."""

    image: Hashable
    kind: Hashable
    box: Box
    """In original_px."""
    is_crowd: bool = False
    """Many objects in one box: detections in it are neither right nor wrong."""
    area: float | None = None
    """Of the object, in square pixels; None takes the box."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AveragePrecision:
    """Averages over the kinds that have a truth; None where there is none of that size."""

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    by_kind: dict[Hashable, float]
    """`ap` of each kind."""


def average_precision(
    *,
    detections: Sequence[Detection],
    truths: Sequence[Truth],
    max_detections: int = 100,
) -> AveragePrecision:
    """Returns the average precision of a set of images.

    >>> there = [Truth(image=1, kind="cat", box=Box(0, 0, 10, 10))]
    >>> found = [Detection(image=1, kind="cat", box=Box(0, 0, 10, 7.2))]
    >>> average_precision(detections=found, truths=there).ap
    0.5

    Args:
        detections: of all images, in the order in which each image's were written.
        truths: of all images; kinds that only detections have do not count.
        max_detections: per image and kind, the best ones. COCO takes 100, Qwen's evaluation of
            ODinW 1000.

    Raises:
        DataError: there are no truths.
    """
    if not truths:
        raise DataError("no boxes to find, expected at least one")
    found: dict[tuple[Hashable, Hashable], list[Detection]] = defaultdict(list)
    there: dict[tuple[Hashable, Hashable], list[Truth]] = defaultdict(list)
    for detection in detections:
        found[detection.kind, detection.image].append(detection)
    for truth in truths:
        there[truth.kind, truth.image].append(truth)
    kinds = list(dict.fromkeys(truth.kind for truth in truths))
    images = sorted({image for _, image in [*found, *there]}, key=repr)
    by_area: dict[str, dict[Hashable, Floats]] = {}
    for area, limits in _AREAS.items():
        by_area[area] = {}
        for kind in kinds:
            pages = [
                _match(found[kind, image], there[kind, image], limits, max_detections)
                for image in images
                if (kind, image) in found or (kind, image) in there
            ]
            precision = _precision(pages)
            if precision is not None:
                by_area[area][kind] = precision
    whole = by_area["all"]
    return AveragePrecision(
        ap=_mean(whole),
        ap50=_mean(whole, 0),
        ap75=_mean(whole, 5),
        ap_small=_mean(by_area["small"]),
        ap_medium=_mean(by_area["medium"]),
        ap_large=_mean(by_area["large"]),
        by_kind={kind: float(precision.mean()) for kind, precision in whole.items()},
    )


def _mean(precision: dict[Hashable, Floats], overlap: int | None = None) -> float | None:
    """Over kinds and overlaps, or at one overlap; None without kinds."""
    if not precision:
        return None
    values = np.stack(list(precision.values()))
    return float(values.mean() if overlap is None else values[:, overlap].mean())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Page:
    """One kind in one image, best detections first. D detections, 10 overlaps."""

    scores: Floats
    """float64[D]"""
    is_hit: Flags
    """bool[10, D]: took a truth."""
    is_ignored: Flags
    """bool[10, D]: neither right nor wrong."""
    num_truths: int
    """That count."""


def _match(
    found: Sequence[Detection],
    there: Sequence[Truth],
    limits: tuple[float, float],
    max_detections: int,
) -> _Page:
    """Each detection, best first, takes the best free truth; ignored truths only if no other."""
    found = sorted(found, key=lambda item: -item.score)[:max_detections]
    ignored = np.array([not _counts(truth, limits) for truth in there], dtype=bool)
    order = np.argsort(ignored, kind="stable")
    there, ignored = [there[i] for i in order], ignored[order]
    overlaps = _overlaps(found, there)
    crowd = [truth.is_crowd for truth in there]
    is_hit = np.zeros((len(OVERLAPS), len(found)), dtype=bool)
    is_ignored = np.zeros_like(is_hit)
    for level, least in enumerate(OVERLAPS):
        taken = [False] * len(there)
        for d in range(len(found)):
            best, partner = min(float(least), 1 - 1e-10), -1
            for t in range(len(there)):
                if taken[t] and not crowd[t]:
                    continue
                if partner >= 0 and not ignored[partner] and ignored[t]:
                    break
                if overlaps[d, t] >= best:
                    best, partner = overlaps[d, t], t
            if partner >= 0:
                taken[partner] = True
                is_hit[level, d] = True
                is_ignored[level, d] = ignored[partner]
    sizes = np.array([_area(item.box) for item in found])
    outside = (sizes < limits[0]) | (sizes > limits[1])
    is_ignored |= ~is_hit & outside
    return _Page(
        scores=np.array([item.score for item in found], dtype=np.float64),
        is_hit=is_hit,
        is_ignored=is_ignored,
        num_truths=int((~ignored).sum()),
    )


def _counts(truth: Truth, limits: tuple[float, float]) -> bool:
    area = _area(truth.box) if truth.area is None else truth.area
    return not truth.is_crowd and limits[0] <= area <= limits[1]


def _area(box: Box) -> float:
    return (box.x2 - box.x1) * (box.y2 - box.y1)


def _overlaps(found: Sequence[Detection], there: Sequence[Truth]) -> Floats:
    """float64[D, T]: common area over the union, in a crowd over the detection."""
    a = np.array([item.box for item in found], dtype=np.float64).reshape(-1, 1, 4)
    b = np.array([item.box for item in there], dtype=np.float64).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.maximum(sides, 0).prod(axis=-1)
    area_a, area_b = (
        (side[..., 2] - side[..., 0]) * (side[..., 3] - side[..., 1]) for side in (a, b)
    )
    crowd = np.array([item.is_crowd for item in there], dtype=bool)
    union = np.where(crowd, area_a, area_a + area_b - common)
    return np.divide(common, union, out=np.zeros(common.shape), where=union > 0)


def _precision(pages: Sequence[_Page]) -> Floats | None:
    """float64[10]: mean precision over 101 recalls, at each overlap; None without a truth."""
    num_truths = sum(page.num_truths for page in pages)
    if num_truths == 0:
        return None
    scores = np.concatenate([page.scores for page in pages])
    order = np.argsort(-scores, kind="stable")
    is_hit = np.concatenate([page.is_hit for page in pages], axis=1)[:, order]
    is_counted = ~np.concatenate([page.is_ignored for page in pages], axis=1)[:, order]
    right = np.cumsum(is_hit & is_counted, axis=1)
    wrong = np.cumsum(~is_hit & is_counted, axis=1)
    result = np.zeros(len(OVERLAPS))
    for level in range(len(OVERLAPS)):
        recall = right[level] / num_truths
        precision = right[level] / np.maximum(right[level] + wrong[level], 1)
        # The best precision at this recall or any higher one.
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(recall, _RECALLS, side="left")
        result[level] = precision[places[places < len(precision)]].sum() / len(_RECALLS)
    return result
